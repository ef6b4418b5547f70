//! Exponential backoff with full jitter. Pure: the caller passes the random number.
//!
//! Full jitter (a delay drawn evenly between zero and the exponential bound) spreads the retries
//! of tasks that failed together better than any fixed or partly jittered delay.

use std::time::Duration;

/// Longest delay that a dependency can ask for. One that says ten years is broken.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_hours(24);

/// How long a failed task waits before its next attempt, and how many attempts it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Upper bound of the delay after the first error.
    pub first: Duration,
    /// Growth of that bound with each further error.
    pub factor: f64,
    /// The bound never grows beyond this.
    pub cap: Duration,
    /// Attempts that may end in an error before the task goes to the dead letters.
    pub attempts: u32,
}

impl Default for Backoff {
    /// One second, doubling, up to five minutes, eight attempts.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            factor: 2.0,
            cap: Duration::from_mins(5),
            attempts: 8,
        }
    }
}

impl Backoff {
    /// What is wrong with it, as the end of a sentence.
    pub(crate) fn mistake(&self) -> Option<&'static str> {
        let factor = self.factor;
        match () {
            () if !(factor.is_finite() && (1.0..=1000.0).contains(&factor)) => {
                Some("the factor of its backoff is not between 1 and 1,000")
            }
            () if self.attempts == 0 => Some("its backoff allows no attempt"),
            () if self.cap > LONGEST_DELAY => Some("its backoff waits for more than a day"),
            () => None,
        }
    }

    /// The delay after the `errors`-th error (from 1), or `None` when the attempts are used up.
    /// `random` is drawn evenly from `0.0..1.0`.
    pub fn delay(&self, errors: u32, random: f64) -> Option<Duration> {
        if errors >= self.attempts {
            return None;
        }
        let exponent = i32::try_from(errors.saturating_sub(1)).unwrap_or(i32::MAX);
        let bound = self.first.as_secs_f64() * self.factor.powi(exponent);
        let bound = bound.min(self.cap.as_secs_f64()) * random.clamp(0.0, 1.0);
        // Whatever the settings: no delay is negative, and none has no end.
        Some(Duration::try_from_secs_f64(bound).unwrap_or(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_settings_are_found_and_give_no_senseless_delay() {
        for factor in [-2.0, f64::NAN, f64::INFINITY, 0.0] {
            let backoff = Backoff {
                factor,
                ..Backoff::default()
            };
            assert!(backoff.mistake().is_some(), "{factor}");
            for errors in 1..8 {
                assert!(backoff.delay(errors, 1.0) <= Some(backoff.cap));
            }
        }
        assert_eq!(Backoff::default().mistake(), None);
    }

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_then_attempts_end() {
        let backoff = Backoff {
            cap: Duration::from_secs(5),
            attempts: 6,
            ..Backoff::default()
        };
        let bounds: Vec<_> = (1..=6)
            .map(|n| backoff.delay(n, 1.0).map(|d| d.as_secs()))
            .collect();
        assert_eq!(bounds, [Some(1), Some(2), Some(4), Some(5), Some(5), None]);
    }

    #[test]
    fn jitter_reaches_down_to_zero() {
        assert_eq!(Backoff::default().delay(5, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn huge_counts_do_not_overflow() {
        let patient = Backoff {
            attempts: u32::MAX,
            ..Backoff::default()
        };
        assert_eq!(
            patient.delay(4_000_000_000, 1.0),
            Some(Duration::from_mins(5))
        );
    }
}
