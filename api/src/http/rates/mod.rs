//! How often one may ask: requests of an owner, over all processes ([`fleet`]), and keys that are wrong from an address,
//! in this process alone.

mod buckets;
pub(crate) mod fleet;

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::{OwnerId, Sha256};
use poem::http::{HeaderName, HeaderValue, header};

use self::buckets::Buckets;
use crate::config::ApiConfig;
use crate::http::problem::{Code, Problem};

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
    requests_per_second: u32,
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
            requests_per_second: requests,
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

    /// What owners took since the last time, of those who took `least` tokens or more, as the time in which that much
    /// comes back.
    fn taken(&self, least: u32) -> Vec<(OwnerId, Duration)> {
        let owners = self.owners.as_ref();
        owners.map_or_else(Vec::new, |owners| owners.taken(least))
    }

    /// How long it is until owners have not asked too much of all processes together.
    fn learn(&self, all: &[(OwnerId, Duration)]) {
        for (owner_id, wait) in all {
            if let Some(owners) = &self.owners {
                owners.not_full_for(owner_id, *wait);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
