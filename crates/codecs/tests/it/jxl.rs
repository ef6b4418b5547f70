//! JPEG XL: what the reference decoder sees in it, animations, and damage.

use std::path::Path;

use codecs::ImageLimits;
use media::RejectionCode;
use media::formats::ImageFormat;

use crate::animations::seen;
use crate::avif::{grey, photo, see_through, waves};
use crate::fixtures::{
    BLUE, GREEN, Picture, RED, Random, picture, plan, png, probed, rendered, try_rendered,
    with_exif,
};
use crate::peers::program;

/// Has a program of libjxl make one file of another.
fn made(program_name: &str, from: (&str, &[u8]), to: &str, args: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path(from.0), from.1).unwrap();
    let mut command = program(program_name);
    command.arg(path(from.0)).arg(path(to)).args(args);
    let done = command.output();
    let done =
        done.unwrap_or_else(|error| panic!("{program_name} (scripts/setup --test): {error}"));
    assert!(done.status.success(), "{program_name} {args:?}: {done:?}");
    read(&path(to))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

pub fn jxl(name: &str, bytes: &[u8], args: &[&str]) -> Vec<u8> {
    made("cjxl", (name, bytes), "made.jxl", args)
}

/// The mean difference of two pictures, of 255, where there is something to be seen; their transparency is the same.
fn difference(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let (mut sum, mut count) = (0_u32, 0_u32);
    for y in 0..a.height {
        for x in 0..a.width {
            let (a, b) = (a.at(x, y), b.at(x, y));
            assert!(a[3].abs_diff(b[3]) <= 1, "at {x}, {y}: {a:?} {b:?}");
            if a[3] > 0 {
                sum += (0..3)
                    .map(|channel| u32::from(a[channel].abs_diff(b[channel])))
                    .sum::<u32>();
                count += 3;
            }
        }
    }
    f64::from(sum) / f64::from(count.max(1))
}

fn wide(width: u32, height: u32) -> Vec<u8> {
    let samples = waves(width, height);
    samples.iter().flat_map(|&sample| [sample, 77]).collect()
}

/// Sixteen bits, of which the lower ones matter.
fn deep() -> Vec<u8> {
    let format = (png::ColorType::Rgb, png::BitDepth::Sixteen);
    png(&wide(90, 70), (90, 70), format, |_| {})
}

/// In the colours of newer screens.
fn wide_colors() -> Vec<u8> {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let format = (png::ColorType::Rgb, png::BitDepth::Eight);
    png(&waves(90, 70), (90, 70), format, |info| {
        info.icc_profile = Some(p3.clone().into());
    })
}

#[test]
fn pictures_are_shown_as_by_the_reference_decoder() {
    let color = crate::fixtures::png_rgb(&waves(301, 203), 301, 203);
    let lossless = &["-d", "0"][..];
    for (name, bytes, args) in [
        ("photo.png", color.clone(), &["-d", "1"][..]),
        ("photo.png", color.clone(), &["-d", "3", "-e", "3", "-p"]),
        ("photo.png", color.clone(), &["-d", "1", "-m", "1"]),
        (
            "photo.png",
            color.clone(),
            &["-d", "1", "--container=1", "--photon_noise=ISO800"],
        ),
        ("photo.png", color, lossless),
        ("recompressed.jpg", photo(150, 99), &[]),
        ("turned.jpg", with_exif(&photo(150, 99), 6), &[]),
        (
            "turned.jpg",
            with_exif(&photo(150, 99), 5),
            &["-j", "0", "-d", "1"],
        ),
        ("grey.png", grey(133, 99), &["-d", "1"]),
        ("grey.png", grey(133, 99), lossless),
        ("alpha.png", see_through(131, 77), &["-d", "1"]),
        ("alpha.png", see_through(131, 77), lossless),
        ("deep.png", deep(), &["-d", "1"]),
        ("deep.png", deep(), lossless),
        ("p3.png", wide_colors(), &["-d", "1"]),
        ("p3.png", wide_colors(), lossless),
        ("column.png", see_through(1, 77), lossless),
        ("pixel.png", crate::fixtures::png_rgb(&RED, 1, 1), lossless),
    ] {
        let jxl = jxl(name, &bytes, args);
        let found = probed(&jxl);
        assert_eq!((found.format, found.frames), (ImageFormat::Jxl, 1));
        let reference = made("djxl", ("made.jxl", &jxl), "seen.png", &[]);
        let (ours, theirs) = (picture(&jxl), picture(&reference));
        assert_eq!((found.width, found.height), (theirs.width, theirs.height));
        let difference = difference(&ours, &theirs);
        assert!(difference < 1.5, "{name} {args:?}: {difference}");
    }
}

