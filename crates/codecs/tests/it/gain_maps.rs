//! What is brighter than white stays so: pictures with gain maps, as an independent reader shows them on a screen that can.

use std::collections::BTreeMap;
use std::path::Path;

use codecs::image::render_hdr;
use codecs::{HdrPlan, ImageLimits};

use crate::color_matrix::{difference, lab};
use crate::fixtures::{Picture, jpeg_rgb, plan, png, probed, rendered, with_exif, with_segment};
use crate::peers::program;

const PLAN: HdrPlan = HdrPlan {
    quality: 90,
    keep_rights: false,
};

/// Width and height of the scene.
const SIZE: (u32, u32) = (160, 112);

/// Mean errors: of the base from the WebP, as a difference of colours, and of light, in stops.
const COLORS_OFF: f64 = 2.0;
const STOPS_OFF: f64 = 0.1;

/// Light of a scene in parts of diffuse white, in sRGB's primaries: from deep shadows to `peak`, in colours, with a lamp
/// before the dark.
fn scene((x, y): (u32, u32), peak: f64) -> [f64; 3] {
    let (across, down) = (
        f64::from(x) / f64::from(SIZE.0 - 1),
        f64::from(y) / f64::from(SIZE.1 - 1),
    );
    let (dx, dy) = (f64::from(x) - 30.0, f64::from(y) - 30.0);
    if dx * dx + dy * dy < 150.0 {
        return [peak, 0.9 * peak, 0.7 * peak];
    }
    let level = 0.02 * (peak / 0.02).powf(across);
    let wave = |shift: f64| 0.75 + 0.25 * (6.3 * (down + shift)).cos();
    [0.0, 0.33, 0.67].map(|shift| level * wave(shift))
}

/// sRGB's primaries in those of BT.2020 (ITU-R BT.2087).
fn wide([r, g, b]: [f64; 3]) -> [f64; 3] {
    [
        0.6274 * r + 0.3293 * g + 0.0433 * b,
        0.0691 * r + 0.9195 * g + 0.0114 * b,
        0.0164 * r + 0.0880 * g + 0.8956 * b,
    ]
}

/// Samples of PQ (SMPTE ST 2084), of light in parts of diffuse white.
fn pq(light: [f64; 3]) -> [f64; 3] {
    light.map(|light| {
        let part = (light * 203.0 / 10_000.0).powf(0.159_301_757_812_5);
        ((0.835_937_5 + 18.851_562_5 * part) / (1.0 + 18.6875 * part)).powf(78.843_75)
    })
}

/// Samples of HLG (ITU-R BT.2100), of light on a screen of 1,000 cd/m2.
fn hlg(light: [f64; 3]) -> [f64; 3] {
    let shown = light.map(|light| light * 203.0 / 1_000.0);
    let luminance = 0.2627 * shown[0] + 0.6780 * shown[1] + 0.0593 * shown[2];
    let scene = shown.map(|shown| shown * luminance.powf(1.0 / 1.2 - 1.0));
    scene.map(|scene| {
        if scene <= 1.0 / 12.0 {
            (3.0 * scene).sqrt()
        } else {
            0.178_832_77 * (12.0 * scene - 0.284_668_92).ln() + 0.559_910_73
        }
    })
}

/// The scene as a PNG of so many bits, with code points of its transfer function if they are wanted.
fn scene_png(
    curve: fn([f64; 3]) -> [f64; 3],
    peak: f64,
    bits: png::BitDepth,
    code: Option<u8>,
) -> Vec<u8> {
    let samples = pixels().flat_map(|at| curve(wide(scene(at, peak))));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 65,535"
    )]
    let bytes: Vec<u8> = match bits {
        png::BitDepth::Sixteen => samples
            .flat_map(|v| ((v * 65_535.0).round() as u16).to_be_bytes())
            .collect(),
        _ => samples.map(|v| (v * 255.0).round() as u8).collect(),
    };
    let png = png(&bytes, SIZE, (png::ColorType::Rgb, bits), |_| {});
    let Some(transfer) = code else {
        return png;
    };
    let body = [b"cICP", &[9, transfer, 0, 1][..]].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&body);
    let chunk = [&[0, 0, 0, 4], &body[..], &sum.sum().to_be_bytes()].concat();
    // Behind the signature and the header.
    let (before, after) = png.split_at(8 + 25);
    [before, &chunk, after].concat()
}

