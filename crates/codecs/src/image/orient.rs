//! Turning stored pixels the right way up.

use serde::{Deserialize, Serialize};

use super::raster::Raster;

/// EXIF orientation, 1 to 8: how stored pixels are to be mirrored and turned (Exif 2.32 §4.6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Orientation(u16);

impl Orientation {
    /// Nothing for a value that is not 1 to 8.
    pub fn new(value: u16) -> Option<Self> {
        (1..=8).contains(&value).then_some(Self(value))
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        self.0 >= 5
    }

    /// A stored size as displayed, or a displayed size as stored.
    pub(super) fn turn(self, width: u32, height: u32) -> (u32, u32) {
        if self.is_sideways() {
            (height, width)
        } else {
            (width, height)
        }
    }
}

impl Default for Orientation {
    fn default() -> Self {
        Self(1)
    }
}

impl From<Orientation> for u16 {
    fn from(orientation: Orientation) -> Self {
        orientation.0
    }
}

impl TryFrom<u16> for Orientation {
    type Error = &'static str;

    fn try_from(value: u16) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("orientation is not 1 to 8")
    }
}

/// The picture as it is meant to be seen.
pub(super) fn upright(picture: Raster, orientation: Orientation) -> Raster {
    match picture.layout.channels() {
        1 => turned::<1>(picture, orientation),
        2 => turned::<2>(picture, orientation),
        3 => turned::<3>(picture, orientation),
        _ => turned::<4>(picture, orientation),
    }
}

/// Every orientation is an optional transposition followed by mirroring one axis, both or none.
fn turned<const N: usize>(mut picture: Raster, orientation: Orientation) -> Raster {
    if orientation.is_sideways() {
        picture = transposed::<N>(picture);
    }
    let width = picture.width as usize;
    let pixels = picture.data.as_chunks_mut::<N>().0;
    match orientation.0 {
        2 | 6 => pixels.chunks_exact_mut(width).for_each(<[_]>::reverse),
        3 | 7 => pixels.reverse(),
        4 | 8 => mirror_rows(pixels, width),
        _ => {}
    }
    picture
}

/// Swaps rows first with last, second with second last, and so on.
fn mirror_rows<T>(pixels: &mut [T], width: usize) {
    let half = pixels.len() / width / 2 * width;
    let (top, rest) = pixels.split_at_mut(half);
    for (above, below) in top
        .chunks_exact_mut(width)
        .zip(rest.rchunks_exact_mut(width))
    {
        above.swap_with_slice(below);
    }
}

/// Rows become columns, in tiles small enough that both sides stay in the first-level cache.
fn transposed<const N: usize>(picture: Raster) -> Raster {
    const TILE: usize = 32;
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut data = vec![0; picture.data.len()];
    let from = picture.data.as_chunks::<N>().0;
    let to = data.as_chunks_mut::<N>().0;
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for x in left..(left + TILE).min(width) {
                for y in top..(top + TILE).min(height) {
                    to[x * height + y] = from[y * width + x];
                }
            }
        }
    }
    Raster {
        width: picture.height,
        height: picture.width,
        data,
        ..picture
    }
}
