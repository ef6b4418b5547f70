//! Cuts what ffmpeg wrote into an initialisation and segments, and sets their clocks.
//!
//! ffmpeg's own times depend on where a chunk begins and on how many pictures the encoder holds back.
//! Here each segment gets the time that the plan gives it, so chunks fit together by construction.

use std::io::SeekFrom;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use sandbox::ToolError;

use crate::encode::aac::FRAME_SAMPLES;
use crate::encode::{CLOCK_START_SECONDS, EncodeError};
use crate::mp4::{Fragment, Header, Init, Mp4Error};
use crate::plan::Plan;
use crate::probe::Ratio;

/// The largest box that is read into memory, in bytes.
const MOST_IN_MEMORY: u64 = 16 << 20;

/// Segments that belong together, measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// The folder of its files, as `720p` or `sound-0`.
    pub name: String,
    /// What the initialisation says.
    pub init: Init,
    /// Size of the initialisation in bytes.
    pub init_bytes: u64,
    /// The segments, in order.
    pub segments: Vec<Segment>,
}

/// One segment, measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number in the film, from zero.
    pub number: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its length in ticks of the initialisation's clock.
    pub duration: u64,
    /// How many of its bytes, from the start, hold its first picture.
    pub first_picture_bytes: u64,
}

impl Rendition {
    /// The name of the initialisation, from the folder of all renditions.
    pub fn init_name(&self) -> String {
        format!("{}/init.mp4", self.name)
    }

    /// The names of all its files, from the folder of all renditions.
    pub fn files(&self) -> Vec<String> {
        let segments = self.segments.iter();
        let mut names = vec![self.init_name()];
        names.extend(segments.map(|segment| self.segment_name(segment.number)));
        names
    }

    /// The name of segment `number`, from the folder of all renditions.
    pub fn segment_name(&self, number: u64) -> String {
        format!("{}/{}", self.name, segment_file(number, "m4s"))
    }
}

/// The file name of a segment.
pub(crate) fn segment_file(number: u64, ending: &str) -> String {
    format!("{number:05}.{ending}")
}

/// Which time the segments of a piece begin at.
pub(crate) enum Clock {
    /// Each at a multiple of some pictures.
    Pictures {
        rate: Ratio,
        per_segment: u64,
        first_segment: u64,
    },
    /// One after the other, from a frame of AAC before the start, of so many samples in a second.
    Sound { sample_rate: u32 },
}

impl Clock {
    pub fn of_pictures(plan: &Plan, first_segment: u64) -> Self {
        Self::Pictures {
            rate: plan.frame_rate,
            per_segment: plan.segment_frames,
            first_segment,
        }
    }

    pub fn of_sound(sample_rate: u32) -> Self {
        Self::Sound { sample_rate }
    }

    fn first_segment(&self) -> u64 {
        match self {
            Self::Pictures { first_segment, .. } => *first_segment,
            Self::Sound { .. } => 0,
        }
    }

    /// When segment `number` is shown, in ticks; `before` is the length of those before it here.
    fn at(&self, number: u64, timescale: u32, before: u64) -> u64 {
        let start = CLOCK_START_SECONDS * u64::from(timescale);
        match self {
            Self::Pictures {
                rate, per_segment, ..
            } => {
                let ticks = u128::from(timescale) * u128::from(rate.den);
                let pictures = u128::from(number) * u128::from(*per_segment);
                let at = pictures * ticks / u128::from(rate.num);
                start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX))
            }
            Self::Sound { sample_rate } => {
                let frame = FRAME_SAMPLES * u64::from(timescale) / u64::from(*sample_rate).max(1);
                start + before - frame
            }
        }
    }
}

