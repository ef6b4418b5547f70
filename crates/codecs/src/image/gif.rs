//! GIF 87a and 89a (the format's own specification, 1990).
//!
//! Files are read as browsers read them: what is missing or wrong behind the first frame ends the animation there.

mod walk;

use gif::{ColorOutput, DecodeOptions, DisposalMethod, MemoryLimit};

use super::ImageError;
use super::ImageLimits;
use super::canvas::{Canvas, Disposal, Part};
use super::extent::Extent;
use super::header::{Header, with_trailing};
use super::jpeg;
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::{Layout, Raster, byte_len};
use super::reject;
use media::Rejection;
use media::formats::ImageFormat;
use sandbox::Resource;

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let found = walk::walk(bytes, limits, &mut Vec::new())?;
    Ok(Header {
        format: with_trailing(ImageFormat::Gif, found.trailing)?,
        width: found.screen.0,
        height: found.screen.1,
        orientation: Orientation::default(),
        layout: Layout::Rgba,
        jpeg: jpeg::Traits::default(),
        has_alpha: found.transparent,
        is_lossy: false,
        bit_depth: 8,
        frames: found.frames,
        plays: found.plays,
        color: Embedded::Nothing,
    })
}

/// The first frame on its canvas.
pub(super) fn decode(
    bytes: &[u8],
    header: Header,
    limits: &ImageLimits,
) -> Result<(Raster, Extent), ImageError> {
    let mut frames = Frames::new(bytes, limits)?;
    let first = frames.next()?;
    let first = first.ok_or_else(|| reject::corrupt("a gif without a picture"))?;
    let size = (header.width, header.height);
    let mut canvas = Canvas::new(size)?;
    canvas.draw(&first);
    let pixels = canvas.into_pixels();
    let picture = Raster::new(size, header.layout, header.color, pixels)?;
    Ok((picture, frames.extent()))
}

/// The frames of a file, one after the other.
pub(super) struct Frames {
    decoder: gif::Decoder<std::io::Cursor<Vec<u8>>>,
    first: bool,
    extent: Extent,
}

impl Frames {
    pub(super) fn new(bytes: &[u8], limits: &ImageLimits) -> Result<Self, ImageError> {
        let mut clean = Vec::with_capacity(bytes.len());
        let found = walk::walk(bytes, limits, &mut clean)?;
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        options.set_memory_limit(MemoryLimit::Unlimited); // sizes were checked by the walk
        let decoder = options.read_info(std::io::Cursor::new(clean));
        let decoder = decoder.map_err(|_| reject::corrupt("the gif's header cannot be read"))?;
        Ok(Self {
            decoder,
            first: true,
            extent: if found.cut {
                Extent::Cut
            } else {
                Extent::Whole
            },
        })
    }

    /// The next frame. Nothing behind the last, or where it cannot be read any further.
    pub(super) fn next(&mut self) -> Result<Option<Part>, ImageError> {
        let first = std::mem::replace(&mut self.first, false);
        let mut part = match self.decoder.next_frame_info() {
            Ok(Some(frame)) => part_of(frame),
            Err(_) if first => {
                return Err(reject::corrupt("the gif's first frame cannot be read").into());
            }
            Ok(None) => return Ok(None),
            Err(_) => {
                self.extent = Extent::Cut;
                return Ok(None);
            }
        };
        let interlaced = self
            .decoder
            .current_frame_info()
            .is_some_and(|frame| frame.interlaced);
        let size = byte_len(part.width, part.height, 4);
        part.pixels = vec![0; size.ok_or(ImageError::LimitHit(Resource::Memory))?];
        let rows = self.fill(&mut part, interlaced);
        // Much of the first frame must be there.
        let extent = Extent::of_rows(rows.into(), part.height.into());
        match extent {
            Ok(Extent::Whole) => {}
            Err(rejection) if first => return Err(rejection.into()),
            Ok(Extent::Cut) | Err(_) => self.extent = Extent::Cut,
        }
        Ok(Some(part))
    }

    /// Whether all was there, of the frames that were asked for and the walk.
    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    /// Decodes row by row as far as there is data, and says how many rows there were.
    fn fill(&mut self, part: &mut Part, interlaced: bool) -> u32 {
        let row_len = part.width as usize * 4;
        let order: Box<dyn Iterator<Item = u32>> = if interlaced {
            Box::new(interlaced_rows(part.height))
        } else {
            Box::new(0..part.height)
        };
        let mut rows = 0;
        for row in order {
            let start = row as usize * row_len;
            match self
                .decoder
                .fill_buffer(&mut part.pixels[start..start + row_len])
            {
                Ok(true) => rows += 1,
                Ok(false) | Err(_) => break,
            }
        }
        rows
    }
}

/// The rows of an interlaced frame in the order in which they are stored (appendix E).
fn interlaced_rows(height: u32) -> impl Iterator<Item = u32> {
    let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
    passes
        .into_iter()
        .flat_map(move |(from, step)| (from..height).step_by(step))
}

fn part_of(frame: &gif::Frame) -> Part {
    Part {
        left: frame.left.into(),
        top: frame.top.into(),
        width: frame.width.into(),
        height: frame.height.into(),
        pixels: Vec::new(),
        blend: true,
        disposal: match frame.dispose {
            DisposalMethod::Background => Disposal::Clear,
            DisposalMethod::Previous => Disposal::Restore,
            DisposalMethod::Any | DisposalMethod::Keep => Disposal::Keep,
        },
        milliseconds: u32::from(frame.delay) * 10,
    }
}
