//! Damage of many kinds to files of every format, without a process for each: what panics, hangs or takes much memory.
//!
//! It takes files from a folder (`MUTATE_FOLDER`, named after their format, such as `png`, `apng`, `pdf`, `icc` or `exif`),
//! and makes as many mutations of them as are asked for (`MUTATE_COUNT`), from a number on (`MUTATE_FROM`). Each follows
//! from its number alone. The number at work is kept in `MUTATE_FOLDER/at`, and the last panic beside the folder.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::formats::DocumentFormat;

use super::color::{Narrow, to_srgb};
use super::profile::{ColorProfile, Embedded};
use super::raster::{Layout, Raster};
use super::{HdrPlan, ImageError, ImageLimits, OutputSpec, RenderPlan, render_hdr};
use super::{exif, probe, render, split_hevc};

/// Of one mutation, in an unoptimised build on a busy machine.
const SLOW: Duration = Duration::from_secs(5);

/// Of one mutation, in KiB.
const MUCH_MEMORY: u64 = 256 << 10;

/// Numbers that look random, each from the one before (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit as u64).max(1)).unwrap()
    }
}

/// Values at which arithmetic goes wrong, of so many bytes.
fn odd_value(random: &mut Random, length: usize) -> Vec<u8> {
    let values = [
        0,
        1,
        2,
        0x7F,
        0x80,
        0xFF,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x10000,
        0x7FFF_FFFF,
    ];
    let values = [
        &values[..],
        &[0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFFE, random.next()],
    ]
    .concat();
    let value: u64 = values[random.below(values.len())];
    if random.below(2) == 0 {
        value.to_le_bytes()[..length].to_vec()
    } else {
        value.to_be_bytes()[8 - length..].to_vec()
    }
}

fn mutated(files: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = files[random.below(files.len())].clone();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        // Half of the damage near the start, where the headers are.
        let reach = if random.below(2) == 0 {
            256
        } else {
            bytes.len()
        };
        let at = random.below(reach.min(bytes.len()));
        let end = (at + 1 + random.below(64)).min(bytes.len());
        match random.below(10) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = random.next().to_le_bytes()[0],
            3 | 4 => {
                let length = [1, 2, 3, 4, 8][random.below(5)].min(bytes.len() - at);
                let value = odd_value(random, length);
                bytes[at..at + length].copy_from_slice(&value);
            }
            5 => drop(bytes.drain(at..end)),
            6 => {
                let again = bytes[at..end].to_vec();
                let place = random.below(bytes.len());
                bytes.splice(place..place, again);
            }
            7 => {
                let length = 1 + random.below(16);
                let new: Vec<u8> = (0..length)
                    .map(|_| random.next().to_le_bytes()[0])
                    .collect();
                bytes.splice(at..at, new);
            }
            8 => bytes.truncate(at + 1 + random.below(bytes.len() - at)),
            _ => {
                let other = &files[random.below(files.len())];
                let from = random.below(other.len());
                let to = (from + 1 + random.below(256)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    // Otherwise most would be refused for their checksums alone.
    if bytes.starts_with(super::png::SIGNATURE) && random.below(8) > 0 {
        repair(&mut bytes);
    }
    bytes
}

/// Makes the checksums of a PNG's chunks right.
fn repair(png: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        let Some(chunk) = png.get(at + 4..end) else {
            return;
        };
        let mut sum = flate2::Crc::new();
        sum.update(chunk);
        let Some(place) = png.get_mut(end..end + 4) else {
            return;
        };
        place.copy_from_slice(&sum.sum().to_be_bytes());
        at = end + 4;
    }
}

/// Does with a file what the service would; whether it was taken.
fn taken(format: &str, bytes: &[u8]) -> bool {
    let limits = ImageLimits {
        max_pixels: 1 << 14,
        max_frames: 20,
        max_animation_pixels: 1 << 16,
        ..ImageLimits::default()
    };
    let output = |name: &str, max_width| OutputSpec {
        name: name.to_owned(),
        max_width,
        quality: 80,
        method: 0,
    };
    let plan = RenderPlan {
        outputs: vec![output("small", Some(8))],
        keep_rights: true,
        placeholder: true,
        ..RenderPlan::default()
    };
    match format {
        "exif" => exif::orientation(bytes) != super::Orientation::default(),
        "icc" => used(bytes),
        "pdf" => {
            let format = DocumentFormat::Pdf;
            crate::document::probe(bytes, format).is_ok()
                && crate::document::render(bytes, format, 1, &plan, |_, _| Ok(())).is_ok()
        }
        _ => {
            let probed = probe(bytes, &limits);
            // What ffmpeg would have made of it.
            let planes = [90, 200, 150].map(|sample| vec![sample; 1 << 16]);
            let planes: Vec<&[u8]> = planes.iter().map(Vec::as_slice).collect();
            let split = || split_hevc(bytes, &limits, true, |_, _| Ok(()));
            let _split = (format == "heic").then(split);
            render_hdr(bytes, &planes, &limits, &HdrPlan::default(), |_| Ok(())).ok();
            let rendered = render(bytes, &planes, &limits, &plan, |_, _| Ok(()));
            assert!(
                !matches!(rendered, Err(ImageError::Io(_))),
                "the encoder failed"
            );
            assert!(
                probed.is_ok() || rendered.is_err(),
                "rendered, but not probed"
            );
            rendered.is_ok()
        }
    }
}

/// Converts pixels by a profile, of a kind that it is for if it is for any.
fn used(icc: &[u8]) -> bool {
    let color = Embedded::Icc(icc.to_vec());
    ColorProfile::describe(&color);
    let layouts = [
        Layout::Cmyk,
        Layout::Rgb,
        Layout::Rgba,
        Layout::Gray,
        Layout::GrayAlpha,
    ];
    let fits = |&layout: &Layout| color.profile(layout).is_some();
    let Some(mut layout) = layouts.into_iter().find(fits) else {
        return false;
    };
    if layout == Layout::Rgb {
        layout = layouts[1 + icc.len() % 4];
    }
    let samples: Vec<u8> = (0..layout.channels() * 8)
        .map(|index| (index * 37).to_le_bytes()[0])
        .collect();
    if icc.len().is_multiple_of(2) {
        let wide: Vec<u16> = samples.iter().map(|&v| u16::from(v) * 257).collect();
        let mut narrow = Narrow::new(&color, layout);
        let mut out = Vec::new();
        narrow.row(&wide, &mut out).unwrap();
        assert_eq!(out.len(), 8 * narrow.layout().channels());
    } else {
        to_srgb(Raster::new((8, 1), layout, color, samples).unwrap()).unwrap();
    }
    true
}

/// Most memory that this process had since it was asked, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    number.unwrap().parse().unwrap()
}

