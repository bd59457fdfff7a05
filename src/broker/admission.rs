//! Letting connections and channels in, within the limits of virtual hosts and users.

use std::sync::Arc;

use super::Broker;
use super::connection::{Connection, add};
use super::effects::Effects;
use super::error::BrokerError;
use super::event::Change;
use super::limit::{MAX_CHANNELS, MAX_CONNECTIONS};
use super::user::User;
use super::vhost::VirtualHost;

impl Broker {
    /// A connection is open, if its virtual host and its user may have one more.
    pub fn add_connection(
        &self,
        vhost: &VirtualHost,
        connection: &Arc<Connection>,
        fx: &mut Effects,
    ) -> Result<(), BrokerError> {
        self.admit(vhost, connection)?;
        add(&self.churn.connection_created, 1);
        fx.note(|_| Change::connection_created(connection, &self.node));
        Ok(())
    }

    fn admit(&self, vhost: &VirtualHost, connection: &Arc<Connection>) -> Result<(), BrokerError> {
        let (name, user) = (&vhost.name, &connection.user.name);
        let of_vhost = vhost.limits.lock().clone();
        let of_user = connection.user.read(|state| state.limits.clone());
        let _one_at_a_time = self.admission.lock();
        let in_vhost = || self.count(|one| one.vhost == *name);
        if let Some(limit) = of_vhost.reached(MAX_CONNECTIONS, in_vhost) {
            return Err(BrokerError::Limit(format!(
                "access to vhost '{name}' refused for user '{user}': connection limit ({limit}) \
                 is reached"
            )));
        }
        let of_theirs = || self.count(|one| one.user.name == *user);
        if let Some(limit) = of_user.reached(MAX_CONNECTIONS, of_theirs) {
            return Err(BrokerError::Limit(format!(
                "connection refused for user '{user}': user connection limit ({limit}) is reached"
            )));
        }
        self.connections
            .insert(connection.id, Arc::clone(connection));
        Ok(())
    }

    fn count(&self, which: impl Fn(&Connection) -> bool) -> usize {
        let all = self.connections.snapshot();
        all.iter().filter(|one| which(one)).count()
    }

    /// Whether a user may open one more channel, and the node may have one more.
    pub fn check_channels(&self, user: &User) -> Result<(), BrokerError> {
        self.check_channels_of(user)?;
        let Some(limit) = self.settings.channel_max_per_node else {
            return Ok(());
        };
        let all = self.connections.snapshot();
        let there: usize = all.iter().map(|one| one.channels.lock().len()).sum();
        if (there as u64) < limit {
            return Ok(());
        }
        let (node, limit) = (&self.node, self.channel_limit(limit));
        Err(BrokerError::Limit(format!(
            "number of channels opened on node '{node}' has reached the maximum allowed limit of \
             {limit}"
        )))
    }

    fn channel_limit(&self, limit: u64) -> String {
        match self.compat.channel_limit_in_parentheses {
            true => format!("({limit})"),
            false => limit.to_string(),
        }
    }

    /// Whether there may be one more queue in all virtual hosts together, if there is none of that
    /// name.
    pub fn check_queues(&self, vhost: &VirtualHost, name: &str) -> Result<(), BrokerError> {
        let Some(limit) = self.settings.cluster_queue_limit else {
            return Ok(());
        };
        let all = self.vhosts.snapshot();
        let there: usize = all.iter().map(|one| one.queues.len()).sum();
        if (there as u64) < limit || vhost.queues.contains(name) {
            return Ok(());
        }
        Err(BrokerError::Precondition(format!(
            "cannot declare queue '{name}': queue limit in cluster ({limit}) is reached"
        )))
    }

    /// Likewise one more exchange.
    pub fn check_exchanges(&self, vhost: &VirtualHost, name: &str) -> Result<(), BrokerError> {
        let Some(limit) = self.settings.cluster_exchange_limit else {
            return Ok(());
        };
        let all = self.vhosts.snapshot();
        let there: usize = all.iter().map(|one| one.exchanges.len()).sum();
        if (there as u64) < limit || vhost.exchanges.contains(name) {
            return Ok(());
        }
        Err(BrokerError::Precondition(format!(
            "cannot declare exchange '{name}' in vhost '{}': exchange limit of {limit} is reached",
            vhost.name
        )))
    }

    /// Whether there may be so many more virtual hosts; the first is called `name`.
    pub fn check_vhosts(&self, name: &str, more: usize) -> Result<(), BrokerError> {
        let there = (self.vhosts.len() + more) as u64;
        match self.settings.vhost_max {
            Some(limit) if there > limit => Err(BrokerError::Limit(format!(
                "cannot create vhost '{name}': vhost limit of {limit} is reached"
            ))),
            _ => Ok(()),
        }
    }

    fn check_channels_of(&self, user: &User) -> Result<(), BrokerError> {
        let limits = user.read(|state| state.limits.clone());
        let count = || {
            let all = self.connections.snapshot();
            let theirs = all.iter().filter(|one| one.user.name == user.name);
            theirs.map(|one| one.channels.lock().len()).sum()
        };
        let Some(limit) = limits.reached(MAX_CHANNELS, count) else {
            return Ok(());
        };
        let name = match self.compat.channel_limit_names_node {
            true => &self.node,
            false => &user.name,
        };
        let limit = self.channel_limit(limit);
        Err(BrokerError::Limit(format!(
            "number of channels opened for user '{name}' has reached the maximum allowed user \
             limit of {limit}"
        )))
    }
}