fn pixels() -> impl Iterator<Item = (u32, u32)> {
    (0..SIZE.0 * SIZE.1).map(|at| (at % SIZE.0, at / SIZE.0))
}

fn with_gain_map(file: &[u8]) -> Option<Vec<u8>> {
    let mut made = None;
    let write = |bytes: &[u8]| {
        made = Some(bytes.to_vec());
        Ok(())
    };
    let image = render_hdr(file, &[], &ImageLimits::default(), &PLAN, write).unwrap();
    assert_eq!(
        image.map(|image| image.size_bytes),
        made.as_ref().map(|made| made.len() as u64)
    );
    made
}

/// What the independent reader makes of a file.
pub struct Seen {
    pub headroom: f64,
    pub size: (u32, u32),
    pub base: Vec<u8>,
    pub bright: Vec<f64>,
}

pub fn seen(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Seen> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(format!("{name}.jpg"));
    for (name, file) in files {
        std::fs::write(path(name), file).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/gain_maps.py");
    // Debian's own Python, which has Pillow (scripts/setup --test).
    let mut python = program("/usr/bin/python3");
    let read = python.arg(script).arg(folder.path()).output().unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let headrooms = String::from_utf8(read.stdout).unwrap();
    let headrooms = headrooms
        .lines()
        .map(|line| line.split_once(".jpg ").unwrap());
    let headrooms = headrooms.map(|(name, headroom)| {
        let of = |ending: &str| std::fs::read(path(name).with_extension(ending)).unwrap();
        let (base, bright) = (of("jpg.base"), of("jpg.bright"));
        let side = |at: usize| u32::from_be_bytes(base[at..at + 4].try_into().unwrap());
        let bright = bright[8..].as_chunks::<4>().0.iter();
        let seen = Seen {
            headroom: headroom.parse().unwrap(),
            size: (side(0), side(4)),
            base: base[8..].to_vec(),
            bright: bright
                .map(|&float| f32::from_be_bytes(float).into())
                .collect(),
        };
        (name.to_owned(), seen)
    });
    headrooms.collect()
}

/// The mean difference of the base from what the WebP shows.
fn colors_off(seen: &Seen, webp: &Picture) -> f64 {
    assert_eq!(seen.size, (webp.width, webp.height));
    let pixels = seen.base.as_chunks::<3>().0;
    let off = (0..).zip(pixels).map(|(index, &pixel)| {
        let [r, g, b, _] = webp.at(index % webp.width, index / webp.width);
        difference(lab([r, g, b]), lab(pixel))
    });
    off.sum::<f64>() / f64::from(webp.width * webp.height)
}

/// The mean error of light in stops. So little light is added to both that black does not count for all.
fn stops_off(seen: &Seen, expected: impl Iterator<Item = [f64; 3]>) -> f64 {
    const LITTLE: f64 = 0.01;
    let expected: Vec<f64> = expected.flatten().collect();
    assert_eq!(seen.bright.len(), expected.len());
    let off = seen.bright.iter().zip(&expected).map(|(found, expected)| {
        let ratio = (found.max(0.0) + LITTLE) / (expected + LITTLE);
        ratio.log2().abs()
    });
    off.sum::<f64>() / f64::from(seen.size.0 * seen.size.1 * 3)
}

const PEAK: f64 = 1_000.0 / 203.0;

#[test]
fn pictures_of_high_dynamic_range_are_as_bright_as_they_were() {
    use png::BitDepth::{Eight, Sixteen};
    let sources = [
        ("pq 16", scene_png(pq, PEAK, Sixteen, Some(16)), PEAK),
        ("pq 8", scene_png(pq, PEAK, Eight, Some(16)), PEAK),
        ("pq dim", scene_png(pq, 2.0, Sixteen, Some(16)), 2.0),
        ("hlg 16", scene_png(hlg, PEAK, Sixteen, Some(18)), PEAK),
        ("hlg 8", scene_png(hlg, PEAK, Eight, Some(18)), PEAK),
    ];
    let mut made = BTreeMap::new();
    for (name, source, _) in &sources {
        assert!(probed(source).has_hdr, "{name}");
        made.insert((*name).to_owned(), with_gain_map(source).unwrap());
    }
    let seen = seen(&made);
    for (name, source, peak) in &sources {
        let seen = &seen[*name];
        let webp = Picture::open(&rendered(source, &plan(&[None]))[0].1);
        let colors = colors_off(seen, &webp);
        let stops = stops_off(seen, pixels().map(|at| scene(at, *peak)));
        println!(
            "{name}: {} bytes, {colors:.2} off in colours, {stops:.3} stops off",
            made[*name].len()
        );
        assert!(
            (seen.headroom - peak.log2()).abs() < 0.1,
            "{name}: {}",
            seen.headroom
        );
        assert!(colors <= COLORS_OFF, "{name}: {colors}");
        assert!(stops <= STOPS_OFF, "{name}: {stops}");
    }
}

/// How a file says where its gain map is, and what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A directory and Adobe's numbers, in XMP.
    Adobe,
    /// An index, and the numbers of ISO 21496-1; in either order of bytes.
    Iso { little: bool },
    /// An index, and Apple's headroom, in XMP.
    Apple,
}

