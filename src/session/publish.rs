//! `basic.publish`: from the frames to the queues.

use std::sync::{Arc, OnceLock};

use leveret_proto::code::ReplyCode;
use leveret_proto::connection::{Body, Publish};
use leveret_proto::content::{self, Facts as Found};
use leveret_proto::exception::Exception;
use leveret_proto::value::{FieldTable, FieldValue};

use super::Core;
use super::channel::{Channel, Mode};
use super::route_cache::Known;
use super::tx::Publication;
use crate::broker::authority::Ruling;
use crate::broker::connection::add;
use crate::broker::error::{BrokerError, Resource};
use crate::broker::event::Event;
use crate::broker::exchange::{Exchange, ExchangeKind, Route, extra_keys, fixed_route, route};
use crate::broker::message::{BadProperties, Facts, Message, Parts, headers};
use crate::broker::permission::{Access, topic_refused};
use crate::broker::publish::{Outcome, publish};
use crate::broker::queue::Queue;
use crate::broker::settings::RatesMode;
use crate::broker::trace;

/// Class and method id of `basic.publish`.
const PUBLISH: (u16, u16) = (60, 40);

impl Core {
    pub(super) fn basic_publish(&mut self, it: &Publish<'_>) -> Result<(), Exception> {
        self.publish_one(it).map_err(|exception| match exception {
            // RabbitMQ's decoder crashes on these, and names no method.
            exception if exception.is_crash() => exception,
            exception => exception.on(PUBLISH.0, PUBLISH.1),
        })
    }

    fn publish_one(&mut self, it: &Publish<'_>) -> Result<(), Exception> {
        if it.immediate {
            return Err(Exception::new(ReplyCode::NOT_IMPLEMENTED, "immediate=true"));
        }
        let found = content::scan(it.properties)
            .map_err(|_| Exception::new(ReplyCode::INTERNAL_ERROR, ""))?;
        let route = self.find_route(it, &found)?;
        let facts = Facts::of(&found, it.properties).map_err(|bad| bad_properties(&bad))?;
        self.check_user_id(it, &found)?;
        self.check_delivery_mode(&facts)?;
        let sent_on = match self.broker.settings.interceptors.are_set() {
            false => self.sent_on(it.channel, it.properties, &found)?,
            true => Some(self.intercepted(it.channel, it.properties, &found)?),
        };
        let (properties, facts) = match &sent_on {
            None => (it.properties, facts),
            Some(raw) => (
                &raw[..],
                Facts::read(raw).map_err(|bad| bad_properties(&bad))?,
            ),
        };
        let parts = Parts {
            exchange: it.exchange,
            routing_key: it.routing_key,
            properties,
        };
        let message = Arc::new(match &it.body {
            Body::Slice(body) => Message::pack(&mut self.fx.packer, parts, facts, body, self.tick),
            Body::Owned(body) => {
                Message::adopt(&mut self.fx.packer, parts, facts, body.clone(), self.tick)
            }
        });
        self.touch(it.channel);
        let tx_max = self.broker.settings.channel_tx_message_max;
        let channel = self.channel(it.channel)?;
        channel.fresh.publish += 1;
        channel.fresh.sizes.count(it.body.len() as u64);
        let publication = Publication {
            route,
            message,
            mandatory: it.mandatory,
        };
        if let Mode::Tx(tx) = &mut channel.mode {
            return tx.publish(publication, tx_max);
        }
        let outcome = self.route_publication(it.channel, &publication);
        if outcome.failed {
            return Err(Exception::new(ReplyCode::INTERNAL_ERROR, ""));
        }
        self.count_confirm(it.channel, outcome);
        Ok(())
    }

    /// Offer a message to its queues, or return it. Also at commit.
    pub(super) fn route_publication(&mut self, channel: u16, it: &Publication) -> Outcome {
        let known = &it.route;
        add(&known.exchange.published_in, 1);
        let anew;
        let (queues, is_refused): (&[Arc<Queue>], bool) = match &known.queues {
            Some(queues) => (queues, false),
            None => {
                anew = self.route_anew(known, &it.message);
                self.note_publisher(channel, &anew.queues);
                (&anew.queues, anew.is_refused)
            }
        };
        if self.fx.tracer.is_some()
            && let Some(open) = &self.open
        {
            let (party, message) = (open.party(channel), &it.message);
            trace::published(party, message, &known.extra_keys, queues, &mut self.fx);
        }
        let mut outcome = publish(queues, &it.message, self.tick, &mut self.fx);
        outcome.overflowed |= is_refused;
        let is_routed = match it.mandatory {
            true => self.is_seen_as_routed(it, queues, outcome.routed),
            false => outcome.routed,
        };
        if is_routed {
            add(&known.exchange.published_out, queues.len() as u64);
        } else if !outcome.overflowed && !outcome.failed {
            self.unroutable(channel, it);
        }
        if self.broker.settings.rates_mode == RatesMode::Detailed {
            self.count_pairs(channel, it, queues, outcome, is_routed);
        }
        self.record_publish(it, queues, outcome);
        outcome
    }

