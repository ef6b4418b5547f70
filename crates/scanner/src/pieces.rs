//! A file larger than a daemon takes at once is scanned in pieces.

use std::ops::Range;

/// Most bytes of one scan. libclamav scans no stream of 2 GiB or more, and `StreamMaxLength` is told in whole MiB.
pub const MAX_PIECE_BYTES: u64 = 2000 * 1024 * 1024 - 1;

/// Fewest bytes of a piece that a caller may ask for.
pub const MIN_PIECE_BYTES: u64 = 4 * OVERLAP_BYTES;

/// Bytes that two neighbours share, so that what a signature describes is whole in one of them. Signatures of bodies look
/// for some hundred bytes, seldom for some thousand.
const OVERLAP_BYTES: u64 = 1024 * 1024;

/// The ranges of a file of `size_bytes` that are to be scanned one after the other, each of at most `piece_bytes`. One
/// range, where that is enough. What the daemon can only judge whole, such as a hash of the file or an archive, it finds
/// only in a file of one piece.
pub fn pieces(size_bytes: u64, piece_bytes: u64) -> impl Iterator<Item = Range<u64>> {
    let piece_bytes = piece_bytes.clamp(MIN_PIECE_BYTES, MAX_PIECE_BYTES);
    let step = piece_bytes - OVERLAP_BYTES;
    let count = size_bytes
        .saturating_sub(OVERLAP_BYTES)
        .div_ceil(step)
        .max(1);
    (0..count).map(move |index| {
        let start = index * step;
        start..size_bytes.min(start.saturating_add(piece_bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_overlap_and_leave_nothing_out() {
        const MIB: u64 = 1 << 20;
        for (size, piece, count) in [
            (0, 8 * MIB, 1),
            (1, 8 * MIB, 1),
            (8 * MIB, 8 * MIB, 1),
            (8 * MIB + 1, 8 * MIB, 2),
            (15 * MIB, 8 * MIB, 2),
            (15 * MIB + 1, 8 * MIB, 3),
            (MAX_PIECE_BYTES, u64::MAX, 1),
            (MAX_PIECE_BYTES + 1, u64::MAX, 2),
            (20 << 30, MAX_PIECE_BYTES, 11),
            (5 << 40, 0, 1_747_627),
        ] {
            let pieces: Vec<_> = pieces(size, piece).collect();
            assert_eq!(pieces.len(), count, "{size} in {piece}");
            assert_eq!((pieces[0].start, pieces[count - 1].end), (0, size));
            for pair in pieces.windows(2) {
                assert_eq!(pair[0].end - pair[1].start, OVERLAP_BYTES, "{size}");
                assert!(pair[1].end > pair[0].end, "{size}");
            }
            let most = piece.clamp(MIN_PIECE_BYTES, MAX_PIECE_BYTES);
            assert!(pieces.iter().all(|piece| piece.end - piece.start <= most));
        }
    }
}
