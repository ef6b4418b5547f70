//! Animations stay animated: the same frames, for as long, as often, in every format.

use std::io::Cursor;

use codecs::ImageLimits;
use image_webp::WebPDecoder;

use crate::fixtures::{BLUE, GREEN, RED, plan, rendered, try_rendered, uniform};

const SIZE: u32 = 80;

/// What is seen of one frame: a point of each quarter along the diagonal, and for how long.
pub type Seen = ([[u8; 4]; 4], u32);

const fn opaque([r, g, b]: [u8; 3]) -> [u8; 4] {
    [r, g, b, 255]
}

const CLEAR: [u8; 4] = [0; 4];

/// The frames of an animated WebP as an independent decoder shows them, and how often they are played, 0 for ever.
pub fn seen(webp: &[u8]) -> (Vec<Seen>, u16) {
    let mut decoder = WebPDecoder::new(Cursor::new(webp)).unwrap();
    assert!(decoder.is_animated());
    // Otherwise it shows the background colour, which no browser does.
    decoder.set_background_color([0; 4]).unwrap();
    let (width, _) = decoder.dimensions();
    let plays = match decoder.loop_count() {
        image_webp::LoopCount::Forever => 0,
        image_webp::LoopCount::Times(times) => times.get(),
    };
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut frames = Vec::new();
    for _ in 0..decoder.num_frames() {
        let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
        let milliseconds = decoder.read_frame(&mut pixels).unwrap();
        let points = [1, 3, 5, 7].map(|eighth| {
            let at = (width * eighth / 8) as usize;
            let start = (at * width as usize + at) * channels;
            let mut pixel = [255; 4];
            pixel[..channels].copy_from_slice(&pixels[start..start + channels]);
            pixel
        });
        frames.push((points, milliseconds));
    }
    (frames, plays)
}

/// Red all over, then green in the middle for a moment, then blue below right that is gone again, then green above left.
fn expected(hurried: u32) -> Vec<Seen> {
    let [red, green, blue] = [RED, GREEN, BLUE].map(opaque);
    vec![
        ([red; 4], 70),
        ([red, green, green, red], 120),
        ([red, CLEAR, CLEAR, blue], hurried),
        ([green, CLEAR, CLEAR, red], 500),
    ]
}

#[track_caller]
fn assert_seen(webp: &[u8], expected: &[Seen], plays: u16) {
    let (frames, found_plays) = seen(webp);
    assert_eq!(found_plays, plays);
    assert_eq!(frames.len(), expected.len());
    for (index, (found, expected)) in frames.iter().zip(expected).enumerate() {
        assert_eq!(found.1, expected.1, "milliseconds of frame {index}");
        for (found, expected) in found.0.iter().zip(expected.0) {
            let hidden = found[3] == 0 && expected[3] == 0;
            let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 12);
            assert!(hidden || near, "frame {index}: {found:?}, not {expected:?}");
        }
    }
}

/// The frames of [`expected`] by their places: side, left and top in pixels, colour.
const PARTS: [(u16, u16, [u8; 3]); 4] = [
    (80, 0, RED),
    (40, 20, GREEN),
    (20, 60, BLUE),
    (20, 0, GREEN),
];