pub const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const ADOBE: &str = "http://ns.adobe.com/hdr-gain-map/1.0/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

pub fn packet(description: &str) -> Vec<u8> {
    let packet = format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'>{description}</rdf:RDF></x:xmpmeta>"
    );
    [XMP, packet.as_bytes()].concat()
}

/// Stops of the darkest and the brightest sample, exponent, and what is added to light: of red, green and blue.
pub type Numbers = [[f64; 4]; 3];
pub const EVEN: Numbers = [[-0.5, 2.0, 1.0, 0.0]; 3];
pub const UNEVEN: Numbers = [
    [0.0, 2.5, 0.8, 1.0 / 64.0],
    [0.25, 2.0, 1.25, 1.0 / 64.0],
    [0.0, 1.5, 1.0, 0.0],
];
/// Of all of them.
pub const HEADROOM: f64 = 2.5;

/// What a gain map says, by Adobe's and by the standard's way.
fn adobe(numbers: Numbers) -> Vec<u8> {
    let list = |name: &str, index: usize| {
        let items = numbers.map(|of| format!("<rdf:li>{}</rdf:li>", of[index]));
        format!("<h:{name}><rdf:Seq>{}</rdf:Seq></h:{name}>", items.concat())
    };
    let lists = [
        list("GainMapMin", 0),
        list("GainMapMax", 1),
        list("Gamma", 2),
        list("OffsetSDR", 3),
        list("OffsetHDR", 3),
    ];
    packet(&format!(
        "<rdf:Description xmlns:h='{ADOBE}' h:Version='1.0' h:HDRCapacityMax='{HEADROOM}'>{}</rdf:Description>",
        lists.concat()
    ))
}

pub fn iso(numbers: Numbers) -> Vec<u8> {
    const BELOW: i32 = 4_096;
    let mut bytes = b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0\xc0".to_vec();
    let channels = numbers
        .iter()
        .flat_map(|&[min, max, gamma, offset]| [min, max, gamma, offset, offset]);
    for value in [0.0, HEADROOM].into_iter().chain(channels) {
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        let above = (value * f64::from(BELOW)).round() as i32;
        bytes.extend(above.to_be_bytes());
        bytes.extend(BELOW.to_be_bytes());
    }
    bytes
}

