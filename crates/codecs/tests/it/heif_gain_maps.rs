//! Gain maps of HEICs and AVIFs, put together box by box as telephones and the standard have them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::children::hdr_by_children;
use crate::fixtures::{BLUE, GREEN, RED, png_rgb, probed};
use crate::gain_maps::{HEADROOM, Numbers, Seen, UNEVEN, XMP, iso, packet, seen};
use crate::heif::avif;
use crate::heif_boxes::{Heic, Item, body_of, boxed, versioned};
use crate::peers::program;

const APPLE: &[u8] = b"urn:com:apple:photo:2020:aux:hdrgainmap\0";
/// Grey of a map at the left and at the right.
const SAMPLES: [u8; 2] = [40, 220];
/// Width and height of a map in pixels.
const SIDE: u32 = 64;

/// A map as a file of HEVC.
static HEIC_MAP: LazyLock<Vec<u8>> = LazyLock::new(|| map("heif-enc", "map.heic"));

/// A map as a file of its own, by one of two programs.
fn map(encoder: &str, name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (source, made) = (folder.path().join("map.png"), folder.path().join(name));
    let row = SAMPLES.map(|sample| vec![sample; SIDE as usize / 2 * 3]);
    let pixels = row.concat().repeat(SIDE as usize);
    std::fs::write(&source, png_rgb(&pixels, SIDE, SIDE)).unwrap();
    let done = program(encoder).arg(&source).arg("-o").arg(&made).output();
    assert!(done.unwrap().status.success(), "{encoder}");
    std::fs::read(made).unwrap()
}

/// The file with one more item, which has these references to others, and its number.
fn with_item(heic: &mut Heic, item: Item, references: &[([u8; 4], Vec<u16>)]) -> u16 {
    heic.items.push(item);
    let number = u16::try_from(heic.items.len()).unwrap();
    let references = references
        .iter()
        .map(|(kind, to)| (*kind, number, to.clone()));
    heic.references.extend(references);
    number
}

fn said(kind: [u8; 4], bytes: Vec<u8>) -> Item {
    Item {
        kind,
        bytes,
        in_idat: false,
        properties: Vec::new(),
    }
}

/// Adds a map as an item with that set-up, size, and perhaps more properties, and says its number.
fn with_map(
    heic: &mut Heic,
    file: &[u8],
    (kind, setup): ([u8; 4], [u8; 4]),
    more: &[Vec<u8>],
    references: &[([u8; 4], Vec<u16>)],
) -> u16 {
    let first = heic.properties.len() + 1;
    let size = [SIDE.to_be_bytes(); 2].concat();
    heic.properties.push(boxed(&setup, body_of(file, &setup)));
    heic.properties.push(versioned(b"ispe", 0, &size));
    heic.properties.extend_from_slice(more);
    let properties = (first..=heic.properties.len()).map(|number| u8::try_from(number).unwrap());
    let item = Item {
        properties: properties.collect(),
        ..said(kind, body_of(file, b"mdat").to_vec())
    };
    with_item(heic, item, references)
}

const HEVC: ([u8; 4], [u8; 4]) = (*b"hvc1", *b"hvcC");
const AV1: ([u8; 4], [u8; 4]) = (*b"av01", *b"av1C");

/// A picture in quarters with Apple's map, turned by a quarter or not, about which `say` adds items.
fn apples(turned: bool, say: impl FnOnce(&mut Heic, u16)) -> Heic {
    let mut heic = Heic::grid(128, 128);
    let turn = boxed(b"irot", &[1]);
    let mut more = vec![versioned(b"auxC", 0, APPLE)];
    if turned {
        heic = heic.with(turn.clone());
        more.push(turn);
    }
    let number = with_map(&mut heic, &HEIC_MAP, HEVC, &more, &[(*b"auxl", vec![1])]);
    say(&mut heic, number);
    heic
}

fn with_packet(headroom: &str) -> impl FnOnce(&mut Heic, u16) {
    let packet = packet(&format!(
        "<rdf:Description xmlns:a='http://ns.apple.com/HDRGainMap/1.0/' a:HDRGainMapVersion='131072' \
         a:HDRGainMapHeadroom='{headroom}'/>"
    ));
    let packet = packet[XMP.len()..].to_vec();
    move |heic, map| {
        with_item(heic, said(*b"mime", packet), &[(*b"cdsc", vec![map])]);
    }
}

