//! How often one may ask: requests of an owner, and keys that are wrong from an address. Held in this process alone.
//!
//! Each is a token bucket, as the time at which it will be full again (the generic cell rate algorithm). A keyed limiter
//! of a library would neither bound how many it holds nor tell how one stands without taking from it.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media::{OwnerId, Sha256};
use poem::http::{HeaderName, HeaderValue, header};

use crate::config::ApiConfig;
use crate::http::problem::{Code, Problem};

/// Owners or addresses that are told apart at a time, at most; those beyond share one bucket.
const MOST: usize = 20_000;

/// Keys that were good lately, at most.
const MOST_GOOD: usize = 20_000;

/// What was asked lately.
#[derive(Debug)]
pub struct Rates {
    owners: Option<Buckets<OwnerId>>,
    wrong_keys: Option<Buckets<IpAddr>>,
    /// Those who hold one of these are no strangers, wherever they ask from.
    good: Mutex<HashSet<Sha256>>,
    requests: Policy,
    wrong: Policy,
}

impl Rates {
    /// By the settings; 0 is no limit.
    pub fn new(config: &ApiConfig) -> Self {
        // Two seconds' worth of requests, or a minute's of wrong keys, may come at once.
        let (requests, wrong) = (config.requests_per_second, config.wrong_keys_per_minute);
        let at_once = requests.saturating_mul(2);
        Self {
            requests: Policy {
                name: "owner",
                quota: at_once,
                seconds: 2,
            },
            wrong: Policy {
                name: "wrong-keys",
                quota: wrong,
                seconds: 60,
            },
            owners: Buckets::new(Duration::from_secs(1), requests, at_once),
            wrong_keys: Buckets::new(Duration::from_mins(1), wrong, wrong),
            good: Mutex::default(),
        }
    }

    /// Counts a request of an owner, or refuses it.
    pub fn request(&self, owner_id: &OwnerId) -> Result<(), Problem> {
        let taken = self.owners.as_ref().map(|owners| owners.take(owner_id));
        taken.unwrap_or(Ok(())).map_err(|wait| {
            let detail = "this owner's keys have asked too often";
            refused(wait, detail, self.requests)
        })
    }

    /// Refuses to look up a key for an address that came with too many wrong ones, unless the key was good lately.
    pub fn may_try(&self, address: Option<IpAddr>, key: &Sha256) -> Result<(), Problem> {
        let (Some(wrong), Some(address)) = (&self.wrong_keys, address) else {
            return Ok(());
        };
        if self.good().contains(key) {
            return Ok(());
        }
        let detail = "too many wrong API keys came from this address";
        wrong
            .look(&network(address))
            .map_err(|wait| refused(wait, detail, self.wrong))
    }

    /// The key was looked up.
    pub fn tried(&self, address: Option<IpAddr>, key: &Sha256, good: bool) {
        let (Some(wrong), Some(address)) = (&self.wrong_keys, address) else {
            return;
        };
        let mut known = self.good();
        if good {
            if known.len() >= MOST_GOOD {
                known.clear();
            }
            known.insert(*key);
        } else {
            known.remove(key);
            // Several at once may find the last place free: the next is refused.
            let _ = wrong.take(&network(address));
        }
    }

    fn good(&self) -> MutexGuard<'_, HashSet<Sha256>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One customer of a provider has 2^64 addresses of IPv6 at least.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// How many may come at once, and in how many seconds as many come back.
#[derive(Debug, Clone, Copy)]
struct Policy {
    name: &'static str,
    quota: u32,
    seconds: u32,
}

/// Tells when to come again, for people's programs (`Retry-After`) and for libraries (draft-ietf-httpapi-ratelimit-headers,
/// version 11: nothing is left of the quota, and there will be something in so many seconds).
fn refused(wait: Duration, detail: &str, policy: Policy) -> Problem {
    let seconds = wait.as_secs() + 1;
    let Policy {
        name,
        quota,
        seconds: window,
    } = policy;
    let mut problem = Problem::new(Code::TooManyRequests, detail)
        .header(header::RETRY_AFTER, HeaderValue::from(seconds));
    for (header, value) in [
        (
            "ratelimit-policy",
            format!("\"{name}\";q={quota};w={window}"),
        ),
        ("ratelimit", format!("\"{name}\";r=0;t={seconds}")),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            problem = problem.header(HeaderName::from_static(header), value);
        }
    }
    problem
}

