//! From where the parts of the whole come. No I/O.

use std::ops::Range;

/// Bytes of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which, from 0.
    pub source: usize,
    /// Where in it.
    pub range: Range<u64>,
}

/// The pieces of each part of `part` bytes, of sources of these lengths behind each other. The last part has the rest.
pub fn pieces(lengths: &[u64], part: u64) -> Vec<Vec<Piece>> {
    let mut parts = Vec::new();
    let (mut pieces, mut missing) = (Vec::new(), part);
    for (source, length) in lengths.iter().enumerate() {
        let mut start = 0;
        while start < *length {
            let end = length.min(&(start + missing)).to_owned();
            pieces.push(Piece {
                source,
                range: start..end,
            });
            missing -= end - start;
            start = end;
            if missing == 0 {
                parts.push(std::mem::take(&mut pieces));
                missing = part;
            }
        }
    }
    if !pieces.is_empty() {
        parts.push(pieces);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_in_one_part_and_all_parts_but_the_last_are_full() {
        let piece = |source, range| Piece { source, range };
        assert_eq!(pieces(&[10], 10), [[piece(0, 0..10)]]);
        assert_eq!(
            pieces(&[25, 3, 1, 6], 10),
            [
                vec![piece(0, 0..10)],
                vec![piece(0, 10..20)],
                vec![
                    piece(0, 20..25),
                    piece(1, 0..3),
                    piece(2, 0..1),
                    piece(3, 0..1)
                ],
                vec![piece(3, 1..6)],
            ]
        );
        assert_eq!(pieces(&[], 10), Vec::<Vec<Piece>>::new());
        for lengths in [[1, 1, 1], [10, 10, 10], [9, 11, 21], [30, 1, 9]] {
            let parts = pieces(&lengths, 10);
            let size = |part: &Vec<Piece>| {
                part.iter()
                    .map(|p| p.range.end - p.range.start)
                    .sum::<u64>()
            };
            let (last, full) = parts.split_last().unwrap();
            assert!(full.iter().all(|part| size(part) == 10));
            assert_eq!(
                size(last) + 10 * full.len() as u64,
                lengths.iter().sum::<u64>()
            );
        }
    }
}