/// A file of two JPEGs.
fn joined(base: &[u8], map: &[u8], manner: Manner, about_map: &[u8]) -> Vec<u8> {
    let marker = if about_map.starts_with(XMP) {
        0xE1
    } else {
        0xE2
    };
    let map = with_segment(map, marker, about_map);
    if manner == Manner::Adobe {
        let item = |semantic: &str, length: usize| {
            format!(
                "<rdf:li rdf:parseType='Resource'><c:Item i:Semantic='{semantic}' i:Mime='image/jpeg' i:Length='{length}'/></rdf:li>"
            )
        };
        let directory = packet(&format!(
            "<rdf:Description xmlns:c='http://ns.google.com/photos/1.0/container/' \
             xmlns:i='http://ns.google.com/photos/1.0/container/item/'><c:Directory><rdf:Seq>{}{}</rdf:Seq></c:Directory></rdf:Description>",
            item("Primary", 0),
            item("GainMap", map.len()),
        ));
        return [with_segment(base, 0xE1, &directory), map].concat();
    }
    let little = manner == Manner::Iso { little: true };
    let length = with_segment(base, 0xE2, &index(little, 10, map.len())).len();
    let index = index(little, length, map.len());
    [with_segment(base, 0xE2, &index), map].concat()
}

/// An index of two pictures of so many bytes, right behind the start of the first.
fn index(little: bool, base: usize, map: usize) -> Vec<u8> {
    let short = |value: u16| {
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let long = |value: usize| {
        let value = u32::try_from(value).unwrap();
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let order: &[u8] = if little { b"II*\0" } else { b"MM\0*" };
    // One entry of the directory, behind the head, and two pictures behind it.
    [
        b"MPF\0",
        order,
        &long(8),
        &short(1),
        &short(0xB002),
        &short(7),
        &long(32),
        &long(26),
        &long(0),
        &long(0x3_0000),
        &long(base),
        &long(0),
        &long(0),
        // Counted from the order of bytes: behind the marker, the length, and the name.
        &long(0),
        &long(map),
        &long(base - 10),
        &long(0),
    ]
    .concat()
}

/// Width and height of a base that lies on its side, and of its map.
const STORED: (u16, u16) = (96, 64);
const MAP: (u16, u16) = (24, 16);

fn base_at(across: f64, down: f64) -> [f64; 3] {
    [0.2 + 0.7 * across, 0.8 - 0.6 * down, 0.3 + 0.4 * across]
}

fn gain_at(across: f64, down: f64, is_even: bool) -> [f64; 3] {
    let gain = 0.1 + 0.5 * across + 0.3 * down;
    if is_even {
        [gain; 3]
    } else {
        [gain, 0.9 - 0.6 * down, 0.8 - 0.5 * across]
    }
}

fn stored(size: (u16, u16), at: impl Fn(f64, f64) -> [f64; 3]) -> Vec<u8> {
    let middle = |place: u16, side: u16| (f64::from(place) + 0.5) / f64::from(side);
    let points =
        (0..size.1).flat_map(|y| (0..size.0).map(move |x| (middle(x, size.0), middle(y, size.1))));
    let pixels = points.flat_map(|(across, down)| at(across, down));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 255"
    )]
    pixels.map(|level| (level * 255.0).round() as u8).collect()
}

/// A JPEG that lies on its side, with a gain map.
fn ultra_hdr(manner: Manner, numbers: Numbers) -> Vec<u8> {
    let is_even = numbers == EVEN;
    let base = jpeg_rgb(&stored(STORED, base_at), STORED.0, STORED.1);
    let map = stored(MAP, |across, down| gain_at(across, down, is_even));
    let map = jpeg_rgb(&map, MAP.0, MAP.1);
    let about = match manner {
        Manner::Adobe => adobe(numbers),
        Manner::Iso { .. } => iso(numbers),
        Manner::Apple => packet(&format!(
            "<rdf:Description xmlns:a='http://ns.apple.com/HDRGainMap/1.0/' a:HDRGainMapVersion='65536' \
             a:HDRGainMapHeadroom='{}'/>",
            HEADROOM.exp2()
        )),
    };
    joined(&with_exif(&base, 6), &map, manner, &about)
}