    pub(super) fn note_publisher(&mut self, channel: u16, queues: &[Arc<Queue>]) {
        let id = self.open.as_ref().map(|open| open.info.id);
        if let (Some(id), Some(channel)) = (id, self.channels.get_mut(channel)) {
            channel.publishes_to(queues.iter(), id);
        }
    }

    /// More than the routing key decides.
    fn route_anew(&mut self, known: &Known, message: &Arc<Message>) -> Route {
        let Some(open) = &self.open else {
            return Route::default();
        };
        route(
            &open.vhost,
            &known.exchange,
            message,
            &known.extra_keys,
            self.tick,
            &mut self.fx,
        )
    }

    /// The route: from the cache, or found, checked and remembered.
    fn find_route(&mut self, it: &Publish<'_>, found: &Found) -> Result<Arc<Known>, Exception> {
        let has_extra_keys = has_extra_keys(it.properties, found);
        let open = self.opened()?;
        let world = (open.vhost.epoch(), open.user.revision());
        let channel = self.channel(it.channel)?;
        if let Some(known) = channel
            .routes
            .get(world, it.exchange, it.routing_key)
            .filter(|_| !has_extra_keys)
        {
            return Ok(Arc::clone(known));
        }
        let exchange = self.check_publish(it)?;
        if has_extra_keys {
            let facts = Facts {
                headers: found.headers.clone(),
                ..Facts::default()
            };
            let headers = headers(it.properties, &facts);
            check_extra_keys(&headers)?;
            return Ok(Arc::new(Known {
                exchange,
                queues: None,
                extra_keys: extra_keys(&headers),
                told: OnceLock::new(),
            }));
        }
        let open = self.opened()?;
        let (queues, id) = (
            fixed_route(&open.vhost, &exchange, it.routing_key),
            open.info.id,
        );
        let channel = self.channel(it.channel)?;
        // What waits for its commit has not been sent.
        if !matches!(channel.mode, Mode::Tx(_)) {
            channel.publishes_to(queues.iter().flatten(), id);
        }
        let known = Known {
            exchange,
            queues,
            extra_keys: Vec::new(),
            told: OnceLock::new(),
        };
        Ok(channel.routes.put(it.exchange, it.routing_key, known))
    }

    /// Whether this user may publish there with that key.
    fn check_publish(&mut self, it: &Publish<'_>) -> Result<Arc<Exchange>, Exception> {
        self.allow(Access::Write, Resource::Exchange, it.exchange)?;
        let exchange = self.opened()?.vhost.exchange(it.exchange)?;
        if exchange.spec.internal {
            let subject = self
                .opened()?
                .vhost
                .subject(Resource::Exchange, it.exchange);
            return Err(BrokerError::InternalExchange(subject).into());
        }
        self.allow_topic(Access::Write, &exchange, it.routing_key)?;
        Ok(exchange)
    }

    /// Topic permissions: only where the user has one for this exchange.
    pub(super) fn allow_topic(
        &self,
        access: Access,
        exchange: &Exchange,
        key: &str,
    ) -> Result<(), Exception> {
        if exchange.spec.kind != ExchangeKind::Topic {
            return Ok(());
        }
        let open = self.opened()?;
        let (vhost, user) = (&open.vhost.name, &open.user.name);
        let ruling = open.user.topic_ruling(vhost, exchange.name(), key, access);
        let Ruling::Refused(because) = ruling else {
            return Ok(());
        };
        let access = self.broker.compat.names_permission.then_some(access);
        let subject = open.vhost.subject(Resource::Exchange, exchange.name());
        Err(topic_refused(access, key, &subject, user)
            .because(&because)
            .into())
    }

    fn check_user_id(&self, it: &Publish<'_>, found: &Found) -> Result<(), Exception> {
        let Some(raw) = found
            .user_id
            .clone()
            .and_then(|range| it.properties.get(range))
        else {
            return Ok(());
        };
        let user = &self.opened()?.user;
        if raw == user.name.as_bytes() || user.has_tag("impersonator") {
            return Ok(());
        }
        let text = format!(
            "user_id property set to '{}' but authenticated user was '{}'",
            String::from_utf8_lossy(raw),
            user.name
        );
        Err(Exception::new(ReplyCode::PRECONDITION_FAILED, text))
    }

