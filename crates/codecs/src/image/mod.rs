//! Images: from untrusted bytes to facts about them, and to clean pictures in WebP and AVIF.
//!
//! Pure functions over byte slices; no file is opened here. A folder or file for each format that goes in. What comes out
//! has its orientation applied, its colours in sRGB, and no metadata of any kind, but for rights where they are wanted.
//! Nothing here bounds memory or time beyond the checks on declared sizes: the process does that.

mod animation;
mod avif;
mod bmp;
mod bytes;
mod canvas;
mod color;
mod drawn;
mod encode;
mod exif;
mod extent;
mod gain_map;
mod gif;
mod hdr;
mod header;
mod heif;
mod jpeg;
mod jxl;
mod limits;
#[cfg(test)]
mod mutations;
mod orient;
mod outputs;
mod placeholder;
mod plan;
mod png;
mod profile;
mod raster;
mod reject;
mod resize;
mod rights;
mod tiff;
mod webp;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

pub(crate) use self::avif::{Colors, Sampled, assemble};
pub(crate) use self::drawn::render_drawn;
pub use self::gain_map::{HDR_FILE, HdrPlan, render_hdr};
pub(crate) use self::heif::{Bitstream, broken_hevc, may_hold_hevc, split_hevc};
pub use self::limits::ImageLimits;
pub use self::orient::Orientation;
pub use self::plan::{Encoding, OutputSpec, RenderPlan, Rendered, RenderedImage, full_size};
pub use self::profile::ColorProfile;

use self::extent::Extent;
use self::header::Header;
use self::plan::Target;
use self::raster::Raster;
use media::Rejection;
use media::formats::ImageFormat;
use sandbox::Resource;

/// What an image file says of itself, its container walked from end to end, no pixel decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageProbe {
    /// The format by structure, whatever the file is called.
    pub format: ImageFormat,
    /// Width in pixels as displayed, after orientation.
    pub width: u32,
    /// Height in pixels as displayed, after orientation.
    pub height: u32,
    /// Width in pixels as stored.
    pub stored_width: u32,
    /// Height in pixels as stored.
    pub stored_height: u32,
    /// How the stored pixels are to be turned for display.
    pub orientation: Orientation,
    /// Whether pixels may be transparent.
    pub has_alpha: bool,
    /// What the stored numbers mean as colours.
    pub color_profile: ColorProfile,
    /// Bits of one stored sample (of a palette entry's index, for palettes).
    pub bit_depth: u8,
    /// Frames; 1 for a still picture.
    pub frames: u32,
    /// Whether there is more than one frame. All are rendered, if they are not too many.
    pub animated: bool,
    /// Whether there is light beyond white: the picture is of high dynamic range (PQ, HLG), or has a gain map.
    pub has_hdr: bool,
}

/// Why an image could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file's fault.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The file asks for more than it may have.
    #[error("image hit its {0} limit")]
    LimitHit(Resource),
    /// The input could not be read or an output not be written.
    #[error("image i/o failed")]
    Io(#[from] io::Error),
}

/// Reads the whole container and says what is in it.
pub fn probe(bytes: &[u8], limits: &ImageLimits) -> Result<ImageProbe, Rejection> {
    let header = header::read(bytes, limits)?;
    let (width, height) = header.orientation.turn(header.width, header.height);
    Ok(ImageProbe {
        format: header.format,
        width,
        height,
        stored_width: header.width,
        stored_height: header.height,
        orientation: header.orientation,
        has_alpha: header.has_alpha,
        color_profile: ColorProfile::describe(&header.color),
        bit_depth: header.bit_depth,
        frames: header.frames,
        animated: header.frames > 1,
        has_hdr: gain_map::is_there(bytes, &header, limits),
    })
}

