//! Bits in a second: on average, and at the peak as RFC 8216 defines it.

/// What a rendition takes of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Bits in a second of the most demanding run of segments that lasts half to one and a half
    /// target durations.
    pub peak: u64,
    /// Bits in a second over all.
    pub average: u64,
}

impl Rates {
    /// Measures segments of (bytes, seconds).
    pub fn of(segments: &[(u64, f64)], target_seconds: f64) -> Self {
        let total = segments.iter().fold((0, 0.0), |(bytes, seconds), segment| {
            (bytes + segment.0, seconds + segment.1)
        });
        let average = per_second(total.0, total.1);
        let mut peak = 0;
        for first in 0..segments.len() {
            let (mut bytes, mut seconds) = (0, 0.0);
            for segment in &segments[first..] {
                bytes += segment.0;
                seconds += segment.1;
                if seconds > target_seconds * 1.5 {
                    break;
                }
                if seconds >= target_seconds * 0.5 {
                    peak = peak.max(per_second(bytes, seconds));
                }
            }
        }
        // A film that is shorter than half a target is a run of its own.
        let peak = peak.max(average);
        Self { peak, average }
    }

    /// Both together, for renditions that are played at once.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            peak: self.peak + other.peak,
            average: self.average + other.average,
        }
    }

    /// The larger of each.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            peak: self.peak.max(other.peak),
            average: self.average.max(other.average),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "bits in a second of a film: positive, far below 2^52"
)]
fn per_second(bytes: u64, seconds: f64) -> u64 {
    if seconds <= 0.0 {
        return 0;
    }
    (bytes as f64 * 8.0 / seconds).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::Rates;

    #[test]
    fn the_peak_is_that_of_a_run_of_about_a_target() {
        let rates = Rates::of(&[(750, 6.0), (1500, 6.0), (750, 6.0), (900, 1.0)], 6.0);
        // The last second alone is too short to be a run; with the six before it, it is one.
        assert_eq!((rates.peak, rates.average), (2000, 1643));
        let short = Rates::of(&[(100, 1.0)], 6.0);
        assert_eq!((short.peak, short.average), (800, 800));
        assert_eq!(Rates::of(&[], 6.0), Rates::default());
    }
}
