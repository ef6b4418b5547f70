//! One picture of a HEIF file: coded in one piece, or as a grid of tiles.

use std::borrow::Cow;

use media::{Rejection, RejectionCode};

use super::canvas::Canvas;
use super::codec::{Codec, Setup};
use super::meta::{Item, Meta};
use super::property::{Code, Part, Property};
use crate::image::bytes::Bytes;
use crate::image::orient::Orientation;
use crate::image::profile::Embedded;
use crate::image::raster::{Layout, Raster};
use crate::image::reject;
use crate::image::{ImageError, ImageLimits};

/// A picture, not planes yet.
pub(super) struct Picture<'a> {
    pub(super) codec: Codec,
    setup: Setup<'a>,
    /// The bitstreams of its tiles, row by row; one if it is no grid.
    tiles: Vec<Cow<'a, [u8]>>,
    /// Tiles in a row.
    across: usize,
    tile: (u32, u32),
    /// Width and height in pixels as stored.
    size: (u32, u32),
    pub(super) bits: u8,
    pub(super) is_grey: bool,
    pub(super) orientation: Orientation,
    crop: Option<Part>,
    code: Option<Code>,
    icc: Option<&'a [u8]>,
    /// Light in cd/m2 of the brightest pixel, and of the screen that it was made at.
    brightest: Option<f32>,
    screen: Option<f32>,
}

/// Whether a property says that a picture is another's alpha channel.
pub(super) fn is_alpha(property: &Property) -> bool {
    const NAMES: [&[u8]; 2] = [
        b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
        b"urn:mpeg:hevc:2015:auxid:1",
    ];
    matches!(property, Property::Auxiliary(name) if NAMES.contains(name))
}

/// Whether a property says that a picture is another's gain map, as telephones of Apple write it.
pub(super) fn is_apples_gain_map(property: &Property) -> bool {
    const NAME: &[u8] = b"urn:com:apple:photo:2020:aux:hdrgainmap";
    matches!(property, Property::Auxiliary(name) if *name == NAME)
}

impl<'a> Picture<'a> {
    /// The picture that an item is.
    pub(super) fn find(
        meta: &Meta<'a>,
        file: &'a [u8],
        id: u32,
        limits: &ImageLimits,
    ) -> Result<Self, Rejection> {
        let item = meta.item(id)?;
        let properties = meta.properties(item)?;
        let size = size(&properties)?;
        limits.check_size(size.0, size.1)?;
        if &item.kind != b"grid" {
            let setup = Setup::find(item.kind, &properties)?;
            let tiles = vec![meta.bytes(file, item)?];
            return Ok(Self::new(setup, tiles, 1, size, size, &properties));
        }
        let grid = Grid::read(&meta.bytes(file, item)?)?;
        if grid.size != size {
            return Err(reject::corrupt("a grid of another size than announced"));
        }
        let ids: Vec<u32> = meta.to(*b"dimg", id).collect();
        if ids.len() != grid.rows * grid.columns {
            return Err(reject::corrupt("a grid without all of its tiles"));
        }
        let first = meta.item(ids[0])?;
        let first_properties = meta.properties(first)?;
        let setup = Setup::find(first.kind, &first_properties)?;
        let tile = self::size(&first_properties)?;
        grid.check(tile, limits)?;
        let same = |item: &Item| {
            let same_size = meta
                .properties(item)
                .and_then(|found| self::size(&found))
                .is_ok_and(|size| size == tile);
            same_size && item.kind == first.kind
        };
        let (mut tiles, mut total) = (Vec::with_capacity(ids.len()), 0_u64);
        for id in ids {
            let item = meta.item(id)?;
            if !same(item) {
                return Err(reject::corrupt("a grid of tiles that differ"));
            }
            let bytes = meta.bytes(file, item)?;
            // Tiles that are the same may be stored once, but not without end.
            total = total.saturating_add(bytes.len() as u64);
            if total > limits.max_input_bytes {
                return Err(reject::corrupt("a grid of more bytes than a file may have"));
            }
            tiles.push(bytes);
        }
        let mut picture = Self::new(setup, tiles, grid.columns, tile, size, &properties);
        // Some say what their colours mean of the tiles only.
        let of_tile = Self::new(setup, Vec::new(), 1, tile, tile, &first_properties);
        picture.code = picture.code.or(of_tile.code);
        picture.icc = picture.icc.or(of_tile.icc);
        Ok(picture)
    }

