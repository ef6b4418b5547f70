//! The peaks of a sound, as waveforms are drawn from them.
//!
//! In the shape that `audiowaveform` writes (its data format, version 2), so that players of waveforms read
//! it: for each pixel the smallest and the largest of so many samples, of all channels mixed into one.

use serde::{Deserialize, Serialize};

/// Takes samples as they come. Memory grows with the number of pixels alone.
pub(super) struct Measuring {
    samples_per_pixel: u32,
    /// The first byte of a sample whose second has not come yet.
    half: Option<u8>,
    pixels: Vec<[i8; 2]>,
    least: i16,
    most: i16,
    in_pixel: u32,
    samples: u64,
}

impl Measuring {
    /// A pixel stands for `samples_per_pixel` samples.
    pub fn new(samples_per_pixel: u32) -> Self {
        Self {
            samples_per_pixel: samples_per_pixel.max(1),
            half: None,
            pixels: Vec::new(),
            least: i16::MAX,
            most: i16::MIN,
            in_pixel: 0,
            samples: 0,
        }
    }

    /// Takes samples of 16 bits, little-endian; the bytes may end in the middle of one.
    pub fn take(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if let (Some(low), Some((&high, rest))) = (self.half, bytes.split_first()) {
            self.half = None;
            self.sample(i16::from_le_bytes([low, high]));
            bytes = rest;
        }
        let (pairs, rest) = bytes.as_chunks::<2>();
        for &pair in pairs {
            self.sample(i16::from_le_bytes(pair));
        }
        self.half = rest.first().copied().or(self.half);
    }

    /// How many samples have come.
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    fn sample(&mut self, sample: i16) {
        self.least = self.least.min(sample);
        self.most = self.most.max(sample);
        self.in_pixel += 1;
        self.samples += 1;
        if self.in_pixel == self.samples_per_pixel {
            self.end_pixel();
        }
    }

    fn end_pixel(&mut self) {
        self.pixels.push([self.least, self.most].map(eight_bits));
        (self.least, self.most, self.in_pixel) = (i16::MAX, i16::MIN, 0);
    }

    /// All of them.
    pub fn finish(mut self, sample_rate: u32) -> Peaks {
        if self.in_pixel > 0 {
            self.end_pixel();
        }
        Peaks {
            version: 2,
            channels: 1,
            sample_rate,
            samples_per_pixel: self.samples_per_pixel,
            bits: 8,
            length: self.pixels.len(),
            data: self.pixels.into_flattened(),
        }
    }
}

/// The upper eight bits, towards zero.
fn eight_bits(sample: i16) -> i8 {
    // From -128 to 127.
    i8::try_from(sample / 256).unwrap_or(i8::MAX)
}

/// All of them, as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peaks {
    /// Of the format.
    pub version: u32,
    /// Waveforms beside each other.
    pub channels: u32,
    /// Samples in a second.
    pub sample_rate: u32,
    /// Samples that a pixel stands for.
    pub samples_per_pixel: u32,
    /// Of each number.
    pub bits: u32,
    /// How many pixels there are.
    pub length: usize,
    /// Of each pixel the smallest sample and the largest, from -128 to 127.
    pub data: Vec<i8>,
}

impl Peaks {
    /// The smallest and the largest of each of `columns` parts of equal length, silence where there is none.
    pub(super) fn columns(&self, columns: usize) -> impl Iterator<Item = (i8, i8)> {
        let (pixels, _) = self.data.as_chunks::<2>();
        (0..columns).map(move |column| {
            let first = column * pixels.len() / columns;
            let end = ((column + 1) * pixels.len() / columns).max(first + 1);
            let part = pixels.get(first..end.min(pixels.len()));
            let part = part.unwrap_or_default().iter();
            part.fold((0, 0), |(least, most), pixel| {
                (least.min(pixel[0]), most.max(pixel[1]))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Measuring;

    #[test]
    fn peaks_are_the_same_however_the_bytes_come() {
        let samples = [1000_i16, -32_768, 32_767, 256, -255, 7];
        let bytes: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
        for piece in 1..=bytes.len() {
            let mut measuring = Measuring::new(4);
            bytes.chunks(piece).for_each(|bytes| measuring.take(bytes));
            assert_eq!(measuring.samples(), 6);
            let peaks = measuring.finish(48_000);
            assert_eq!(peaks.data, [-128, 127, 0, 0], "{piece}");
            assert_eq!(peaks.length, 2);
        }
    }

    #[test]
    fn a_part_that_is_empty_is_silent() {
        let nothing = Measuring::new(256).finish(48_000);
        assert_eq!(nothing.columns(2).collect::<Vec<_>>(), [(0, 0); 2]);
        let mut one = Measuring::new(1);
        one.take(&[0, 0x7f, 0, 0x80]);
        let columns: Vec<_> = one.finish(48_000).columns(4).collect();
        assert_eq!(columns, [(0, 127), (0, 127), (-128, 0), (-128, 0)]);
    }
}
