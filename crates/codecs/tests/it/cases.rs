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

fn read(file: &str) -> Vec<u8> {
    let path = format!("{}/tests/cases/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn assert_shown(case: &Case) {
    let picture = picture(&read(case.file));
    assert_eq!((picture.width, picture.height), case.size, "{}", case.file);
    for &((x, y), expected) in case.points {
        let found = picture.at(x, y);
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 20);
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
fn a_damaged_jpeg_has_an_outcome() {
    let bytes = read("damaged-jpeg-panic.jpg");
    match try_rendered(&bytes, &plan(&[None]), &ImageLimits::default()) {
        Ok(outputs) => assert_eq!((outputs[0].0.width, outputs[0].0.height), (64, 48)),
        Err(ImageError::Rejected(rejection)) => {
            assert_eq!(rejection.code, RejectionCode::Malformed)
        }
        Err(other) => panic!("{other}"),
    }
}