fn animated_gif(repeat: gif::Repeat) -> Vec<u8> {
    use gif::DisposalMethod::{Background, Keep, Previous};
    let palette: Vec<u8> = [RED, GREEN, BLUE, [0; 3]].concat();
    let side = u16::try_from(SIZE).unwrap();
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, side, side, &palette).unwrap();
    encoder.set_repeat(repeat).unwrap();
    let shown = [(7, Keep), (12, Background), (1, Previous), (50, Keep)];
    for ((side, place, color), (delay, dispose)) in PARTS.into_iter().zip(shown) {
        let index = [RED, GREEN, BLUE].iter().position(|&c| c == color).unwrap();
        let index = u8::try_from(index).unwrap();
        let frame = gif::Frame {
            left: place,
            top: place,
            width: side,
            height: side,
            delay,
            dispose,
            buffer: uniform(side.into(), side.into(), &[index]).into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn animated_png() -> Vec<u8> {
    use png::DisposeOp::{Background, None, Previous};
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIZE, SIZE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(4, 3).unwrap();
    let mut writer = encoder.write_header().unwrap();
    let shown = [(70, None), (120, Background), (0, Previous), (500, None)];
    for ((side, place, color), (delay, dispose)) in PARTS.into_iter().zip(shown) {
        writer
            .set_frame_dimension(side.into(), side.into())
            .unwrap();
        writer
            .set_frame_position(place.into(), place.into())
            .unwrap();
        writer.set_frame_delay(delay, 1000).unwrap();
        writer.set_dispose_op(dispose).unwrap();
        let pixels = uniform(side.into(), side.into(), &color);
        writer.write_image_data(&pixels).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn full(bytes: &[u8]) -> Vec<u8> {
    rendered(bytes, &plan(&[None])).remove(0).1
}

#[test]
fn an_animated_gif_is_shown_as_browsers_do() {
    // Frames of 10 ms or less are shown for 100.
    let webp = full(&animated_gif(gif::Repeat::Finite(2)));
    assert_seen(&webp, &expected(100), 3);
    let forever = full(&animated_gif(gif::Repeat::Infinite));
    assert_seen(&forever, &expected(100), 0);
}

#[test]
fn an_animated_png_and_webp_are_shown_as_browsers_do() {
    let webp = full(&animated_png());
    assert_seen(&webp, &expected(100), 3);
    // What was made is an animated WebP itself.
    assert_seen(&full(&webp), &expected(100), 3);
}

#[test]
fn thumbnails_move_too() {
    let outputs = rendered(
        &animated_gif(gif::Repeat::Infinite),
        &plan(&[None, Some(40)]),
    );
    assert_eq!((outputs[1].0.width, outputs[1].0.height), (40, 40));
    let (frames, _) = seen(&outputs[1].1);
    let times: Vec<u32> = frames
        .iter()
        .map(|&(_, milliseconds)| milliseconds)
        .collect();
    assert_eq!(times, [70, 120, 100, 500]);
}

#[test]
fn of_too_large_an_animation_the_first_frame_is_shown() {
    let pixels = u64::from(SIZE * SIZE);
    for limits in [
        ImageLimits {
            max_animation_pixels: 4 * pixels - 1,
            ..ImageLimits::default()
        },
        ImageLimits {
            max_frames: 3,
            ..ImageLimits::default()
        },
    ] {
        let animation = animated_gif(gif::Repeat::Infinite);
        let outputs = try_rendered(&animation, &plan(&[None]), &limits).unwrap();
        let picture = crate::fixtures::Picture::open(&outputs[0].1);
        picture.assert_near((40, 40), RED, 8);
    }
}

#[test]
fn an_animation_cut_behind_its_first_frame_is_shown_as_far_as_it_goes() {
    let gif = animated_gif(gif::Repeat::Infinite);
    let webp = full(&full(&gif));
    for bytes in [&gif[..gif.len() - 6], &webp[..webp.len() - 6]] {
        let (frames, _) = seen(&full(bytes));
        let times: Vec<u32> = frames
            .iter()
            .map(|&(_, milliseconds)| milliseconds)
            .collect();
        assert_eq!(times, [70, 120, 100]);
    }
}

/// The frames of an animated WebP as an independent decoder shows them, RGBA and milliseconds; those in a row that look alike
/// are one.
fn timeline(webp: &[u8]) -> Result<Vec<(Vec<u8>, u32)>, String> {
    let mut decoder = WebPDecoder::new(Cursor::new(webp)).map_err(|error| error.to_string())?;
    if !decoder.is_animated() {
        return Err("is not animated".to_owned());
    }
    decoder.set_background_color([0; 4]).unwrap();
    let has_alpha = decoder.has_alpha();
    let mut frames = Vec::new();
    for _ in 0..decoder.num_frames() {
        let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
        let milliseconds = decoder.read_frame(&mut pixels).unwrap();
        if !has_alpha {
            let pixels_of_rgb = pixels.as_chunks::<3>().0.iter();
            pixels = pixels_of_rgb
                .flat_map(|&[r, g, b]| [r, g, b, 255])
                .collect();
        }
        frames.push((pixels, milliseconds));
    }
    Ok(merged(frames))
}

fn merged(frames: Vec<(Vec<u8>, u32)>) -> Vec<(Vec<u8>, u32)> {
    let mut merged: Vec<(Vec<u8>, u32)> = Vec::new();
    for (pixels, milliseconds) in frames {
        match merged.last_mut() {
            Some((last, time)) if alike(last, &pixels) => *time += milliseconds,
            _ => merged.push((pixels, milliseconds)),
        }
    }
    merged
}

fn alike(found: &[u8], expected: &[u8]) -> bool {
    let pixels = found
        .as_chunks::<4>()
        .0
        .iter()
        .zip(expected.as_chunks::<4>().0);
    let near = |(found, expected): (&[u8; 4], &[u8; 4])| {
        let hidden = found[3] == 0 && expected[3] == 0;
        hidden
            || found
                .iter()
                .zip(expected)
                .all(|(a, b)| a.abs_diff(*b) <= 12)
    };
    found.len() == expected.len() && pixels.into_iter().all(near)
}

/// What is wrong with an animation, where it should be as the file beside it says.
fn odd(bytes: &[u8], expected: &[u8]) -> Option<String> {
    let mut numbers = expected
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&n| u32::from_be_bytes(n));
    let [width, height, plays, count] = std::array::from_fn(|_| numbers.next().unwrap());
    let frame = (width * height) as usize * 4 + 4;
    let frames = expected[16..].chunks_exact(frame).map(|frame| {
        let time = u32::from_be_bytes(*frame.first_chunk().unwrap());
        (frame[4..].to_vec(), time)
    });
    let expected = merged(frames.take(count as usize).collect());
    let webp = match try_rendered(bytes, &plan(&[None]), &ImageLimits::default()) {
        Ok(mut outputs) => outputs.remove(0).1,
        Err(error) => return Some(error.to_string()),
    };
    let found = match timeline(&webp) {
        Ok(found) => found,
        Err(fault) => return Some(fault),
    };
    let times = |frames: &[(Vec<u8>, u32)]| frames.iter().map(|frame| frame.1).collect::<Vec<_>>();
    if times(&found) != times(&expected) {
        return Some(format!(
            "lasts {:?}, not {:?}",
            times(&found),
            times(&expected)
        ));
    }
    let (_, found_plays) = seen(&webp);
    if u32::from(found_plays) != plays {
        return Some(format!("plays {found_plays} times, not {plays}"));
    }
    let wrong = found
        .iter()
        .zip(&expected)
        .position(|(a, b)| !alike(&a.0, &b.0));
    wrong.map(|frame| format!("frame {frame} looks otherwise"))
}

#[test]
fn odd_animations_are_shown_as_browsers_do() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/odd_animations.py");
    let made = crate::peers::program("/usr/bin/python3")
        .arg(script)
        .arg(folder.path())
        .output();
    let made = made.unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let (mut tried, mut faults) = (0, Vec::new());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".frames") {
            continue;
        }
        let expected = std::fs::read(path.with_file_name(format!("{name}.frames"))).unwrap();
        tried += 1;
        let fault = odd(&std::fs::read(&path).unwrap(), &expected);
        faults.extend(fault.map(|fault| format!("{name} {fault}")));
    }
    faults.sort();
    assert!(tried > 110, "{tried}");
    assert!(
        faults.is_empty(),
        "{} of {tried}: {faults:#?}",
        faults.len()
    );
}

#[test]
fn an_animation_that_lasts_longer_than_can_be_said_is_shown_for_as_long_as_can() {
    let (frames, side) = (3_500, 1);
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, side, side, &[0, 0, 0, 255, 255, 255]).unwrap();
    for index in 0..frames {
        let frame = gif::Frame {
            width: side,
            height: side,
            delay: u16::MAX,
            buffer: vec![u8::from(index % 2 == 0)].into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    let frames = timeline(&full(&bytes)).unwrap();
    assert_eq!(frames.len(), 3_500);
    assert!(
        frames.iter().all(|&(_, time)| time == 613_566),
        "{:?}",
        frames[0].1
    );
}
