//! Shape and content of what is rendered.

use codecs::ImageLimits;

use crate::fixtures::{
    BLUE, GREEN, Picture, RED, WHITE, chunks, exif, gif, jpeg_rgb, picture, plan, png, png_rgb,
    quarters, rendered, try_rendered, uniform, webp, with_exif, with_segment,
};

/// Where each orientation puts the stored quarters: as seen, top left, top right, bottom left,
/// bottom right.
const UPRIGHT: [[[u8; 3]; 4]; 8] = [
    [RED, GREEN, BLUE, WHITE],
    [GREEN, RED, WHITE, BLUE],
    [WHITE, BLUE, GREEN, RED],
    [BLUE, WHITE, RED, GREEN],
    [RED, BLUE, GREEN, WHITE],
    [BLUE, RED, WHITE, GREEN],
    [WHITE, GREEN, BLUE, RED],
    [GREEN, WHITE, RED, BLUE],
];

#[track_caller]
fn assert_quarters(picture: &Picture, expected: [[u8; 3]; 4]) {
    let (right, bottom) = (picture.width - 3, picture.height - 3);
    for (at, color) in [(2, 2), (right, 2), (2, bottom), (right, bottom)]
        .into_iter()
        .zip(expected)
    {
        picture.assert_near(at, color, 12);
    }
}

#[test]
fn every_orientation_of_a_jpeg_comes_out_upright() {
    let stored = jpeg_rgb(&quarters(96, 64, UPRIGHT[0]), 96, 64);
    for (orientation, expected) in (1..).zip(UPRIGHT) {
        let bytes = with_exif(&stored, orientation);
        let size = if orientation >= 5 { (64, 96) } else { (96, 64) };
        for output in rendered(&bytes, &plan(&[None, Some(32)])) {
            let picture = Picture::open(&output.1);
            assert_eq!(
                (output.0.width, output.0.height),
                (picture.width, picture.height)
            );
            assert_quarters(&picture, expected);
        }
        let full = picture(&bytes);
        assert_eq!((full.width, full.height), size, "orientation {orientation}");
    }
}

#[test]
fn orientation_in_png_and_webp_counts_too() {
    let pixels = quarters(96, 64, UPRIGHT[0]);
    let rgb = (png::ColorType::Rgb, png::BitDepth::Eight);
    let turned_png = png(&pixels, (96, 64), rgb, |info| {
        info.exif_metadata = Some(exif(6).into());
    });
    assert_quarters(&picture(&turned_png), UPRIGHT[5]);
    assert_quarters(
        &picture(&webp(&pixels, (96, 64), &exif(8), &[])),
        UPRIGHT[7],
    );
}

#[test]
fn nothing_but_the_picture_is_in_the_output() {
    let pixels = quarters(64, 64, UPRIGHT[0]);
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let xmp = with_segment(
        &jpeg_rgb(&pixels, 64, 64),
        0xE1,
        b"http://ns.adobe.com/xap/1.0/\0<x/>",
    );
    let rgb = (png::ColorType::Rgb, png::BitDepth::Eight);
    let inputs = [
        with_exif(&crate::fixtures::with_icc(&xmp, &icc), 6),
        webp(&pixels, (64, 64), &exif(3), &icc),
        png(&pixels, (64, 64), rgb, |info| {
            info.exif_metadata = Some(exif(1).into());
            info.icc_profile = Some(icc.clone().into());
        }),
    ];
    for input in inputs {
        for (_, output) in rendered(&input, &plan(&[None, Some(16)])) {
            let kinds = chunks(&output);
            assert!(
                matches!(&kinds[..], [kind] if kind == "VP8" || kind == "VP8L"),
                "{kinds:?}"
            );
        }
    }
}

#[test]
fn pictures_are_made_smaller_and_never_larger() {
    let bytes = png_rgb(&quarters(300, 200, UPRIGHT[0]), 300, 200);
    let outputs = rendered(&bytes, &plan(&[Some(128), Some(640), Some(299), None]));
    let sizes: Vec<_> = outputs
        .iter()
        .map(|(image, _)| (&*image.name, image.width, image.height))
        .collect();
    assert_eq!(
        sizes,
        [("out-3", 300, 200), ("out-2", 299, 199), ("out-0", 128, 85)]
    );
    for (image, webp) in &outputs {
        assert_eq!(image.size_bytes, webp.len() as u64);
        assert_quarters(&Picture::open(webp), UPRIGHT[0]);
    }
}

#[test]
fn transparency_is_kept_and_hidden_colours_do_not_bleed() {
    // The transparent half hides a loud green.
    let pixels: Vec<u8> = (0..64 * 64)
        .flat_map(|i| {
            if i % 64 < 33 {
                [0, 255, 0, 0]
            } else {
                [200, 30, 30, 255]
            }
        })
        .collect();
    let rgba = (png::ColorType::Rgba, png::BitDepth::Eight);
    let bytes = png(&pixels, (64, 64), rgba, |_| {});
    let small = Picture::open(&rendered(&bytes, &plan(&[Some(32)]))[0].1);
    assert!(small.has_alpha());
    assert_eq!(small.at(4, 16)[3], 0);
    assert_eq!(small.at(28, 16)[3], 255);
    for x in 0..32 {
        let [red, green, _, alpha] = small.at(x, 16);
        assert!(
            alpha < 128 || green < red,
            "green shows at {x}: {red} {green} {alpha}"
        );
    }
}

#[test]
fn of_an_animation_that_is_not_shown_the_first_frame_is_where_it_belongs() {
    let frame = uniform(20, 10, &[0]);
    let bytes = gif(&frame, (20, 10), (30, 20), (64, 48));
    let limits = ImageLimits {
        max_frames: 1,
        ..ImageLimits::default()
    };
    let outputs = try_rendered(&bytes, &plan(&[None]), &limits).unwrap();
    let shown = Picture::open(&outputs[0].1);
    assert_eq!((shown.width, shown.height), (64, 48));
    assert_eq!(shown.at(5, 5)[3], 0);
    assert_eq!(shown.at(60, 40)[3], 0);
    shown.assert_near((40, 25), RED, 8);
}

#[test]
fn a_gif_grows_to_hold_its_first_frame() {
    let frame = uniform(20, 10, &[0]);
    for (place, size) in [
        ((60, 44), (80, 54)),
        ((64, 0), (84, 48)),
        ((0, 48), (64, 58)),
    ] {
        let shown = picture(&gif(&frame, (20, 10), place, (64, 48)));
        assert_eq!((shown.width, shown.height), size, "{place:?}");
        let middle = (u32::from(place.0) + 10, u32::from(place.1) + 5);
        shown.assert_near(middle, RED, 8);
    }
}

#[test]
fn interlaced_and_palette_pngs_come_out_right() {
    let indices: Vec<u8> = (0..64 * 64).map(|i| u8::from(i % 64 >= 32)).collect();
    let indexed = (png::ColorType::Indexed, png::BitDepth::Eight);
    let bytes = png(&indices, (64, 64), indexed, |info| {
        info.palette = Some([RED, BLUE].concat().into());
        info.trns = Some(vec![255, 0].into());
    });
    let shown = picture(&bytes);
    shown.assert_near((8, 8), RED, 8);
    assert_eq!(shown.at(56, 8)[3], 0);
}
