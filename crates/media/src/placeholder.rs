//! What to show of a file while its picture is loading.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A picture in a few bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placeholder {
    /// A blurred version: a thumbhash, 25 bytes at most.
    pub thumbhash: Vec<u8>,
    /// The colour that most of the visible pixels nearly have.
    pub color: Color,
}

/// Red, green and blue in sRGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Color(pub [u8; 3]);

impl Placeholder {
    /// Whether it can have come from a picture: the thumbhash is exactly as long as its head says, so that whoever
    /// decodes it reads nothing beyond its end.
    pub fn is_plausible(&self) -> bool {
        length(&self.thumbhash) == Some(self.thumbhash.len())
    }
}

/// How many bytes a thumbhash has that begins like this.
fn length(hash: &[u8]) -> Option<usize> {
    let &[_, _, third, fourth, fifth, ..] = hash else {
        return None;
    };
    let (has_alpha, is_landscape) = (third >> 7 == 1, fifth >> 7 == 1);
    // Waves of brightness along the sides.
    let (longer, shorter) = (if has_alpha { 5 } else { 7 }, usize::from(fourth & 7));
    if !(1..=longer).contains(&shorter) {
        return None;
    }
    let (wide, high) = if is_landscape {
        (longer, shorter.max(3))
    } else {
        (shorter.max(3), longer)
    };
    let alpha = if has_alpha { factors(5, 5) } else { 0 };
    // Brightness, two channels of colour, transparency: half a byte for each factor.
    let halves = factors(wide, high) + 2 * factors(3, 3) + alpha;
    Some(5 + usize::from(has_alpha) + halves.div_ceil(2))
}

/// Factors of a channel with so many waves each way: those in the corner of low frequencies, but the mean.
fn factors(wide: usize, high: usize) -> usize {
    let row = |y: usize| (wide * (high - y)).div_ceil(high);
    (0..high).map(row).sum::<usize>() - 1
}

impl Color {
    /// As the database has it: `0xRRGGBB`.
    pub(crate) fn to_number(self) -> i32 {
        let [red, green, blue] = self.0;
        i32::from_be_bytes([0, red, green, blue])
    }

    /// The reverse of [`to_number`](Self::to_number).
    pub(crate) fn from_number(number: i32) -> Self {
        let [_, red, green, blue] = number.to_be_bytes();
        Self([red, green, blue])
    }
}

/// `#rrggbb`, as in CSS.
impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plausible(hash: &[u8]) -> bool {
        let placeholder = Placeholder {
            thumbhash: hash.to_vec(),
            color: Color::default(),
        };
        placeholder.is_plausible()
    }

    #[test]
    fn a_thumbhash_is_as_long_as_its_head_says() {
        // Landscape, and portrait with transparency, as the reference implementation writes them.
        let landscape = [&[0, 0, 0, 5, 0x80][..], &[7; 16]].concat();
        let transparent = [&[0, 0, 0x80, 4, 0, 0xff][..], &[7; 19]].concat();
        for hash in [landscape, transparent] {
            assert!(plausible(&hash), "{hash:?}");
            assert!(!plausible(&[&hash[..], &[7]].concat()));
            assert!(!plausible(&hash[..hash.len() - 1]));
        }
        for none in [&[][..], &[0; 4], &[0; 5], &[0xff; 400]] {
            assert!(!plausible(none));
        }
    }

    #[test]
    fn colors_are_written_as_in_css() {
        let color = Color([1, 0xab, 255]);
        assert_eq!(color.to_string(), "#01abff");
        assert_eq!(Color::from_number(color.to_number()), color);
    }
}
