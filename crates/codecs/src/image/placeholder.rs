//! What to show while a picture is loading: a thumbhash, and its dominant colour.

use media::{Color, Placeholder, Rejection};

use super::color;
use super::raster::Raster;
use super::resize;

/// Longest side of what a thumbhash is made of, in pixels.
const SIDE: u32 = 100;

/// Shortest side of it, to which a shorter one is stretched: in fewer pixels than a thumbhash has waves, some waves
/// cannot be told from the mean, and would be drawn as stripes.
const LEAST: u32 = 8;

/// Of an RGB or RGBA picture in sRGB.
pub(super) fn of(picture: &Raster) -> Result<Placeholder, Rejection> {
    let small = resize::reduced(picture, fitting(picture.width, picture.height))?;
    let (width, height) = (small.width as usize, small.height as usize);
    let rgba = color::to_rgba(small);
    Ok(Placeholder {
        thumbhash: thumbhash::rgba_to_thumb_hash(width, height, &rgba),
        color: Color(dominant(rgba.as_chunks().0)),
    })
}

/// About the same shape, with sides of [`LEAST`] to [`SIDE`].
fn fitting(width: u32, height: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height).max(SIDE));
    let side = |side: u32| {
        let scaled = u64::from(side) * u64::from(SIDE) / longest;
        u32::try_from(scaled).unwrap_or(SIDE).max(LEAST)
    };
    (side(width), side(height))
}

/// The mean of the fullest of 4,096 boxes that colours are sorted into. Pixels that can hardly be seen do not count.
fn dominant(pixels: &[[u8; 4]]) -> [u8; 3] {
    #[derive(Clone, Copy, Default)]
    struct Sum {
        count: u32,
        channels: [u32; 3],
    }
    let mut boxes = vec![Sum::default(); 1 << 12];
    for &[red, green, blue, alpha] in pixels {
        if alpha >= 128 {
            let top = |sample: u8| usize::from(sample >> 4);
            let sum = &mut boxes[top(red) << 8 | top(green) << 4 | top(blue)];
            sum.count += 1;
            for (channel, sample) in sum.channels.iter_mut().zip([red, green, blue]) {
                *channel += u32::from(sample);
            }
        }
    }
    let fullest = boxes.iter().max_by_key(|sum| sum.count).copied();
    let Sum { count, channels } = fullest.unwrap_or_default();
    channels.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::profile::Embedded;
    use crate::image::raster::Layout;

    fn picture(width: u32, height: u32, layout: Layout, data: Vec<u8>) -> Raster {
        Raster::new((width, height), layout, Embedded::Srgb, data).unwrap()
    }

    #[test]
    fn the_color_of_most_of_a_picture_is_its_dominant_one() {
        let mut data = [200, 30, 30].repeat(60);
        data.extend([30, 30, 200].repeat(40));
        let placeholder = of(&picture(10, 10, Layout::Rgb, data)).unwrap();
        assert_eq!(placeholder.color.0, [200, 30, 30]);
        assert!(placeholder.is_plausible());
    }

    #[test]
    fn hidden_pixels_have_no_color() {
        let mut data = [200, 30, 30, 0].repeat(90);
        data.extend([30, 160, 30, 255].repeat(10));
        let placeholder = of(&picture(10, 10, Layout::Rgba, data)).unwrap();
        assert_eq!(placeholder.color.0, [30, 160, 30]);
        let hidden = [1, 2, 3, 0].repeat(100);
        let placeholder = of(&picture(10, 10, Layout::Rgba, hidden)).unwrap();
        assert_eq!(placeholder.color.0, [0, 0, 0]);
    }

    #[test]
    fn a_picture_of_any_shape_has_a_placeholder() {
        for (width, height) in [(1, 1), (1, 3000), (3000, 1), (100, 100), (101, 7)] {
            let data = vec![90; (width * height * 3) as usize];
            let placeholder = of(&picture(width, height, Layout::Rgb, data)).unwrap();
            assert!(placeholder.is_plausible(), "{width}x{height}");
            assert_eq!(placeholder.color.0, [90, 90, 90]);
        }
    }
}