/// Light of the picture of [`ultra_hdr`] where all of its gain is applied.
fn brightened(manner: Manner, numbers: Numbers) -> Vec<[f64; 3]> {
    let linear = |level: f64| {
        if level <= 0.040_45 {
            level / 12.92
        } else {
            ((level + 0.055) / 1.055).powf(2.4)
        }
    };
    let (width, height) = (STORED.1, STORED.0);
    let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels = points.map(|(x, y)| {
        // Turned clockwise: what is above was at the left, and what is at the right was above.
        let across = (f64::from(y) + 0.5) / f64::from(height);
        let down = 1.0 - (f64::from(x) + 0.5) / f64::from(width);
        let (base, gain) = (
            base_at(across, down),
            gain_at(across, down, numbers == EVEN),
        );
        std::array::from_fn(|color| {
            let [min, max, gamma, offset] = numbers[color];
            let light = linear(base[color]);
            if manner == Manner::Apple {
                let gain = ((gain[color] + 0.099) / 1.099).powf(1.0 / 0.45);
                return light * (1.0 + (HEADROOM.exp2() - 1.0) * gain);
            }
            let stops = min + (max - min) * gain[color].powf(1.0 / gamma);
            (light + offset) * stops.exp2() - offset
        })
    });
    pixels.collect()
}

#[test]
fn gain_maps_are_taken_over_with_numbers_of_their_own() {
    let sources = [
        (Manner::Adobe, EVEN),
        (Manner::Adobe, UNEVEN),
        (Manner::Iso { little: false }, EVEN),
        (Manner::Iso { little: true }, UNEVEN),
        (Manner::Apple, EVEN),
    ];
    let name = |(manner, numbers): (Manner, Numbers)| format!("{manner:?} {}", numbers == EVEN);
    let mut made = BTreeMap::new();
    for (manner, numbers) in sources {
        let source = ultra_hdr(manner, numbers);
        assert!(probed(&source).has_hdr, "{manner:?}");
        made.insert(name((manner, numbers)), with_gain_map(&source).unwrap());
    }
    let seen = seen(&made);
    for (manner, numbers) in sources {
        let name = name((manner, numbers));
        let seen = &seen[&name];
        let source = ultra_hdr(manner, numbers);
        let webp = Picture::open(&rendered(&source, &plan(&[None]))[0].1);
        let colors = colors_off(seen, &webp);
        let stops = stops_off(seen, brightened(manner, numbers).into_iter());
        println!("{name}: {colors:.2} off in colours, {stops:.3} stops off");
        assert!(
            (seen.headroom - HEADROOM).abs() < 0.001,
            "{name}: {}",
            seen.headroom
        );
        assert!(colors <= COLORS_OFF, "{name}: {colors}");
        assert!(stops <= STOPS_OFF, "{name}: {stops}");
    }
}

