//! Colours arrive in sRGB as the embedded profile means them.

use moxcms::{ColorProfile, Layout, TransformOptions};

use crate::fixtures::{
    jpeg, jpeg_rgb, picture, png, probed, uniform, webp, with_icc, with_segment,
};

const COLOR: [u8; 3] = [220, 60, 90];

/// The same numbers in sRGB, computed apart from the crate, in floating point.
fn in_srgb(profile: &ColorProfile, color: [u8; 3]) -> [u8; 3] {
    let to_srgb = profile
        .create_transform_f32(
            Layout::Rgb,
            &ColorProfile::new_srgb(),
            Layout::Rgb,
            TransformOptions::default(),
        )
        .unwrap();
    let source = color.map(|sample| f32::from(sample) / 255.0);
    let mut converted = [0.0; 3];
    to_srgb.transform(&source, &mut converted).unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 255"
    )]
    converted.map(|sample| (sample.clamp(0.0, 1.0) * 255.0).round() as u8)
}

#[test]
fn a_display_p3_picture_is_converted_in_every_format() {
    let p3 = ColorProfile::new_display_p3();
    let icc = p3.encode().unwrap();
    let expected = in_srgb(&p3, COLOR);
    assert!(
        COLOR[0].abs_diff(expected[0]) > 8,
        "the test could not tell: {expected:?}"
    );

    let pixels = uniform(32, 32, &COLOR);
    let rgb = (png::ColorType::Rgb, png::BitDepth::Eight);
    let tagged_png = png(&pixels, (32, 32), rgb, |info| {
        info.icc_profile = Some(icc.clone().into());
    });
    let tagged_jpeg = with_icc(&jpeg_rgb(&pixels, 32, 32), &icc);
    for bytes in [tagged_png, tagged_jpeg, webp(&pixels, (32, 32), &[], &icc)] {
        assert!(matches!(
            probed(&bytes).color_profile,
            codecs::ColorProfile::Icc { description } if description.contains("P3")
        ));
        picture(&bytes).assert_near((16, 16), expected, 4);
    }
}

#[test]
fn a_wide_16_bit_picture_is_converted_before_it_is_narrowed() {
    let prophoto = ColorProfile::new_pro_photo_rgb();
    let icc = prophoto.encode().unwrap();
    let color = [120, 100, 80];
    let samples: Vec<u8> = color
        .iter()
        .flat_map(|&sample: &u8| [sample, sample])
        .collect();
    let wide = (png::ColorType::Rgb, png::BitDepth::Sixteen);
    let bytes = png(&uniform(32, 32, &samples), (32, 32), wide, |info| {
        info.icc_profile = Some(icc.into());
    });
    assert_eq!(probed(&bytes).bit_depth, 16);
    picture(&bytes).assert_near((16, 16), in_srgb(&prophoto, color), 4);
}

#[test]
fn sixteen_bits_without_a_profile_keep_their_upper_half() {
    let wide = (png::ColorType::Rgba, png::BitDepth::Sixteen);
    let pixel = [0xDC, 0x11, 0x3C, 0xEE, 0x5A, 0x77, 0xFF, 0xFF];
    let bytes = png(&uniform(16, 16, &pixel), (16, 16), wide, |_| {});
    picture(&bytes).assert_near((8, 8), [0xDC, 0x3C, 0x5A], 4);
}

#[test]
fn an_srgb_profile_changes_nothing() {
    let icc = ColorProfile::new_srgb().encode().unwrap();
    let pixels = uniform(32, 32, &COLOR);
    let plain = jpeg_rgb(&pixels, 32, 32);
    let tagged = picture(&with_icc(&plain, &icc));
    assert_eq!(tagged.at(16, 16), picture(&plain).at(16, 16));
}

#[test]
fn a_profile_that_is_broken_or_of_another_kind_is_ignored() {
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let plain = jpeg_rgb(&uniform(32, 32, &COLOR), 32, 32);
    for icc in [&gray[..], b"not a profile", &[]] {
        picture(&with_icc(&plain, icc)).assert_near((16, 16), COLOR, 4);
    }
}

