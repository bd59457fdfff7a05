//! Transactions and confirms: the two modes of a channel.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, confirm, tx};

use super::Core;
use super::channel::{Confirms, Mode};
use super::route_cache::Known;
use crate::broker::message::Message;
use crate::broker::queue::{Settlement, Unacked, settle};

/// Most publishes and acknowledgements of one transaction.
const OPERATIONS_MAX: usize = 1_000_000;

/// A message and where it goes.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) route: Arc<Known>,
    pub(super) message: Arc<Message>,
    pub(super) mandatory: bool,
}

/// What waits for `tx.commit`.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    publications: Vec<Publication>,
    settlements: Vec<(Settlement, Vec<Unacked>)>,
    /// Deliveries in those.
    settled: u64,
}

impl Transaction {
    /// Keep one more for the commit, if there may be so many.
    pub(super) fn publish(
        &mut self,
        publication: Publication,
        limit: Option<u64>,
    ) -> Result<(), Exception> {
        let there = self.publications.len() as u64;
        if let Some(limit) = limit.filter(|limit| there >= *limit) {
            let text =
                format!("transaction has reached the maximum of {limit} uncommitted publishes");
            return Err(Exception::new(ReplyCode::PRECONDITION_FAILED, text));
        }
        if self.publications.len() >= OPERATIONS_MAX {
            let text = format!("transaction of more than {OPERATIONS_MAX} publishes");
            return Err(Exception::new(ReplyCode::RESOURCE_ERROR, text));
        }
        self.publications.push(publication);
        Ok(())
    }

    /// How many publishes and how many settled deliveries wait.
    pub(super) fn lengths(&self) -> (u64, u64) {
        (self.publications.len() as u64, self.settled)
    }

    pub(super) fn settle(&mut self, how: Settlement, batch: Vec<Unacked>) {
        self.settled += batch.len() as u64;
        self.settlements.push((how, batch));
    }
}

impl Core {
    pub(super) fn confirm_select(&mut self, number: u16, nowait: bool) -> Result<(), Exception> {
        let channel = self.channel(number)?;
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Confirm(Confirms::default()),
            Mode::Confirm(_) => {}
            Mode::Tx(_) => return Err(precondition("cannot switch from tx to confirm mode")),
        }
        channel.info.confirm.store(true, Ordering::Relaxed);
        if !nowait {
            self.send(number, &Method::ConfirmSelectOk(confirm::SelectOk {}));
        }
        Ok(())
    }

    pub(super) fn tx_select(&mut self, number: u16) -> Result<(), Exception> {
        let channel = self.channel(number)?;
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Tx(Transaction::default()),
            Mode::Tx(_) => {}
            Mode::Confirm(_) => return Err(precondition("cannot switch from confirm to tx mode")),
        }
        channel.info.transactional.store(true, Ordering::Relaxed);
        self.send(number, &Method::TxSelectOk(tx::SelectOk {}));
        Ok(())
    }

    pub(super) fn tx_commit(&mut self, number: u16) -> Result<(), Exception> {
        let transaction = self.take_transaction(number)?;
        let mut is_partial = false;
        for publication in &transaction.publications {
            let known = publication.route.queues.as_deref();
            self.note_publisher(number, known.unwrap_or_default());
            let outcome = self.route_publication(number, publication);
            if outcome.failed {
                return Err(Exception::new(ReplyCode::INTERNAL_ERROR, ""));
            }
            is_partial |= outcome.overflowed;
        }
        for (how, mut batch) in transaction.settlements {
            settle(&mut batch, how, self.tick, &mut self.fx);
        }
        if is_partial {
            return Err(precondition("partial tx completion"));
        }
        self.send(number, &Method::TxCommitOk(tx::CommitOk {}));
        Ok(())
    }

    /// Publishes are forgotten; what was acknowledged is unacked again.
    pub(super) fn tx_rollback(&mut self, number: u16) -> Result<(), Exception> {
        let transaction = self.take_transaction(number)?;
        self.restore(number, transaction);
        self.send(number, &Method::TxRollbackOk(tx::RollbackOk {}));
        Ok(())
    }

    /// Put what a transaction settled back into the ledger.
    fn restore(&self, number: u16, transaction: Transaction) {
        let mut egress = self.egress.lock();
        let Some(ledger) = egress.ledgers.get_mut(number) else {
            return;
        };
        let batches = transaction.settlements.into_iter().map(|(_, batch)| batch);
        ledger.put_back(batches.flatten().collect(), self.tick);
    }

    fn take_transaction(&mut self, number: u16) -> Result<Transaction, Exception> {
        match &mut self.channel(number)?.mode {
            Mode::Tx(transaction) => Ok(std::mem::take(transaction)),
            _ => Err(precondition("channel is not transactional")),
        }
    }

    /// A channel ends with an open transaction: that is rolled back.
    pub(super) fn abandon_transaction(&mut self, number: u16) {
        if let Ok(transaction) = self.take_transaction(number) {
            self.restore(number, transaction);
        }
    }
}

fn precondition(text: &str) -> Exception {
    Exception::new(ReplyCode::PRECONDITION_FAILED, text)
}
