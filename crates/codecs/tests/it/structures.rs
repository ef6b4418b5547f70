//! Every structure of PNG, GIF, BMP and TIFF, and WebP, AVIF and HEIC by encoders of others, compared with what other
//! libraries make of the same files: libpng, libtiff and a GIF reader through Pillow, image-webp, libavif and libheif.

use std::collections::BTreeMap;
use std::path::Path;

use codecs::{ImageLimits, OutputSpec, RenderPlan};

use crate::children::rendered_by_children;
use crate::fixtures::{Picture, noise, png_rgb, try_rendered};
use crate::peers::program;

/// The picture at its own size, as finely as it can be had; of AVIF and HEIC by way of children.
pub fn full(bytes: &[u8]) -> Result<Picture, String> {
    let output = OutputSpec {
        name: "full".to_owned(),
        max_width: None,
        quality: 100,
        method: 0,
    };
    let plan = RenderPlan {
        outputs: vec![output],
        ..RenderPlan::default()
    };
    let limits = ImageLimits::default();
    let rendered = if bytes.get(4..8) == Some(b"ftyp") {
        rendered_by_children(bytes, &plan, &limits).map_err(|error| error.to_string())?
    } else {
        try_rendered(bytes, &plan, &limits).map_err(|error| error.to_string())?
    };
    Ok(Picture::open(&rendered[0].1))
}

/// What is wrong with a picture, where it should be these pixels.
fn wrong(_: &str, picture: &Picture, (width, height): (u32, u32), rgba: &[u8]) -> Option<String> {
    if (picture.width, picture.height) != (width, height) {
        return Some(format!("is {}x{}", picture.width, picture.height));
    }
    let apart = |index: usize, expected: &[u8]| {
        let index = u32::try_from(index).unwrap();
        let found = picture.at(index % width, index / width);
        let hidden = found[3] == 0 && expected[3] == 0;
        let worst = found
            .iter()
            .zip(expected)
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        if hidden { 0 } else { u64::from(worst) }
    };
    let pixels = rgba.chunks_exact(4).enumerate();
    let sum: u64 = pixels.map(|(index, expected)| apart(index, expected)).sum();
    let count = rgba.len() as u64 / 4;
    (sum > 8 * count).then(|| format!("is {} off", sum / count))
}

/// As [`wrong`], of formats of films, whose luma is twice as fine as their colours. Decoders widen those differently, so
/// luma is compared pixel by pixel and colours in means of four by four pixels, each 3 steps of 255 off at most, on average
/// over the picture. What should come out takes the way through WebP as well, from a PNG.
fn wrong_in_film_colors(
    _: &str,
    picture: &Picture,
    size: (u32, u32),
    rgba: &[u8],
) -> Option<String> {
    const BLOCK: u32 = 4;
    const TOLERANCE: f64 = 3.0;
    let (width, height) = size;
    if (picture.width, picture.height) != size {
        return Some(format!("is {}x{}", picture.width, picture.height));
    }
    let kind = (png::ColorType::Rgba, png::BitDepth::Eight);
    let expected = full(&crate::fixtures::png(rgba, size, kind, |_| {})).unwrap();
    let (mut luma_off, mut sums) = (0.0, BTreeMap::new());
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let (found, expected) = (picture.at(x, y), expected.at(x, y));
        // What nobody sees may have any colour.
        let seen = f64::from(expected[3].max(found[3])) / 255.0;
        let off: [f64; 4] = std::array::from_fn(|channel| {
            let off = f64::from(found[channel]) - f64::from(expected[channel]);
            if channel == 3 { off } else { off * seen }
        });
        luma_off += (0.299 * off[0] + 0.587 * off[1] + 0.114 * off[2]).abs();
        let (sum, count) = sums
            .entry((x / BLOCK, y / BLOCK))
            .or_insert(([0.0; 4], 0.0));
        *sum = std::array::from_fn(|channel| sum[channel] + off[channel]);
        *count += 1.0;
    }
    let luma_off = luma_off / f64::from(width * height);
    let blocks = sums.values().map(|(sum, count)| {
        let means = sum.iter().map(|sum| (sum / count).abs());
        means.fold(0.0, f64::max)
    });
    let (sum, count) = blocks.fold((0.0, 0.0), |(sum, count), off| (sum + off, count + 1.0));
    let blocks_off = sum / count;
    (luma_off > TOLERANCE || blocks_off > TOLERANCE)
        .then(|| format!("is {luma_off:.1} off in luma, {blocks_off:.1} in colours"))
}

