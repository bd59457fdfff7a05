//! [`ChannelMap`]: values by channel number; low numbers cost an index, not a hash.

use std::collections::BTreeMap;

/// Clients number channels from 1 up; what is above lives in a map.
const DIRECT: usize = 256;

/// Values by channel number.
#[derive(Debug)]
pub(super) struct ChannelMap<T> {
    low: Vec<Option<T>>,
    high: BTreeMap<u16, T>,
}

impl<T> ChannelMap<T> {
    pub(super) const fn new() -> Self {
        Self {
            low: Vec::new(),
            high: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, channel: u16) -> Option<&T> {
        match usize::from(channel) {
            low if low < DIRECT => self.low.get(low)?.as_ref(),
            _ => self.high.get(&channel),
        }
    }

    pub(super) fn get_mut(&mut self, channel: u16) -> Option<&mut T> {
        match usize::from(channel) {
            low if low < DIRECT => self.low.get_mut(low)?.as_mut(),
            _ => self.high.get_mut(&channel),
        }
    }

    pub(super) fn insert(&mut self, channel: u16, value: T) {
        let low = usize::from(channel);
        if low >= DIRECT {
            self.high.insert(channel, value);
            return;
        }
        if self.low.len() <= low {
            self.low.resize_with(low + 1, || None);
        }
        self.low[low] = Some(value);
    }

    pub(super) fn remove(&mut self, channel: u16) -> Option<T> {
        match usize::from(channel) {
            low if low < DIRECT => self.low.get_mut(low)?.take(),
            _ => self.high.remove(&channel),
        }
    }

    pub(super) fn numbers(&self) -> Vec<u16> {
        let low = (0u16..).zip(&self.low).filter(|(_, value)| value.is_some());
        low.map(|(number, _)| number)
            .chain(self.high.keys().copied())
            .collect()
    }
}
