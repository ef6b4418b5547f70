//! JPEG XL (ISO/IEC 18181), alone or in boxes, by `jxl`, the decoder of Chromium and Firefox.
//!
//! The decoder turns pictures upright itself, draws frames on the whole canvas, and says what its samples mean. A file that
//! ends early is refused, as those of AVIF are.

use jxl::api::{
    AlphaMode, Endianness, Event, ExtraChannel, JxlColorType, JxlDataFormat, JxlDecoder,
    JxlDecoderOptions, JxlOutputBuffer, JxlPixelFormat, ProfileLevel,
};
use jxl::error::Error;
use media::Rejection;
use media::formats::ImageFormat;
use sandbox::Resource;

use super::canvas::Part;
use super::color::Narrow;
use super::extent::Extent;
use super::header::Header;
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::{Layout, Raster, byte_len};
use super::{ImageError, ImageLimits, hdr, jpeg, reject};

mod meaning;

/// A codestream alone, and one in boxes.
const CODESTREAM: &[u8] = b"\xFF\x0A";
const BOXES: &[u8] = b"\0\0\0\x0CJXL \x0D\x0A\x87\x0A";

/// Most channels of a picture: colours, transparency, and others that are left out.
const MOST_CHANNELS: usize = 8;

pub(super) fn is_jxl(bytes: &[u8]) -> bool {
    bytes.starts_with(CODESTREAM) || bytes.starts_with(BOXES)
}

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let frames = Frames::new(bytes, limits)?;
    let (info, plays) = (&frames.info, frames.plays);
    Ok(Header {
        format: ImageFormat::Jxl,
        width: info.width,
        height: info.height,
        // The decoder has turned it.
        orientation: Orientation::default(),
        layout: info.layout,
        jpeg: jpeg::Traits::default(),
        has_alpha: info.layout.has_alpha(),
        is_lossy: info.is_lossy,
        bit_depth: info.bits,
        frames: match plays {
            Some(_) => count(bytes, limits)?,
            None => 1,
        },
        plays: plays.unwrap_or(1),
        color: info.color.clone(),
    })
}

pub(super) fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<(Raster, Extent), ImageError> {
    let first = Frames::new(bytes, limits)?.raster()?;
    let (picture, _) = first.ok_or_else(|| reject::corrupt("a jxl without a frame"))?;
    Ok((picture, Extent::Whole))
}

/// How many frames are to be seen, counted without decoding them, up to one more than allowed.
fn count(bytes: &[u8], limits: &ImageLimits) -> Result<u32, Rejection> {
    let mut options = options(limits);
    options.scan_frames_only = true;
    let mut decoder = JxlDecoder::new(options);
    let (mut rest, mut ended) = (bytes, false);
    let seen = |decoder: &JxlDecoder| u32::try_from(decoder.scanned_frames().len());
    while !ended && seen(&decoder).is_ok_and(|count| count <= limits.max_frames) {
        // What cannot be read any further has as many as were found.
        let event = decoder.process(&mut rest, None, None);
        ended = matches!(
            event,
            Err(_) | Ok(Event::NeedMoreInput { .. } | Event::Complete)
        );
    }
    match seen(&decoder) {
        Ok(0) => Err(reject::corrupt("a jxl without a frame")),
        count => Ok(count.unwrap_or(u32::MAX)),
    }
}

fn options(limits: &ImageLimits) -> JxlDecoderOptions {
    let pixels = usize::try_from(limits.max_pixels).unwrap_or(usize::MAX);
    let mut options = JxlDecoderOptions::default();
    options.sample_limit = Some(pixels.saturating_mul(MOST_CHANNELS));
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.max_profile_level = ProfileLevel::Main10;
    options
}

/// What the headers say.
struct Info {
    width: u32,
    height: u32,
    layout: Layout,
    is_lossy: bool,
    bits: u8,
    color: Embedded,
}

/// The frames of a file, one after the other.
pub(super) struct Frames<'a> {
    decoder: JxlDecoder,
    rest: &'a [u8],
    info: Info,
    /// Whether samples are of 16 bits.
    is_wide: bool,
    /// How often it is played, 0 for ever, if it is an animation.
    plays: Option<u32>,
    ended: bool,
}

