//! The poster: a picture of the film that is not black, not white, not blurred.

use std::fmt::Write;

use sandbox::ToolError;

use crate::encode::{Desk, EncodeError, Made, filters, opened_at, without_metadata, words};
use crate::plan::Plan;

/// At which tenths of the film candidates are looked at, until one is good. Ties go to the earlier in this list.
const TENTHS: [u64; 8] = [3, 2, 4, 1, 5, 6, 7, 0];
/// Candidates are judged at this width, in pixels.
const JUDGED_WIDTH: u32 = 320;

/// What filters measured of a candidate. Brightness is from 0 to 255.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    mean: f64,
    dark: f64,
    bright: f64,
    blur: f64,
}

/// Makes `poster-320.webp`… in the widths of the plan.
pub(super) async fn encode(desk: Desk<'_>, plan: &Plan) -> Result<Made, EncodeError> {
    let mut best: Option<(f64, u64)> = None;
    let mut failure = None;
    // The first candidate is mostly good: its posters are made in the same call.
    let mut made = None;
    for (number, tenth) in TENTHS.into_iter().enumerate() {
        let at_us = plan.last_picture_us() * tenth / 10;
        let wanted = if number == 0 {
            Wanted::Both
        } else {
            Wanted::Look
        };
        // A film may be broken here and there; one good picture is enough.
        match call(desk, plan, at_us, wanted).await {
            Ok(look) => {
                if wanted == Wanted::Both {
                    made = Some(at_us);
                }
                let score = look.score();
                if best.is_none_or(|(most, _)| score > most) {
                    best = Some((score, at_us));
                }
                if look.is_good() {
                    break;
                }
            }
            Err(error @ ToolError::Failed { signal: None, .. }) => failure = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    let (Some((_, at_us)), _) = (best, &failure) else {
        let nothing = ToolError::Protocol("no picture of the film");
        return Err(failure.unwrap_or(nothing).into());
    };
    if made != Some(at_us) {
        call(desk, plan, at_us, Wanted::Posters).await?;
    }
    let names = plan.poster_widths.iter().map(|width| name(*width));
    Ok(Made::Pictures(desk.sizes(names.collect()).await?))
}

fn name(width: u32) -> String {
    format!("poster-{width}.webp")
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Look,
    Posters,
    Both,
}

/// Decodes one picture once, measures it, and writes it in every width, from one scaling.
async fn call(desk: Desk<'_>, plan: &Plan, at_us: u64, wanted: Wanted) -> Result<Look, ToolError> {
    let widths = match wanted {
        Wanted::Look => &[],
        Wanted::Posters | Wanted::Both => &plan.poster_widths[..],
    };
    let largest = widths.last().copied().unwrap_or(JUDGED_WIDTH);
    let (width, height) = size_at(plan, largest);
    let judged = usize::from(wanted != Wanted::Posters);
    let mut graph = format!(
        "{}{},{},split={}",
        filters::source(plan),
        filters::constant_rate(plan.frame_rate, at_us),
        filters::plain(plan.picture.colours, width, height),
        widths.len() + judged,
    );
    let mut scaled = String::new();
    let mut outputs = Vec::new();
    if judged > 0 {
        let (width, height) = size_at(plan, JUDGED_WIDTH);
        graph += "[judged]";
        // Writing to a text does not fail.
        let _ = write!(
            scaled,
            ";[judged]scale={width}:{height}:flags=bicubic,signalstats,\
             blurdetect=block_width=32:block_height=32,metadata=print:file='pipe\\:1'[look]"
        );
        outputs.extend(words("-map [look] -frames:v 1 -f null -"));
    }
    for (number, &wanted) in widths.iter().enumerate() {
        let (width, height) = size_at(plan, wanted);
        let _ = write!(graph, "[s{number}]");
        let _ = write!(
            scaled,
            ";[s{number}]scale={width}:{height}:flags=bicubic[v{number}]"
        );
        outputs.extend(words(&format!(
            "-map [v{number}] -frames:v 1 -c:v libwebp -quality 80"
        )));
        outputs.extend(without_metadata());
        outputs.extend(["-f".to_owned(), "webp".to_owned(), name(wanted)]);
    }
    let mut after = vec!["-filter_complex".to_owned(), graph + &scaled];
    after.extend(outputs);
    let mut found = Look::default();
    let before = opened_at(at_us.saturating_sub(1_000_000), desk.threads);
    desk.ffmpeg(plan, &before, &after, |line| found.take(line))
        .await?;
    Ok(found)
}

/// The film's shape at `width` pixels, both sides even; never larger than its largest rung.
pub fn size_at(plan: &Plan, width: u32) -> (u32, u32) {
    let Some(top) = plan.rungs.last() else {
        return (2, 2);
    };
    let height = u64::from(width) * u64::from(top.height) / u64::from(top.width.max(1));
    let even = |side: u64| u32::try_from(side / 2 * 2).unwrap_or(2).max(2);
    (even(width.into()), even(height))
}

impl Look {
    /// Takes a line such as `lavfi.signalstats.YAVG=87.5`.
    fn take(&mut self, line: &[u8]) {
        let Some((key, value)) = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.split_once('='))
        else {
            return;
        };
        let Ok(value) = value.trim().parse() else {
            return;
        };
        match key {
            "lavfi.signalstats.YAVG" => self.mean = value,
            "lavfi.signalstats.YLOW" => self.dark = value,
            "lavfi.signalstats.YHIGH" => self.bright = value,
            "lavfi.blur" => self.blur = value,
            _ => {}
        }
    }

    /// Lit, sharp and rich in contrast: others need not be looked at, each of which costs a decoding of some seconds.
    fn is_good(self) -> bool {
        let contrast = self.bright - self.dark;
        (48.0..=208.0).contains(&self.mean) && contrast >= 80.0 && self.blur <= 5.0
    }

    /// More contrast is better, blur is worse, and what is nearly black or white comes last.
    fn score(self) -> f64 {
        let contrast = (self.bright - self.dark).max(0.0);
        let sharp = if self.blur.is_finite() {
            self.blur.max(1.0)
        } else {
            10.0
        };
        let lit = if (32.0..=220.0).contains(&self.mean) {
            1.0
        } else {
            0.05
        };
        lit * (contrast + 1.0) / sharp.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::Look;

    fn look(mean: f64, dark: f64, bright: f64, blur: f64) -> Look {
        Look {
            mean,
            dark,
            bright,
            blur,
        }
    }

    #[test]
    fn pictures_are_preferred_that_show_something() {
        let good = look(110.0, 40.0, 200.0, 3.0);
        for (what, worse) in [
            ("black", look(17.0, 16.0, 18.0, 1.0)),
            ("black with a title", look(20.0, 16.0, 200.0, 2.0)),
            ("white", look(234.0, 230.0, 235.0, 1.0)),
            ("blurred", look(110.0, 40.0, 200.0, 12.0)),
            ("half faded", look(60.0, 30.0, 90.0, 3.0)),
            ("without edges", look(110.0, 108.0, 112.0, f64::NAN)),
        ] {
            assert!(worse.score() < good.score(), "{what}: {worse:?}");
            assert!(!worse.is_good(), "{what}");
        }
        assert!(good.is_good());
    }
}
