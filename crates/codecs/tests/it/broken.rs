//! Hostile and broken files: each is refused with the right code, quickly, and nothing panics.

use std::time::{Duration, Instant};

use codecs::ImageLimits;
use codecs::image::{ImageError, probe};
use media::RejectionCode;

use crate::fixtures::{
    RED, Random, gif, jpeg_rgb, noise, one_of_each, picture, plan, png_rgb, try_rendered, uniform,
    with_segment,
};

/// What both ways in say of `bytes`; a file that can be probed must also render, or say why not.
#[track_caller]
fn rejected(bytes: &[u8]) -> RejectionCode {
    match try_rendered(bytes, &plan(&[None]), &ImageLimits::default()) {
        Err(ImageError::Rejected(rejection)) => rejection.code,
        other => panic!("expected a rejection, found {other:?}"),
    }
}

fn probe_code(bytes: &[u8]) -> RejectionCode {
    probe(bytes, &ImageLimits::default()).unwrap_err().code
}

/// A PNG of 45 bytes that claims to be 100,000 pixels wide and high.
fn png_bomb() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend_from_slice(&100_000_u32.to_be_bytes());
    bytes.extend_from_slice(&100_000_u32.to_be_bytes());
    bytes.extend_from_slice(&[8, 6, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(b"\0\0\0\0IEND\xAE\x42\x60\x82");
    bytes
}

/// A sound JPEG whose frame header claims 64,250 x 64,250.
fn jpeg_bomb() -> Vec<u8> {
    let mut bytes = jpeg_rgb(&noise(16, 16), 16, 16);
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    let side = 64_250_u16.to_be_bytes();
    bytes[frame + 5..frame + 9].copy_from_slice(&[side, side].concat());
    bytes
}

/// A GIF of 35 bytes with a screen and a frame of 65,535 x 8,191.
fn gif_bomb() -> Vec<u8> {
    let size = [0xFF, 0xFF, 0xFF, 0x1F];
    [
        b"GIF89a",
        &size[..],
        &[0, 0, 0, 0x21, 0xF9, 4, 0, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0],
        &size,
        &[0, 0, 0x3B],
    ]
    .concat()
}

#[test]
fn bombs_are_refused_by_their_headers() {
    let start = Instant::now();
    assert_eq!(probe_code(&png_bomb()), RejectionCode::TooManyPixels);
    assert_eq!(probe_code(&jpeg_bomb()), RejectionCode::TooManyPixels);
    assert_eq!(probe_code(&gif_bomb()), RejectionCode::TooManyPixels);
    let roomy = ImageLimits {
        max_width: 100_000,
        max_height: 100_000,
        ..ImageLimits::default()
    };
    for bomb in [png_bomb(), jpeg_bomb(), gif_bomb()] {
        let rejection = probe(&bomb, &roomy).unwrap_err();
        assert_eq!(rejection.code, RejectionCode::TooManyPixels);
        assert_eq!(rejection.limit.as_deref(), Some("100000000 px"));
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn of_an_animation_of_many_frames_the_first_is_shown() {
    let two = gif(&[9; 64], (8, 8), (0, 0), (8, 8));
    let limits = ImageLimits {
        max_frames: 1,
        ..ImageLimits::default()
    };
    let outputs = try_rendered(&two, &plan(&[None]), &limits).unwrap();
    assert_eq!((outputs[0].0.width, outputs[0].0.height), (8, 8));
}

#[test]
fn other_files_by_whatever_name_are_not_images() {
    let zip = b"PK\x03\x04\x14\0\0\0\0\0 and so on";
    let not_webp = b"RIFF\x10\0\0\0WEBPJUNK\0\0\0\0\0\0\0\0";
    let not_gif = b"GIF89\xFF\xFF\x1F\x1F\x80\0\0\0!\xF9\x04\x01\0\0\0\0,\0\0\0\0\0\x1F\xFF\xFC";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    for bytes in [&b""[..], &[0xFF], &zip[..], not_webp, not_gif, svg] {
        assert_eq!(probe_code(bytes), RejectionCode::UnsupportedType);
    }
}

#[test]
fn a_magic_number_alone_is_not_an_image() {
    let zip = b"PK\x03\x04\x14\0\0\0\0\0 and so on, long enough to be read as fields of a header";
    let magics = [
        &b"\xFF\xD8\xFF"[..],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\x40\0\0\0WEBPVP8 ",
    ];
    for magic in magics {
        assert_eq!(probe_code(magic), RejectionCode::Malformed);
        assert_eq!(probe_code(&[magic, zip].concat()), RejectionCode::Malformed);
    }
}

#[test]
fn kinds_of_jpeg_that_cannot_be_decoded_are_unsupported_not_corrupt() {
    let sound = jpeg_rgb(&noise(16, 16), 16, 16);
    let frame = sound
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    for kind in [0xC3, 0xC5, 0xC9, 0xCF] {
        let mut other = sound.clone();
        other[frame + 1] = kind;
        assert_eq!(
            probe_code(&other),
            RejectionCode::UnsupportedType,
            "{kind:#x}"
        );
    }
    let mut deep = sound;
    deep[frame + 4] = 12;
    assert_eq!(probe_code(&deep), RejectionCode::UnsupportedType);
}

#[test]
fn a_file_that_lacks_much_of_its_picture_is_corrupt() {
    for (name, bytes) in one_of_each() {
        // A coarse picture comes first there, and a second frame makes up the end of the animation.
        let most = match name {
            "progressive jpeg" => 0,
            "gif" => 5,
            _ => 7,
        };
        for tenth in 1..=most {
            let cut = &bytes[..bytes.len() * tenth / 10];
            assert_eq!(
                rejected(cut),
                RejectionCode::Malformed,
                "{name} cut at {tenth}/10"
            );
        }
    }
}

#[test]
fn a_jpeg_cut_near_its_end_is_shown_closed_again_or_not() {
    let whole = jpeg_rgb(&uniform(64, 200, &RED), 64, 200);
    for missing in [1, 2, 3, 20] {
        let cut = &whole[..whole.len() - missing];
        for bytes in [cut.to_vec(), [cut, &[0xFF, 0xD9]].concat()] {
            let picture = picture(&bytes);
            assert_eq!((picture.width, picture.height), (64, 200));
            picture.assert_near((30, 140), RED, 8);
        }
    }
}

#[test]
fn a_jpeg_cut_short_and_closed_again_is_corrupt() {
    let (_, bytes) = &one_of_each()[0];
    let scan = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    for tenth in 1..=7 {
        let cut = scan + 14 + (bytes.len() - scan - 14) * tenth / 10;
        let closed = [&bytes[..cut], &[0xFF, 0xD9]].concat();
        assert_eq!(
            rejected(&closed),
            RejectionCode::Malformed,
            "closed at {tenth}/10"
        );
    }
}

#[test]
fn a_jpeg_that_lacks_a_component_is_corrupt() {
    let mut bytes = jpeg_rgb(&noise(16, 16), 16, 16);
    let scan = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    bytes[scan + 9] = bytes[scan + 7]; // the second component twice, the third never
    assert_eq!(probe_code(&bytes), RejectionCode::Malformed);
}

#[test]
fn damaged_bytes_never_panic_nor_hang() {
    let limits = ImageLimits {
        max_pixels: 1_000_000,
        ..ImageLimits::default()
    };
    let plan = plan(&[None, Some(16)]);
    let mut random = Random(20_261_122);
    let mut survived = 0;
    for (_, bytes) in one_of_each() {
        for _ in 0..300 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(4) {
                // Half of the damage near the start, where the headers are.
                let reach = if random.below(2) == 0 {
                    64
                } else {
                    damaged.len()
                };
                let at = random.below(reach.min(damaged.len()));
                damaged[at] ^= 1 << random.below(8);
            }
            let start = Instant::now();
            survived += u32::from(try_rendered(&damaged, &plan, &limits).is_ok());
            assert!(start.elapsed() < Duration::from_secs(10));
        }
    }
    assert!(
        (1..1_800).contains(&survived),
        "{survived} of 1,800 survived"
    );
}

#[test]
fn damaged_metadata_never_panics_and_never_costs_the_picture() {
    let pixels = noise(48, 32);
    let jpeg = jpeg_rgb(&pixels, 48, 32);
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut random = Random(5);
    for _ in 0..300 {
        let mut exif = [b"Exif\0\0".to_vec(), crate::fixtures::exif(6)].concat();
        let mut icc = icc.clone();
        for damaged in [&mut exif[6..], &mut icc[..]] {
            for _ in 0..4 {
                let at = random.below(damaged.len());
                damaged[at] = random.next().to_le_bytes()[0];
            }
        }
        let bytes = with_segment(&crate::fixtures::with_icc(&jpeg, &icc), 0xE1, &exif);
        let outputs = try_rendered(&bytes, &plan(&[None]), &ImageLimits::default()).unwrap();
        assert_eq!(outputs.len(), 1);
    }
}

#[test]
fn a_png_with_a_wrong_checksum_is_corrupt() {
    let mut bytes = png_rgb(&noise(16, 16), 16, 16);
    let data = bytes.windows(4).position(|kind| kind == b"IDAT").unwrap();
    bytes[data + 20] ^= 1;
    assert_eq!(rejected(&bytes), RejectionCode::Malformed);
}