    /// A picture with these properties.
    pub(super) fn new(
        setup: Setup<'a>,
        tiles: Vec<Cow<'a, [u8]>>,
        across: usize,
        tile: (u32, u32),
        size: (u32, u32),
        properties: &[&Property<'a>],
    ) -> Self {
        let (mut turn, mut mirror) = (0, None);
        let mut picture = Self {
            codec: setup.codec,
            setup,
            tiles,
            across,
            tile,
            size,
            bits: setup.bits(),
            is_grey: setup.is_grey(),
            orientation: Orientation::default(),
            crop: None,
            code: None,
            icc: None,
            brightest: None,
            screen: None,
        };
        for property in properties {
            match **property {
                Property::Turn(quarters) => turn = quarters,
                Property::Mirror(axis) => mirror = Some(axis),
                Property::Crop(crop) => picture.crop = crop.of(size.0, size.1),
                Property::Code(code) => picture.code = Some(code),
                Property::Icc(icc) => picture.icc = Some(icc),
                Property::Brightest(light) if light > 0.0 => picture.brightest = Some(light),
                Property::Screen(light) if light > 0.0 => picture.screen = Some(light),
                _ => {}
            }
        }
        picture.orientation = super::orientation(turn, mirror);
        picture
    }

    /// The part that is shown.
    pub(super) fn part(&self) -> Part {
        self.crop.unwrap_or(Part {
            left: 0,
            top: 0,
            width: self.size.0,
            height: self.size.1,
        })
    }

    /// What the container says of its colours.
    pub(super) fn color(&self) -> Embedded {
        let layout = if self.is_grey {
            Layout::Gray
        } else {
            Layout::Rgb
        };
        let icc = self.icc.and_then(|icc| Embedded::of_icc(icc, layout));
        icc.unwrap_or_else(|| super::color(self.code, self.brightest.or(self.screen)))
    }

    /// Whether it is of the same codec as another picture, and is shown turned and cropped as that, or does not say how.
    pub(super) fn lies_as(&self, other: &Self) -> bool {
        let turned = [other.orientation, Orientation::default()].contains(&self.orientation);
        self.codec == other.codec && turned && self.crop.is_some() == other.crop.is_some()
    }

    pub(super) fn setup(&self) -> Setup<'a> {
        self.setup
    }

    /// A canvas for its colours, or for its luma alone.
    pub(super) fn canvas(&self, color: Embedded, is_alpha: bool) -> Canvas {
        Canvas::new(self.size, self.code, color, is_alpha)
    }

    /// Its colours, not cropped yet.
    pub(super) fn decode(&self, color: Embedded, planes: &[u8]) -> Result<Raster, ImageError> {
        self.painted(self.canvas(color, false), planes)
    }

    /// How visible the other picture is.
    pub(super) fn decode_alpha(&self, planes: &[u8]) -> Result<Raster, ImageError> {
        self.painted(self.canvas(Embedded::Nothing, true), planes)
    }

    /// The bitstreams of its tiles.
    pub(super) fn tiles(&self) -> Vec<&[u8]> {
        self.tiles.iter().map(AsRef::as_ref).collect()
    }

    fn painted(&self, mut canvas: Canvas, planes: &[u8]) -> Result<Raster, ImageError> {
        let mut decoder = self.setup.decoder(self.tile, &self.tiles(), planes)?;
        for (index, tile) in self.tiles.iter().enumerate() {
            let place = |index: usize, side: u32| {
                u32::try_from(index).map_or(u32::MAX, |index| index.saturating_mul(side))
            };
            let left = place(index % self.across, self.tile.0);
            let top = place(index / self.across, self.tile.1);
            decoder.decode(tile, |tile| {
                if tile.width < self.tile.0 || tile.height < self.tile.1 {
                    return Err(reject::corrupt("a picture smaller than announced").into());
                }
                canvas.paint(tile, (left, top), self.tile)
            })?;
        }
        canvas.finish()
    }
}

/// Width and height that a picture's properties announce.
fn size(properties: &[&Property]) -> Result<(u32, u32), Rejection> {
    let mut properties = properties.iter();
    let size = properties.find_map(|property| match **property {
        Property::Size(width, height) => Some((width, height)),
        _ => None,
    });
    size.ok_or_else(|| reject::corrupt("a picture without its size"))
}

/// How tiles make a picture (ISO/IEC 23008-12 §6.6.2.3).
struct Grid {
    rows: usize,
    columns: usize,
    size: (u32, u32),
}

impl Grid {
    fn read(bytes: &[u8]) -> Result<Self, Rejection> {
        let mut bytes = Bytes::new(bytes);
        let (_version, flags) = (bytes.u8()?, bytes.u8()?);
        let (rows, columns) = (usize::from(bytes.u8()?) + 1, usize::from(bytes.u8()?) + 1);
        let mut length = || {
            if flags & 1 == 1 {
                bytes.u32_be()
            } else {
                bytes.u16_be().map(u32::from)
            }
        };
        let size = (length()?, length()?);
        Ok(Self {
            rows,
            columns,
            size,
        })
    }

    /// Refuses tiles that do not make this picture, or of which most would not be seen.
    fn check(&self, tile: (u32, u32), limits: &ImageLimits) -> Result<(), Rejection> {
        limits.check_size(tile.0, tile.1)?;
        let fits = |count: usize, tile: u32, side: u32| {
            let (count, tile, side) = (count as u64, u64::from(tile), u64::from(side));
            (count - 1) * tile < side && side <= count * tile
        };
        if !fits(self.columns, tile.0, self.size.0) || !fits(self.rows, tile.1, self.size.1) {
            return Err(reject::corrupt(
                "a grid whose tiles do not make its picture",
            ));
        }
        let tiles = (self.rows * self.columns) as u64;
        let pixels = tiles * u64::from(tile.0) * u64::from(tile.1);
        let most = limits.max_pixels.saturating_mul(2);
        if pixels > most {
            let code = RejectionCode::TooManyPixels;
            return Err(reject::over(code, most, pixels, "px of tiles"));
        }
        Ok(())
    }
}