/// Cuts `name`.mp4 in `folder` into files in `folder`/`name`, and removes it.
pub(crate) async fn into_segments(
    folder: &Path,
    name: &str,
    clock: Clock,
) -> Result<Rendition, EncodeError> {
    let whole = folder.join(format!("{name}.mp4"));
    let target = folder.join(name);
    tokio::fs::create_dir_all(&target).await.map_err(io)?;
    let mut file = File::open(&whole).await.map_err(io)?;
    let (mut head, mut init): (Vec<u8>, Option<Init>) = (Vec::new(), None);
    let mut segments: Vec<Segment> = Vec::new();
    let mut moof: Option<Vec<u8>> = None;
    while let Some(header) = next_header(&mut file).await? {
        match &header.kind {
            b"ftyp" | b"moov" if init.is_none() => {
                head.extend(read_box(&mut file, header).await?);
                if header.kind == *b"moov" {
                    init = Some(Init::read(&head)?);
                    tokio::fs::write(target.join("init.mp4"), &head)
                        .await
                        .map_err(io)?;
                }
            }
            b"moof" => moof = Some(read_box(&mut file, header).await?),
            b"mdat" => {
                let timescale = init
                    .as_ref()
                    .ok_or(Mp4Error("data before their head"))?
                    .timescale;
                let mut moof = moof.take().ok_or(Mp4Error("data without times"))?;
                let fragment = Fragment::read(moof.get(8..).unwrap_or_default())?;
                let number = clock.first_segment() + segments.len() as u64;
                let before = segments.iter().map(|segment| segment.duration).sum();
                let sequence = u32::try_from(number + 1).unwrap_or(u32::MAX);
                fragment.retime(&mut moof, clock.at(number, timescale, before), sequence)?;
                write_segment(&target, number, &moof, &mut file, header).await?;
                segments.push(Segment {
                    number,
                    bytes: moof.len() as u64 + header.size,
                    duration: fragment.duration(),
                    first_picture_bytes: moof.len() as u64
                        + header.head
                        + u64::from(fragment.samples[0].size),
                });
            }
            _ => skip_box(&mut file, header).await?,
        }
    }
    tokio::fs::remove_file(&whole).await.map_err(io)?;
    Ok(Rendition {
        name: name.to_owned(),
        init: init.ok_or(Mp4Error("no head"))?,
        init_bytes: head.len() as u64,
        segments,
    })
}

/// The head of the next box; the file stands at the start of that box again.
async fn next_header(file: &mut File) -> Result<Option<Header>, EncodeError> {
    let mut bytes = Vec::with_capacity(Header::MOST);
    (&mut *file)
        .take(Header::MOST as u64)
        .read_to_end(&mut bytes)
        .await
        .map_err(io)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let back = i64::try_from(bytes.len()).unwrap_or(0);
    file.seek(SeekFrom::Current(-back)).await.map_err(io)?;
    Ok(Some(Header::read(&bytes)?))
}

async fn read_box(file: &mut File, header: Header) -> Result<Vec<u8>, EncodeError> {
    if header.size > MOST_IN_MEMORY {
        return Err(Mp4Error("a head too large for memory").into());
    }
    let mut bytes = Vec::new();
    file.take(header.size)
        .read_to_end(&mut bytes)
        .await
        .map_err(io)?;
    if bytes.len() as u64 != header.size {
        return Err(Mp4Error("a box ends too early").into());
    }
    Ok(bytes)
}

async fn skip_box(file: &mut File, header: Header) -> Result<(), EncodeError> {
    let size = i64::try_from(header.size).map_err(|_| Mp4Error("a box without end"))?;
    file.seek(SeekFrom::Current(size)).await.map_err(io)?;
    Ok(())
}

async fn write_segment(
    target: &Path,
    number: u64,
    moof: &[u8],
    file: &mut File,
    mdat: Header,
) -> Result<(), EncodeError> {
    let path = target.join(segment_file(number, "m4s"));
    let mut segment = File::create(path).await.map_err(io)?;
    segment.write_all(moof).await.map_err(io)?;
    let copied = tokio::io::copy(&mut file.take(mdat.size), &mut segment)
        .await
        .map_err(io)?;
    segment.flush().await.map_err(io)?;
    if copied != mdat.size {
        return Err(Mp4Error("data end too early").into());
    }
    Ok(())
}

fn io(error: std::io::Error) -> EncodeError {
    ToolError::io("cutting into segments")(error).into()
}
