//! The constant frame rate of what is made: never below what is shown, never much above.

use crate::plan::settings::PlanSettings;
use crate::probe::{Ratio, VideoTrack};

/// Rates that cameras and screens have, in Hz.
const USUAL: [Ratio; 19] = [
    hz(5, 1),
    hz(6, 1),
    hz(15, 2),
    hz(8, 1),
    hz(10, 1),
    hz(12, 1),
    hz(25, 2),
    hz(15, 1),
    hz(20, 1),
    hz(24_000, 1001),
    hz(24, 1),
    hz(25, 1),
    hz(30_000, 1001),
    hz(30, 1),
    hz(48, 1),
    hz(50, 1),
    hz(60_000, 1001),
    hz(60, 1),
    hz(120, 1),
];

/// Below this, segments of whole pictures cannot be of even length, in Hz.
const LOWEST: f64 = 5.0;
/// The finest clock that is kept, in ticks a second: a usual rate takes the place of a finer one.
const FINEST: u32 = 120_000;

const fn hz(num: u32, den: u32) -> Ratio {
    Ratio { num, den }
}

/// The rate for `video`.
pub(super) fn constant(video: &VideoTrack, settings: &PlanSettings) -> Ratio {
    into_bounds(native(video), f64::from(settings.max_frame_rate.max(1)))
}

/// The rate at which the film is shown.
fn native(video: &VideoTrack) -> Ratio {
    let (declared, average) = (video.declared_rate, video.average_rate);
    if let (true, Some(declared), Some(average)) = (video.interlaced, declared, average) {
        // Fields counted as pictures.
        if near(declared.value(), 2.0 * average.value(), 0.05) {
            return average;
        }
    }
    let timing = &video.timing;
    if timing.median_us == 0 {
        return hz(25, 1); // a single picture
    }
    let measured = per_second(timing.median_us);
    let bears_out = |rate: &Ratio| near(rate.value(), measured, 0.03);
    let borne_out = [declared, average].into_iter().flatten().find(bears_out);
    match borne_out {
        Some(rate) if !timing.varies => coarse(rate),
        _ => at_least(per_second(timing.short_us.max(1))),
    }
}

/// `rate`, or the usual one that a too fine clock means.
fn coarse(rate: Ratio) -> Ratio {
    if rate.num <= FINEST {
        return rate;
    }
    at_least(rate.value())
}

/// The usual rate that `rate` means, or else the lowest that shows all of it. Clocks of a millisecond
/// make 30.3 of 30.
fn at_least(rate: f64) -> Ratio {
    let away = |usual: &Ratio| (usual.value() - rate).abs();
    let meant = USUAL
        .into_iter()
        .filter(|usual| near(usual.value(), rate, 0.015))
        .min_by(|a, b| away(a).total_cmp(&away(b)));
    let above = || USUAL.into_iter().find(|usual| usual.value() >= rate);
    meant.or_else(above).unwrap_or(hz(120, 1))
}

/// Halves, thirds… what is too fast; doubles, triples… what is too slow.
fn into_bounds(rate: Ratio, highest: f64) -> Ratio {
    let times = |factor: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 1000"
        )]
        let times = factor.ceil().clamp(1.0, 1000.0) as u32;
        times
    };
    let value = rate.value();
    if value > highest * 1.001 {
        let by = times(value / highest - 0.001);
        Ratio::new(rate.num, rate.den.saturating_mul(by)).unwrap_or(rate)
    } else if value < LOWEST {
        let by = times(LOWEST / value);
        Ratio::new(rate.num.saturating_mul(by), rate.den).unwrap_or(rate)
    } else {
        rate
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an interval between pictures is short"
)]
fn per_second(interval_us: u64) -> f64 {
    1_000_000.0 / interval_us as f64
}

fn near(a: f64, b: f64, share: f64) -> bool {
    (a - b).abs() <= b * share
}

#[cfg(test)]
mod tests {
    use super::{constant, hz};
    use crate::plan::PlanSettings;
    use crate::plan::tests::film;
    use crate::probe::{Ratio, Timing, VideoTrack};

    fn ratio(text: &str) -> Option<Ratio> {
        Ratio::parse(text)
    }

    fn video(declared: &str, average: &str, median_us: u64, short_us: u64) -> VideoTrack {
        VideoTrack {
            declared_rate: ratio(declared),
            average_rate: ratio(average),
            timing: Timing {
                median_us,
                short_us,
                ..Timing::default()
            },
            ..film(1920, 1080).video
        }
    }

    /// What it is, declared, average, median and short interval in microseconds, varies, result.
    const CASES: &str = "
        film                  24000/1001       24000/1001   41708    41000    no  24000/1001
        odd-but-constant      8797/1000        8797/1000    113675   113675   no  8797/1000
        a-clock-not-a-rate    90000/1          21/2         99966    79989    no  25/2
        phone-now-and-then    120/1            2761/100     33345    33322    yes 30/1
        clock-of-milliseconds 1000/1           29/1         34000    33000    yes 30/1
        screen                30/1             8/1          49000    32000    yes 48/1
        slow-motion           120/1            120/1        8333     8333     no  60/1
        thrice-too-fast       150/1            150/1        6667     6667     no  50/1
        slides                1/1              1/1          1000000  1000000  no  5/1
        one-in-ten-seconds    1/10             1/10         10000000 10000000 no  5/1
        too-fine              23040000/767849  30/1         33327    33326    no  30/1
        one-picture           25/1             25/1         0        0        no  25/1
        nothing-said          0/0              0/0          40000    40000    no  25/1";

    #[test]
    fn rates_are_those_that_are_shown() {
        for case in CASES.trim().lines() {
            let words: Vec<&str> = case.split_whitespace().collect();
            let [name, declared, average, median, short, varies, expected] = words[..] else {
                panic!("not a case: {case}");
            };
            let mut video = video(
                declared,
                average,
                median.parse().unwrap(),
                short.parse().unwrap(),
            );
            video.timing.varies = varies == "yes";
            let rate = constant(&video, &PlanSettings::default()).value();
            let expected = ratio(expected).unwrap().value();
            assert!((rate - expected).abs() < 1e-9, "{name}: {rate}");
        }
    }

    #[test]
    fn fields_are_not_pictures() {
        let fields = video("60000/1001", "30000/1001", 16_689, 16_677);
        let fields = VideoTrack {
            interlaced: true,
            ..fields
        };
        assert_eq!(
            constant(&fields, &PlanSettings::default()),
            hz(30_000, 1001)
        );
    }
}
