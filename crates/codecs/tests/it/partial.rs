//! Files that end before their picture does, and animations of which not all is shown.

use std::io::Write as _;

use codecs::image::{ImageError, probe, render};
use codecs::{ImageLimits, Rendered};
use media::RejectionCode;
use media::formats::ImageFormat;

use crate::fixtures::{
    Picture, RED, Random, gif, jpeg_rgb, noise, picture, plan, png_rgb, rendered, try_rendered,
    uniform,
};

const SIZE: (u32, u32) = (96, 400);

/// A BMP of 24 bits, its rows from the bottom.
pub fn bmp(pixels: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    let row = width as usize * 3;
    let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    for row in pixels.chunks(row).rev() {
        bytes.extend(row.chunks(3).flat_map(|rgb| [rgb[2], rgb[1], rgb[0]]));
        bytes.extend(vec![0; row.len().next_multiple_of(4) - row.len()]);
    }
    bytes
}

/// A TIFF of 24 bits in strips of 8 rows.
pub fn tiff(pixels: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    const ROWS: u32 = 8;
    const FIELDS: u16 = 9;
    let strips = height.div_ceil(ROWS);
    let start = 8 + 2 + u32::from(FIELDS) * 12 + 4;
    let pixels_at = start + strips * 8;
    let strip = width * ROWS * 3;
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend(FIELDS.to_le_bytes());
    for (tag, count, value) in [
        (256_u16, 1, width),
        (257, 1, height),
        (258, 1, 8),
        (259, 1, 1),
        (262, 1, 2),
        (273, strips, start),
        (277, 1, 3),
        (278, 1, ROWS),
        (279, strips, start + strips * 4),
    ] {
        const LONG: u16 = 4;
        bytes.extend(tag.to_le_bytes());
        bytes.extend(LONG.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend((0..strips).flat_map(|index| (pixels_at + index * strip).to_le_bytes()));
    bytes.extend((0..strips).flat_map(|_| strip.to_le_bytes()));
    bytes.extend(pixels);
    bytes
}

/// An interlaced PNG of one colour.
fn interlaced(width: u32, height: u32, color: [u8; 3]) -> Vec<u8> {
    let passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4)];
    let passes = [&passes[..], &[(0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]].concat();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    for (left, across, top, down) in passes {
        let count = (left..width).step_by(across).count();
        for _ in (top..height).step_by(down) {
            packed.write_all(&[0]).unwrap();
            packed.write_all(&color.repeat(count)).unwrap();
        }
    }
    let mut bytes = png_rgb(&uniform(8, 8, &color), width.min(8), height.min(8));
    bytes.truncate(8);
    let side = |side: u32| side.to_be_bytes();
    let header = [&side(width)[..], &side(height), &[8, 2, 0, 0, 1]].concat();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", packed.finish().unwrap())] {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(&data);
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(kind);
        bytes.extend(&data);
        bytes.extend(sum.sum().to_be_bytes());
    }
    bytes.extend(b"\0\0\0\0IEND\xAE\x42\x60\x82");
    bytes
}

/// RGB pixels that change a little from one to the next.
fn gradient() -> Vec<u8> {
    let (width, height) = SIZE;
    let pixel = |x: u32, y: u32| [x * 2, y / 2, x + y / 3].map(|sample| sample.to_le_bytes()[0]);
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    rows.flat_map(|(x, y)| pixel(x, y)).collect()
}

/// A WebP without loss.
fn lossless(pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    let (width, height) = SIZE;
    encoder
        .encode(pixels, width, height, image_webp::ColorType::Rgb8)
        .unwrap();
    bytes
}

fn outcome(bytes: &[u8], limits: &ImageLimits) -> Result<Rendered, RejectionCode> {
    match render(bytes, &[], limits, &plan(&[None]), |_, _| Ok(())) {
        Ok(rendered) => Ok(rendered),
        Err(ImageError::Rejected(rejection)) => Err(rejection.code),
        Err(error) => panic!("{error}"),
    }
}

fn strict() -> ImageLimits {
    ImageLimits {
        refuse_partial: true,
        ..ImageLimits::default()
    }
}

