//! What a sequence parameter set says of pictures and their samples (ITU-T H.265 §7.3.2.2 and annex E).

use media::Rejection;

use crate::image::heif::property::Code;
use crate::image::heif::samples::Chroma;
use crate::image::reject;

/// The parameters of a sequence of pictures, as far as they matter to whoever shows them.
pub(super) struct Sps {
    /// Width and height in pixels, of which the encoder's padding was cut off.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) chroma: Chroma,
    /// Of a sample.
    pub(super) bits: u32,
    /// What samples mean.
    pub(super) code: Code,
}

impl Sps {
    pub(super) fn read(set: &[u8]) -> Result<Self, Rejection> {
        let mut bits = Bits::new(set);
        let picture = picture(&mut bits);
        let (mut sps, depth_of_chroma) =
            picture.ok_or_else(|| reject::corrupt("parameters of a heic that cannot be read"))?;
        if depth_of_chroma != sps.bits || sps.bits > 12 {
            return Err(reject::unsupported("heic of these depths"));
        }
        sps.code = code(&mut bits).unwrap_or_default();
        Ok(sps)
    }

    /// Width and height of a plane of colour, in samples.
    pub(super) fn chroma_size(&self) -> (u32, u32) {
        let (width, height) = (self.width, self.height);
        match self.chroma {
            Chroma::None => (0, 0),
            Chroma::Quarter => (width.div_ceil(2), height.div_ceil(2)),
            Chroma::Half => (width.div_ceil(2), height),
            Chroma::All => (width, height),
        }
    }

