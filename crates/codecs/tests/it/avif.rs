//! AVIF as an output: what independent decoders see in it, and that there is nothing else in it.

use std::path::Path;

use codecs::{Encoding, ImageLimits, RenderPlan};
use media::formats::ImageFormat;

use crate::children::rendered_by_children;
use crate::fixtures::{
    BLUE, GREEN, Picture, RED, Random, gif, jpeg_rgb, noise, plan, png, png_rgb, probed, quarters,
    rendered, uniform, with_exif, with_icc, with_segment,
};
use crate::peers::program;

/// The only output of a file, as AVIF.
fn avif(file: &[u8], width: Option<u32>, keep_rights: bool) -> Vec<u8> {
    let plan = RenderPlan {
        encoding: Encoding::Avif,
        keep_rights,
        ..plan(&[width])
    };
    let mut made = rendered_by_children(file, &plan, &ImageLimits::default()).unwrap();
    assert_eq!(made.len(), 1);
    let (image, bytes) = made.remove(0);
    let found = probed(&bytes);
    assert_eq!(found.format, ImageFormat::Avif);
    assert_eq!((found.width, found.height), (image.width, image.height));
    assert_eq!((found.frames, bytes.len() as u64), (1, image.size_bytes));
    bytes
}

/// Has a program make a PNG of a picture, and reads it: red, green, blue and alpha.
fn seen_by(program_name: &str, args: &[&str], avif: &[u8]) -> (u32, u32, Vec<[u8; 4]>) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("in.avif"), folder.path().join("out.png"));
    std::fs::write(&from, avif).unwrap();
    let mut command = program(program_name);
    for &arg in args {
        command.arg(match arg {
            "IN" => from.as_os_str(),
            "OUT" => to.as_os_str(),
            arg => arg.as_ref(),
        });
    }
    let done = command.output();
    let done =
        done.unwrap_or_else(|error| panic!("{program_name} (scripts/setup --test): {error}"));
    assert!(done.status.success(), "{program_name}: {done:?}");
    read_png(&to)
}

fn read_png(path: &Path) -> (u32, u32, Vec<[u8; 4]>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::ALPHA | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut data).unwrap();
    let pixels = match frame.color_type {
        png::ColorType::GrayscaleAlpha => {
            let grey = data.as_chunks::<2>().0.iter();
            grey.map(|&[grey, alpha]| [grey, grey, grey, alpha])
                .collect()
        }
        _ => data.as_chunks::<4>().0.to_vec(),
    };
    (frame.width, frame.height, pixels)
}

const AVIFDEC: (&str, &[&str]) = ("avifdec", &["-j", "1", "IN", "OUT"]);
const FFMPEG: (&str, &[&str]) = ("ffmpeg", &["-loglevel", "error", "-i", "IN", "OUT"]);

/// The mean difference of the samples that can be seen, of 255.
fn difference(webp: &Picture, pixels: &[[u8; 4]], with_alpha: bool) -> f64 {
    let (mut sum, mut count) = (0_u32, 0_u32);
    for (index, found) in (0..).zip(pixels) {
        let expected = webp.at(index % webp.width, index / webp.width);
        if with_alpha {
            assert_eq!(found[3], expected[3], "transparency of pixel {index}");
        }
        if expected[3] > 0 {
            let channels = found.iter().zip(expected).take(3);
            sum += channels.map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>();
            count += 3;
        }
    }
    f64::from(sum) / f64::from(count.max(1))
}

/// Waves of colour and a little noise, as in a photo.
pub fn waves(width: u32, height: u32) -> Vec<u8> {
    let mut random = Random(5);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let wave = |x: u32, by: f64| 100.0 + 60.0 * (f64::from(x) / by).sin();
            for value in [wave(x, 31.0), wave(y, 23.0), wave(x + y, 47.0)] {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "40 to 160"
                )]
                let value = value as u8;
                pixels.push(value + u8::try_from(random.below(7)).unwrap());
            }
        }
    }
    pixels
}

pub fn photo(width: u16, height: u16) -> Vec<u8> {
    jpeg_rgb(&waves(width.into(), height.into()), width, height)
}

/// The waves, and a transparency that grows from left to right.
pub fn see_through(width: u32, height: u32) -> Vec<u8> {
    let pixels = waves(width, height);
    let pixels: Vec<u8> = (0..)
        .zip(pixels.as_chunks::<3>().0)
        .flat_map(|(index, &[red, green, blue]): (u32, _)| {
            let alpha = index % width * 255 / width.max(2).saturating_sub(1);
            [red, green, blue, u8::try_from(alpha.min(255)).unwrap()]
        })
        .collect();
    let rgba = (png::ColorType::Rgba, png::BitDepth::Eight);
    png(&pixels, (width, height), rgba, |_| {})
}

pub fn grey(width: u32, height: u32) -> Vec<u8> {
    let pixels: Vec<u8> = waves(width, height).into_iter().step_by(3).collect();
    let of_grey = (png::ColorType::Grayscale, png::BitDepth::Eight);
    png(&pixels, (width, height), of_grey, |_| {})
}

