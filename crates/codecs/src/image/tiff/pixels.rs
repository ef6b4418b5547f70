//! From the samples of a TIFF to pixels of 8 bits.

use super::chunks::Samples;
use super::info::{Alpha, Compression, Info, Meaning};
use crate::image::ImageError;
use crate::image::color::Narrow;
use crate::image::profile::Embedded;
use crate::image::raster::{Layout, Raster};

pub(super) fn raster(info: &Info, samples: Samples, color: Embedded) -> Result<Raster, ImageError> {
    let size = (info.width, info.height);
    let layout = info.layout();
    let top = u16::MAX >> (16 - info.bits);
    let Samples {
        mut values,
        per_pixel,
    } = samples;
    if info.meaning == Meaning::WhiteIsZero {
        for pixel in values.chunks_exact_mut(per_pixel) {
            pixel[0] = top - pixel[0];
        }
    }
    if info.alpha == Alpha::Premultiplied {
        for pixel in values.chunks_exact_mut(per_pixel) {
            divide(pixel, top);
        }
    }
    if let Meaning::Lab { signed } = info.meaning {
        let pixels = values.chunks_exact(per_pixel);
        let data = pixels.flat_map(|pixel| lab(pixel, top, signed)).collect();
        return Ok(Raster::new(size, layout, Embedded::Srgb, data)?);
    }
    if info.bits > 8 {
        let scale = |value: u16| {
            let wide = u32::from(value) * u32::from(u16::MAX) / u32::from(top);
            u16::try_from(wide).unwrap_or(u16::MAX)
        };
        for value in &mut values {
            *value = scale(*value);
        }
        return narrowed(info, &values, color, per_pixel);
    }
    let scale = |value: u16| {
        let (value, top) = (u32::from(value.min(top)), u32::from(top));
        u8::try_from((value * 255 + top / 2) / top).unwrap_or(u8::MAX)
    };
    let data = match info.meaning {
        Meaning::Palette => {
            let count = info.palette.len() / 3;
            let shade = |plane: usize, index: u16| {
                let index = usize::from(index).min(count - 1);
                (info.palette[plane * count + index] >> 8).to_le_bytes()[0]
            };
            let colors = values.iter().step_by(per_pixel);
            colors
                .flat_map(|&index| [0, 1, 2].map(|plane| shade(plane, index)))
                .collect()
        }
        Meaning::Ycc if info.compression != Compression::Jpeg => values
            .as_chunks::<3>()
            .0
            .iter()
            .copied()
            .flat_map(ycc)
            .collect(),
        _ => values.iter().map(|&value| scale(value)).collect(),
    };
    Ok(Raster::new(size, layout, color, data)?)
}

/// Samples of 16 bits, converted to sRGB before they lose any.
fn narrowed(
    info: &Info,
    values: &[u16],
    color: Embedded,
    per_pixel: usize,
) -> Result<Raster, ImageError> {
    let mut narrow = Narrow::new(&color, info.layout());
    let layout: Layout = narrow.layout();
    let mut data = Vec::with_capacity(values.len());
    for row in values.chunks_exact(info.width as usize * per_pixel) {
        narrow.row(row, &mut data)?;
    }
    let size = (info.width, info.height);
    let color = if layout == Layout::Cmyk {
        color
    } else {
        Embedded::Srgb
    };
    Ok(Raster::new(size, layout, color, data)?)
}

/// Takes its alpha out of a pixel's colours.
fn divide(pixel: &mut [u16], top: u16) {
    let Some((&mut alpha, colors)) = pixel.split_last_mut() else {
        return;
    };
    for color in colors {
        let plain = u32::from(*color) * u32::from(top) / u32::from(alpha.max(1));
        *color = u16::try_from(plain).map_or(top, |plain| plain.min(top));
    }
}

/// Of luma and differences of full range, by the weights of ITU-R BT.601 (TIFF 6.0 §21).
fn ycc(pixel: [u16; 3]) -> [u8; 3] {
    let [luma, blue, red] = pixel.map(f32::from);
    let (blue, red) = (blue - 128.0, red - 128.0);
    let green = luma - 0.344_136 * blue - 0.714_136 * red;
    [luma + 1.402 * red, green, luma + 1.772 * blue].map(byte)
}

/// CIE L*a*b* under D50 in sRGB.
fn lab(pixel: &[u16], top: u16, signed: bool) -> [u8; 3] {
    let top = f32::from(top);
    let part = |value: u16| {
        let scaled = f32::from(value) / top * 255.0;
        match (signed, scaled > 127.5) {
            (true, true) => scaled - 256.0,
            (true, false) => scaled,
            (false, _) => scaled - 128.0,
        }
    };
    let y = (f32::from(pixel[0]) / top * 100.0 + 16.0) / 116.0;
    let (x, z) = (y + part(pixel[1]) / 500.0, y - part(pixel[2]) / 200.0);
    let light = |f: f32| {
        if f > 6.0 / 29.0 {
            f.powi(3)
        } else {
            (f - 4.0 / 29.0) * 108.0 / 841.0
        }
    };
    // White of D50, and from there to the primaries of sRGB (Bradford).
    let (x, y, z) = (0.9642 * light(x), light(y), 0.8249 * light(z));
    let rows = [
        [3.133_856, -1.616_867, -0.490_615],
        [-0.978_768, 1.916_142, 0.033_454],
        [0.071_945, -0.228_991, 1.405_243],
    ];
    rows.map(|[a, b, c]: [f32; 3]| {
        let linear = a * x + b * y + c * z;
        let encoded = if linear <= 0.003_130_8 {
            12.92 * linear
        } else {
            1.055 * linear.powf(1.0 / 2.4) - 0.055
        };
        byte(encoded * 255.0)
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast cuts off at both ends, as it should"
)]
fn byte(value: f32) -> u8 {
    (value + 0.5) as u8
}
