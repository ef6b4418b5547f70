//! MPEG audio with something before its first frame, such as what is left of a download's head. Players pass over it;
//! ffmpeg may take it for something else.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Bytes among which the first frame is looked for.
const REACH: u64 = 1 << 20;
/// Frames in a row that are no chance.
const FRAMES: usize = 4;

/// Kilobits in a second by the field of a frame's header, from its second value on (ISO/IEC 11172-3 §2.4.2.3, 13818-3
/// §2.4.2.3): layers I, II and III of MPEG-1, then layer I, and II and III, of MPEG-2.
const KILOBITS: [[u32; 14]; 5] = [
    [
        32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Where the first frame begins, if something is before it.
pub(super) fn first_frame(file: &Path) -> io::Result<Option<u64>> {
    let mut start = Vec::new();
    File::open(file)?.take(REACH).read_to_end(&mut start)?;
    let found = (1..start.len()).find(|&at| is_row(&start, at));
    Ok(found.map(|at| at as u64))
}

/// Whether several frames of one kind follow each other from there on.
fn is_row(bytes: &[u8], mut at: usize) -> bool {
    // Version, layer and sample rate stay the same.
    let kind = |header: &[u8]| [header[1] & 0xfe, header[2] & 0x0c];
    let Some(first) = bytes.get(at..at + 4) else {
        return false;
    };
    (0..FRAMES).all(|_| {
        let Some(header) = bytes.get(at..at + 4) else {
            return false;
        };
        let length = length([header[0], header[1], header[2], header[3]]);
        at += length.unwrap_or_default();
        length.is_some() && kind(header) == kind(first)
    })
}

/// Bytes of the frame with this header.
fn length(header: [u8; 4]) -> Option<usize> {
    if header[0] != 0xff || header[1] & 0xe0 != 0xe0 {
        return None;
    }
    let field = |byte: usize, shift: u8, bits: u8| usize::from(header[byte] >> shift & bits);
    let (version, layer) = (field(1, 3, 3), field(1, 1, 3));
    let is_first = version == 3;
    let row = match (is_first, layer) {
        (true, 3) => 0,
        (true, 2) => 1,
        (true, 1) => 2,
        (false, 3) => 3,
        (false, 1 | 2) => 4,
        _ => return None,
    };
    let kilobits = *KILOBITS[row].get(field(2, 4, 15).checked_sub(1)?)?;
    let rate = *[44_100, 48_000, 32_000].get(field(2, 2, 3))?;
    let rate = match version {
        3 => rate,
        2 => rate / 2,
        0 => rate / 4,
        _ => return None,
    };
    let padding = u32::try_from(field(2, 1, 1)).ok()?;
    // In slots of four bytes or of one.
    let (samples, slot) = match (is_first, layer) {
        (_, 3) => (384, 4),
        (false, 1) => (576, 1),
        _ => (1152, 1),
    };
    let slots = samples / 8 * kilobits * 1000 / rate / slot + padding;
    usize::try_from(slots * slot).ok()
}

#[cfg(test)]
mod tests {
    use super::{first_frame, length};

    #[test]
    fn frames_are_as_long_as_their_headers_say() {
        for (header, bytes) in [
            ([0xff, 0xfb, 0x90, 0x00], Some(417)), // MPEG-1 layer III, 128 kbit/s, 44.1 kHz
            ([0xff, 0xfb, 0x92, 0x00], Some(418)), // padded
            ([0xff, 0xf3, 0x80, 0x00], Some(208)), // MPEG-2 layer III, 64 kbit/s, 22.05 kHz
            ([0xff, 0xff, 0x40, 0x00], Some(136)), // MPEG-1 layer I, 128 kbit/s, 44.1 kHz
            ([0xff, 0xfb, 0xf0, 0x00], None),
            ([0xff, 0xfb, 0x0c, 0x00], None),
            ([0xde, 0xad, 0xbe, 0xef], None),
        ] {
            assert_eq!(length(header), bytes, "{header:02x?}");
        }
    }

    #[test]
    fn the_first_of_several_frames_is_found_behind_whatever_it_is() {
        let frame = [&[0xff, 0xfb, 0x90, 0x00][..], &[7; 413]].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.mp3");
        for (before, frames, found) in [
            (vec![0xde; 5000], 5, Some(5000)),
            ([&frame[..100], &[0; 9]].concat(), 4, Some(109)),
            (vec![0xff; 300], 3, None),
            (Vec::new(), 0, None),
        ] {
            std::fs::write(&path, [before, frame.repeat(frames)].concat()).unwrap();
            assert_eq!(first_frame(&path).unwrap(), found);
        }
    }
}
