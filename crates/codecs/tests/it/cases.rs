//! Files of kinds that were reported as broken elsewhere, each with what browsers show. All were made for this test
//! (`tests/cases`).

use codecs::ImageLimits;
use codecs::image::ImageError;
use media::RejectionCode;

use crate::fixtures::{picture, plan, try_rendered};

/// A file, its size as displayed, and colours at points of it.
struct Case {
    file: &'static str,
    size: (u32, u32),
    points: &'static [((u32, u32), [u8; 4])],
}

const YELLOW: [u8; 4] = [250, 220, 60, 255];
const RED: [u8; 4] = [200, 30, 39, 255];
const BLUE: [u8; 4] = [30, 40, 200, 255];
const WIDE: (u32, u32) = (320, 240);
const WIDE_POINTS: &[((u32, u32), [u8; 4])] =
    &[((80, 72), YELLOW), ((256, 45), RED), ((38, 211), BLUE)];

const fn wide(file: &'static str) -> Case {
    Case {
        file,
        size: WIDE,
        points: WIDE_POINTS,
    }
}

const GREY: &[((u32, u32), [u8; 4])] = &[
    ((80, 72), [211, 211, 211, 255]),
    ((256, 45), [82, 82, 82, 255]),
    ((38, 211), [55, 55, 55, 255]),
];

const JPEGS: [Case; 8] = [
    wide("noninterleaved-420.jpg"),
    wide("zeros-between-segments.jpg"),
    wide("jfif-adobe0-ycc.jpg"),
    wide("no-dht-422.jpg"),
    wide("no-eoi-baseline.jpg"),
    wide("chroma-finer-2x2.jpg"),
    Case {
        file: "grey-adobe0-after-sof.jpg",
        size: WIDE,
        points: GREY,
    },
    Case {
        file: "cr-2x2-in-scans.jpg",
        size: (64, 48),
        points: &[((16, 14), YELLOW), ((51, 9), RED), ((7, 42), BLUE)],
    },
];

const SMALL: (u32, u32) = (160, 120);
const SMALL_POINTS: &[((u32, u32), [u8; 4])] =
    &[((40, 36), YELLOW), ((128, 22), RED), ((19, 105), BLUE)];

const fn small(file: &'static str) -> Case {
    Case {
        file,
        size: SMALL,
        points: SMALL_POINTS,
    }
}

const PNGS: [Case; 3] = [
    Case {
        file: "plte-4-bytes.png",
        size: (32, 16),
        points: &[((8, 4), [200, 30, 30, 255]), ((25, 3), [200, 30, 30, 255])],
    },
    Case {
        file: "grey16-linear-rgb-icc.png",
        size: SMALL,
        points: &[
            ((40, 36), [235, 235, 235, 255]),
            ((128, 22), [154, 154, 154, 255]),
            ((19, 105), [128, 128, 128, 255]),
        ],
    },
    small("no-iend.png"),
];

const GIFS: [Case; 3] = [
    small("screen-half.gif"),
    small("newline-for-trailer.gif"),
    small("zeros-before-trailer.gif"),
];

const WEBPS: [Case; 6] = [
    small("exif-flag-no-chunk.webp"),
    small("alpha-flag-no-alph.webp"),
    small("exif-chunk-cut.webp"),
    small("webp-named.jpg"),
    Case {
        file: "vp8l-alpha-no-flag.webp",
        size: SMALL,
        points: &[
            ((40, 36), [250, 220, 60, 77]),
            ((128, 22), [200, 30, 40, 48]),
            ((19, 105), [30, 40, 200, 225]),
        ],
    },
    Case {
        file: "anim-offset-no-alpha-flag.webp",
        size: (300, 200),
        points: &[
            ((75, 60), [74, 164, 193, 255]),
            ((240, 38), [0; 4]),
            ((36, 176), [0; 4]),
        ],
    },
];

/// Pixels that must be within 40 of what was drawn.
const GRAPHICS: [Case; 3] = [
    Case {
        file: "red-green-blue-3x1.png",
        size: (3, 1),
        points: &[
            ((0, 0), [255, 0, 0, 255]),
            ((1, 0), [0, 255, 0, 255]),
            ((2, 0), [0, 0, 255, 255]),
        ],
    },
    Case {
        file: "pixel-art-16.png",
        size: (16, 16),
        points: &[
            ((3, 3), [0, 0, 0, 255]),
            ((4, 3), [30, 160, 60, 255]),
            ((5, 4), [220, 20, 60, 255]),
            ((10, 7), [255, 255, 255, 255]),
        ],
    },
    Case {
        file: "stripes-64.png",
        size: (64, 64),
        points: &[
            ((3, 3), [0, 0, 255, 255]),
            ((4, 3), [255, 0, 0, 255]),
            ((10, 7), [255, 0, 0, 255]),
        ],
    },
];

fn read(file: &str) -> Vec<u8> {
    let path = format!("{}/tests/cases/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn assert_shown(case: &Case) {
    let picture = picture(&read(case.file));
    assert_eq!((picture.width, picture.height), case.size, "{}", case.file);
    for &((x, y), expected) in case.points {
        let found = picture.at(x, y);
        // What is hidden may have any colour.
        let hidden = found[3] == 0 && expected[3] == 0;
        let near = hidden || found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 20);
        assert!(
            near,
            "{} at {x}, {y}: {found:?}, not {expected:?}",
            case.file
        );
    }
}

#[test]
fn unusual_jpegs_are_shown_as_browsers_do() {
    JPEGS.iter().for_each(assert_shown);
}

#[test]
fn unusual_pngs_are_shown_as_browsers_do() {
    PNGS.iter().for_each(assert_shown);
}

#[test]
fn unusual_gifs_are_shown_as_browsers_do() {
    GIFS.iter().for_each(assert_shown);
}

#[test]
fn unusual_webps_are_shown_as_browsers_do() {
    WEBPS.iter().for_each(assert_shown);
}

#[test]
fn graphics_keep_their_colours() {
    GRAPHICS.iter().for_each(assert_shown);
}

#[test]
fn a_damaged_jpeg_has_an_outcome() {
    let bytes = read("damaged-jpeg-panic.jpg");
    match try_rendered(&bytes, &plan(&[None]), &ImageLimits::default()) {
        Ok(outputs) => assert_eq!((outputs[0].0.width, outputs[0].0.height), (64, 48)),
        Err(ImageError::Rejected(rejection)) => {
            assert_eq!(rejection.code, RejectionCode::Malformed);
        }
        Err(other) => panic!("{other}"),
    }
}
