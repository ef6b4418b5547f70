//! AV1 in a file of boxes (ISO/IEC 23008-12; AV1 Image File Format 1.1): a picture, its transparency as a second that is
//! bound to it, and a packet of XMP where there is one.

use super::{Colors, Sampled};

/// An empty temporal delimiter, with which encoders begin a picture and files do not.
const DELIMITER: [u8; 2] = [0x12, 0x00];

/// An OBU that is a sequence header and says how long it is.
const SEQUENCE_HEADER: u8 = 0x0A;

/// Numbers of the items of a file.
const PICTURE: u16 = 1;
const ALPHA: u16 = 2;
const XMP: u16 = 3;

/// Flag of an item that is not to be shown by itself.
const HIDDEN: u32 = 1;

/// Colour as code points (ITU-T H.273): primaries of BT.709, transfer of sRGB, matrix of BT.601, full range.
const NCLX: [u8; 11] = [b'n', b'c', b'l', b'x', 0, 1, 0, 13, 0, 6, 0x80];

/// What an encoder made of one picture.
pub(super) struct Stream<'a> {
    bytes: &'a [u8],
    /// Its level, as the sequence header says it.
    level: u8,
}

impl<'a> Stream<'a> {
    /// None of what does not begin as a still picture does.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(&DELIMITER).unwrap_or(bytes);
        let &[SEQUENCE_HEADER, _, first, second, ..] = bytes else {
            return None;
        };
        // Three bits of profile, one each for a still picture and a short header, and five of the level.
        let level = (first & 0b111) << 2 | second >> 6;
        (first & 0b1_1000 == 0b1_1000).then_some(Self { bytes, level })
    }
}

struct Item<'a> {
    id: u16,
    bytes: &'a [u8],
    /// Kind, flags, and what is said of it besides.
    entry: Vec<u8>,
}

/// A file of one picture.
pub(super) fn write(
    picture: &Sampled,
    colors: &Stream<'_>,
    alpha: Option<&Stream<'_>>,
    rights: Option<&[u8]>,
) -> Vec<u8> {
    let item = |id, bytes, flags, kind: &[u8]| {
        let entry = [&id_bytes(id)[..], &[0, 0], kind].concat();
        let entry = full_box(*b"infe", 2, flags, &entry);
        Item { id, bytes, entry }
    };
    let mut items = vec![item(PICTURE, colors.bytes, 0, b"av01\0")];
    items.extend(alpha.map(|alpha| item(ALPHA, alpha.bytes, HIDDEN, b"av01\0")));
    items.extend(rights.map(|packet| item(XMP, packet, HIDDEN, b"mime\0application/rdf+xml\0")));

    let brands: &[u8] = match picture.colors {
        Colors::Quarter => b"avif\0\0\0\0avifmif1miafMA1B",
        Colors::All => b"avif\0\0\0\0avifmif1miafMA1A",
    };
    let kind = simple_box(*b"ftyp", brands);
    // Where the bytes lie depends on how long the boxes before them are, and that on nothing.
    let before = kind.len() + meta(picture, colors, alpha, &items, 0).len() + 8;
    let meta = meta(picture, colors, alpha, &items, before);
    let bytes: Vec<&[u8]> = items.iter().map(|item| item.bytes).collect();
    [kind, meta, simple_box(*b"mdat", &bytes.concat())].concat()
}

fn meta(
    picture: &Sampled,
    colors: &Stream<'_>,
    alpha: Option<&Stream<'_>>,
    items: &[Item<'_>],
    mut offset: usize,
) -> Vec<u8> {
    let handler = [&[0; 4][..], b"pict", &[0; 13]].concat();
    // Offsets and lengths of four bytes each.
    let mut places = vec![0x44, 0x00];
    places.extend(id_bytes(u16::try_from(items.len()).unwrap_or(u16::MAX)));
    let mut entries = id_bytes(u16::try_from(items.len()).unwrap_or(u16::MAX)).to_vec();
    for item in items {
        places.extend(id_bytes(item.id));
        places.extend([0, 0, 0, 1]);
        places.extend(length(offset));
        places.extend(length(item.bytes.len()));
        entries.extend(&item.entry);
        offset += item.bytes.len();
    }
    let mut boxes = vec![
        full_box(*b"hdlr", 0, 0, &handler),
        full_box(*b"pitm", 0, 0, &id_bytes(PICTURE)),
        full_box(*b"iloc", 0, 0, &places),
        full_box(*b"iinf", 0, 0, &entries),
    ];
    // What belongs to the picture: its transparency, and what describes it.
    let mut references = Vec::new();
    for (id, kind) in [(ALPHA, *b"auxl"), (XMP, *b"cdsc")] {
        if items.iter().any(|item| item.id == id) {
            let reference = [id_bytes(id), id_bytes(1), id_bytes(PICTURE)].concat();
            references.extend(simple_box(kind, &reference));
        }
    }
    if !references.is_empty() {
        boxes.push(full_box(*b"iref", 0, 0, &references));
    }
    boxes.push(simple_box(*b"iprp", &properties(picture, colors, alpha)));
    full_box(*b"meta", 0, 0, &boxes.concat())
}

/// What is known of the items, and which of it holds for which.
fn properties(picture: &Sampled, colors: &Stream<'_>, alpha: Option<&Stream<'_>>) -> Vec<u8> {
    const ESSENTIAL: u8 = 0x80;
    let size = [picture.width.to_be_bytes(), picture.height.to_be_bytes()].concat();
    let (profile, chroma) = match picture.colors {
        Colors::Quarter => (0, 0b0000_1100),
        Colors::All => (1, 0),
    };
    let mut found = vec![
        full_box(*b"ispe", 0, 0, &size),
        full_box(*b"pixi", 0, 0, &[3, 8, 8, 8]),
        simple_box(*b"av1C", &[0x81, profile << 5 | colors.level, chroma, 0]),
        simple_box(*b"colr", &NCLX),
    ];
    let mut holds = [&id_bytes(PICTURE)[..], &[4, 1, 2, 3 | ESSENTIAL, 4]].concat();
    if let Some(alpha) = alpha {
        const OF_GREY: u8 = 0b0001_1100;
        let urn = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
        found.push(full_box(*b"pixi", 0, 0, &[1, 8]));
        found.push(simple_box(*b"av1C", &[0x81, alpha.level, OF_GREY, 0]));
        found.push(full_box(*b"auxC", 0, 0, urn));
        holds.extend([&id_bytes(ALPHA)[..], &[4, 1, 5, 6 | ESSENTIAL, 7]].concat());
    }
    let of = if alpha.is_some() { 2 } else { 1 };
    let holds = [&length(of)[..], &holds].concat();
    let found = simple_box(*b"ipco", &found.concat());
    [found, full_box(*b"ipma", 0, 0, &holds)].concat()
}

fn simple_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    [&length(body.len() + 8)[..], &kind, body].concat()
}

fn full_box(kind: [u8; 4], version: u8, flags: u32, body: &[u8]) -> Vec<u8> {
    let [_, flags @ ..] = flags.to_be_bytes();
    simple_box(kind, &[&[version], &flags[..], body].concat())
}

/// No output is as long as 4 GiB: the limits of the children see to it.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

const fn id_bytes(id: u16) -> [u8; 2] {
    id.to_be_bytes()
}
