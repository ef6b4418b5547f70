//! Token buckets, each as the time at which it will be full again (the generic cell rate algorithm). A keyed limiter of a
//! library would neither bound how many it holds nor tell how one stands without taking from it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Owners or addresses that are told apart at a time, at most; those beyond share one bucket.
const MOST: usize = 20_000;

/// A bucket for each `K`.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    /// In which one token comes back.
    each: Duration,
    /// In which an empty bucket is full again.
    whole: Duration,
    held: Mutex<Held<K>>,
}

#[derive(Debug)]
struct Bucket {
    full_at: Instant,
    /// Tokens that were taken since somebody asked for their number.
    taken: u32,
}

#[derive(Debug)]
struct Held<K> {
    /// Those that are full need not be held.
    buckets: HashMap<K, Bucket>,
    /// Of all those for whom there was no place.
    rest: Instant,
    swept: Instant,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    /// `None` if `count` is 0.
    pub fn new(period: Duration, count: u32, burst: u32) -> Option<Self> {
        let each = period.checked_div(count)?;
        let now = Instant::now();
        Some(Self {
            each,
            whole: each * burst,
            held: Mutex::new(Held {
                buckets: HashMap::new(),
                rest: now,
                swept: now,
            }),
        })
    }

    /// Takes a token, or says how long it is until there is one.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        self.take_at(key, Instant::now())
    }

    fn take_at(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut held = self.held();
        let held = &mut *held;
        if !held.buckets.contains_key(key) && held.buckets.len() >= MOST {
            held.sweep(now);
        }
        if held.buckets.len() >= MOST && !held.buckets.contains_key(key) {
            self.there_is_one(held.rest, now)?;
            held.rest = held.rest.max(now) + self.each;
            return Ok(());
        }
        let bucket = held.buckets.entry(key.clone()).or_insert(Bucket {
            full_at: now,
            taken: 0,
        });
        self.there_is_one(bucket.full_at, now)?;
        bucket.full_at = bucket.full_at.max(now) + self.each;
        bucket.taken = bucket.taken.saturating_add(1);
        Ok(())
    }

    /// What was taken since the last time, of each bucket that gave `least` tokens or more: as the time in which that
    /// much comes back.
    pub fn taken(&self, least: u32) -> Vec<(K, Duration)> {
        let mut held = self.held();
        let taken = held.buckets.iter_mut().filter_map(|(key, bucket)| {
            let taken = std::mem::take(&mut bucket.taken);
            (taken >= least.max(1)).then(|| (key.clone(), self.each * taken))
        });
        taken.collect()
    }

    /// Others took from the same bucket, too: it is full again in so long at the earliest.
    pub fn not_full_for(&self, key: &K, wait: Duration) {
        let full_at = Instant::now() + wait;
        if let Some(bucket) = self.held().buckets.get_mut(key) {
            bucket.full_at = bucket.full_at.max(full_at);
        }
    }

    /// As [`Self::take`], and leaves the token there.
    pub fn look(&self, key: &K) -> Result<(), Duration> {
        let (held, now) = (self.held(), Instant::now());
        let full_at = match held.buckets.get(key) {
            Some(bucket) => bucket.full_at,
            None if held.buckets.len() >= MOST => held.rest,
            None => return Ok(()),
        };
        self.there_is_one(full_at, now)
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
            self.buckets.retain(|_, bucket| bucket.full_at > now);
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
        assert_eq!(buckets.held().buckets.len(), MOST);
        let later = start + Duration::from_secs(61);
        assert_eq!(takes(MOST..MOST + 100, later), 100);
        assert_eq!(buckets.held().buckets.len(), 100);
    }
}
