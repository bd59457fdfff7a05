//! [`Guesses`]: who fails to log in again and again from one address is answered with a delay, so
//! that passwords cannot be tried by the thousand.

use std::collections::HashMap;
use std::net::IpAddr;

use super::tick::Tick;
use crate::sync::{LEAF, Ranked};

/// Failures of one address that are answered at once.
const FREE_MAX: u32 = 20;
/// Failures count for so long after the last one.
const WINDOW_MS: u64 = 60_000;
/// How long an answer waits after that.
const DELAY_MS: u64 = 1000;
/// Addresses remembered. When so many fail, all others are taken for guessers, too.
const ADDRESSES_MAX: usize = 4096;

/// Failed logins by address.
#[derive(Debug, Default)]
pub struct Guesses(Ranked<HashMap<IpAddr, Failures>, LEAF>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Tick,
}

impl Failures {
    fn is_over(self, now: Tick) -> bool {
        now.ms().saturating_sub(self.last.ms()) > WINDOW_MS
    }
}

impl Guesses {
    /// A login from `ip` failed: how many milliseconds its answer has to wait.
    pub fn failed(&self, ip: IpAddr, now: Tick) -> u64 {
        let (ip, mut all) = (ip.to_canonical(), self.0.lock());
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&ip) {
            all.retain(|_, failures| !failures.is_over(now));
            if all.len() >= ADDRESSES_MAX {
                return DELAY_MS;
            }
        }
        let none = Failures {
            count: 0,
            last: now,
        };
        let failures = all.entry(ip).or_insert(none);
        if failures.is_over(now) {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        match failures.count > FREE_MAX {
            true => DELAY_MS,
            false => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn ip(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn who_fails_often_waits_until_a_while_has_passed() {
        let guesses = Guesses::default();
        for _ in 0..FREE_MAX {
            assert_eq!(guesses.failed(ip(1), Tick::from_ms(0)), 0);
        }
        assert_eq!(guesses.failed(ip(1), Tick::from_ms(1)), DELAY_MS);
        assert_eq!(guesses.failed(ip(2), Tick::from_ms(1)), 0, "another");
        let later = Tick::from_ms(WINDOW_MS + 2);
        assert_eq!(guesses.failed(ip(1), later), 0);
    }

    #[test]
    fn addresses_do_not_pile_up() {
        let guesses = Guesses::default();
        let nth = |n: usize| IpAddr::from(Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
        for n in 0..ADDRESSES_MAX {
            assert_eq!(guesses.failed(nth(n), Tick::from_ms(0)), 0);
        }
        assert_eq!(
            guesses.failed(nth(ADDRESSES_MAX), Tick::from_ms(0)),
            DELAY_MS
        );
        assert_eq!(guesses.0.lock().len(), ADDRESSES_MAX);
        let later = Tick::from_ms(WINDOW_MS + 1);
        assert_eq!(guesses.failed(nth(ADDRESSES_MAX), later), 0);
        assert_eq!(guesses.0.lock().len(), 1);
    }
}
