//! The picture of a page, on white as paper is.

use std::io;

use hayro::hayro_syntax::page::Page;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};

use super::fonts;
use crate::image::{ImageError, RenderPlan, Rendered, render_drawn};

/// The longest side of a picture in pixels: of a strip, the picture is narrower than was asked for.
const LONGEST: f32 = 4096.0;

/// Draws the page as wide as the widest output of `plan`, and makes the others from that.
pub fn render(
    page: &Page<'_>,
    plan: &RenderPlan,
    write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Rendered, ImageError> {
    let widest = plan
        .outputs
        .iter()
        .filter_map(|output| output.max_width)
        .max();
    let (width, height) = page.render_dimensions();
    let (pixels_wide, pixels_high) = size((width, height), widest.unwrap_or(1280));
    let settings = PixmapSettings {
        x_scale: (pixels_wide + 0.01) / width,
        y_scale: (pixels_high + 0.01) / height,
        bg_color: WHITE,
    };
    let drawn = hayro::render(
        page,
        &RenderCache::new(),
        &fonts::settings(),
        &RenderSettings::default(),
        &settings,
    );
    let size = (u32::from(drawn.width()), u32::from(drawn.height()));
    let rgba = drawn.data_as_u8_slice();
    // On white, nothing is transparent.
    let (pixels, _) = rgba.as_chunks::<4>();
    let rgb = pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    render_drawn(size, rgb, plan, write)
}

/// Width and height in whole pixels of a page of so many points that is to be so wide.
#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn size((width, height): (f32, f32), wanted: u32) -> (f32, f32) {
    let scale = (wanted as f32 / width).min(LONGEST / height);
    let side = |points: f32| (points * scale).round().max(1.0);
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn pages_are_as_wide_as_is_wanted_unless_they_are_strips() {
        for (page, pixels) in [
            ((595.0, 842.0), (1280.0, 1811.0)),
            ((842.0, 595.0), (1280.0, 905.0)),
            ((1.0, 1.0), (1280.0, 1280.0)),
            ((10.0, 14_400.0), (3.0, 4096.0)),
            ((14_400.0, 1.0), (1280.0, 1.0)),
        ] {
            assert_eq!(size(page, 1280), pixels);
        }
    }
}