/// Exif with Apple's note, in which these are the numbers of 33 and 48, in thousandths.
fn with_note(first: i32, second: i32) -> impl FnOnce(&mut Heic, u16) {
    let directory = |entries: &[(u16, u16, u32, u32)]| {
        let mut bytes = u16::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
        for (tag, kind, count, value) in entries {
            bytes.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
            bytes.extend([count.to_be_bytes(), value.to_be_bytes()].concat());
        }
        bytes.extend([0; 4]);
        bytes
    };
    // The fractions lie behind the note's directory of two entries.
    let values = 14 + 2 + 2 * 12 + 4;
    let note = [
        b"Apple iOS\0\0\x01MM".to_vec(),
        directory(&[(33, 10, 1, values), (48, 10, 1, values + 8)]),
        [first, 1_000, second, 1_000].map(i32::to_be_bytes).concat(),
    ]
    .concat();
    let length = u32::try_from(note.len()).unwrap();
    let exif = [
        b"\0\0\0\x06Exif\0\0MM\0*\0\0\0\x08".to_vec(),
        directory(&[(0x8769, 4, 1, 26)]),
        directory(&[(0x927C, 7, length, 44)]),
        note,
    ]
    .concat();
    move |heic, _| {
        with_item(heic, said(*b"Exif", exif), &[(*b"cdsc", vec![1])]);
    }
}

/// A tone-mapped picture of the primary one and a map.
fn with_tone_map(heic: &mut Heic, map: u16, numbers: Numbers) {
    let name = b"urn:iso:std:iso:ts:21496:-1\0".len();
    let numbers = [&[0], &iso(numbers)[name..]].concat();
    with_item(heic, said(*b"tmap", numbers), &[(*b"dimg", vec![1, map])]);
}

fn tone_mapped(numbers: Numbers) -> Heic {
    let mut heic = Heic::grid(128, 128);
    let number = with_map(&mut heic, &HEIC_MAP, HEVC, &[], &[]);
    with_tone_map(&mut heic, number, numbers);
    heic
}

fn tone_mapped_avif(numbers: Numbers) -> Heic {
    let mut heic = Heic::grid(128, 128);
    (heic.items, heic.properties, heic.references) = (Vec::new(), Vec::new(), Vec::new());
    heic.brands = [*b"avif", *b"mif1"];
    with_map(&mut heic, &avif(&[GREEN]), AV1, &[], &[]);
    let number = with_map(&mut heic, &map("avifenc", "map.avif"), AV1, &[], &[]);
    with_tone_map(&mut heic, number, numbers);
    heic
}

/// How much brighter a place is than the base, in stops, as the mean of the colours that are not dark.
fn brighter(seen: &Seen, (x, y): (u32, u32), color: [u8; 3]) -> [f64; 3] {
    let at = (y * seen.size.0 + x) as usize * 3;
    let linear = |sample: u8| {
        let level = f64::from(sample) / 255.0;
        if level <= 0.040_45 {
            level / 12.92
        } else {
            ((level + 0.055) / 1.055).powf(2.4)
        }
    };
    std::array::from_fn(|channel| {
        assert!(
            seen.base[at + channel].abs_diff(color[channel]) < 12,
            "{:?} {color:?}",
            &seen.base[at..at + 3]
        );
        (seen.bright[at + channel] / linear(seen.base[at + channel])).log2()
    })
}

/// Stops of Apple's map of so much headroom, for a sample.
fn apples_stops(headroom: f64, sample: u8) -> f64 {
    let light = ((f64::from(sample) / 255.0 + 0.099) / 1.099).powf(1.0 / 0.45);
    (1.0 + (headroom - 1.0) * light).log2()
}

#[track_caller]
fn assert_near(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.1, "{name}: {found} {expected}");
}