#[test]
fn an_avif_shows_what_the_webp_shows() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    for (name, file, width) in [
        ("a photo", photo(301, 203), None),
        ("a photo made smaller", photo(301, 203), Some(128)),
        (
            "a photo on its side, of many colours",
            with_exif(&with_icc(&photo(150, 99), &p3), 6),
            None,
        ),
        ("one pixel", png_rgb(&RED, 1, 1), None),
        ("one column", png_rgb(&waves(1, 300), 1, 300), None),
        ("one row", png_rgb(&waves(300, 1), 300, 1), None),
        ("grey", grey(133, 99), None),
        ("see-through", see_through(131, 77), None),
        ("one column to see through", see_through(1, 77), None),
        (
            "hidden",
            png(
                &[9, 9, 9, 0],
                (1, 1),
                (png::ColorType::Rgba, png::BitDepth::Eight),
                |_| {},
            ),
            None,
        ),
        (
            "drawn",
            png_rgb(&quarters(200, 100, [RED, GREEN, BLUE, [255; 3]]), 200, 100),
            None,
        ),
        ("an icon", png_rgb(&noise(16, 16), 16, 16), None),
        ("noise", png_rgb(&noise(91, 70), 91, 70), None),
    ] {
        let webp = Picture::open(&rendered(&file, &plan(&[width]))[0].1);
        let avif = avif(&file, width, false);
        let most = match name {
            "one pixel" | "drawn" | "hidden" | "an icon" => 1.5,
            // Both lose a little of it, each in its way.
            "noise" => 22.0,
            _ => 3.0,
        };
        let ours = Picture::open(&rendered(&avif, &plan(&[None]))[0].1);
        assert_eq!(ours.has_alpha(), webp.has_alpha(), "{name}");
        for (decoder, args) in [AVIFDEC, FFMPEG] {
            let (width, height, pixels) = seen_by(decoder, args, &avif);
            assert_eq!(
                (width, height),
                (webp.width, webp.height),
                "{name}, {decoder}"
            );
            // ffmpeg shows the first of the pictures in the file, which is without its transparency.
            let difference = difference(&webp, &pixels, decoder == "avifdec");
            assert!(difference < most, "{name}, {decoder}: {difference}");
        }
    }
}

#[test]
fn there_is_nothing_but_the_picture_and_its_rights() {
    let packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
        xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description \
        xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:Credit='A &amp; B' photoshop:City='Paris'/>\
        </rdf:RDF></x:xmpmeta>";
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat();
    let photo = with_exif(&with_segment(&photo(64, 48), 0xE1, &xmp), 3);
    for (file, keep_rights, expected) in [
        (photo.clone(), false, ""),
        (photo, true, "Credit: A & B\n"),
        (see_through(20, 20), true, ""),
    ] {
        let avif = avif(&file, None, keep_rights);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made.avif");
        std::fs::write(&path, avif).unwrap();
        let mut exiftool = program("exiftool");
        exiftool.args([
            "-a",
            "-S",
            "-XMP:all",
            "-EXIF:all",
            "-IPTC:all",
            "-ICC_Profile:all",
        ]);
        exiftool
            .args(["--XMPToolkit", "-Warning", "-Error"])
            .arg(&path);
        let said = exiftool.output().expect("exiftool (scripts/setup --test)");
        assert_eq!(String::from_utf8_lossy(&said.stdout), expected);
    }
}

#[test]
fn an_animation_has_no_avif() {
    let of_gif = gif(&uniform(8, 8, &[1]), (8, 8), (0, 0), (8, 8));
    let of_avif = crate::heif::avif(&[RED, GREEN]);
    let avif = RenderPlan {
        encoding: Encoding::Avif,
        ..plan(&[None])
    };
    let limits = ImageLimits::default();
    for animation in [of_gif, of_avif] {
        let made = rendered_by_children(&animation, &avif, &limits).unwrap();
        assert!(made.is_empty());
    }
}

#[test]
fn all_sizes_of_a_picture_are_made_at_once() {
    for file in [photo(700, 500), see_through(700, 500)] {
        let plan = RenderPlan {
            encoding: Encoding::Avif,
            ..plan(&[Some(640), Some(320), Some(1280), Some(128)])
        };
        let made = rendered_by_children(&file, &plan, &ImageLimits::default()).unwrap();
        let mut sizes: Vec<_> = Vec::new();
        for (image, avif) in &made {
            let (width, height, pixels) = seen_by(AVIFDEC.0, AVIFDEC.1, avif);
            assert_eq!((width, height), (image.width, image.height));
            let middle = pixels[(height / 2 * width + width / 2) as usize];
            assert!(middle.iter().all(|&sample| sample > 20), "{middle:?}");
            sizes.push(width);
        }
        sizes.sort_unstable();
        assert_eq!(sizes, [128, 320, 640]);
    }
}
