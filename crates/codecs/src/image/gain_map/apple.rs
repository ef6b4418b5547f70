//! Gain maps as telephones of Apple write them: how much brighter the picture becomes stands in a packet of XMP or in the
//! maker's note, and samples are of light, not of stops ("Applying Apple HDR effect to your photos").

use super::metadata::Metadata;
use crate::image::exif;
use crate::image::raster::Raster;

/// Where the note's directory begins: behind its name, its version and the order of bytes.
const DIRECTORY: usize = 14;
/// The most that is believed, in parts of diffuse white. Telephones write 8 at most.
const MOST: f64 = 64.0;

/// How much brighter the picture becomes, if that is more than it is.
pub(in crate::image) fn headroom(value: f64) -> Option<f64> {
    (1.0 < value && value <= MOST).then_some(value)
}

/// The same, from the maker's note of a TIFF structure.
pub(in crate::image) fn headroom_of_exif(tiff: &[u8]) -> Option<f64> {
    let note = exif::maker_note(tiff)?;
    if !note.starts_with(b"Apple iOS\0") || note.get(12..DIRECTORY) != Some(b"MM") {
        return None;
    }
    let number = |tag| exif::fraction(note, DIRECTORY, tag);
    let (first, second) = (number(33)?, number(48)?);
    let stops = match (first < 1.0, second <= 0.01) {
        (true, true) => 1.8 - 20.0 * second,
        (true, false) => 1.601 - 0.101 * second,
        (false, true) => 3.0 - 70.0 * second,
        (false, false) => 2.303 - 0.303 * second,
    };
    headroom(stops.exp2())
}

/// The map with samples of stops, for a picture that becomes so much brighter.
pub(super) fn in_stops(mut map: Raster, headroom: f64) -> Option<(Raster, Metadata)> {
    let most = headroom.log2();
    let metadata = Metadata::even(0.0, most, most)?;
    let in_stops = |sample: u8| {
        let stops = (1.0 + (headroom - 1.0) * light(f64::from(sample) / 255.0)).log2();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 255"
        )]
        let sample = (255.0 * stops / most).round() as u8;
        sample
    };
    let table: Vec<u8> = (0..=u8::MAX).map(in_stops).collect();
    for sample in &mut map.data {
        *sample = table[usize::from(*sample)];
    }
    Some((map, metadata))
}

/// Undoes the transfer function of ITU-R BT.709.
fn light(level: f64) -> f64 {
    if level < 0.081 {
        level / 4.5
    } else {
        ((level + 0.099) / 1.099).powf(1.0 / 0.45)
    }
}
