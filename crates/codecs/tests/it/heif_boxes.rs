//! HEICs put together box by box: grids and properties as telephones write them, and boxes that lie.

use std::sync::LazyLock;

use codecs::ImageLimits;
use codecs::image::probe;
use media::{Rejection, RejectionCode};

use crate::children::rendered_by_children;
use crate::fixtures::{BLUE, GREEN, Picture, RED, plan};
use crate::heif::heic_alone;

const YELLOW: [u8; 3] = [220, 200, 30];
/// Width and height of a tile in pixels.
const TILE: u32 = 64;

pub fn boxed(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes(), kind, body].concat()
}

pub fn versioned(kind: &[u8], version: u8, body: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0], body].concat())
}

/// The body of a box in a file of another program.
pub fn body_of<'a>(file: &'a [u8], kind: &[u8]) -> &'a [u8] {
    let at = file.windows(4).position(|word| word == kind).unwrap();
    let length = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    &file[at + 4..at - 4 + length]
}

/// An item: its kind, its bytes, where they lie, and its properties by their number, from 1.
#[derive(Clone)]
pub struct Item {
    pub kind: [u8; 4],
    pub bytes: Vec<u8>,
    pub in_idat: bool,
    pub properties: Vec<u8>,
}

/// A file before it is written. Items are numbered from 1; the first is the primary one.
#[derive(Clone)]
pub struct Heic {
    pub brands: [[u8; 4]; 2],
    pub properties: Vec<Vec<u8>>,
    pub items: Vec<Item>,
    /// Kind, from, and to.
    pub references: Vec<([u8; 4], u16, Vec<u16>)>,
    /// What is added to the length of each item's bytes, as the file says it.
    pub longer: u32,
}

impl Heic {
    /// Four tiles in a grid of that size, whose right and lower edges are cut off.
    pub fn grid(width: u32, height: u32) -> Self {
        static TILES: LazyLock<[Vec<u8>; 4]> =
            LazyLock::new(|| [RED, GREEN, BLUE, YELLOW].map(heic_alone));
        let tiles = &*TILES;
        let size = |width: u32, height: u32| {
            let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
            versioned(b"ispe", 0, &sides)
        };
        let (across, down) = (
            u16::try_from(width).unwrap(),
            u16::try_from(height).unwrap(),
        );
        let (across, down) = (across.to_be_bytes(), down.to_be_bytes());
        let mut items = vec![Item {
            kind: *b"grid",
            bytes: [&[0, 0, 1, 1], &across[..], &down].concat(),
            in_idat: true,
            properties: vec![3],
        }];
        items.extend(tiles.iter().map(|tile| Item {
            kind: *b"hvc1",
            bytes: body_of(tile, b"mdat").to_vec(),
            in_idat: false,
            properties: vec![1, 2],
        }));
        Self {
            brands: [*b"mif1", *b"heic"],
            properties: vec![
                boxed(b"hvcC", body_of(&tiles[0], b"hvcC")),
                size(TILE, TILE),
                size(width, height),
            ],
            items,
            references: vec![(*b"dimg", 1, vec![2, 3, 4, 5])],
            longer: 0,
        }
    }

    /// Gives the primary item one more property, which a reader must know.
    pub fn with(mut self, property: Vec<u8>) -> Self {
        self.properties.push(property);
        let number = u8::try_from(self.properties.len()).unwrap();
        self.items[0].properties.push(0x80 | number);
        self
    }

    pub fn write(&self) -> Vec<u8> {
        let [major, other] = self.brands;
        let mut file = boxed(b"ftyp", &[major, [0; 4], other].concat());
        let (mut media, mut data) = (Vec::new(), Vec::new());
        let (mut names, mut places, mut uses) = (Vec::new(), Vec::new(), Vec::new());
        for (number, item) in (1_u16..).zip(&self.items) {
            let before = if item.in_idat { &mut data } else { &mut media };
            let start = before.len() + if item.in_idat { 0 } else { file.len() + 8 };
            before.extend_from_slice(&item.bytes);
            let length = u32::try_from(item.bytes.len()).unwrap();
            let method = u16::from(item.in_idat);
            for field in [number, method, 0, 1] {
                places.extend(field.to_be_bytes());
            }
            places.extend(u32::try_from(start).unwrap().to_be_bytes());
            places.extend(length.saturating_add(self.longer).to_be_bytes());
            let id = number.to_be_bytes();
            let name = [&id[..], &[0, 0], &item.kind, &[0]].concat();
            names.extend(versioned(b"infe", 2, &name));
            uses.extend(id);
            uses.push(u8::try_from(item.properties.len()).unwrap());
            uses.extend(&item.properties);
        }
        let count = u16::try_from(self.items.len()).unwrap().to_be_bytes();
        let references = self.references.iter().flat_map(|(kind, from, to)| {
            let count = u16::try_from(to.len()).unwrap();
            let fields = [*from, count].into_iter().chain(to.iter().copied());
            boxed(kind, &fields.flat_map(u16::to_be_bytes).collect::<Vec<_>>())
        });
        let meta = [
            versioned(b"pitm", 0, &[0, 1]),
            versioned(b"iinf", 0, &[&count[..], &names].concat()),
            versioned(b"iloc", 1, &[&[0x44, 0], &count[..], &places].concat()),
            versioned(b"iref", 0, &references.collect::<Vec<_>>()),
            boxed(
                b"iprp",
                &[
                    boxed(b"ipco", &self.properties.concat()),
                    versioned(b"ipma", 0, &[&[0, 0], &count[..], &uses].concat()),
                ]
                .concat(),
            ),
            boxed(b"idat", &data),
        ];
        file.extend(boxed(b"mdat", &media));
        file.extend(versioned(b"meta", 0, &meta.concat()));
        file
    }

