//! What files say of their colours, in every way and every format, compared with Little CMS and with what browsers do.

use codecs::ImageLimits;

use crate::fixtures::{Picture, plan, try_rendered};
use crate::structures::{compared, full};

/// Most of the difference that is taken, CIEDE2000 in the mean over a picture. A step of 255 is about 0.3.
const TOLERANCE: f64 = 1.0;

/// As above, where the picture is stored with loss, or by inks that libraries interpolate each in its way.
const LOSSY_TOLERANCE: f64 = 2.0;

/// CIE L*a*b* of a colour of sRGB, under its own white.
pub fn lab(color: [u8; 3]) -> [f64; 3] {
    let light = color.map(|sample| {
        let level = f64::from(sample) / 255.0;
        if level <= 0.04045 {
            level / 12.92
        } else {
            ((level + 0.055) / 1.055).powf(2.4)
        }
    });
    let rows = [
        [0.412_456_4, 0.357_576_1, 0.180_437_5, 0.950_47],
        [0.212_672_9, 0.715_152_2, 0.072_175_0, 1.0],
        [0.019_333_9, 0.119_192_0, 0.950_304_1, 1.088_83],
    ];
    let [x, y, z] = rows.map(|[red, green, blue, white]| {
        let part = (red * light[0] + green * light[1] + blue * light[2]) / white;
        if part > 216.0 / 24_389.0 {
            part.cbrt()
        } else {
            (24_389.0 / 27.0 * part + 16.0) / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000 (ISO/CIE 11664-6).
pub fn difference([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let bent = |chroma: f64| (chroma.powi(7) / (chroma.powi(7) + 25_f64.powi(7))).sqrt();
    let widened = 1.5 - 0.5 * bent(f64::midpoint(a1.hypot(b1), a2.hypot(b2)));
    let (a1, a2) = (a1 * widened, a2 * widened);
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let is_grey = c1 * c2 == 0.0;
    let turn = if is_grey {
        0.0
    } else {
        (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0
    };
    let hue = if is_grey { h1 + h2 } else { h1 + turn / 2.0 };
    let (lightness, chroma) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let wave = |times: f64, shift: f64| (times * hue + shift).to_radians().cos();
    let weight = 1.0 - 0.17 * wave(1.0, -30.0) + 0.24 * wave(2.0, 0.0) + 0.32 * wave(3.0, 6.0)
        - 0.20 * wave(4.0, -63.0);
    let off = (lightness - 50.0).powi(2);
    let dl = (l2 - l1) / (1.0 + 0.015 * off / (20.0 + off).sqrt());
    let dc = (c2 - c1) / (1.0 + 0.045 * chroma);
    let dh =
        2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin() / (1.0 + 0.015 * chroma * weight);
    let blue = 60.0 * (-((hue.rem_euclid(360.0) - 275.0) / 25.0).powi(2)).exp();
    let rotated = -2.0 * bent(chroma) * blue.to_radians().sin();
    (dl * dl + dc * dc + dh * dh + rotated * dc * dh)
        .max(0.0)
        .sqrt()
}

/// The mean difference of a picture from what should be seen, or what else is wrong.
fn off(picture: &Picture, (width, height): (u32, u32), rgba: &[u8]) -> Result<f64, String> {
    if (picture.width, picture.height) != (width, height) {
        return Err(format!("is {}x{}", picture.width, picture.height));
    }
    let mut sum = 0.0;
    for (index, &[red, green, blue, alpha]) in (0..).zip(rgba.as_chunks::<4>().0) {
        let found = picture.at(index % width, index / width);
        if found[3].abs_diff(alpha) > 1 {
            return Err(format!("has alpha {}, not {alpha}", found[3]));
        }
        let [found, expected] = [[found[0], found[1], found[2]], [red, green, blue]].map(lab);
        sum += difference(found, expected);
    }
    Ok(sum / f64::from(width * height))
}

#[test]
fn the_difference_of_colours_is_the_standards() {
    // Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula", table 1.
    let cases = [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, -1.1848, -84.8006], [50.0, 0.0, -82.7485], 1.0),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        (
            [60.2574, -34.0099, 36.2677],
            [60.4626, -34.1751, 39.4387],
            1.2644,
        ),
        ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
    ];
    for (first, second, expected) in cases {
        let found = difference(first, second);
        assert!(
            (found - expected).abs() < 0.0001,
            "{first:?} {second:?} {found}"
        );
    }
    assert!(difference(lab([0; 3]), lab([255; 3])) > 99.0);
}

#[test]
fn every_way_to_say_what_colours_mean_comes_out_right() {
    let rendered = |bytes: &[u8]| {
        // HEVC takes another program, and so children.
        if bytes.get(8..12) == Some(b"heic") {
            return full(bytes);
        }
        let rendered = try_rendered(bytes, &plan(&[None]), &ImageLimits::default());
        let rendered = rendered.map_err(|error| error.to_string())?;
        Ok(Picture::open(&rendered[0].1))
    };
    let (tried, faults) = compared("color_matrix.py", rendered, |name, picture, size, rgba| {
        let ending = name.rsplit('.').next();
        let is_lossy = matches!(ending, Some("heic" | "jpg")) || name.contains("cmyk");
        let tolerance = if is_lossy { LOSSY_TOLERANCE } else { TOLERANCE };
        match off(picture, size, rgba) {
            Ok(off) if off <= tolerance => None,
            Ok(off) => Some(format!("is {off:.2} off")),
            Err(fault) => Some(fault),
        }
    });
    assert!(tried > 1_900, "{tried}");
    assert!(
        faults.is_empty(),
        "{} of {tried}: {faults:#?}",
        faults.len()
    );
}