impl<'a> Frames<'a> {
    /// Reads the headers.
    pub(super) fn new(bytes: &'a [u8], limits: &ImageLimits) -> Result<Self, Rejection> {
        let mut decoder = JxlDecoder::new(options(limits));
        let mut rest = bytes;
        match decoder.process(&mut rest, None, None) {
            Ok(Event::BasicInfo) => {}
            Ok(_) => return Err(reject::corrupt("the jxl ends within its headers")),
            Err(error) => return Err(unreadable(&error)),
        }
        let found = decoder.basic_info().ok_or_else(headless)?;
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let (width, height) = (side(found.size.0), side(found.size.1));
        limits.check_size(width, height)?;
        let profile = decoder.embedded_color_profile().ok_or_else(headless)?;
        if profile.is_cmyk() {
            return Err(reject::unsupported("a JPEG XL of inks"));
        }
        let kinds = found.extra_channels.iter().map(|channel| channel.ec_type);
        let has_alpha = kinds.clone().any(|kind| kind == ExtraChannel::Alpha);
        let (layout, color_type) = match (profile.channels(), has_alpha) {
            (1, false) => (Layout::Gray, JxlColorType::Grayscale),
            (1, true) => (Layout::GrayAlpha, JxlColorType::GrayscaleAlpha),
            (_, false) => (Layout::Rgb, JxlColorType::Rgb),
            (_, true) => (Layout::Rgba, JxlColorType::Rgba),
        };
        let bits = u8::try_from(found.bit_depth.bits_per_sample()).unwrap_or(u8::MAX);
        let is_wide = bits > 8;
        let format = JxlPixelFormat {
            color_type,
            color_data_format: Some(if is_wide {
                JxlDataFormat::U16 {
                    endianness: Endianness::native(),
                    bit_depth: 16,
                }
            } else {
                JxlDataFormat::U8 { bit_depth: 8 }
            }),
            extra_channel_format: vec![None; kinds.count()],
        };
        let plays = found.animation.as_ref().map(|found| found.num_loops);
        let (is_lossy, light) = (!found.uses_original_profile, &found.tone_mapping);
        let light = light.intensity_target;
        let formatted = decoder.set_pixel_format(format);
        formatted.map_err(|error| unreadable(&error))?;
        let color = decoder.output_color_profile().ok_or_else(headless)?;
        let info = Info {
            width,
            height,
            layout,
            is_lossy,
            bits,
            color: meaning::of(color, light),
        };
        Ok(Self {
            decoder,
            rest,
            info,
            is_wide,
            plays,
            ended: false,
        })
    }

    /// The next frame, in sRGB. Nothing behind the last, or where it cannot be read any further.
    pub(super) fn next(&mut self) -> Result<Option<Part>, ImageError> {
        let (picture, milliseconds) = match self.raster() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(ImageError::Rejected(_)) => {
                self.ended = true;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Part::whole(picture, milliseconds).map(Some)
    }

    /// The next frame and how long it is shown, in milliseconds.
    fn raster(&mut self) -> Result<Option<(Raster, u32)>, ImageError> {
        if self.ended {
            return Ok(None);
        }
        let channels = self.info.layout.channels() * if self.is_wide { 2 } else { 1 };
        let row = byte_len(self.info.width, 1, channels).ok_or(NO_MEMORY)?;
        let size = byte_len(self.info.width, self.info.height, channels).ok_or(NO_MEMORY)?;
        // One more, for rows that begin where numbers of two bytes may.
        let mut buffer = vec![0; size + 1];
        let start = buffer.as_ptr().align_offset(2).min(1);
        let samples = &mut buffer[start..start + size];
        let mut milliseconds = 0;
        loop {
            let mut buffers = [JxlOutputBuffer::new(
                samples,
                self.info.height as usize,
                row,
            )];
            let event = self
                .decoder
                .process(&mut self.rest, Some(&mut buffers), None);
            match event.map_err(failed)? {
                Event::BasicInfo => {}
                Event::FrameHeader => {
                    let frame = self.decoder.frame_header();
                    milliseconds = whole(frame.and_then(|frame| frame.duration));
                }
                Event::FrameComplete { has_more_frames } => {
                    self.ended = !has_more_frames;
                    return Ok(Some((self.picture(samples)?, milliseconds)));
                }
                Event::Complete => {
                    self.ended = true;
                    return Ok(None);
                }
                Event::NeedMoreInput { .. } => {
                    return Err(reject::corrupt("the jxl ends within a frame").into());
                }
            }
        }
    }

    fn picture(&self, samples: &[u8]) -> Result<Raster, Rejection> {
        let Info { layout, .. } = self.info;
        let size = (self.info.width, self.info.height);
        let color = self.info.color.clone();
        if !self.is_wide {
            let wide = samples.iter().map(|&sample| u16::from(sample) * 257);
            let color = color.measured(layout, || hdr::highest(wide, layout));
            return Raster::new(size, layout, color, samples.to_vec());
        }
        let pairs = samples.as_chunks().0.iter().copied();
        let pairs = pairs.map(u16::from_ne_bytes);
        let color = color.measured(layout, || hdr::highest(pairs.clone(), layout));
        let mut narrow = Narrow::new(&color, layout);
        let mut bytes = Vec::with_capacity(samples.len() / 2);
        let row = self.info.width as usize * layout.channels();
        let pairs: Vec<u16> = pairs.collect();
        for row in pairs.chunks_exact(row) {
            narrow.row(row, &mut bytes)?;
        }
        Raster::new(size, narrow.layout(), narrow.color(), bytes)
    }
}

/// Times have fractions where the clock of an animation has no whole milliseconds.
fn whole(milliseconds: Option<f64>) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates, and what is no number is none"
    )]
    let whole = milliseconds.unwrap_or(0.0).round() as u32;
    whole
}

const NO_MEMORY: ImageError = ImageError::LimitHit(Resource::Memory);

fn failed(error: Error) -> ImageError {
    match error {
        Error::OutOfMemory(_) | Error::ImageOutOfMemory(..) => NO_MEMORY,
        error => unreadable(&error).into(),
    }
}

fn unreadable(error: &Error) -> Rejection {
    reject::corrupt(format!("jxl: {error}"))
}

fn headless() -> Rejection {
    reject::corrupt("a jxl without headers")
}