/// Has a script write files, each with the RGBA that it should come out as beside it, and renders them all: how many there
/// were, and what is wrong.
pub fn compared(
    script: &str,
    rendered: impl Fn(&[u8]) -> Result<Picture, String>,
    wrong: impl Fn(&str, &Picture, (u32, u32), &[u8]) -> Option<String>,
) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(script);
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    // Debian's own Python, which has Pillow (scripts/setup --test).
    let made = program("/usr/bin/python3")
        .arg(script)
        .arg(&files)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let (mut tried, mut faults) = (0, Vec::new());
    for entry in std::fs::read_dir(&files).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "rgba")
        {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let seen = std::fs::read(path.with_file_name(format!("{name}.rgba"))).unwrap();
        let side = |at: usize| u32::from_be_bytes(seen[at..at + 4].try_into().unwrap());
        tried += 1;
        match rendered(&std::fs::read(&path).unwrap()) {
            Ok(picture) => faults.extend(
                wrong(&name, &picture, (side(0), side(4)), &seen[8..])
                    .map(|fault| format!("{name} {fault}")),
            ),
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    faults.sort();
    (tried, faults)
}

#[test]
fn every_structure_of_a_png_and_gif_comes_out_right() {
    let (tried, faults) = compared("structures.py", full, wrong);
    assert!(tried > 300, "{tried}");
    assert!(
        faults.is_empty(),
        "{} of {tried}: {faults:#?}",
        faults.len()
    );
}

#[test]
fn every_structure_of_a_bmp_and_tiff_comes_out_right() {
    let (tried, faults) = compared("bmp_tiff.py", full, wrong);
    assert!(tried > 1_500, "{tried}");
    assert!(
        faults.is_empty(),
        "{} of {tried}: {faults:#?}",
        faults.len()
    );
}

#[test]
fn every_structure_of_an_avif_and_heic_comes_out_right() {
    let (tried, faults) = compared("heif.py", full, wrong_in_film_colors);
    assert!(tried > 300, "{tried}");
    assert!(
        faults.is_empty(),
        "{} of {tried}: {faults:#?}",
        faults.len()
    );
}

fn cwebp(png: &Path, webp: &Path, args: &[&str]) -> Vec<u8> {
    let status = program("cwebp")
        .args(args)
        .arg("-quiet")
        .arg(png)
        .arg("-o")
        .arg(webp)
        .status();
    assert!(status.unwrap().success(), "{args:?}");
    std::fs::read(webp).unwrap()
}

#[test]
fn every_structure_of_a_webp_comes_out_right() {
    let folder = tempfile::tempdir().unwrap();
    let (png, webp) = (folder.path().join("in.png"), folder.path().join("out.webp"));
    let (mut tried, mut faults) = (0, Vec::new());
    for (width, height) in [(70, 65), (1, 1), (17, 33), (130, 9)] {
        let opaque = png_rgb(&noise(width as usize, height as usize), width, height);
        let rgba: Vec<u8> = noise(width as usize, height as usize)
            .chunks_exact(3)
            .enumerate()
            .flat_map(|(index, rgb)| [rgb[0], rgb[1], rgb[2], index.to_le_bytes()[0]])
            .collect();
        let rgba_kind = (png::ColorType::Rgba, png::BitDepth::Eight);
        let clear = crate::fixtures::png(&rgba, (width, height), rgba_kind, |_| {});
        for source in [opaque, clear] {
            std::fs::write(&png, source).unwrap();
            for args in [
                &["-q", "90"][..],
                &["-q", "20", "-segments", "4", "-sns", "100"],
                &["-q", "60", "-strong", "-f", "90", "-sharpness", "7"],
                &["-q", "60", "-nostrong", "-f", "50"],
                &["-m", "6", "-pass", "4"],
                &["-alpha_method", "0"],
                &["-alpha_filter", "best", "-alpha_q", "40"],
                &["-exact", "-alpha_filter", "none"],
                &["-lossless", "-z", "0"],
                &["-lossless", "-z", "9"],
                &["-near_lossless", "40"],
                &["-sharp_yuv"],
            ] {
                let bytes = cwebp(&png, &webp, args);
                let expected = Picture::open(&bytes);
                let pixels = (0..width * height).flat_map(|i| expected.at(i % width, i / width));
                let pixels: Vec<u8> = pixels.collect();
                tried += 1;
                // Noise loses much of its colours at each step; what is compared is the structure.
                let fault = match full(&bytes) {
                    Ok(picture) => wrong_structure(&picture, (width, height), &pixels),
                    Err(error) => Some(error),
                };
                faults.extend(fault.map(|fault| format!("{width}x{height} {args:?} {fault}")));
            }
        }
    }
    assert_eq!(tried, 4 * 2 * 12);
    assert!(
        faults.is_empty(),
        "{} of {tried}: {faults:#?}",
        faults.len()
    );
}

/// As [`wrong`], of fields of the picture.
fn wrong_structure(picture: &Picture, size: (u32, u32), rgba: &[u8]) -> Option<String> {
    if (picture.width, picture.height) != size {
        return Some(format!("is {}x{}", picture.width, picture.height));
    }
    let mean = |at: &dyn Fn(u32, u32) -> [u8; 4], channel: usize| {
        let all = (0..size.0 * size.1).map(|i| at(i % size.0, i / size.0));
        let seen: Vec<_> = all.filter(|pixel| channel == 3 || pixel[3] > 128).collect();
        let sum: u64 = seen.iter().map(|pixel| u64::from(pixel[channel])).sum();
        sum / (seen.len() as u64).max(1)
    };
    let expected = |x: u32, y: u32| {
        let start = (y * size.0 + x) as usize * 4;
        <[u8; 4]>::try_from(&rgba[start..start + 4]).unwrap()
    };
    let found = |x: u32, y: u32| picture.at(x, y);
    (0..4).find_map(|channel| {
        let (found, expected) = (mean(&found, channel), mean(&expected, channel));
        (found.abs_diff(expected) > 6)
            .then(|| format!("channel {channel} is {found}, not {expected}"))
    })
}
