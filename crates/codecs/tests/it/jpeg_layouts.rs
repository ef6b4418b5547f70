//! Every way to lay a JPEG out, made by libjpeg-turbo's `cjpeg` and compared with what its `djpeg` makes of the same file.

use std::io::Write as _;
use std::process::Stdio;

use codecs::{ImageLimits, OutputSpec, RenderPlan};

use crate::fixtures::{Picture, try_rendered};
use crate::peers;

/// Most blocks of all components together that one unit of an interleaved scan holds (T.81 §B.2.3).
const MAX_BLOCKS: u32 = 10;

const FACTORS: [u32; 3] = [1, 2, 4];

/// A smooth picture: every layout keeps it, whatever it does to fine detail.
fn smooth(width: usize, height: usize) -> Vec<u8> {
    let ramp = |at: usize, of: usize| u8::try_from(40 + 180 * at / of).unwrap();
    (0..width * height)
        .flat_map(|i| {
            let (x, y) = (i % width, i / width);
            [ramp(x, width), ramp(y, height), ramp(x + y, width + height)]
        })
        .collect()
}

fn ppm(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    [format!("P6 {width} {height} 255\n").as_bytes(), pixels].concat()
}

/// What the program makes of its input, if it takes it.
fn run(program: &str, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut child = peers::program(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} (scripts/setup --test installs it): {error}"));
    // Inputs are smaller than a pipe's buffer, so this does not wait for the output to be read.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input)
        .unwrap_or_default();
    let output = child.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

/// Every pair of factors (across, down) for luma, blue and red that one scan can hold.
fn samplings() -> Vec<[(u32, u32); 3]> {
    let pairs = || FACTORS.into_iter().flat_map(|h| FACTORS.map(|v| (h, v)));
    let all = pairs().flat_map(|y| pairs().flat_map(move |b| pairs().map(move |r| [y, b, r])));
    all.filter(|factors| factors.iter().map(|(h, v)| h * v).sum::<u32>() <= MAX_BLOCKS)
        .collect()
}

fn full(bytes: &[u8]) -> Picture {
    let output = OutputSpec {
        name: "full".to_owned(),
        max_width: None,
        quality: 100,
        method: 0,
    };
    let plan = RenderPlan {
        outputs: vec![output],
        ..RenderPlan::default()
    };
    let rendered = try_rendered(bytes, &plan, &ImageLimits::default()).unwrap();
    Picture::open(&rendered[0].1)
}

/// The largest mean difference of a channel in one of 16 fields of the picture.
fn difference(picture: &Picture, pixels: &[u8], (width, height): (usize, usize)) -> u32 {
    let mut fields = [(0, 0); 16];
    for (index, expected) in pixels.chunks_exact(3).enumerate() {
        let (x, y) = (index % width, index / width);
        let found = picture.at(u32::try_from(x).unwrap(), u32::try_from(y).unwrap());
        let (sum, count) = &mut fields[4 * (4 * y / height) + 4 * x / width];
        let apart = found
            .iter()
            .zip(expected)
            .map(|(a, b)| u32::from(a.abs_diff(*b)));
        *sum += apart.sum::<u32>();
        *count += 3;
    }
    let means = fields.iter().filter(|(_, count)| *count > 0);
    means.map(|(sum, count)| sum / count).max().unwrap()
}

#[test]
fn every_layout_of_a_jpeg_comes_out_right() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let separate = script("separate", "0;1;2;");
    let chroma_apart = script("chroma", "0;1 2;");
    let modes: [&[&str]; 7] = [
        &[],
        &["-restart", "1"],
        &["-restart", "3B"],
        &["-progressive"],
        &["-progressive", "-restart", "1"],
        &["-scans", &separate],
        &["-scans", &chroma_apart],
    ];
    let (mut tried, mut wrong) = (0, Vec::new());
    for (width, height) in [(64, 48), (33, 17), (7, 75)] {
        let source = smooth(width, height);
        let input = ppm(&source, width, height);
        for factors in samplings() {
            let sample = factors.map(|(h, v)| format!("{h}x{v}")).join(",");
            for mode in modes {
                let args = [&["-quality", "95", "-sample", &sample], mode].concat();
                let jpeg = run("cjpeg", &args, &input).unwrap_or_else(|| panic!("cjpeg {args:?}"));
                let decoded = run("djpeg", &["-ppm"], &jpeg).unwrap();
                let expected = &decoded[decoded.len() - source.len()..];
                let picture = full(&jpeg);
                let size = (picture.width as usize, picture.height as usize);
                let same = size == (width, height)
                    && difference(&picture, expected, size) <= 6
                    && difference(&picture, &source, size) <= 16;
                if !same {
                    wrong.push(format!("{width}x{height} {args:?}"));
                }
                tried += 1;
            }
        }
    }
    assert!(tried >= 1_125, "{tried}");
    assert!(
        wrong.is_empty(),
        "{} of {tried}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}

#[test]
fn a_jpeg_of_factors_that_do_not_divide_is_refused_by_name() {
    let input = ppm(&smooth(64, 48), 64, 48);
    for (sample, right) in [
        ("3x1,1x1,1x1", true),
        ("1x3,1x1,1x3", true),
        ("2x1,1x1,1x1", false),
    ] {
        let mut jpeg = run("cjpeg", &["-sample", sample], &input).unwrap();
        if !right {
            // No encoder makes them: of three samples of luma in a row, two of blue.
            let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]);
            let frame = frame.unwrap();
            (jpeg[frame + 11], jpeg[frame + 14]) = (0x31, 0x21);
        }
        let plan = crate::fixtures::plan(&[None]);
        let rendered = try_rendered(&jpeg, &plan, &ImageLimits::default());
        let refused = rendered.map(|_| ()).map_err(|error| error.to_string());
        let named = matches!(&refused, Err(error) if error.contains("fractions of each other"));
        assert!(
            if right { refused.is_ok() } else { named },
            "{sample}: {refused:?}"
        );
    }
}