fn number(name: &str) -> u64 {
    let value = std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    value.parse().unwrap()
}

#[test]
#[ignore = "hours: for changes of decoders, with files of one's own"]
fn damage_never_panics_hangs_or_takes_much_memory() {
    let folder = std::env::var("MUTATE_FOLDER").expect("MUTATE_FOLDER is not set");
    let folder = Path::new(&folder);
    let format = folder.file_name().unwrap().to_str().unwrap();
    let paths = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = paths.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.ends_with("at"));
    paths.sort();
    let files: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let at = std::fs::File::create(folder.join("at")).unwrap();
    let faults = Arc::new(Mutex::new(BTreeMap::new()));
    let current = Arc::new(Mutex::new(String::new()));
    let place = Arc::clone(&current);
    let told_at = folder.with_extension("panic");
    std::panic::set_hook(Box::new(move |panic| {
        let panic = panic.to_string();
        // If the process ends by it, it is told here alone.
        std::fs::write(&told_at, &panic).ok();
        *place.lock().unwrap() = panic;
    }));
    let note = |fault: String, number: u64| {
        let mut faults = faults.lock().unwrap();
        faults.entry(fault).or_insert_with(Vec::new).push(number);
    };
    let (from, count) = (number("MUTATE_FROM"), number("MUTATE_COUNT"));
    let (mut survived, mut before) = (0, most_memory());
    for number in from..from + count {
        at.write_all_at(format!("{number:>20}").as_bytes(), 0)
            .unwrap();
        let bytes = mutated(&files, &mut Random(number));
        let began = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| taken(format, &bytes))) {
            Ok(taken) => survived += u64::from(taken),
            Err(_) => note(current.lock().unwrap().clone(), number),
        }
        if began.elapsed() > SLOW {
            note("slow".to_owned(), number);
        }
        let most = most_memory();
        if most > before + MUCH_MEMORY {
            note("much memory".to_owned(), number);
        }
        before = before.max(64 << 10);
    }
    drop(std::panic::take_hook());
    let faults = faults.lock().unwrap();
    let told = faults.iter().map(|(fault, numbers)| {
        let first = &numbers[..numbers.len().min(5)];
        format!("{} times, such as {first:?}: {fault}", numbers.len())
    });
    let told: Vec<String> = told.collect();
    assert!(
        told.is_empty(),
        "{format}, {survived} of {count} taken: {told:#?}"
    );
    assert!(survived > 0, "of {count} none was taken");
}