    pub(super) fn bytes_of_sample(&self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// Bytes of each plane of a picture.
    pub(super) fn lengths(&self) -> [usize; 3] {
        let length = |(width, height): (u32, u32)| {
            let samples = (width as usize).saturating_mul(height as usize);
            samples.saturating_mul(self.bytes_of_sample())
        };
        let chroma = length(self.chroma_size());
        [length((self.width, self.height)), chroma, chroma]
    }
}

/// Up to the depths: all but the meaning of samples, and how deep those of colour are.
fn picture(bits: &mut Bits) -> Option<(Sps, u32)> {
    bits.skip(16 + 4)?; // header of the unit, video parameter set
    let sub_layers = bits.read(3)?;
    bits.sub_layers = sub_layers;
    bits.skip(1)?;
    profile(bits, sub_layers)?;
    bits.golomb()?;
    let (chroma, across, down) = match bits.golomb()? {
        0 => (Chroma::None, 1, 1),
        1 => (Chroma::Quarter, 2, 2),
        2 => (Chroma::Half, 2, 1),
        // Planes on their own are each as grey pictures.
        3 if bits.read(1)? == 1 => return None,
        3 => (Chroma::All, 1, 1),
        _ => return None,
    };
    let (mut width, mut height) = (bits.golomb()?, bits.golomb()?);
    if bits.read(1)? == 1 {
        let mut padding = || bits.golomb()?.checked_add(bits.golomb()?);
        let (beside, above_and_below) = (padding()?, padding()?);
        width = width.checked_sub(beside.checked_mul(across)?)?;
        height = height.checked_sub(above_and_below.checked_mul(down)?)?;
    }
    let mut depth = || bits.golomb()?.checked_add(8);
    let (luma, of_chroma) = (depth()?, depth()?);
    let sps = Sps {
        width,
        height,
        chroma,
        bits: luma,
        code: Code::default(),
    };
    let is_grey = chroma == Chroma::None;
    Some((sps, if is_grey { luma } else { of_chroma }))
}

/// The code points behind the depths, as far as they are there; nothing if the set cannot be read so far.
fn code(bits: &mut Bits) -> Option<Code> {
    let sub_layers = bits.sub_layers;
    let order_bits = bits.golomb()?.checked_add(4)?;
    let first = if bits.read(1)? == 1 { 0 } else { sub_layers };
    for _ in first..=sub_layers {
        for _ in 0..3 {
            bits.golomb()?;
        }
    }
    for _ in 0..6 {
        bits.golomb()?; // sizes of blocks
    }
    if bits.read(1)? == 1 && bits.read(1)? == 1 {
        scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.read(1)? == 1 {
        bits.skip(8)?;
        bits.golomb()?;
        bits.golomb()?;
        bits.skip(1)?;
    }
    references(bits)?;
    if bits.read(1)? == 1 {
        for _ in 0..bits.golomb()? {
            bits.skip(order_bits.checked_add(1)?)?;
        }
    }
    bits.skip(2)?;
    if bits.read(1)? == 0 {
        return Some(Code::default());
    }
    usability(bits)
}

/// Profile, tier and level, of the sub-layers as well.
fn profile(bits: &mut Bits, sub_layers: u32) -> Option<()> {
    const PROFILE: u32 = 88;
    const LEVEL: u32 = 8;
    bits.skip(PROFILE + LEVEL)?;
    let mut flags = Vec::new();
    for _ in 0..sub_layers {
        flags.push((bits.read(1)?, bits.read(1)?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    for (profile, level) in flags {
        bits.skip(profile * PROFILE + level * LEVEL)?;
    }
    Some(())
}

fn scaling_lists(bits: &mut Bits) -> Option<()> {
    for size in 0..4 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if bits.read(1)? == 0 {
                bits.golomb()?;
                continue;
            }
            let count = 64.min(1 << (4 + 2 * size)) + u32::from(size > 1);
            for _ in 0..count {
                bits.golomb()?;
            }
        }
    }
    Some(())
}

/// Sets of short-term references. No still picture has any; they are there nevertheless.
fn references(bits: &mut Bits) -> Option<()> {
    const MOST: u32 = 64;
    let count = bits.golomb()?;
    let mut before = 0;
    for index in 0..count {
        if count > MOST {
            return None;
        }
        if index > 0 && bits.read(1)? == 1 {
            bits.skip(1)?;
            bits.golomb()?;
            let mut kept = 0;
            for _ in 0..=before {
                if bits.read(1)? == 1 || bits.read(1)? == 1 {
                    kept += 1;
                }
            }
            before = kept;
        } else {
            before = bits.golomb()?.checked_add(bits.golomb()?)?;
            if before > MOST {
                return None;
            }
            for _ in 0..before {
                bits.golomb()?;
                bits.skip(1)?;
            }
        }
    }
    Some(())
}

/// The usability information, up to the colours.
fn usability(bits: &mut Bits) -> Option<Code> {
    const OTHER_SHAPE: u32 = 255;
    let mut code = Code::default();
    if bits.read(1)? == 1 && bits.read(8)? == OTHER_SHAPE {
        bits.skip(32)?;
    }
    if bits.read(1)? == 1 {
        bits.skip(1)?;
    }
    if bits.read(1)? == 1 {
        bits.skip(3)?;
        code.full_range = bits.read(1)? == 1;
        if bits.read(1)? == 1 {
            let mut byte = || bits.read(8).and_then(|byte| u8::try_from(byte).ok());
            (code.primaries, code.transfer, code.matrix) = (byte()?, byte()?, byte()?);
        }
    }
    Some(code)
}

/// Bits of a unit, without the bytes that keep start codes from appearing (§7.4.2).
struct Bits {
    bytes: Vec<u8>,
    at: usize,
    /// Layers in time, less one.
    sub_layers: u32,
}

impl Bits {
    fn new(unit: &[u8]) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for &byte in unit {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self {
            bytes,
            at: 0,
            sub_layers: 0,
        }
    }

    fn bit(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit.into())
    }

    /// A number of up to 32 bits.
    fn read(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number: u32, _| Some(number << 1 | self.bit()?))
    }

    fn skip(&mut self, count: u32) -> Option<()> {
        self.at = self.at.checked_add(count as usize)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// A number coded by Exp-Golomb (§9.2). With a sign it has the same length.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read(zeros)?)
    }
}