#[test]
fn grey_pictures_keep_their_shade_or_follow_their_profile() {
    let pixels = uniform(32, 32, &[100]);
    let plain = jpeg(&pixels, 32, 32, jpeg_encoder::ColorType::Luma);
    picture(&plain).assert_near((16, 16), [100; 3], 3);

    // Linear light: 100/255 is 0.392, which sRGB writes as 0.660.
    let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    picture(&with_icc(&plain, &linear)).assert_near((16, 16), [168; 3], 4);

    // An RGB profile on a grey picture is common; it converts like the grey that it is.
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    picture(&with_icc(&plain, &p3)).assert_near((16, 16), [100; 3], 3);
}

#[test]
fn a_pngs_gamma_and_chromaticities_are_obeyed() {
    let linear = |info: &mut png::Info| {
        info.source_gamma = Some(png::ScaledFloat::new(1.0));
    };
    let rgb = (png::ColorType::Rgb, png::BitDepth::Eight);
    let bytes = png(&uniform(32, 32, &[100; 3]), (32, 32), rgb, linear);
    picture(&bytes).assert_near((16, 16), [168; 3], 4);

    let p3 = |info: &mut png::Info| {
        info.source_gamma = Some(png::ScaledFloat::new(0.45455));
        info.source_chromaticities = Some(png::SourceChromaticities::new(
            (0.3127, 0.3290),
            (0.680, 0.320),
            (0.265, 0.690),
            (0.150, 0.060),
        ));
    };
    let bytes = png(&uniform(32, 32, &COLOR), (32, 32), rgb, p3);
    let expected = in_srgb(&ColorProfile::new_display_p3(), COLOR);
    picture(&bytes).assert_near((16, 16), expected, 6);
}

#[test]
fn chromaticities_that_span_nothing_are_ignored() {
    let rgb = (png::ColorType::Rgb, png::BitDepth::Eight);
    for point in [(0.0, 0.0), (0.3, 0.0), (0.3, 0.3)] {
        let bytes = png(&uniform(32, 32, &COLOR), (32, 32), rgb, |info| {
            info.source_gamma = Some(png::ScaledFloat::new(0.5));
            info.source_chromaticities = Some(png::SourceChromaticities::new(
                (0.3127, 0.3290),
                point,
                point,
                point,
            ));
        });
        picture(&bytes).assert_near((16, 16), COLOR, 4);
    }
}

#[test]
fn cmyk_is_read_as_adobe_writes_it() {
    // Half magenta and a fifth black, 255 for full ink; the encoder inverts, as Adobe's do.
    let pixels = uniform(32, 32, &[0, 128, 0, 51]);
    for kind in [
        jpeg_encoder::ColorType::Cmyk,
        jpeg_encoder::ColorType::CmykAsYcck,
    ] {
        let bytes = jpeg(&pixels, 32, 32, kind);
        assert!(bytes.windows(5).any(|text| text == b"Adobe"));
        picture(&bytes).assert_near((16, 16), [204, 102, 204], 5);
    }
}

#[test]
fn cmyk_by_others_is_not_inverted() {
    let mut bytes = jpeg(
        &uniform(32, 32, &[255, 127, 255, 204]),
        32,
        32,
        jpeg_encoder::ColorType::Cmyk,
    );
    let marker = bytes.windows(5).position(|text| text == b"Adobe").unwrap();
    bytes[marker..marker + 5].copy_from_slice(b"Other");
    picture(&bytes).assert_near((16, 16), [204, 102, 204], 5);
}

#[test]
fn components_called_r_g_b_are_not_taken_for_luma_and_chroma() {
    // YCbCr data renamed: what was stored as Y, Cb, Cr must come out as R, G, B, unless a JFIF marker says what it is.
    let mut bytes = jpeg_rgb(&uniform(32, 32, &[180; 3]), 32, 32);
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    let scan = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    for (index, name) in b"RGB".iter().enumerate() {
        bytes[frame + 10 + 3 * index] = *name;
        bytes[scan + 5 + 2 * index] = *name;
    }
    picture(&bytes).assert_near((16, 16), [180; 3], 3);
    let marker = bytes.windows(4).position(|text| text == b"JFIF").unwrap();
    bytes[marker..marker + 4].copy_from_slice(b"None");
    picture(&bytes).assert_near((16, 16), [180, 128, 128], 3);
}

#[test]
fn a_colour_marker_by_another_maker_is_not_adobes() {
    let plain = jpeg_rgb(&uniform(32, 32, &COLOR), 32, 32);
    picture(&with_segment(&plain, 0xEE, b"Nobody, 12 bytes")).assert_near((16, 16), COLOR, 4);
}
