//! Animations: their frames as browsers show them, into animated WebP.

use super::canvas::{Canvas, Disposal, Part};
use super::encode::Animated;
use super::extent::Extent;
use super::header::Header;
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::{
    ImageError, ImageLimits, Orientation, RenderPlan, Rendered, RenderedImage, gif, heif, jxl,
    orient, placeholder, plan, png, reject, resize, rights, webp,
};
use media::formats::ImageFormat;
use media::{Rejection, RejectionCode};

/// What browsers take for a frame that says 10 ms or less.
const HURRIED: u32 = 100;

/// The frames of a file of any format.
enum Frames<'a> {
    Gif(Box<gif::Frames>),
    Png(Box<png::Frames>),
    Webp(webp::Frames<'a>),
    Heif(Box<heif::Frames<'a>>),
    Jxl(Box<jxl::Frames<'a>>),
}

impl<'a> Frames<'a> {
    fn new(
        bytes: &'a [u8],
        header: &Header,
        limits: &ImageLimits,
    ) -> Result<Option<Self>, ImageError> {
        Ok(match header.format {
            // Of several pages or pictures, the first is shown.
            ImageFormat::Jpeg | ImageFormat::Bmp | ImageFormat::Tiff | ImageFormat::Heic => None,
            ImageFormat::Avif => {
                let color = header.color.clone();
                Some(Self::Heif(Box::new(heif::Frames::new(
                    bytes, limits, color,
                )?)))
            }
            ImageFormat::Jxl => Some(Self::Jxl(Box::new(jxl::Frames::new(bytes, limits)?))),
            ImageFormat::Gif => Some(Self::Gif(Box::new(gif::Frames::new(bytes, limits)?))),
            ImageFormat::Png => Some(Self::Png(Box::new(png::Frames::new(bytes, limits)?))),
            ImageFormat::Webp => {
                let canvas = (header.width, header.height);
                Some(Self::Webp(webp::Frames::new(bytes, canvas)?))
            }
        })
    }

    /// The next frame; an animation ends where it cannot be read any further.
    fn next(&mut self) -> Result<Option<Part>, ImageError> {
        match self {
            Self::Gif(frames) => frames.next(),
            Self::Png(frames) => frames.next(),
            Self::Webp(frames) => frames.next(),
            Self::Heif(frames) => frames.next(),
            Self::Jxl(frames) => frames.next(),
        }
    }

    /// What the colours of its frames mean.
    fn color(&self, header: &Header) -> Embedded {
        match self {
            // They may have more bits, which they lose in sRGB only.
            Self::Heif(_) | Self::Jxl(_) => Embedded::Srgb,
            _ => header.color.clone(),
        }
    }

    /// Whether a frame was found that is not whole, or something after which no other could be read.
    fn is_cut(&self) -> bool {
        let extent = match self {
            Self::Gif(frames) => frames.extent(),
            Self::Webp(frames) => frames.extent(),
            Self::Png(_) | Self::Heif(_) | Self::Jxl(_) => Extent::Whole,
        };
        extent == Extent::Cut
    }
}

/// Whether all frames of a picture are shown. Of others the first is, unless they are to be refused.
pub(super) fn is_wanted(header: &Header, limits: &ImageLimits) -> Result<bool, Rejection> {
    let pixels = u64::from(header.width) * u64::from(header.height);
    let all = pixels.saturating_mul(header.frames.into());
    let (frames, most) = (header.frames, limits.max_frames);
    if frames <= most && all <= limits.max_animation_pixels {
        return Ok(frames > 1);
    }
    let refused = |limit: u64, measured: u64, unit: &str| {
        let code = RejectionCode::TooManyFrames;
        Err(reject::over(code, limit, measured, unit))
    };
    match limits.refuse_partial && frames > 1 {
        true if frames > most => refused(most.into(), frames.into(), "frames"),
        true => refused(limits.max_animation_pixels, all, "px of all frames"),
        false => Ok(false),
    }
}

/// Renders the outputs of `plan` that suit the picture, and hands each to `write` with its index in the plan. Nothing if
/// it has no frames that could be read. Each gets the packet of XMP `rights`, if there is one.
pub(super) fn render(
    bytes: &[u8],
    header: &Header,
    limits: &ImageLimits,
    plan: &RenderPlan,
    (targets, rights): (&[plan::Target], Option<&[u8]>),
    write: &mut impl FnMut(usize, &[u8]) -> std::io::Result<()>,
) -> Result<Option<Rendered>, ImageError> {
    let Some(mut frames) = Frames::new(bytes, header, limits)? else {
        return Ok(None);
    };
    let mut canvas = Canvas::new((header.width, header.height))?;
    let mut outputs: Vec<Animated> = Vec::new();
    let mut first = None;
    let mut count = 0;
    while let Some(part) = frames.next()? {
        let before = (part.disposal == Disposal::Restore).then(|| canvas.pixels().to_vec());
        canvas.draw(&part);
        let color = frames.color(header);
        let mut picture = shown(&canvas, header, color, targets)?;
        if outputs.is_empty() {
            outputs = begin(&picture, (header.frames, header.plays), plan, targets)?;
        }
        let milliseconds = if part.milliseconds <= 10 {
            HURRIED
        } else {
            part.milliseconds
        };
        for (target, output) in targets.iter().zip(&mut outputs) {
            picture = resize::to(picture, (target.width, target.height))?;
            output.add(&picture, milliseconds)?;
        }
        if count == 0 && plan.placeholder {
            first = Some(placeholder::of(&picture)?);
        }
        count += 1;
        canvas.dispose(&part, before);
    }
    if outputs.is_empty() {
        return Ok(None);
    }
    let is_cut = frames.is_cut() || count < header.frames;
    limits.check_extent(if is_cut { Extent::Cut } else { Extent::Whole })?;
    let mut pictures = Vec::with_capacity(targets.len());
    for (target, output) in targets.iter().zip(outputs) {
        let size = (target.width, target.height);
        let webp = rights::within(output.finish()?, size, rights);
        write(target.index, &webp)?;
        pictures.push(RenderedImage {
            name: plan.outputs[target.index].name.clone(),
            width: target.width,
            height: target.height,
            size_bytes: webp.len() as u64,
        });
    }
    Ok(Some(Rendered {
        pictures,
        is_cut,
        is_first_frame: false,
        placeholder: first,
    }))
}

fn begin(
    first: &Raster,
    frames_and_plays: (u32, u32),
    plan: &RenderPlan,
    targets: &[plan::Target],
) -> Result<Vec<Animated>, ImageError> {
    let output = |target: &plan::Target| {
        let output = &plan.outputs[target.index];
        let size = (target.width, target.height);
        Animated::new(first, size, frames_and_plays, output.quality, output.method)
    };
    targets.iter().map(output).collect()
}

/// The canvas upright, at the widest size that is wanted.
fn shown(
    canvas: &Canvas,
    header: &Header,
    color: Embedded,
    targets: &[plan::Target],
) -> Result<Raster, ImageError> {
    let size = (header.width, header.height);
    let mut picture = Raster::new(size, Layout::Rgba, color, canvas.pixels().to_vec())?;
    let orientation: Orientation = header.orientation;
    if let Some(widest) = targets.first() {
        picture = resize::to(picture, orientation.turn(widest.width, widest.height))?;
    }
    Ok(orient::upright(
        super::color::to_srgb(picture)?,
        orientation,
    ))
}