    pub fn shown(&self) -> Picture {
        let (bytes, limits) = (self.write(), ImageLimits::default());
        let found = probe(&bytes, &limits).unwrap();
        let rendered = rendered_by_children(&bytes, &plan(&[None]), &limits).unwrap();
        let picture = Picture::open(&rendered[0].1);
        assert_eq!((picture.width, picture.height), (found.width, found.height));
        picture
    }
}

/// The part that is shown, in the middle of a picture.
fn crop(width: u32, height: u32) -> Vec<u8> {
    let numbers = [width, 1, height, 1, 0, 1, 0, 1];
    boxed(b"clap", &numbers.map(u32::to_be_bytes).concat())
}

#[test]
fn tiles_make_one_picture_whose_edges_are_cut() {
    let picture = Heic::grid(100, 90).shown();
    assert_eq!((picture.width, picture.height), (100, 90));
    for (point, color) in [
        ((3, 3), RED),
        ((60, 60), RED),
        ((96, 3), GREEN),
        ((3, 86), BLUE),
        ((96, 86), YELLOW),
    ] {
        picture.assert_near(point, color, 12);
    }
}

#[test]
fn a_picture_is_cropped_then_turned_then_mirrored() {
    let turned = Heic::grid(128, 128)
        .with(crop(120, 100))
        .with(boxed(b"irot", &[1]));
    let picture = turned.shown();
    assert_eq!((picture.width, picture.height), (100, 120));
    // A quarter anticlockwise: what was at the right is above.
    for (point, color) in [
        ((5, 5), GREEN),
        ((94, 5), YELLOW),
        ((5, 114), RED),
        ((94, 114), BLUE),
    ] {
        picture.assert_near(point, color, 12);
    }
    let mirrored = turned.with(boxed(b"imir", &[1])).shown();
    for (point, color) in [
        ((5, 5), YELLOW),
        ((94, 5), GREEN),
        ((5, 114), BLUE),
        ((94, 114), RED),
    ] {
        mirrored.assert_near(point, color, 12);
    }
}

#[test]
fn what_else_lies_in_a_file_is_left_alone() {
    let mut heic = Heic::grid(128, 128);
    for kind in [b"thmb", b"auxl", b"cdsc"] {
        let number = u16::try_from(heic.items.len() + 1).unwrap();
        heic.items.push(Item {
            kind: *b"hvc1",
            bytes: vec![7; 20],
            in_idat: false,
            properties: vec![1, 2, u8::try_from(heic.properties.len() + 1).unwrap()],
        });
        heic.references.push((*kind, number, vec![1]));
    }
    let depth = b"urn:mpeg:hevc:2015:auxid:2\0";
    heic.properties.push(versioned(b"auxC", 0, depth));
    heic.shown().assert_near((3, 3), RED, 12);
}

fn refused(name: &str, heic: &Heic) -> Rejection {
    let limits = ImageLimits::default();
    let bytes = heic.write();
    match rendered_by_children(&bytes, &plan(&[None]), &limits) {
        Err(codecs::DecodeError::Rejected(rejection)) => rejection,
        other => panic!("{name}: {:?}", other.map(|rendered| rendered.len())),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn boxes_that_lie_are_refused() {
    use RejectionCode::{Malformed, TooManyPixels, UnsupportedType};
    let whole = Heic::grid(100, 90);
    let changed = |change: &dyn Fn(&mut Heic)| {
        let mut heic = whole.clone();
        change(&mut heic);
        heic
    };
    let cases = [
        (
            "of itself",
            UnsupportedType,
            changed(&|heic| heic.references[0].2 = vec![1; 4]),
        ),
        (
            "too few tiles",
            Malformed,
            changed(&|heic| heic.references[0].2.truncate(3)),
        ),
        (
            "a tile that is none",
            Malformed,
            changed(&|heic| heic.references[0].2[3] = 77),
        ),
        (
            "bytes of 4 GB",
            Malformed,
            changed(&|heic| heic.longer = u32::MAX),
        ),
        (
            "bytes behind the end",
            Malformed,
            changed(&|heic| heic.longer = 1 << 20),
        ),
        (
            "no bytes",
            Malformed,
            changed(&|heic| heic.items[2].bytes.clear()),
        ),
        (
            "another size",
            Malformed,
            changed(&|heic| heic.items[0].properties = vec![2]),
        ),
        (
            "65,536 tiles",
            Malformed,
            changed(&|heic| heic.items[0].bytes[2..4].fill(255)),
        ),
        (
            "a vast size",
            TooManyPixels,
            changed(&|heic| heic.properties[2] = versioned(b"ispe", 0, &[0x7f; 8])),
        ),
        (
            "an unknown property",
            UnsupportedType,
            whole.clone().with(boxed(b"what", &[])),
        ),
        (
            "no set-up",
            Malformed,
            changed(&|heic| heic.properties[0] = boxed(b"free", &[])),
        ),
        (
            "no HEVC",
            Malformed,
            changed(&|heic| heic.items[3].bytes[4..].fill(0x55)),
        ),
        (
            "another codec",
            UnsupportedType,
            changed(&|heic| heic.items[1].kind = *b"vvc1"),
        ),
    ];
    for (name, code, heic) in cases {
        let rejection = refused(name, &heic);
        assert_eq!(rejection.code, code, "{name}: {rejection}");
    }
}
