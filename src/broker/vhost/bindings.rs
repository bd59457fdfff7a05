//! Bindings of a virtual host, and what goes with the last of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use leveret_proto::value::FieldTable;

use super::VirtualHost;
use crate::broker::effects::Effects;
use crate::broker::error::BrokerError;
use crate::broker::event::Change;
use crate::broker::exchange::{Binding, Destination, DestinationId, Exchange};
use crate::broker::name::Name;
use crate::broker::publish::Post;

/// Which exchanges have bindings to a thing, so that they go when it goes.
#[derive(Debug, Default)]
pub(super) struct Topology {
    sources: HashMap<DestinationId, BTreeMap<Name, Arc<Exchange>>>,
}

impl Topology {
    pub(super) fn remember(&mut self, destination: &DestinationId, source: &Arc<Exchange>) {
        let sources = self.sources.entry(destination.clone()).or_default();
        sources.insert(source.name().clone(), Arc::clone(source));
    }

    pub(super) fn forget(&mut self, destination: &DestinationId, source: &Exchange) {
        if let Some(sources) = self.sources.get_mut(destination) {
            sources.remove(source.name());
            if sources.is_empty() {
                self.sources.remove(destination);
            }
        }
    }
}

impl VirtualHost {
    /// Bind. The binding being there already is no error.
    pub fn bind(
        &self,
        source: &Arc<Exchange>,
        to: Destination,
        key: &Name,
        arguments: &FieldTable,
        fx: &mut Effects,
    ) -> Result<(), BrokerError> {
        let mut topology = self.topology.lock();
        let id = to.id();
        let bound = to.clone();
        if source.bind(to, key, arguments)? {
            for message in source.latest() {
                fx.posts.push_back(Post {
                    to: bound.clone(),
                    message,
                    extra_keys: Vec::new(),
                });
            }
            topology.remember(&id, source);
            self.changed();
            fx.note(|by| {
                let binding = Binding {
                    source: source.name().clone(),
                    destination: id,
                    binding_key: key.clone(),
                    arguments: arguments.clone(),
                };
                Change::binding("binding.created", &binding, &self.name, by)
            });
        }
        Ok(())
    }

    /// Unbind; an auto-delete exchange goes with its last binding. Whether there was one.
    pub fn unbind(
        &self,
        source: &Arc<Exchange>,
        from: &DestinationId,
        key: &Name,
        arguments: &FieldTable,
        fx: &mut Effects,
    ) -> bool {
        let mut topology = self.topology.lock();
        if !source.unbind(from, key, arguments) {
            return false;
        }
        if !source.leads_to(from) {
            topology.forget(from, source);
        }
        self.changed();
        self.note_unbound(
            &Binding {
                source: source.name().clone(),
                destination: from.clone(),
                binding_key: key.clone(),
                arguments: arguments.clone(),
            },
            fx,
        );
        self.drop_if_abandoned(&mut topology, source, fx);
        true
    }

    /// All bindings, also those of the default exchange to every queue.
    pub fn bindings(&self) -> Vec<Binding> {
        let implied = self.queues.sorted().into_iter().map(|queue| Binding {
            source: "".into(),
            destination: DestinationId::Queue(queue.name().clone()),
            binding_key: queue.name().clone(),
            arguments: FieldTable::new(),
        });
        let bound = self
            .exchanges
            .sorted()
            .into_iter()
            .flat_map(|exchange| exchange.bindings());
        implied.chain(bound).collect()
    }

    pub(super) fn drop_bindings_to(
        &self,
        topology: &mut Topology,
        id: &DestinationId,
        fx: &mut Effects,
    ) {
        for source in topology
            .sources
            .remove(id)
            .unwrap_or_default()
            .into_values()
        {
            for binding in source.unbind_all(id) {
                self.note_unbound(&binding, fx);
            }
            self.drop_if_abandoned(topology, &source, fx);
        }
    }

    pub(super) fn drop_if_abandoned(
        &self,
        topology: &mut Topology,
        exchange: &Arc<Exchange>,
        fx: &mut Effects,
    ) {
        if exchange.spec.auto_delete && exchange.is_unbound() {
            self.drop_exchange(topology, exchange, fx);
        }
    }

    pub(super) fn note_unbound(&self, binding: &Binding, fx: &mut Effects) {
        fx.note(|by| Change::binding("binding.deleted", binding, &self.name, by));
    }
}
