//! AVIF and HEIC: animations, what else lies in the files, and damage.

use std::path::Path;

use codecs::image::probe;
use codecs::{DecodeError, ImageLimits};
use media::formats::ImageFormat;

use crate::animations::seen;
use crate::children::rendered_by_children;
use crate::fixtures::{
    BLUE, GREEN, RED, Random, picture, plan, png_rgb, rendered, try_rendered, uniform,
};
use crate::peers::program;

/// What a program makes of pictures of one colour each: a file of that name.
fn made(name: &str, colors: &[[u8; 3]], encoder: &str, args: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let mut command = program(encoder);
    command.args(args);
    for (index, color) in colors.iter().enumerate() {
        let source = file(&format!("{index}.png"));
        std::fs::write(&source, png_rgb(&uniform(64, 64, color), 64, 64)).unwrap();
        command.arg(source);
    }
    let done = command.arg("-o").arg(file(name)).output();
    let done = done.unwrap_or_else(|error| panic!("{encoder} (scripts/setup --test): {error}"));
    assert!(done.status.success(), "{encoder} {args:?}: {done:?}");
    read(&file(name))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

pub fn avif(colors: &[[u8; 3]]) -> Vec<u8> {
    let args = ["-s", "10", "--timescale", "1000", "--duration", "120"];
    made("made.avif", colors, "avifenc", &args)
}

pub fn heic(color: [u8; 3]) -> Vec<u8> {
    let args = ["-p", "preset=ultrafast", "-t", "32"];
    made("made.heic", &[color], "heif-enc", &args)
}

/// Of one picture alone.
pub fn heic_alone(color: [u8; 3]) -> Vec<u8> {
    made(
        "made.heic",
        &[color],
        "heif-enc",
        &["-p", "preset=ultrafast"],
    )
}

#[test]
fn an_animated_avif_stays_animated() {
    let animation = avif(&[RED, GREEN, BLUE]);
    let found = probe(&animation, &ImageLimits::default()).unwrap();
    assert_eq!((found.format, found.frames), (ImageFormat::Avif, 3));
    assert!(found.animated);
    let webp = rendered(&animation, &plan(&[None])).remove(0).1;
    let (frames, _) = seen(&webp);
    let times: Vec<u32> = frames.iter().map(|&(_, time)| time).collect();
    assert_eq!(times, [120, 120, 120]);
    for ((points, _), color) in frames.iter().zip([RED, GREEN, BLUE]) {
        let mut near = points[0].iter().zip(color);
        assert!(near.all(|(a, b)| a.abs_diff(b) < 8), "{color:?} {points:?}");
    }
}

#[test]
fn colours_of_an_animated_avif_are_converted_once() {
    for depth in ["8", "10"] {
        // Display P3.
        let args = ["-s", "10", "-d", depth, "-y", "444", "--cicp", "12/13/6"];
        let of = |colors: &[[u8; 3]]| made("made.avif", colors, "avifenc", &args);
        let still = picture(&of(&[RED])).at(20, 20);
        assert!(still[0].abs_diff(RED[0]) > 8, "the test could not tell");
        let webp = rendered(&of(&[RED, GREEN]), &plan(&[None])).remove(0).1;
        let (frames, _) = seen(&webp);
        let mut near = frames[0].0[1].iter().zip(still);
        assert!(near.all(|(a, b)| a.abs_diff(b) < 8), "{still:?} {frames:?}");
    }
}

#[test]
fn a_heic_is_known_by_what_it_holds() {
    let found = probe(&heic(GREEN), &ImageLimits::default()).unwrap();
    assert_eq!(found.format, ImageFormat::Heic);
    assert_eq!((found.width, found.height, found.frames), (64, 64, 1));
}

#[test]
fn damaged_avifs_and_heics_never_panic_nor_hang() {
    let limits = ImageLimits {
        max_pixels: 100_000,
        ..ImageLimits::default()
    };
    let mut random = Random(20_261_127);
    let (mut survived, mut tried) = (0, 0);
    for (bytes, times) in [
        (avif(&[RED]), 700),
        (avif(&[RED, GREEN]), 700),
        (heic(BLUE), 100),
    ] {
        for _ in 0..times {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(damaged.len());
                damaged[at] = random.next().to_le_bytes()[0];
            }
            let began = std::time::Instant::now();
            let rendered = if times < 700 {
                let rendered = rendered_by_children(&damaged, &plan(&[None]), &limits);
                if let Err(error) = &rendered {
                    assert!(matches!(error, DecodeError::Rejected(_)), "{error:?}");
                }
                rendered.is_ok()
            } else {
                try_rendered(&damaged, &plan(&[None]), &limits).is_ok()
            };
            survived += u32::from(rendered);
            assert!(began.elapsed() < std::time::Duration::from_secs(10));
            tried += 1;
        }
    }
    assert!((1..tried).contains(&survived), "{survived} of {tried}");
}
