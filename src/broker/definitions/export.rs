//! Export: everything by name, so that two exports of the same are the same.

use serde_json::{Map, Value, json};

use super::Scope;
use crate::broker::Broker;
use crate::broker::error::BrokerError;
use crate::broker::exchange::{Binding, DestinationId, Exchange};
use crate::broker::json::{limits, policy, table, value};
use crate::broker::policy::Layer;
use crate::broker::queue::Queue;
use crate::broker::shown::DefinitionsLine;
use crate::broker::user::User;
use crate::broker::vhost::VirtualHost;

/// A global parameter that newer exports leave out: it is this broker's and nobody else's.
const CLUSTER_ID: &str = "internal_cluster_id";

/// A key with a list of entries.
type Section = (&'static str, Vec<Value>);

impl Broker {
    /// Definitions as JSON.
    pub fn export(&self, scope: Scope<'_>) -> Result<Value, BrokerError> {
        let sections = match scope {
            Scope::Broker => self.all_sections(),
            Scope::Vhost(name) => self.sections_of(&*self.vhost(name)?),
        };
        let mut all = self.preamble(scope)?;
        all.extend(
            sections
                .into_iter()
                .map(|(key, rows)| (key.to_owned(), rows.into())),
        );
        Ok(Value::Object(all))
    }

    fn preamble(&self, scope: Scope<'_>) -> Result<Map<String, Value>, BrokerError> {
        let version = self.compat.version;
        let names_only = self.compat.shown.definitions == DefinitionsLine::Names;
        let mut head = json!({ "rabbit_version": version });
        if scope == Scope::Broker || !names_only {
            head["rabbitmq_version"] = json!(version);
            head["product_name"] = json!("RabbitMQ");
            head["product_version"] = json!(version);
        }
        match scope {
            _ if names_only => {}
            Scope::Broker => {
                let name = self.cluster_name();
                head["rabbitmq_definition_format"] = json!("cluster");
                head["explanation"] = json!(format!("Definitions of cluster '{name}'"));
                head["original_cluster_name"] = json!(name.as_str());
            }
            Scope::Vhost(name) => {
                let vhost = self.vhost(name)?;
                let metadata = self.metadata(&vhost);
                head["rabbitmq_definition_format"] = json!("single_virtual_host");
                head["explanation"] = json!(format!("Definitions of virtual host '{name}'"));
                head["original_vhost_name"] = json!(name);
                head["description"] = metadata["description"].clone();
                if self.compat.shown.definitions == DefinitionsLine::Flat {
                    head["default_queue_type"] = metadata["default_queue_type"].clone();
                }
                head["metadata"] = metadata;
                head["limits"] = self.limits_of(&vhost);
            }
        }
        match head {
            Value::Object(head) => Ok(head),
            _ => Ok(Map::new()),
        }
    }

    /// Without limits, one line writes an empty list.
    fn limits_of(&self, vhost: &VirtualHost) -> Value {
        let there = vhost.limits.lock();
        match there.is_empty() && self.compat.shown.definitions == DefinitionsLine::Flat {
            true => json!([]),
            false => limits(&there),
        }
    }

    fn metadata(&self, vhost: &VirtualHost) -> Value {
        let metadata = vhost.metadata.lock().clone();
        json!({
            "description": metadata.description,
            "tags": metadata.tags,
            "default_queue_type": vhost.default_queue_type().as_str(),
        })
    }

    fn all_sections(&self) -> Vec<Section> {
        let (users, vhosts) = (self.users.sorted(), self.vhosts.sorted());
        let mut all = vec![
            ("users", users.iter().map(|one| user(one)).collect()),
            (
                "vhosts",
                vhosts.iter().map(|one| self.vhost_row(one)).collect(),
            ),
            (
                "permissions",
                users.iter().flat_map(|one| permissions(one)).collect(),
            ),
            (
                "topic_permissions",
                users
                    .iter()
                    .flat_map(|one| topic_permissions(one))
                    .collect(),
            ),
            ("global_parameters", self.global_parameters()),
        ];
        for (key, of_vhost) in OF_VHOSTS {
            let rows = vhosts.iter().flat_map(|vhost| {
                let mut rows = of_vhost(self, vhost);
                rows.iter_mut()
                    .for_each(|row| row["vhost"] = json!(vhost.name.as_str()));
                rows
            });
            all.push((key, rows.collect()));
        }
        all
    }

    fn sections_of(&self, vhost: &VirtualHost) -> Vec<Section> {
        let section = |(key, of_vhost): (&'static str, OfVhost)| {
            let mut rows = of_vhost(self, vhost);
            let is_parameter = key == "parameters" || key == "policies";
            if is_parameter && self.compat.shown.definitions == DefinitionsLine::Names {
                rows.iter_mut()
                    .for_each(|row| row["vhost"] = json!(vhost.name.as_str()));
            }
            (key, rows)
        };
        OF_VHOSTS.into_iter().map(section).collect()
    }

    fn vhost_row(&self, vhost: &VirtualHost) -> Value {
        let (name, metadata) = (vhost.name.as_str(), self.metadata(vhost));
        match self.compat.shown.definitions {
            DefinitionsLine::Names => json!({ "name": name }),
            DefinitionsLine::Flat => {
                let mut row = metadata.clone();
                row["name"] = json!(name);
                row["metadata"] = metadata;
                row
            }
            DefinitionsLine::Lean => {
                json!({ "name": name, "metadata": metadata, "limits": self.limits_of(vhost) })
            }
        }
    }

    fn global_parameters(&self) -> Vec<Value> {
        let leaves_out_id = self.compat.shown.definitions == DefinitionsLine::Lean;
        let parameters = self.parameters.lock();
        parameters
            .iter()
            .filter(|(name, _)| !(leaves_out_id && **name == *CLUSTER_ID))
            .map(|(name, parameter)| json!({ "name": name.as_str(), "value": value(parameter) }))
            .collect()
    }
}

/// Makes the entries of one kind, which do not say where they are.
type OfVhost = fn(&Broker, &VirtualHost) -> Vec<Value>;

const OF_VHOSTS: [(&str, OfVhost); 5] = [
    ("parameters", |_, vhost| parameters(vhost)),
    ("policies", |_, vhost| policies(vhost, Layer::User)),
    ("queues", queues),
    ("exchanges", exchanges),
    ("bindings", |_, vhost| bindings(vhost)),
];

fn user(user: &User) -> Value {
    user.read(|state| {
        json!({
            "name": user.name.as_str(),
            "password_hash": state.password.to_base64(),
            "hashing_algorithm": state.password.algorithm.as_str(),
            "tags": state.tags,
            "limits": limits(&state.limits),
        })
    })
}

fn permissions(user: &User) -> Vec<Value> {
    user.read(|state| {
        let row = |(vhost, it): (&_, &std::sync::Arc<crate::broker::permission::Permission>)| {
            let vhost: &crate::broker::name::Name = vhost;
            json!({
                "user": user.name.as_str(),
                "vhost": vhost.as_str(),
                "configure": it.configure.as_str(),
                "write": it.write.as_str(),
                "read": it.read.as_str(),
            })
        };
        state.permissions.iter().map(row).collect()
    })
}

fn topic_permissions(user: &User) -> Vec<Value> {
    user.read(|state| {
        state
            .topic_permissions
            .iter()
            .map(|((vhost, exchange), it)| {
                json!({
                    "user": user.name.as_str(),
                    "vhost": vhost.as_str(),
                    "exchange": exchange.as_str(),
                    "write": it.write.as_str(),
                    "read": it.read.as_str(),
                })
            })
            .collect()
    })
}

fn policies(vhost: &VirtualHost, layer: Layer) -> Vec<Value> {
    let policies = vhost.policies.lock();
    let row = |it| {
        let mut row = policy(it);
        row["name"] = json!(it.name.as_str());
        row
    };
    policies.of(layer).values().map(|it| row(it)).collect()
}

fn parameters(vhost: &VirtualHost) -> Vec<Value> {
    let policies = vhost.policies.lock();
    let mut rows: Vec<Value> = policies
        .of(Layer::Operator)
        .values()
        .map(|it| {
            json!({
                "component": "operator_policy",
                "name": it.name.as_str(),
                "value": policy(it),
            })
        })
        .collect();
    drop(policies);
    let there = vhost.limits.lock();
    if !there.is_empty() {
        rows.push(json!({
            "component": "vhost-limits",
            "name": "limits",
            "value": limits(&there),
        }));
    }
    rows
}

fn is_exported(queue: &Queue) -> bool {
    queue.spec.owner.is_none()
}

fn queues(broker: &Broker, vhost: &VirtualHost) -> Vec<Value> {
    let row = |queue: &Queue| {
        let mut arguments = table(&queue.spec.arguments);
        if broker.compat.fills_queue_type {
            arguments["x-queue-type"] = json!(queue.kind.as_str());
        }
        let mut row = json!({
            "name": queue.spec.name.as_str(),
            "durable": queue.spec.durable,
            "auto_delete": queue.spec.auto_delete,
            "arguments": arguments,
        });
        if broker.compat.shown.definitions == DefinitionsLine::Lean {
            row["type"] = json!(queue.kind.as_str());
        }
        row
    };
    let all = vhost.queues.sorted();
    all.iter()
        .filter(|queue| is_exported(queue))
        .map(|queue| row(queue))
        .collect()
}

/// Newer exports have no internal exchanges, though they have bindings from them: those here can
/// be imported again.
fn exchanges(broker: &Broker, vhost: &VirtualHost) -> Vec<Value> {
    let row = |exchange: &Exchange| {
        let spec = &exchange.spec;
        let mut row = json!({
            "name": spec.name.as_str(),
            "type": spec.kind.as_str(),
            "durable": spec.durable,
            "auto_delete": spec.auto_delete,
            "arguments": table(&spec.arguments),
        });
        if spec.internal || broker.compat.shown.definitions != DefinitionsLine::Lean {
            row["internal"] = json!(spec.internal);
        }
        row
    };
    let all = vhost.exchanges.sorted();
    all.iter()
        .filter(|exchange| !exchange.is_default() && !exchange.name().is_reserved())
        .map(|exchange| row(exchange))
        .collect()
}

/// Without those to queues that are not exported.
fn bindings(vhost: &VirtualHost) -> Vec<Value> {
    let leads_on = |binding: &&Binding| match &binding.destination {
        _ if binding.source.is_empty() => false,
        DestinationId::Exchange(_) => true,
        DestinationId::Queue(name) => vhost.queues.get(name).is_some_and(|it| is_exported(&it)),
    };
    let row = |binding: &Binding| {
        let kind = match binding.destination {
            DestinationId::Queue(_) => "queue",
            DestinationId::Exchange(_) => "exchange",
        };
        json!({
            "source": binding.source.as_str(),
            "destination": binding.destination.name().as_str(),
            "destination_type": kind,
            "routing_key": binding.binding_key.as_str(),
            "arguments": table(&binding.arguments),
        })
    };
    vhost.bindings().iter().filter(leads_on).map(row).collect()
}