#[test]
fn a_broken_gain_map_is_none_and_changes_nothing() {
    let whole = ultra_hdr(Manner::Iso { little: false }, UNEVEN);
    let full = |file: &[u8]| rendered(file, &plan(&[None])).remove(0).1;
    let expected = full(&whole);
    let changed = |from: &[u8], to: &[u8]| {
        let at = whole
            .windows(from.len())
            .rposition(|bytes| bytes == from)
            .unwrap();
        [&whole[..at], to, &whole[at + from.len()..]].concat()
    };
    let name = b"urn:iso:std:iso:ts:21496:-1\0";
    let numbers = iso(UNEVEN);
    let with = |change: &dyn Fn(&mut Numbers)| {
        let mut odd = UNEVEN;
        change(&mut odd);
        changed(&numbers, &iso(odd))
    };
    let mut nothing = numbers.clone();
    nothing[37..41].fill(0);
    let cases = [
        (
            "of another standard",
            changed(name, b"urn:iso:std:iso:ts:21496:-2\0"),
        ),
        (
            "of a later version",
            changed(
                &[&name[..], &[0, 0]].concat(),
                &[&name[..], &[0, 1]].concat(),
            ),
        ),
        ("a gamma of 0", with(&|numbers| numbers[1][2] = 0.0)),
        ("less than at least", with(&|numbers| numbers[2][1] = -1.0)),
        (
            "out of all reason",
            with(&|numbers| numbers[0][1] = 1_000.0),
        ),
        ("divided by nothing", changed(&numbers, &nothing)),
        ("no picture", changed(b"\xff\xd8", b"\xff\xd7")),
        ("no end", whole[..whole.len() - 400].to_vec()),
    ];
    for (name, file) in &cases {
        assert_eq!(with_gain_map(file), None, "{name}");
        assert!(full(file) == expected, "{name}");
    }
    // What cannot be decoded is found late.
    let map = whole
        .windows(2)
        .rposition(|bytes| bytes == b"\xff\xda")
        .unwrap();
    let mut odd = whole.clone();
    odd[map + 20..]
        .iter_mut()
        .step_by(3)
        .for_each(|byte| *byte ^= 0x55);
    let _ = render_hdr(&odd, &[], &ImageLimits::default(), &PLAN, |_| Ok(()));
    assert!(full(&odd) == expected);
}

#[test]
fn what_has_no_light_beyond_white_gets_no_gain_map() {
    let base = jpeg_rgb(&stored(STORED, base_at), STORED.0, STORED.1);
    let dim = scene_png(pq, 0.9, png::BitDepth::Sixteen, Some(16));
    let plain = scene_png(pq, PEAK, png::BitDepth::Sixteen, None);
    for file in [base, dim, plain] {
        assert_eq!(with_gain_map(&file), None);
    }
}

#[test]
fn nothing_else_is_in_the_file_but_rights_where_they_are_wanted() {
    let credit = packet(
        "<rdf:Description xmlns:p='http://ns.adobe.com/photoshop/1.0/' p:Credit='A &amp; B' p:City='Paris'/>",
    );
    let source = with_segment(
        &ultra_hdr(Manner::Iso { little: false }, EVEN),
        0xE1,
        &credit,
    );
    let folder = tempfile::tempdir().unwrap();
    for keep_rights in [false, true] {
        let path = folder.path().join(format!("{keep_rights}.jpg"));
        let plan = HdrPlan {
            keep_rights,
            ..PLAN
        };
        let write = |bytes: &[u8]| std::fs::write(&path, bytes);
        // The index counts from itself: the segment before it moves both.
        assert!(
            render_hdr(&source, &[], &ImageLimits::default(), &plan, write)
                .unwrap()
                .is_some()
        );
        let mut exiftool = program("exiftool");
        let told = exiftool
            .args(["-a", "-G1", "-s", "-ee3", "-q"])
            .arg(&path)
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let of_file = |line: &&str| {
            let groups = ["[ExifTool]", "[System]", "[File]", "[Composite]"];
            !groups.iter().any(|group| line.starts_with(group))
        };
        let others: Vec<&str> = told.lines().filter(of_file).collect();
        let (maps, rest): (Vec<&str>, Vec<&str>) = others.iter().partition(|line| {
            [
                "[MPF0]",
                "[MPImage",
                "[XMP-hdrgm]",
                "[XMP-Container]",
                "[XMP-GContainer]",
            ]
            .iter()
            .any(|group| line.starts_with(group))
        });
        assert!(maps.len() > 5, "{told}");
        let rest: Vec<_> = rest
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let expected: &[&str] = if keep_rights {
            &["[XMP-photoshop] Credit : A & B"]
        } else {
            &[]
        };
        assert_eq!(rest, expected, "{told}");
    }
}
