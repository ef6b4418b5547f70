//! What a probe says of sound files.

use codecs::ColorProfile;
use media::formats::ImageFormat;

use crate::fixtures::{
    exif, gif, jpeg, jpeg_rgb, noise, one_of_each, png, probed, uniform, webp, with_exif,
};

#[test]
fn a_turned_photo_is_described_as_displayed_and_as_stored() {
    let probe = probed(&with_exif(&jpeg_rgb(&noise(48, 32), 48, 32), 6));
    assert_eq!(probe.format, ImageFormat::Jpeg);
    assert_eq!((probe.width, probe.height), (32, 48));
    assert_eq!((probe.stored_width, probe.stored_height), (48, 32));
    assert_eq!(u16::from(probe.orientation), 6);
    assert_eq!(probe.color_profile, ColorProfile::Untagged);
    assert!(!probe.has_alpha && !probe.animated);
}

#[test]
fn an_orientation_that_is_not_one_is_none() {
    for nonsense in [0, 9, 65_535] {
        let probe = probed(&with_exif(&jpeg_rgb(&noise(48, 32), 48, 32), nonsense));
        assert_eq!(u16::from(probe.orientation), 1);
    }
}

#[test]
fn formats_are_told_by_structure() {
    use ImageFormat::{Gif, Jpeg, Png, Webp};
    let formats = one_of_each().map(|(_, bytes)| probed(&bytes).format);
    assert_eq!(formats, [Jpeg, Jpeg, Png, Webp, Webp, Gif]);
}

#[test]
fn frames_are_counted_and_alpha_is_seen() {
    let pixels = uniform(8, 8, &[0]);
    let animation = probed(&gif(&pixels, (8, 8), (0, 0), (8, 8)));
    assert_eq!((animation.frames, animation.animated), (2, true));
    assert!(!animation.has_alpha);
    assert!(probed(&gif(&pixels, (8, 8), (4, 4), (16, 16))).has_alpha);

    let gray_alpha = (png::ColorType::GrayscaleAlpha, png::BitDepth::Eight);
    assert!(probed(&png(&uniform(8, 8, &[9, 9]), (8, 8), gray_alpha, |_| {})).has_alpha);
}

#[test]
fn webp_metadata_is_found_around_the_picture() {
    let icc = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
    let probe = probed(&webp(&noise(48, 32), (48, 32), &exif(5), &icc));
    assert_eq!((probe.width, probe.height), (32, 48));
    let description = "Adobe RGB 1998".to_owned();
    assert_eq!(probe.color_profile, ColorProfile::Icc { description });
}

#[test]
fn what_follows_a_whole_file_is_nobodys_business() {
    for (name, mut bytes) in one_of_each() {
        bytes.extend_from_slice(b"PK\x03\x04 and a motion photo's film");
        assert_eq!(probed(&bytes).width, 96, "{name}");
    }
}

#[test]
fn cmyk_and_grey_are_images_too() {
    let cmyk = jpeg(&uniform(8, 8, &[9; 4]), 8, 8, jpeg_encoder::ColorType::Cmyk);
    let gray = jpeg(&uniform(8, 8, &[9]), 8, 8, jpeg_encoder::ColorType::Luma);
    assert_eq!(probed(&cmyk).width, probed(&gray).width);
}
