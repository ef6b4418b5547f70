//! Telling drawn pictures from photos, by how many pixels repeat one beside them.

use crate::image::raster::Raster;

/// What kind of picture it is to an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) enum Graphic {
    /// A photo, or as fine as one.
    No,
    /// So small that storing it without loss costs next to nothing.
    Tiny,
    /// Most of its pixels repeat a neighbour.
    Flat,
}

/// The pixels of a tiny picture.
const TINY: usize = 64 * 64;

pub(in crate::image) fn judge(picture: &Raster) -> Graphic {
    let flat = || match picture.layout.channels() {
        3 => is_flat::<3>(picture),
        _ => is_flat::<4>(picture),
    };
    if picture.data.len() / picture.layout.channels() <= TINY {
        Graphic::Tiny
    } else if flat() {
        Graphic::Flat
    } else {
        Graphic::No
    }
}

/// Whether three of five pixels are the same as the one to the left, above, or between. Noise, of which every photo has
/// some, leaves few.
fn is_flat<const N: usize>(picture: &Raster) -> bool {
    let width = picture.width as usize;
    let pixels = picture.data.as_chunks::<N>().0;
    let rows: Vec<_> = pixels.chunks_exact(width).collect();
    let repeats = |above: &[[u8; N]], row: &[[u8; N]]| {
        (1..width)
            .filter(|&x| row[x] == row[x - 1] || row[x] == above[x] || row[x] == above[x - 1])
            .count()
    };
    let repeated: usize = rows.windows(2).map(|pair| repeats(pair[0], pair[1])).sum();
    let looked_at = rows.len().saturating_sub(1) * width.saturating_sub(1);
    repeated * 5 >= looked_at * 3 && looked_at > 0
}
