//! What is shown while a picture is loading, beside what the reference implementation makes of the same picture.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use codecs::image::render;
use codecs::{ImageLimits, RenderPlan};

use crate::fixtures::{Random, plan, png, png_rgb};
use crate::peers::program;

/// Pictures that are smaller than a thumbhash is made of, so that both are given the same pixels: noise, a slope, and a
/// disc, with and without transparency.
fn pictures() -> Vec<(u32, u32, Vec<u8>)> {
    let mut random = Random(11);
    let sizes = [
        (8, 8),
        (100, 100),
        (100, 57),
        (33, 100),
        (100, 8),
        (9, 90),
        (64, 48),
    ];
    let mut pictures = Vec::new();
    for (width, height) in sizes {
        for kind in 0..6 {
            let mut rgba = Vec::new();
            for y in 0..height {
                for x in 0..width {
                    let share = |at: u32, all: u32| u8::try_from(at * 255 / all).unwrap();
                    let (across, down) = (share(x, width), share(y, height));
                    let inside = (2 * x).abs_diff(width).pow(2) + (2 * y).abs_diff(height).pow(2)
                        < width.min(height).pow(2);
                    let [r, g, b, a, ..] = random.next().to_le_bytes();
                    rgba.extend(match kind {
                        0 => [r, g, b, 255],
                        1 => [r, g, b, a],
                        2 => [across, down, 255 - across, 255],
                        3 => [across, down, 40, down],
                        4 if inside => [220, 40, 30, 255],
                        5 if inside => [30, 160, 200, 255],
                        4 => [250, 250, 240, 255],
                        _ => [0; 4],
                    });
                }
            }
            pictures.push((width, height, rgba));
        }
    }
    pictures
}

fn with_placeholder() -> RenderPlan {
    RenderPlan {
        placeholder: true,
        ..plan(&[None])
    }
}

#[test]
fn a_thumbhash_says_what_the_reference_implementations_says() {
    let mut cases = String::new();
    let pictures = pictures();
    for (width, height, rgba) in &pictures {
        let size = (*width, *height);
        let bytes = png(
            rgba,
            size,
            (png::ColorType::Rgba, png::BitDepth::Eight),
            |_| {},
        );
        let limits = ImageLimits::default();
        let rendered = render(&bytes, &[], &limits, &with_placeholder(), |_, _| Ok(())).unwrap();
        let placeholder = rendered.placeholder.unwrap();
        assert!(placeholder.is_plausible(), "{size:?}");
        let hash = placeholder.thumbhash;
        writeln!(
            cases,
            r#"{{"width":{width},"height":{height},"rgba":{rgba:?},"hash":{hash:?}}}"#
        )
        .unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut node = program("node")
        .arg(root.join("tests/it/thumbhash.mjs"))
        .arg(root.join("../../web/vendor/thumbhash.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node (./just setup-test installs it)");
    node.stdin
        .take()
        .unwrap()
        .write_all(cases.as_bytes())
        .unwrap();
    let said = node.wait_with_output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let differences: Vec<_> = said.lines().collect();
    assert_eq!(differences.len(), pictures.len(), "{said}");
    // Ours calculates with 32 bits, theirs with 64: numbers in the middle between two steps are rounded either way.
    let far = |difference: &str| difference.parse().unwrap_or(u32::MAX) > 1;
    let far: Vec<_> = (pictures.iter().zip(differences).enumerate())
        .filter(|(_, (_, difference))| far(difference))
        .map(|(number, ((width, height, _), by))| format!("{number}: {width} x {height} by {by}"))
        .collect();
    assert!(far.is_empty(), "{far:#?}");
}

#[test]
fn a_strip_of_one_colour_has_no_stripes() {
    for (width, height) in [(1, 1), (1, 100), (3000, 1), (41, 4096)] {
        let white = vec![255; (width * height * 3) as usize];
        let white = png_rgb(&white, width, height);
        let limits = ImageLimits::default();
        let rendered = render(&white, &[], &limits, &with_placeholder(), |_, _| Ok(())).unwrap();
        let hash = rendered.placeholder.unwrap().thumbhash;
        // How much of the waves of brightness there is.
        let scale = u32::from_le_bytes([hash[0], hash[1], hash[2], 0]) >> 18 & 31;
        assert_eq!(scale, 0, "{width} x {height}");
    }
}
