//! One file of a size of a film and of its sounds, to be played while it is fetched (ISO/IEC 14496-12).
//!
//! What is needed to play stands first (`moov`), then the samples: the segments of all tracks in the order of their
//! times. No sample is encoded anew, nor moved to another time.

mod moov;
mod track;

use std::ops::Range;

pub use track::Track;

use crate::mp4::Mp4Error;

/// What a file consists of.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its first bytes, which stand before all samples.
    pub head: Vec<u8>,
    /// Where the rest is, in the order of the file.
    pub pieces: Vec<Piece>,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// The samples of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which of the tracks, counted from 0.
    pub track: usize,
    /// Which of the segments of the track, counted from 0.
    pub segment: usize,
    /// Where in the segment's file they are.
    pub range: Range<u64>,
}

/// Lays out the file that plays `tracks`, each of which has a segment at least, for `duration_us`.
pub fn lay_out(tracks: &[Track], duration_us: u64) -> Result<Layout, Mp4Error> {
    let pieces = in_order(tracks);
    let samples: u64 = pieces.iter().map(|piece| length(&piece.range)).sum();
    // Offsets always have the same size, so the first try tells where samples begin.
    let begin = head(tracks, &pieces, duration_us, 0, samples)?.len();
    let head = head(tracks, &pieces, duration_us, begin as u64, samples)?;
    Ok(Layout {
        size_bytes: head.len() as u64 + samples,
        head,
        pieces,
    })
}

/// By time. Of what begins together the sounds stand first: they are small, and who has them and the first pictures can
/// play.
fn in_order(tracks: &[Track]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (number, track) in tracks.iter().enumerate() {
        for (segment, chunk) in track.chunks().iter().enumerate() {
            let piece = Piece {
                track: number,
                segment,
                range: chunk.range.clone(),
            };
            pieces.push((chunk.start_us, track.has_pictures(), piece));
        }
    }
    pieces.sort_by_key(|(start_us, has_pictures, piece)| (*start_us, *has_pictures, piece.track));
    pieces.into_iter().map(|(_, _, piece)| piece).collect()
}

/// All before the samples, which begin at byte `begin` and have so many bytes.
fn head(
    tracks: &[Track],
    pieces: &[Piece],
    duration_us: u64,
    begin: u64,
    samples: u64,
) -> Result<Vec<u8>, Mp4Error> {
    let mut offsets: Vec<Vec<u64>> = vec![Vec::new(); tracks.len()];
    let mut at = begin;
    for piece in pieces {
        offsets[piece.track].push(at);
        at += length(&piece.range);
    }
    let mut head = Vec::new();
    moov::file_type(&mut head);
    moov::write(&mut head, tracks, &offsets, duration_us)?;
    // A length of 64 bits, whatever it is.
    head.extend(1_u32.to_be_bytes());
    head.extend(b"mdat");
    head.extend((16 + samples).to_be_bytes());
    Ok(head)
}

const fn length(range: &Range<u64>) -> u64 {
    range.end - range.start
}