    fn check_delivery_mode(&self, facts: &Facts) -> Result<(), Exception> {
        if facts.delivery_mode <= 2 || !self.broker.compat.checks_delivery_mode {
            return Ok(());
        }
        let text = format!(
            "invalid message: {{delivery_mode_unknown,{}}}",
            facts.delivery_mode
        );
        Err(Exception::new(ReplyCode::PRECONDITION_FAILED, text))
    }

    /// No queue took it: back to the publisher if it asked for that.
    fn unroutable(&mut self, channel: u16, it: &Publication) {
        let mandatory = it.mandatory;
        if let Some(channel) = self.channels.get_mut(channel) {
            let counter = if mandatory {
                &mut channel.fresh.returned
            } else {
                &mut channel.fresh.dropped
            };
            *counter += 1;
        }
        if mandatory {
            let mut egress = self.egress.lock();
            let frame_max = egress.frame_max;
            let code = ReplyCode::NO_ROUTE;
            egress.out.put_return(
                channel,
                code.number(),
                code.name(),
                &it.message.content(),
                frame_max,
            );
        }
    }

    /// From the channel to the exchange, and from there to each queue.
    fn count_pairs(
        &self,
        channel: u16,
        it: &Publication,
        queues: &[Arc<Queue>],
        outcome: Outcome,
        is_routed: bool,
    ) {
        let exchange = &it.route.exchange;
        for queue in queues.iter().filter(|_| outcome.routed) {
            exchange.routed.add(queue.name(), [1]);
        }
        let Some(channel) = self.channels.get(channel) else {
            return;
        };
        let Some(pairs) = &channel.info.pairs else {
            return;
        };
        let is_confirmed = matches!(channel.mode, Mode::Confirm(_)) && !outcome.overflowed;
        let is_lost = !is_routed && !outcome.overflowed && !outcome.failed;
        let counts = [
            is_confirmed,
            is_lost && !it.mandatory,
            true,
            is_lost && it.mandatory,
        ];
        pairs.published.add(exchange.name(), counts.map(u64::from));
    }

    fn record_publish(&mut self, it: &Publication, queues: &[Arc<Queue>], outcome: Outcome) {
        let (known, key) = (&it.route, it.message.routing_key());
        self.fx.record(|| {
            let routed = known.routed(key, queues);
            Event::of_publish(&known.exchange, routed, outcome, it.mandatory)
        });
    }

    /// Count a publish for the confirm at the end of the read; a refused one is told at once,
    /// behind those before it.
    fn count_confirm(&mut self, number: u16, outcome: Outcome) {
        let Some(Channel {
            mode: Mode::Confirm(confirms),
            ..
        }) = self.channels.get_mut(number)
        else {
            return;
        };
        if !outcome.overflowed {
            confirms.published += 1;
            return;
        }
        self.confirm(number);
        let Some(Channel {
            mode: Mode::Confirm(confirms),
            ..
        }) = self.channels.get_mut(number)
        else {
            return;
        };
        confirms.published += 1;
        confirms.confirmed = confirms.published;
        let tag = confirms.published;
        self.egress.write(|out| out.put_nack(number, tag));
    }
}

fn bad_properties(bad: &BadProperties) -> Exception {
    match bad {
        BadProperties::Malformed(_) => Exception::new(ReplyCode::INTERNAL_ERROR, ""),
        BadProperties::Expiration(..) => {
            Exception::new(ReplyCode::PRECONDITION_FAILED, bad.to_string())
        }
    }
}

/// Whether the headers may hold `CC` or `BCC`. A rare false alarm only costs time.
fn has_extra_keys(properties: &[u8], found: &Found) -> bool {
    let Some(raw) = found
        .headers
        .clone()
        .and_then(|range| properties.get(range))
    else {
        return false;
    };
    raw.windows(3)
        .any(|three| three == b"\x02CC" || three == b"BCC")
}

fn check_extra_keys(headers: &FieldTable) -> Result<(), Exception> {
    for key in ["CC", "BCC"] {
        if let Some(value) = headers
            .get(key)
            .filter(|value| !matches!(value, FieldValue::Array(_)))
        {
            let text = format!(
                "invalid message: {{unacceptable_type_in_header,\"{key}\",{}}}",
                value.type_name()
            );
            return Err(Exception::new(ReplyCode::PRECONDITION_FAILED, text));
        }
    }
    Ok(())
}
