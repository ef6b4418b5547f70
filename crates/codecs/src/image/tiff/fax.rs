//! Black and white rows of CCITT group 3 and 4 (ITU-T T.4 and T.6): runs of white and black, in turn.

use std::convert::Infallible;
use std::iter;

use fax::decoder::{DecodeStatus, Group4Decoder};
use fax::maps::{black, white};
use fax::{BitReader, ByteReader};

/// Bits of a mark between rows, all zero but the last.
const MARK: u8 = 12;

/// How rows are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Each begins with a byte.
    Aligned,
    /// A mark stands before each.
    Marked,
}

/// Rows of packed pixels, black as 1; as many as there are, at most `height`.
pub(super) fn group4(data: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut rows = Vec::new();
    let bytes = data.iter().copied().map(Ok::<u8, Infallible>);
    let Ok(mut decoder) = Group4Decoder::new(bytes, width);
    let mut count = 0;
    while count < height {
        match decoder.advance() {
            Ok(DecodeStatus::Incomplete) => append(&mut rows, decoder.transition(), width),
            // What is left out at the end is white.
            Ok(DecodeStatus::End) => append(&mut rows, &[], width),
            Err(_) => break,
        }
        count += 1;
    }
    rows
}

/// As [`group4`], of rows that do not build on each other.
pub(super) fn runs(data: &[u8], width: u32, height: u32, marks: Rows) -> Vec<u8> {
    let mut rows = Vec::new();
    // The last code may be looked at as if more came behind it.
    let bytes = data.iter().copied().chain(iter::repeat_n(0, 4));
    let Ok(mut bits) = ByteReader::new(bytes.map(Ok::<u8, Infallible>));
    for _ in 0..height {
        if marks == Rows::Marked && !skip_mark(&mut bits) {
            break;
        }
        let Some(changes) = row(&mut bits, width) else {
            break;
        };
        append(&mut rows, &changes, width);
        if marks == Rows::Aligned {
            let odd = bits.bits_to_byte_boundary();
            let Ok(()) = bits.consume(odd);
        }
    }
    rows
}

/// Moves behind the mark before a row, if there is one. False where marks follow each other: that is the end.
fn skip_mark<R: BitReader<Error = Infallible>>(bits: &mut R) -> bool {
    let mut marks = 0;
    loop {
        match bits.peek(MARK) {
            Some(0) => {
                let Ok(()) = bits.consume(1);
            }
            Some(1) => {
                marks += 1;
                let Ok(()) = bits.consume(MARK);
            }
            Some(_) => return marks < 2,
            None => return false,
        }
    }
}

/// Where a row changes its colour, from white on. Nothing if it cannot be read.
fn row<R: BitReader<Error = Infallible>>(bits: &mut R, width: u32) -> Option<Vec<u32>> {
    let mut changes = Vec::new();
    let mut at = 0;
    while at < width {
        let is_white = changes.len() % 2 == 0;
        loop {
            let length = if is_white {
                white::decode(bits)
            } else {
                black::decode(bits)
            }?;
            at += u32::from(length);
            // Longer runs are made of several codes.
            if length < 64 {
                break;
            }
            if at > width {
                return None;
            }
        }
        changes.push(at.min(width));
    }
    Some(changes)
}

/// Packs a row.
fn append(rows: &mut Vec<u8>, changes: &[u32], width: u32) {
    let start = rows.len();
    rows.resize(start + width.div_ceil(8) as usize, 0);
    let row = &mut rows[start..];
    for run in changes.chunks(2) {
        let from = run[0];
        let to = run.get(1).copied().unwrap_or(width);
        for x in from..to.min(width) {
            row[(x / 8) as usize] |= 0x80 >> (x % 8);
        }
    }
}
