//! Families of what belongs to the whole cluster; they keep their own prefix.

use super::super::Api;
use super::Query;
use super::snapshot::Snapshot;
use super::text::Kind::Gauge;
use super::text::Text;

const PREFIX: &str = "rabbitmq_cluster_";

pub(super) fn write(text: &mut Text, family: &str, api: &Api, query: &Query, all: &Snapshot) {
    match family {
        "vhost_status" => vhosts(text, api, query),
        "exchange_names" => {
            let help = "Exchanges there are";
            exchanges(text, all, "exchange_name", help, |_| 1);
        }
        "exchange_bindings" => {
            let help = "Bindings of an exchange";
            exchanges(text, all, "exchange_bindings", help, |one| {
                one.bindings().len() as u64
            });
        }
        _ => {}
    }
}

fn vhosts(text: &mut Text, api: &Api, query: &Query) {
    let name = "vhost_status";
    text.begin(PREFIX, name, Gauge, "1 while a virtual host works: always");
    for vhost in api.broker().vhosts.sorted() {
        if query.names_vhost(&vhost.name) {
            text.sample(PREFIX, name, &[("vhost", &vhost.name)], 1);
        }
    }
}

fn exchanges(
    text: &mut Text,
    all: &Snapshot,
    name: &str,
    help: &str,
    value: impl Fn(&crate::broker::exchange::Exchange) -> u64,
) {
    text.begin(PREFIX, name, Gauge, help);
    for one in &all.exchanges {
        let spec = &one.spec;
        let labels = [
            ("vhost", spec.vhost.as_str()),
            ("exchange", &spec.name),
            ("type", spec.kind.as_str()),
        ];
        text.sample(PREFIX, name, &labels, value(one));
    }
}
