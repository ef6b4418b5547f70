//! Unpacks strips and tiles, into no more bytes than they can have.

use flate2::{Decompress, FlushDecompress};
use weezl::BitOrder;
use weezl::decode::Decoder;

use super::fax::{self, Rows};
use super::info::{Compression, Info};

/// The bytes of a strip or tile of so many rows, each of `row` bytes and `width` pixels; fewer if it is not whole.
pub(super) fn bytes(info: &Info, packed: &[u8], (width, rows): (u32, u32), row: usize) -> Vec<u8> {
    let most = row.saturating_mul(rows as usize);
    let reversed: Vec<u8>;
    let packed = if info.lowest_first {
        reversed = packed.iter().map(|byte| byte.reverse_bits()).collect();
        &reversed
    } else {
        packed
    };
    match info.compression {
        Compression::None | Compression::Jpeg => packed[..packed.len().min(most)].to_vec(),
        Compression::Lzw => lzw(packed, most),
        Compression::Deflate => deflate(packed, most),
        Compression::PackBits => pack_bits(packed, most),
        Compression::Runs => fax::runs(packed, width, rows, Rows::Aligned),
        Compression::Group3 => fax::runs(packed, width, rows, Rows::Marked),
        Compression::Group4 => fax::group4(packed, width, rows),
    }
}

/// How much room is made at once, so that a short strip does not cost what it claims.
const STEP: usize = 1 << 20;

fn lzw(mut packed: &[u8], most: usize) -> Vec<u8> {
    let mut decoder = Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        if start == most {
            return bytes;
        }
        bytes.resize(most.min(start + STEP), 0);
        let step = decoder.decode_bytes(packed, &mut bytes[start..]);
        packed = &packed[step.consumed_in..];
        bytes.truncate(start + step.consumed_out);
        let more = matches!(step.status, Ok(weezl::LzwStatus::Ok));
        if !more || step.consumed_in + step.consumed_out == 0 {
            return bytes;
        }
    }
}

fn deflate(mut packed: &[u8], most: usize) -> Vec<u8> {
    let mut decoder = Decompress::new(true);
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        if start == most {
            return bytes;
        }
        bytes.resize(most.min(start + STEP), 0);
        let (taken, given) = (decoder.total_in(), decoder.total_out());
        let status = decoder.decompress(packed, &mut bytes[start..], FlushDecompress::None);
        let step = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(0);
        let (taken, given) = (
            step(decoder.total_in(), taken),
            step(decoder.total_out(), given),
        );
        packed = &packed[taken..];
        bytes.truncate(start + given);
        let more = matches!(status, Ok(flate2::Status::Ok));
        if !more || taken + given == 0 {
            return bytes;
        }
    }
}

/// Runs of bytes, and bytes as they are (TIFF 6.0 §9).
fn pack_bits(packed: &[u8], most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut packed = packed.iter().copied();
    while bytes.len() < most {
        let Some(head) = packed.next() else {
            break;
        };
        match head.cast_signed() {
            literal @ 0.. => {
                let count = usize::from(literal.unsigned_abs()) + 1;
                bytes.extend(packed.by_ref().take(count));
            }
            i8::MIN => {}
            run => {
                let Some(byte) = packed.next() else {
                    break;
                };
                let count = usize::from(run.unsigned_abs()) + 1;
                bytes.extend(std::iter::repeat_n(byte, count));
            }
        }
    }
    bytes.truncate(most);
    bytes
}
