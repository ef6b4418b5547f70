//! A picture of a waveform, on a transparent ground, so that a page can put its own colour behind it.

use image_webp::{ColorType, EncodingError, WebPEncoder};

use crate::audio::peaks::Peaks;

/// Width in pixels.
pub const WIDTH: u32 = 1280;
/// Height in pixels, even.
pub const HEIGHT: u32 = 256;
/// Red, green, blue and opacity of the wave: readable on light and on dark ground.
const WAVE: [u8; 4] = [0x6b, 0x7f, 0xa8, 0xff];

/// Draws it, as a lossless WebP. A column without sound has a line in its middle.
pub fn draw(peaks: &Peaks) -> Result<Vec<u8>, EncodingError> {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let mut pixels = vec![[0_u8; 4]; width * height];
    for (x, (least, most)) in peaks.columns(width).enumerate() {
        let row = |level: i8| {
            let from_top = i64::from(HEIGHT / 2) - i64::from(level) * i64::from(HEIGHT / 2) / 128;
            usize::try_from(from_top).unwrap_or(0).min(height - 1)
        };
        for y in row(most)..=row(least) {
            pixels[y * width + x] = WAVE;
        }
    }
    let mut webp = Vec::new();
    WebPEncoder::new(&mut webp).encode(pixels.as_flattened(), WIDTH, HEIGHT, ColorType::Rgba8)?;
    Ok(webp)
}