/// A bucket for each `K`.
#[derive(Debug)]
struct Buckets<K> {
    /// In which one token comes back.
    each: Duration,
    /// In which an empty bucket is full again.
    whole: Duration,
    held: Mutex<Held<K>>,
}

#[derive(Debug)]
struct Held<K> {
    /// When they are full again. Those that are full need not be held.
    full_at: HashMap<K, Instant>,
    /// Of all those for whom there was no place.
    rest: Instant,
    swept: Instant,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    /// `None` if `count` is 0.
    fn new(period: Duration, count: u32, burst: u32) -> Option<Self> {
        let each = period.checked_div(count)?;
        let now = Instant::now();
        Some(Self {
            each,
            whole: each * burst,
            held: Mutex::new(Held {
                full_at: HashMap::new(),
                rest: now,
                swept: now,
            }),
        })
    }

    /// Takes a token, or says how long it is until there is one.
    fn take(&self, key: &K) -> Result<(), Duration> {
        self.take_at(key, Instant::now())
    }

    fn take_at(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut held = self.held();
        let held = &mut *held;
        if !held.full_at.contains_key(key) && held.full_at.len() >= MOST {
            held.sweep(now);
        }
        let full_at = if held.full_at.len() < MOST || held.full_at.contains_key(key) {
            held.full_at.entry(key.clone()).or_insert(now)
        } else {
            &mut held.rest
        };
        self.there_is_one(*full_at, now)?;
        *full_at = (*full_at).max(now) + self.each;
        Ok(())
    }

    /// As [`Self::take`], and leaves the token there.
    fn look(&self, key: &K) -> Result<(), Duration> {
        let (held, now) = (self.held(), Instant::now());
        let full = held.full_at.len() >= MOST;
        let full_at = held.full_at.get(key).or(full.then_some(&held.rest));
        full_at.map_or(Ok(()), |full_at| self.there_is_one(*full_at, now))
    }

    fn there_is_one(&self, full_at: Instant, now: Instant) -> Result<(), Duration> {
        let missing = full_at.max(now) + self.each - now;
        match missing.saturating_sub(self.whole) {
            Duration::ZERO => Ok(()),
            wait => Err(wait),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held<K>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Held<K> {
    /// Lets go of the full ones, at most once a second.
    fn sweep(&mut self, now: Instant) {
        if now >= self.swept + Duration::from_secs(1) {
            self.swept = now;
            self.full_at.retain(|_, full_at| *full_at > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate_and_is_full_again_in_the_end() {
        let buckets = Buckets::new(Duration::from_secs(1), 10, 20).unwrap();
        let start = Instant::now();
        let taken = |at: Instant| {
            (0..100)
                .filter(|_| buckets.take_at(&"a", at).is_ok())
                .count()
        };
        assert_eq!(taken(start), 20);
        assert_eq!(
            buckets.take_at(&"a", start),
            Err(Duration::from_millis(100))
        );
        assert_eq!(taken(start + Duration::from_secs(1)), 10);
        assert_eq!(taken(start + Duration::from_mins(1)), 20);
        assert!(buckets.take_at(&"b", start).is_ok());
        assert!(Buckets::<u8>::new(Duration::from_secs(1), 0, 0).is_none());
    }

    #[test]
    fn what_strangers_can_make_grow_ends() {
        let buckets = Buckets::new(Duration::from_mins(1), 1, 1).unwrap();
        let start = Instant::now();
        let takes = |range: std::ops::Range<usize>, at| {
            range.filter(|key| buckets.take_at(key, at).is_ok()).count()
        };
        // Those beyond share one token.
        assert_eq!(takes(0..MOST + 100, start), MOST + 1);
        assert_eq!(buckets.held().full_at.len(), MOST);
        let later = start + Duration::from_secs(61);
        assert_eq!(takes(MOST..MOST + 100, later), 100);
        assert_eq!(buckets.held().full_at.len(), 100);
    }

    #[test]
    fn an_address_is_its_network() {
        for (address, other, same) in [
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let network = |text: &str| network(text.parse().unwrap());
            assert_eq!(
                network(address) == network(other),
                same,
                "{address} {other}"
            );
        }
    }
}