/// Renders the outputs of `plan` that suit the picture, widest first, each from the one before,
/// and hands each to `write` with its index in the plan. `decoded` is what ffmpeg made of its HEVC, if it has any.
pub fn render(
    bytes: &[u8],
    decoded: &[&[u8]],
    limits: &ImageLimits,
    plan: &RenderPlan,
    mut write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Rendered, ImageError> {
    let header = header::read(bytes, limits)?;
    let (is_photo, is_first_frame) = (header.is_lossy, header.frames > 1);
    let targets = targets(&header, plan);
    let Some(widest) = targets.first() else {
        return Ok(Rendered::default());
    };

    let rights = rights_of(bytes, &header, plan);
    let is_animated = animation::is_wanted(&header, limits)?;
    if is_animated {
        let sizes = (&targets[..], rights.as_deref());
        let rendered = animation::render(bytes, &header, limits, plan, sizes, &mut write)?;
        if let Some(rendered) = rendered {
            return Ok(rendered);
        }
    }
    let (picture, extent) = still(bytes, decoded, header, limits, widest)?;
    Ok(Rendered {
        is_cut: extent == Extent::Cut,
        is_first_frame,
        ..outputs::make(picture, is_photo, plan, &targets, rights.as_deref(), write)?
    })
}

/// Takes the pictures of `plan` apart for an encoder of AV1: their colours, their transparency and the packet of their
/// rights go to the three `files`. Nothing is made of an animation.
pub(crate) fn sample(
    bytes: &[u8],
    decoded: &[&[u8]],
    limits: &ImageLimits,
    plan: &RenderPlan,
    files: &mut [impl Write],
) -> Result<Vec<Sampled>, ImageError> {
    let [colors, alpha, rights] = files else {
        return Err(ImageError::Io(io::ErrorKind::InvalidInput.into()));
    };
    let header = header::read(bytes, limits)?;
    let is_photo = header.is_lossy;
    let targets = targets(&header, plan);
    let Some(widest) = targets.first().filter(|_| header.frames == 1) else {
        return Ok(Vec::new());
    };
    if let Some(packet) = rights_of(bytes, &header, plan) {
        rights.write_all(&packet)?;
        rights.flush()?;
    }
    let (picture, _) = still(bytes, decoded, header, limits, widest)?;
    avif::sample(picture, is_photo, plan, &targets, (colors, alpha))
}

/// The outputs of `plan` that suit a picture, widest first.
fn targets(header: &Header, plan: &RenderPlan) -> Vec<Target> {
    let (width, height) = header.orientation.turn(header.width, header.height);
    plan.targets(width, height)
}

/// The packet of XMP that says whose a picture is, if it is to be kept and there is one.
fn rights_of(bytes: &[u8], header: &Header, plan: &RenderPlan) -> Option<Vec<u8>> {
    let packet = plan
        .keep_rights
        .then(|| rights::packet(bytes, header.format));
    packet.flatten()
}

/// The picture, or the first of several, as it is to be shown, in sRGB and as large as the widest that is wanted.
fn still(
    bytes: &[u8],
    decoded: &[&[u8]],
    header: Header,
    limits: &ImageLimits,
    widest: &Target,
) -> Result<(Raster, Extent), ImageError> {
    // Colours are converted and pixels turned at the widest size that is wanted, not at the size
    // of the source: for thumbnails that is a fraction of the work.
    let orientation = header.orientation;
    let stored_size = orientation.turn(widest.width, widest.height);
    let (stored, extent) = decode(bytes, decoded, header, limits, stored_size)?;
    limits.check_extent(extent)?;
    let picture = resize::to(stored, stored_size)?;
    let picture = orient::upright(color::to_srgb(picture)?, orientation);
    Ok((picture, extent))
}

/// The stored picture: as large as it is, or smaller but still as large as `wanted`.
fn decode(
    bytes: &[u8],
    decoded: &[&[u8]],
    header: Header,
    limits: &ImageLimits,
    wanted: (u32, u32),
) -> Result<(Raster, Extent), ImageError> {
    match header.format {
        ImageFormat::Jpeg => jpeg::decode(bytes, header, wanted),
        ImageFormat::Png => png::decode(bytes, header, limits),
        ImageFormat::Webp => webp::decode(bytes, header),
        ImageFormat::Gif => gif::decode(bytes, header, limits),
        ImageFormat::Bmp => bmp::decode(bytes, header, limits),
        ImageFormat::Tiff => tiff::decode(bytes, header, limits),
        ImageFormat::Jxl => jxl::decode(bytes, limits),
        ImageFormat::Avif | ImageFormat::Heic => heif::decode(bytes, decoded, header, limits),
    }
}
