//! sRGB as luma and two differences of colour: the matrix of BT.601 over the full range, as encoders of AVIF take it
//! unless told otherwise.

use std::io::{self, Write};

use super::Colors;
use crate::image::raster::{Layout, Raster};

/// One, as a fixed-point number.
const ONE: i64 = 1 << 16;

/// How much of red, green and blue is in luma and in each difference (ITU-T H.273, matrix 6), in parts of [`ONE`].
const LUMA: [i64; 3] = [19_595, 38_470, 7_471];
const BLUE: [i64; 3] = [-11_059, -21_709, 32_768];
const RED: [i64; 3] = [32_768, -27_439, -5_329];

/// What a difference of none is stored as.
const MIDDLE: i64 = 128;

/// Whether something shows through.
pub(super) fn has_alpha(picture: &Raster) -> bool {
    picture.layout == Layout::Rgba && picture.data.iter().skip(3).step_by(4).any(|&a| a < 255)
}

pub(super) fn write_alpha(picture: &Raster, file: &mut impl Write) -> io::Result<()> {
    let width = picture.width as usize * 4;
    let mut samples = Vec::with_capacity(picture.width as usize);
    for row in picture.data.chunks_exact(width) {
        samples.clear();
        samples.extend(row.iter().skip(3).step_by(4));
        file.write_all(&samples)?;
    }
    Ok(())
}

/// Luma, then the differences of blue, then those of red.
pub(super) fn write_colors(
    picture: &Raster,
    colors: Colors,
    file: &mut impl Write,
) -> io::Result<()> {
    match picture.layout.channels() {
        3 => write::<3>(picture, colors, file),
        _ => write::<4>(picture, colors, file),
    }
}

fn write<const N: usize>(
    picture: &Raster,
    colors: Colors,
    file: &mut impl Write,
) -> io::Result<()> {
    let width = picture.width as usize;
    let pixels = picture.data.as_chunks::<N>().0;
    let mut samples = Vec::with_capacity(width);
    for (matrix, middle) in [(LUMA, 0), (BLUE, MIDDLE), (RED, MIDDLE)] {
        let side = match colors {
            Colors::Quarter if middle > 0 => 2,
            _ => 1,
        };
        // Rows of one pixel or of two, the last of which may be alone.
        for rows in pixels.chunks(width * side) {
            let (upper, lower) = rows.split_at(width);
            samples.clear();
            samples.extend((0..width).step_by(side).map(|x| {
                let end = (x + side).min(width);
                let below = lower.get(x..end).unwrap_or_default();
                sample(&matrix, middle, &upper[x..end].iter().chain(below))
            }));
            file.write_all(&samples)?;
        }
    }
    Ok(())
}

/// The mean of some pixels, of which each counts as far as it can be seen: what is hidden must not colour what is beside
/// it. Where nothing can be seen, all count alike.
fn sample<'a, const N: usize>(
    matrix: &[i64; 3],
    middle: i64,
    pixels: &(impl Iterator<Item = &'a [u8; N]> + Clone),
) -> u8 {
    let sum = |weigh: fn(&[u8; N]) -> i64| {
        pixels.clone().fold((0, 0), |(all, weights), pixel| {
            let weight = weigh(pixel);
            let mut parts = matrix.iter().zip(pixel);
            let value = parts.by_ref().fold(0, |value, (part, &channel)| {
                value + part * i64::from(channel)
            });
            (all + weight * value, weights + weight)
        })
    };
    let (mut all, mut weights) = sum(|pixel| pixel.get(3).map_or(255, |&alpha| alpha.into()));
    if weights == 0 {
        (all, weights) = sum(|_| 1);
    }
    let scale = (weights * ONE).max(1);
    // Rounded to the nearest, also below zero.
    let mean = (all + scale / 2).div_euclid(scale);
    u8::try_from((middle + mean).clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::profile::Embedded;

    fn samples(layout: Layout, size: (u32, u32), data: &[u8], colors: Colors) -> Vec<u8> {
        let picture = Raster::new(size, layout, Embedded::Srgb, data.to_vec()).unwrap();
        let mut samples = Vec::new();
        write_colors(&picture, colors, &mut samples).unwrap();
        samples
    }

    #[test]
    fn colors_are_those_of_the_matrix() {
        for (color, expected) in [
            ([0, 0, 0], [0, 128, 128]),
            ([255, 255, 255], [255, 128, 128]),
            ([77, 77, 77], [77, 128, 128]),
            ([255, 0, 0], [76, 85, 255]),
            ([0, 255, 0], [150, 44, 21]),
            ([0, 0, 255], [29, 255, 107]),
        ] {
            for colors in [Colors::All, Colors::Quarter] {
                let found = samples(Layout::Rgb, (1, 1), &color, colors);
                assert_eq!(found, expected, "{color:?}");
            }
        }
    }

    #[test]
    fn odd_sides_end_with_colors_of_fewer_pixels() {
        let grey = [9, 9, 9].repeat(15);
        let found = samples(Layout::Rgb, (5, 3), &grey, Colors::Quarter);
        assert_eq!(found, [vec![9; 15], vec![128; 12]].concat());
    }

    #[test]
    fn hidden_pixels_do_not_color_those_beside_them() {
        let pixels = [[255, 0, 0, 255], [0, 0, 255, 0]].concat();
        let found = samples(Layout::Rgba, (2, 1), &pixels, Colors::Quarter);
        assert_eq!(found, [76, 29, 85, 255]);
        let hidden = [[255, 0, 0, 0], [255, 0, 0, 0]].concat();
        let found = samples(Layout::Rgba, (2, 1), &hidden, Colors::Quarter);
        assert_eq!(found, [76, 76, 85, 255]);
    }

    #[test]
    fn only_what_shows_something_through_has_alpha() {
        let picture = |layout, data: &[u8]| {
            Raster::new((1, 1), layout, Embedded::Srgb, data.to_vec()).unwrap()
        };
        assert!(has_alpha(&picture(Layout::Rgba, &[1, 2, 3, 254])));
        assert!(!has_alpha(&picture(Layout::Rgba, &[1, 2, 3, 255])));
        assert!(!has_alpha(&picture(Layout::Rgb, &[1, 2, 3])));
    }
}