#[test]
fn high_dynamic_range_is_bent_as_in_other_formats() {
    let (width, height) = (96, 64);
    let samples = wide(width, height);
    let head = format!("P6\n{width} {height}\n65535\n");
    let pixmap = [head.as_bytes(), &samples].concat();
    let format = (png::ColorType::Rgb, png::BitDepth::Sixteen);
    let plain = png(&samples, (width, height), format, |_| {});
    let as_png = |transfer: u8| {
        let chunk = [&b"cICP"[..], &[9, transfer, 0, 1]].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&chunk);
        let (signature_and_header, rest) = plain.split_at(33);
        let sum = sum.sum().to_be_bytes();
        [signature_and_header, &[0, 0, 0, 4], &chunk, &sum, rest].concat()
    };
    for (name, code) in [("PeQ", 16), ("HLG", 18)] {
        let space = format!("color_space=RGB_D65_202_Rel_{name}");
        let jxl = jxl("light.ppm", &pixmap, &["-d", "0", "-x", &space]);
        let (ours, theirs) = (picture(&jxl), picture(&as_png(code)));
        let difference = difference(&ours, &theirs);
        assert!(difference < 1.0, "{name}: {difference}");
    }
}

#[test]
fn an_animated_jxl_stays_animated() {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 64, 64, &[RED, GREEN, BLUE].concat()).unwrap();
    encoder.set_repeat(gif::Repeat::Finite(2)).unwrap();
    for index in 0..3 {
        let mut frame = gif::Frame::from_indexed_pixels(64, 64, vec![index; 64 * 64], None);
        frame.delay = 7 + u16::from(index);
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    let animation = jxl("frames.gif", &bytes, &["-d", "0"]);
    let found = probed(&animation);
    assert_eq!((found.format, found.frames), (ImageFormat::Jxl, 3));
    let webp = rendered(&animation, &plan(&[None])).remove(0).1;
    let (frames, _) = seen(&webp);
    let times: Vec<u32> = frames.iter().map(|&(_, time)| time).collect();
    assert_eq!(times, [70, 80, 90]);
    for ((points, _), color) in frames.iter().zip([RED, GREEN, BLUE]) {
        let mut near = points[0].iter().zip(color);
        assert!(near.all(|(a, b)| a.abs_diff(b) < 8), "{color:?} {points:?}");
    }
    // Of one that is too long, the first.
    let limits = ImageLimits {
        max_frames: 2,
        ..ImageLimits::default()
    };
    let made = try_rendered(&animation, &plan(&[None]), &limits).unwrap();
    Picture::open(&made[0].1).assert_near((9, 9), RED, 8);
}

#[test]
fn what_is_cut_off_or_too_large_is_refused() {
    let whole = jxl("photo.jpg", &photo(301, 203), &["-j", "0", "-d", "1"]);
    let limits = ImageLimits {
        max_pixels: 301 * 203 - 1,
        ..ImageLimits::default()
    };
    let code = |bytes: &[u8], limits: &ImageLimits| {
        let Err(codecs::image::ImageError::Rejected(refused)) =
            try_rendered(bytes, &plan(&[None]), limits)
        else {
            panic!("it is not refused");
        };
        refused.code
    };
    assert_eq!(code(&whole, &limits), RejectionCode::TooManyPixels);
    for bytes in [2, 20, whole.len() / 2, whole.len() - 1] {
        let cut = &whole[..bytes];
        assert_eq!(
            code(cut, &ImageLimits::default()),
            RejectionCode::Malformed,
            "{bytes}"
        );
    }
}

#[test]
fn damaged_jxls_never_panic_nor_hang() {
    let limits = ImageLimits {
        max_pixels: 100_000,
        ..ImageLimits::default()
    };
    let mut random = Random(20_261_126);
    let files = [
        jxl("photo.jpg", &photo(60, 40), &["-j", "0", "-d", "1"]),
        jxl("alpha.png", &see_through(60, 40), &["-d", "0"]),
        jxl("recompressed.jpg", &photo(60, 40), &[]),
    ];
    for round in 0..900 {
        let mut damaged = files[round % files.len()].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(damaged.len());
            damaged[at] = random.next().to_le_bytes()[0];
        }
        let began = std::time::Instant::now();
        let _ = try_rendered(&damaged, &plan(&[Some(32)]), &limits);
        let took = began.elapsed();
        assert!(
            took < std::time::Duration::from_mins(1),
            "round {round}: {took:?}"
        );
    }
}