#[test]
fn maps_of_telephones_are_taken_over() {
    let sources = [
        ("packet", apples(false, with_packet("4")), 4.0),
        ("turned", apples(true, with_packet("4")), 4.0),
        ("note", apples(false, with_note(1_000, 0)), 8.0),
        (
            "dim note",
            apples(false, with_note(500, 50)),
            (1.601_f64 - 0.101 * 0.05).exp2(),
        ),
    ];
    let mut made = BTreeMap::new();
    for (name, heic, _) in &sources {
        let file = heic.write();
        assert!(probed(&file).has_hdr, "{name}");
        made.insert((*name).to_owned(), hdr_by_children(&file).unwrap().unwrap());
    }
    let seen = seen(&made);
    for (name, _, headroom) in sources {
        let seen = &seen[name];
        assert_eq!(seen.size, (128, 128));
        assert_near(name, seen.headroom, headroom.log2());
        // Red is above at the left, and green at the right; turned anticlockwise, green is at the left, above red.
        let (dark, bright) = if name == "turned" {
            (((20, 100), RED), ((20, 20), GREEN))
        } else {
            (((20, 20), RED), ((100, 20), GREEN))
        };
        for ((place, color), sample) in [dark, bright].into_iter().zip(SAMPLES) {
            let found = brighter(seen, place, color);
            let strongest = (0..3).max_by_key(|&channel| color[channel]).unwrap();
            assert_near(name, found[strongest], apples_stops(headroom, sample));
        }
    }
}

#[test]
fn tone_mapped_pictures_are_taken_over() {
    let sources = [
        ("heic", tone_mapped(UNEVEN)),
        ("avif", tone_mapped_avif(UNEVEN)),
    ];
    let files = sources.map(|(name, heic)| (name.to_owned(), heic.write()));
    let made = files.iter().map(|(name, file)| {
        assert!(probed(file).has_hdr, "{name}");
        (name.clone(), hdr_by_children(file).unwrap().unwrap())
    });
    for (name, seen) in seen(&made.collect()) {
        assert_near(&name, seen.headroom, HEADROOM);
        let (x, y) = (seen.size.0 * 3 / 4, seen.size.1 / 4);
        let found = brighter(&seen, (x, y), GREEN);
        let [min, max, gamma, offset] = UNEVEN[1];
        let light = 0.351; // of the strongest sample of green
        let stops = min + (max - min) * (f64::from(SAMPLES[1]) / 255.0).powf(1.0 / gamma);
        let expected = ((light + offset) * stops.exp2() - offset) / light;
        assert_near(&name, found[1], expected.log2());
    }
}

/// Where the map is among items: behind the grid and its tiles, and before what is said of it.
const MAP: usize = 5;

#[test]
fn a_broken_map_changes_nothing() {
    let broken = |change: &dyn Fn(&mut Heic)| {
        let mut heic = tone_mapped(UNEVEN);
        change(&mut heic);
        heic
    };
    let mut odd = UNEVEN;
    odd[0][2] = 0.0;
    let cases = [
        ("no headroom", apples(false, |_, _| ())),
        ("no number", apples(false, with_packet("nan"))),
        ("no light", apples(false, with_packet("1"))),
        ("too much light", apples(false, with_packet("inf"))),
        ("a dark note", apples(false, with_note(0, 20_000))),
        ("no gamma", tone_mapped(odd)),
        (
            "no HEVC",
            broken(&|heic| heic.items[MAP].bytes[4..].fill(0x55)),
        ),
        (
            "no set-up",
            broken(&|heic| heic.items[MAP].properties.clear()),
        ),
        (
            "another codec",
            broken(&|heic| heic.items[MAP].kind = *b"av01"),
        ),
        ("itself", broken(&|heic| heic.references[1].2 = vec![1, 7])),
        (
            "no bytes",
            broken(&|heic| heic.items[MAP + 1].bytes.clear()),
        ),
        (
            "another version",
            broken(&|heic| heic.items[MAP + 1].bytes[0] = 1),
        ),
        (
            "of another shape",
            broken(&|heic| {
                let flat = [SIDE.to_be_bytes(), (SIDE / 2).to_be_bytes()].concat();
                heic.properties[4] = versioned(b"ispe", 0, &flat);
            }),
        ),
    ];
    for (name, heic) in cases {
        let made = hdr_by_children(&heic.write());
        assert!(!matches!(made, Ok(Some(_))), "{name}");
        let shown = heic.shown();
        shown.assert_near((20, 20), RED, 12);
        shown.assert_near((20, 100), BLUE, 12);
    }
}
