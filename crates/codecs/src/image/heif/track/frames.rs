//! The frames of a track, decoded.

use super::table::Sample;
use super::{Tracks, canvas};
use crate::image::bytes::Bytes;
use crate::image::canvas::Part;
use crate::image::heif::boxes;
use crate::image::heif::codec::Decoder;
use crate::image::heif::picture::Picture;
use crate::image::profile::Embedded;
use crate::image::raster::Raster;
use crate::image::{ImageError, ImageLimits, reject};

/// The frames of a track, one after the other.
pub(in crate::image) struct Frames<'a> {
    tracks: Tracks<'a>,
    color: Embedded,
    /// What was decoded before of its bitstreams.
    planes: &'a [&'a [u8]],
    decoder: Option<Decoder<'a>>,
    alpha_decoder: Option<Decoder<'a>>,
    index: usize,
}

impl<'a> Frames<'a> {
    /// Of the animation that a file is.
    pub(in crate::image) fn new(
        file: &'a [u8],
        limits: &ImageLimits,
        color: Embedded,
    ) -> Result<Self, ImageError> {
        let movie = boxes::need(Bytes::new(file), *b"moov")?;
        Ok(Self::of(Tracks::read(movie, file, limits)?, color, &[]))
    }

    pub(in crate::image::heif) fn of(
        tracks: Tracks<'a>,
        color: Embedded,
        planes: &'a [&'a [u8]],
    ) -> Self {
        Self {
            tracks,
            color,
            planes,
            decoder: None,
            alpha_decoder: None,
            index: 0,
        }
    }

    /// The next frame, in sRGB. Nothing behind the last, or where it cannot be read any further.
    pub(in crate::image) fn next(&mut self) -> Result<Option<Part>, ImageError> {
        let first = self.index == 0;
        let (picture, milliseconds) = match self.raster() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(ImageError::Rejected(_)) if !first => return Ok(None),
            Err(error) => return Err(error),
        };
        Part::whole(picture, milliseconds).map(Some)
    }

    /// The next frame and how long it is shown, in milliseconds.
    pub(in crate::image::heif) fn raster(&mut self) -> Result<Option<(Raster, u32)>, ImageError> {
        let Tracks {
            picture,
            samples,
            alpha,
            premultiplied,
            ..
        } = &self.tracks;
        let Some(sample) = samples.get(self.index) else {
            return Ok(None);
        };
        let planes = |stream: usize| self.planes.get(stream).copied().unwrap_or_default();
        let mut frame = painted(
            picture,
            &mut self.decoder,
            sample,
            planes(0),
            self.color.clone(),
            false,
        )?;
        if let Some((picture, samples)) = alpha {
            let sample = samples.get(self.index);
            let sample = sample.ok_or_else(|| reject::corrupt("a frame without its alpha"))?;
            let decoder = &mut self.alpha_decoder;
            let alpha = painted(picture, decoder, sample, planes(1), Embedded::Nothing, true)?;
            frame = canvas::with_alpha(frame, alpha, *premultiplied)?;
        }
        self.index += 1;
        let frame = canvas::cropped(frame, picture.part())?;
        Ok(Some((frame, sample.milliseconds)))
    }
}

fn painted<'a>(
    picture: &Picture<'a>,
    decoder: &mut Option<Decoder<'a>>,
    sample: &Sample,
    planes: &'a [u8],
    color: Embedded,
    is_alpha: bool,
) -> Result<Raster, ImageError> {
    let part = picture.part();
    let mut running = if let Some(decoder) = decoder.take() {
        decoder
    } else {
        let size = (part.width, part.height);
        picture.setup().decoder(size, &[sample.bytes], planes)?
    };
    let mut canvas = picture.canvas(color, is_alpha).of_many();
    running.decode(sample.bytes, |frame| {
        if frame.width < part.width || frame.height < part.height {
            return Err(reject::corrupt("a picture smaller than announced").into());
        }
        canvas.paint(frame, (0, 0), (frame.width, frame.height))
    })?;
    *decoder = Some(running);
    canvas.finish()
}
