//! The frames of an APNG (PNG third edition §4.8).

use png::{BlendOp, DisposeOp};

use super::{Reader, chunks, layout, reader, unreadable};
use crate::image::ImageError;
use crate::image::ImageLimits;
use crate::image::canvas::{Disposal, Part};
use crate::image::color;
use crate::image::profile::Embedded;
use crate::image::raster::Raster;
use crate::image::reject;
use sandbox::Resource;

/// The frames of a file, one after the other.
pub(in crate::image) struct Frames {
    reader: Reader,
}

impl Frames {
    pub(in crate::image) fn new(bytes: &[u8], limits: &ImageLimits) -> Result<Self, ImageError> {
        let mut frames = Self {
            reader: reader(chunks::walk(bytes, limits)?, true)?,
        };
        // A picture for readers that know no animations is not part of it.
        if frames.reader.info().frame_control().is_none() {
            frames.pixels()?;
        }
        Ok(frames)
    }

    /// The next frame. Nothing behind the last, or where it cannot be read any further.
    pub(in crate::image) fn next(&mut self) -> Result<Option<Part>, ImageError> {
        match self.part() {
            Ok(part) => Ok(Some(part)),
            Err(ImageError::Rejected(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn part(&mut self) -> Result<Part, ImageError> {
        let (picture, control) = self.pixels()?;
        let control = control.ok_or_else(|| reject::corrupt("an apng frame without its place"))?;
        let seconds = match control.delay_den {
            0 => 100,
            parts => u32::from(parts),
        };
        Ok(Part {
            left: control.x_offset,
            top: control.y_offset,
            width: picture.width,
            height: picture.height,
            pixels: color::to_rgba(picture),
            blend: control.blend_op == BlendOp::Over,
            disposal: match control.dispose_op {
                DisposeOp::None => Disposal::Keep,
                DisposeOp::Background => Disposal::Clear,
                DisposeOp::Previous => Disposal::Restore,
            },
            milliseconds: u32::from(control.delay_num) * 1000 / seconds,
        })
    }

    /// The next picture as it is stored, and the frame that it is.
    fn pixels(&mut self) -> Result<(Raster, Option<png::FrameControl>), ImageError> {
        let size = self.reader.output_buffer_size();
        let size = size.ok_or(ImageError::LimitHit(Resource::Memory))?;
        let mut data = vec![0; size];
        let frame = self
            .reader
            .next_frame(&mut data)
            .map_err(|_| unreadable())?;
        // Interlaced frames lie in rows as long as the canvas'.
        let row = frame.line_size;
        let info = self.reader.info();
        let stride = if info.interlaced {
            self.reader.output_line_size(info.width).unwrap_or(row)
        } else {
            row
        };
        let rows = data.chunks(stride.max(1)).take(frame.height as usize);
        let pixels: Vec<u8> = rows
            .flat_map(|stored| &stored[..row.min(stored.len())])
            .copied()
            .collect();
        let size = (frame.width, frame.height);
        let picture = Raster::new(size, layout(frame.color_type), Embedded::Nothing, pixels)?;
        Ok((picture, info.frame_control().copied()))
    }
}
