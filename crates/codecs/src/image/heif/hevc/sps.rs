//! What a sequence parameter set says that its samples mean (ITU-T H.265 §7.3.2.2 and annex E).

use crate::image::heif::property::Code;

/// The code points, as far as they are there; nothing if the set cannot be read so far.
pub(super) fn code(set: &[u8]) -> Option<Code> {
    let mut bits = Bits::new(set);
    bits.skip(16 + 4)?; // header of the unit, video parameter set
    let sub_layers = bits.read(3)?;
    bits.skip(1)?;
    profile(&mut bits, sub_layers)?;
    bits.golomb()?;
    if bits.golomb()? == 3 {
        bits.skip(1)?;
    }
    bits.golomb()?; // width
    bits.golomb()?; // height
    if bits.read(1)? == 1 {
        for _ in 0..4 {
            bits.golomb()?;
        }
    }
    bits.golomb()?; // depths
    bits.golomb()?;
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
        scaling_lists(&mut bits)?;
    }
    bits.skip(2)?;
    if bits.read(1)? == 1 {
        bits.skip(8)?;
        bits.golomb()?;
        bits.golomb()?;
        bits.skip(1)?;
    }
    references(&mut bits)?;
    if bits.read(1)? == 1 {
        for _ in 0..bits.golomb()? {
            bits.skip(order_bits.checked_add(1)?)?;
        }
    }
    bits.skip(2)?;
    if bits.read(1)? == 0 {
        return Some(Code::default());
    }
    usability(&mut bits)
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
        Self { bytes, at: 0 }
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
