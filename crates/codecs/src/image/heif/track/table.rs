//! Where a track's samples are, and how long each is shown (ISO/IEC 14496-12 §8.6 and §8.7).

use media::Rejection;

use crate::image::ImageLimits;
use crate::image::bytes::Bytes;
use crate::image::heif::boxes;
use crate::image::reject;

/// A frame's bytes.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    pub(super) bytes: &'a [u8],
    /// How long it is shown.
    pub(super) milliseconds: u32,
}

/// The frames that can be shown, and how many there are in all.
pub(super) fn samples<'a>(
    table: &Bytes<'a>,
    file: &'a [u8],
    scale: u32,
    limits: &ImageLimits,
) -> Result<(Vec<Sample<'a>>, u32), Rejection> {
    let mut sizes = boxes::need(table.clone(), *b"stsz")?;
    boxes::version(&mut sizes)?;
    let (same, count) = (sizes.u32_be()?, sizes.u32_be()?);
    // Of an animation that has too many, the first is shown.
    let wanted = count.min(limits.max_frames.saturating_add(1));
    let mut times = boxes::need(table.clone(), *b"stts")?;
    boxes::version(&mut times)?;
    times.u32_be()?;
    let mut places = Places::read(table)?;
    let mut samples = Vec::new();
    let mut run = (0, 0);
    for _ in 0..wanted {
        let size = if same == 0 { sizes.u32_be()? } else { same };
        while run.0 == 0 {
            run = (times.u32_be()?, times.u32_be()?);
        }
        run.0 -= 1;
        let start = usize::try_from(places.next(size)?).unwrap_or(usize::MAX);
        let bytes = file
            .get(start..)
            .and_then(|rest| rest.get(..size as usize))
            .ok_or_else(|| reject::corrupt("the file ends within the picture"));
        let milliseconds = u64::from(run.1) * 1000 / u64::from(scale);
        match bytes {
            Ok(bytes) => samples.push(Sample {
                bytes,
                milliseconds: u32::try_from(milliseconds).unwrap_or(u32::MAX),
            }),
            Err(rejection) if samples.is_empty() => return Err(rejection),
            // An animation ends where it cannot be read any further.
            Err(_) => break,
        }
    }
    if samples.is_empty() {
        return Err(reject::corrupt("a heif without a picture"));
    }
    Ok((samples, count))
}

/// Where samples lie: in chunks, each of so many.
struct Places<'a> {
    runs: Bytes<'a>,
    /// Samples of a chunk in this run, and the chunk with which the next begins.
    per_chunk: u32,
    until: u32,
    upcoming: u32,
    starts: Bytes<'a>,
    wide: bool,
    chunk: u32,
    left: u32,
    at: u64,
}

impl<'a> Places<'a> {
    fn read(table: &Bytes<'a>) -> Result<Self, Rejection> {
        let mut runs = boxes::need(table.clone(), *b"stsc")?;
        boxes::version(&mut runs)?;
        runs.u32_be()?;
        let short = boxes::find(table.clone(), *b"stco")?;
        let wide = short.is_none();
        let mut starts = match short {
            Some(starts) => starts,
            None => boxes::need(table.clone(), *b"co64")?,
        };
        boxes::version(&mut starts)?;
        starts.u32_be()?;
        let mut places = Self {
            runs,
            per_chunk: 0,
            until: 1,
            upcoming: 0,
            starts,
            wide,
            chunk: 0,
            left: 0,
            at: 0,
        };
        places.runs.u32_be()?; // the first run begins with the first chunk
        places.upcoming = places.run()?;
        Ok(places)
    }

    /// Samples of a chunk in the next run, and where the run behind it begins.
    fn run(&mut self) -> Result<u32, Rejection> {
        let per_chunk = self.runs.u32_be()?;
        self.runs.u32_be()?; // description
        self.until = if self.runs.is_empty() {
            u32::MAX
        } else {
            self.runs.u32_be()?
        };
        Ok(per_chunk)
    }

    /// Where the next sample begins, which is of so many bytes.
    fn next(&mut self, size: u32) -> Result<u64, Rejection> {
        while self.left == 0 {
            self.chunk += 1;
            if self.per_chunk == 0 {
                self.per_chunk = self.upcoming;
            } else if self.chunk == self.until {
                self.per_chunk = self.run()?;
            }
            self.at = if self.wide {
                self.starts.u64_be()?
            } else {
                self.starts.u32_be()?.into()
            };
            self.left = self.per_chunk;
        }
        self.left -= 1;
        let start = self.at;
        self.at = self.at.saturating_add(size.into());
        Ok(start)
    }
}
