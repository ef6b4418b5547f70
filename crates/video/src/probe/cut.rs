//! Whether a file ends before it should, by what its outermost structure says of its length.
//!
//! Only lengths are read here, no content. Streams that are made to be cut anywhere, and files that were written to the
//! end of a recording, say nothing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::probe::allowed::Container;

/// More boxes than a film of a day in fragments has.
const MOST_BOXES: usize = 1_000_000;

/// The bytes that the file should have at least, if it says so and has fewer.
pub fn announced(path: &Path, container: Container, size_bytes: u64) -> io::Result<Option<u64>> {
    let file = File::open(path)?;
    let announced = match container {
        Container::Mov => boxes(&file, size_bytes)?,
        Container::Matroska => segment(&file)?,
        Container::Avi => riffs(&file, size_bytes)?,
        Container::MpegTs
        | Container::MpegPs
        | Container::MpegVideo
        | Container::Flv
        | Container::Ogg => None,
    };
    Ok(announced.filter(|&announced| announced > size_bytes))
}

/// As many bytes as there are from `at` on, up to `N`; zeros after the end.
fn read<const N: usize>(file: &File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// The end of the last box that holds something of the film (ISO/IEC 14496-12 §4.2).
fn boxes(file: &File, size_bytes: u64) -> io::Result<Option<u64>> {
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        if at + 8 > size_bytes {
            break;
        }
        let head: [u8; 16] = read(file, at)?;
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |n: u64, byte| n << 8 | u64::from(*byte))
        };
        let (kind, length) = match number(&head[..4]) {
            1 => (&head[4..8], number(&head[8..])),
            short => (&head[4..8], short),
        };
        // Zero is: to the end, wherever that is.
        let Some(end) = at.checked_add(length).filter(|_| length >= 8) else {
            break;
        };
        if end > size_bytes {
            let matters = [&b"mdat"[..], b"moov", b"moof"].contains(&kind);
            return Ok(Some(end).filter(|_| matters));
        }
        at = end;
    }
    Ok(None)
}

/// The end of Matroska's one segment (RFC 8794 §4, RFC 9559 §5.1).
fn segment(file: &File) -> io::Result<Option<u64>> {
    let start: [u8; 256] = read(file, 0)?;
    let head = start.strip_prefix(&[0x1a, 0x45, 0xdf, 0xa3]);
    let Some((length, width)) = head.and_then(variable) else {
        return Ok(None);
    };
    let at = 4
        + width
        + usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(start.len());
    let segment = start.get(at..).unwrap_or_default();
    let behind_id = segment.strip_prefix(&[0x18, 0x53, 0x80, 0x67]);
    let Some((length, width)) = behind_id.and_then(variable) else {
        return Ok(None);
    };
    Ok(length.checked_add((at + 4 + width) as u64))
}

/// A number of EBML and how many bytes it takes; `None` where it means that nobody knows.
fn variable(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() as usize + 1;
    let number = bytes.get(..width)?.iter();
    let number = number.fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let marker = 1_u64 << (7 * width);
    let number = number & (marker - 1);
    (number != marker - 1).then_some((number, width))
}

/// The end of the last chunk of an AVI file, which are RIFF one after the other.
fn riffs(file: &File, size_bytes: u64) -> io::Result<Option<u64>> {
    let mut at = 0;
    while at + 12 <= size_bytes {
        let head: [u8; 12] = read(file, at)?;
        let ([b'R', b'I', b'F', b'F', a, b, c, d], b"AVI " | b"AVIX") = head.split_at(8) else {
            break;
        };
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        // What is written where nobody could go back to write the length.
        if length == 0 || length == u32::MAX {
            break;
        }
        at += 8 + u64::from(length);
        if at > size_bytes {
            return Ok(Some(at));
        }
        at += at % 2;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{Container, announced};

    /// What a file of these bytes should have more.
    fn lacking(container: Container, bytes: &[u8]) -> Option<u64> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film");
        std::fs::write(&path, bytes).unwrap();
        let size = bytes.len() as u64;
        let announced = announced(&path, container, size).unwrap();
        announced.map(|announced| announced - size)
    }

    #[test]
    fn what_is_cut_lacks_what_its_structure_says() {
        let film = b"\0\0\0\x08free\0\0\0\x0cmdat1234";
        assert_eq!(lacking(Container::Mov, film), None);
        assert_eq!(lacking(Container::Mov, &film[..film.len() - 3]), Some(3));
        let long = b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x201234";
        assert_eq!(lacking(Container::Mov, long), Some(12));
        let to_the_end = b"\0\0\0\x08free\0\0\0\0mdat1234";
        assert_eq!(lacking(Container::Mov, to_the_end), None);
        let padding = b"\0\0\0\x0cmdat1234\0\0\0\xfffree";
        assert_eq!(lacking(Container::Mov, padding), None);

        let segment = b"\x1a\x45\xdf\xa3\x82..\x18\x53\x80\x67\x841234";
        assert_eq!(lacking(Container::Matroska, segment), None);
        assert_eq!(
            lacking(Container::Matroska, &segment[..segment.len() - 1]),
            Some(1)
        );
        let live = b"\x1a\x45\xdf\xa3\x82..\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff1234";
        assert_eq!(lacking(Container::Matroska, live), None);

        let avi = b"RIFF\x08\0\0\0AVI 1234RIFF\x08\0\0\0AVIX1234";
        assert_eq!(lacking(Container::Avi, avi), None);
        assert_eq!(lacking(Container::Avi, &avi[..avi.len() - 4]), Some(4));
        assert_eq!(lacking(Container::Avi, b"RIFF\0\0\0\0AVI 1234"), None);
    }

    #[test]
    fn nonsense_lacks_nothing() {
        for nonsense in [&b""[..], b"x", &[0xff; 40], &[0; 40], b"\0\0\0\x01mdat"] {
            for container in [
                Container::Mov,
                Container::Matroska,
                Container::Avi,
                Container::Ogg,
            ] {
                assert_eq!(
                    lacking(container, nonsense),
                    None,
                    "{container:?} {nonsense:?}"
                );
            }
        }
    }
}