/// One file of each format, all tall enough to be cut in many places.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let (width, height) = SIZE;
    let pixels = noise(width as usize, height as usize);
    let (w, h) = (96_u16, 400_u16);
    let mut progressive = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut progressive, 95);
    encoder.set_progressive(true);
    encoder
        .encode(&pixels, w, h, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let lossy = rendered(&png_rgb(&pixels, width, height), &plan(&[None]));
    let lossless = [pixels.clone(), gradient()].map(|pixels| lossless(&pixels));
    assert!(
        lossless.iter().any(|webp| webp[16] % 2 == 1),
        "of an odd length"
    );
    let shades: Vec<u8> = pixels.iter().step_by(3).map(|sample| sample % 64).collect();
    vec![
        ("jpeg", jpeg_rgb(&pixels, w, h)),
        ("progressive jpeg", progressive),
        ("png", png_rgb(&pixels, width, height)),
        ("interlaced png", interlaced(width, height, RED)),
        ("lossy webp", lossy[0].1.clone()),
        ("lossless webp", lossless[0].clone()),
        ("lossless webp of few colours", lossless[1].clone()),
        ("gif of two frames", gif(&shades, (w, h), (0, 0), (w, h))),
        ("bmp", bmp(&pixels, SIZE)),
        ("tiff", tiff(&pixels, SIZE)),
    ]
}

#[test]
fn what_is_cut_near_its_end_is_shown_and_marked() {
    for (name, bytes) in samples() {
        let whole = outcome(&bytes, &ImageLimits::default()).unwrap();
        assert!(!whole.is_cut && !whole.is_first_frame, "{name}");
        assert!(outcome(&bytes, &strict()).is_ok(), "{name}");

        let cut = &bytes[..bytes.len() * 9 / 10];
        let shown = outcome(cut, &ImageLimits::default());
        let shown = shown.unwrap_or_else(|code| panic!("{name}: {code}"));
        assert!(shown.is_cut, "{name}");
        let size = (shown.pictures[0].width, shown.pictures[0].height);
        assert_eq!(size, SIZE, "{name}");
        let refused = outcome(cut, &strict()).map(drop);
        assert_eq!(refused, Err(RejectionCode::Malformed), "{name}");
    }
}

#[test]
fn rows_that_an_interlaced_png_lacks_look_like_those_above() {
    let bytes = interlaced(64, 64, RED);
    let cut = &bytes[..bytes.len() * 9 / 10];
    let picture = picture(cut);
    for y in [0, 31, 62, 63] {
        picture.assert_near((40, y), RED, 2);
    }
}

#[test]
fn what_lacks_most_of_its_picture_is_refused() {
    for (name, bytes) in [
        ("bmp", bmp(&noise(96, 400), SIZE)),
        ("tiff", tiff(&noise(96, 400), SIZE)),
        ("interlaced png", interlaced(96, 400, RED)),
    ] {
        for tenth in 1..=7 {
            let cut = &bytes[..bytes.len() * tenth / 10];
            let refused = outcome(cut, &ImageLimits::default()).map(drop);
            assert_eq!(refused, Err(RejectionCode::Malformed), "{name} {tenth}/10");
        }
    }
}

#[test]
fn an_animation_over_the_bounds_is_marked_or_refused() {
    let two = gif(&[9; 64], (8, 8), (0, 0), (8, 8));
    for limits in [
        ImageLimits {
            max_frames: 1,
            ..ImageLimits::default()
        },
        ImageLimits {
            max_animation_pixels: 127,
            ..ImageLimits::default()
        },
    ] {
        let shown = outcome(&two, &limits).unwrap();
        assert!(shown.is_first_frame && !shown.is_cut);
        let strict = ImageLimits {
            refuse_partial: true,
            ..limits
        };
        let refused = outcome(&two, &strict).map(drop);
        assert_eq!(refused, Err(RejectionCode::TooManyFrames));
    }
    assert!(!outcome(&two, &strict()).unwrap().is_first_frame);
}

#[test]
fn bmp_and_tiff_are_known_by_their_bytes() {
    let pixels = uniform(96, 400, &RED);
    for (bytes, format) in [
        (bmp(&pixels, SIZE), ImageFormat::Bmp),
        (tiff(&pixels, SIZE), ImageFormat::Tiff),
    ] {
        let found = probe(&bytes, &ImageLimits::default()).unwrap();
        assert_eq!((found.format, found.width, found.height), (format, 96, 400));
        let outputs = rendered(&bytes, &plan(&[None]));
        Picture::open(&outputs[0].1).assert_near((50, 300), RED, 3);
    }
}

#[test]
fn damaged_bmps_and_tiffs_never_panic() {
    let limits = ImageLimits {
        max_pixels: 100_000,
        ..ImageLimits::default()
    };
    let pixels = noise(32, 24);
    let mut random = Random(20_261_126);
    let mut survived = 0;
    for bytes in [bmp(&pixels, (32, 24)), tiff(&pixels, (32, 24))] {
        for _ in 0..2_000 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(160);
                damaged[at] = random.next().to_le_bytes()[0];
            }
            survived += u32::from(try_rendered(&damaged, &plan(&[None]), &limits).is_ok());
        }
    }
    assert!((1..4_000).contains(&survived), "{survived} of 4,000");
}
