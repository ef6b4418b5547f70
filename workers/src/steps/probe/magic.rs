//! What the first bytes of a file look like. No I/O.

/// Bytes of a packet of a transport stream, and of one with a time before it.
const TS_PACKETS: [(usize, usize); 2] = [(0, 188), (4, 192)];

/// The media type that they look like.
pub(super) fn looks_like(start: &[u8]) -> Option<&'static str> {
    let known = || infer::get(start).map(|kind| kind.mime_type());
    picture(start)
        .or_else(|| sound(start))
        .or_else(|| office(start))
        .or_else(known)
        .or_else(|| film(start))
        .or_else(|| document(start))
        .or_else(|| drawing(start))
}

/// SVG, in which scripts may be.
fn drawing(start: &[u8]) -> Option<&'static str> {
    let first = start.trim_ascii_start().get(..4)?;
    first
        .eq_ignore_ascii_case(b"<svg")
        .then_some("image/svg+xml")
}

/// Whether what is in a file of this type says whether it is a document of an office program.
pub(super) fn is_package(mime: &str) -> bool {
    [
        ZIP,
        COMPOUND,
        RTF,
        "application/msword",
        "application/vnd.ms-",
        "application/vnd.oasis.opendocument",
        "application/vnd.openxmlformats-officedocument",
    ]
    .iter()
    .any(|family| mime.starts_with(family))
}

const ZIP: &str = "application/zip";
const COMPOUND: &str = "application/x-ole-storage";
const RTF: &str = "application/rtf";

/// What documents of office programs come in, but for ZIP archives.
fn office(start: &[u8]) -> Option<&'static str> {
    let compound = start.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    let rtf = start.starts_with(br"{\rtf");
    compound.then_some(COMPOUND).or(rtf.then_some(RTF))
}

/// PDF with something before its head, which viewers pass over (ISO 32000-2 annex I, note 13).
fn document(start: &[u8]) -> Option<&'static str> {
    let head = start.get(..1024.min(start.len()))?;
    let found = head.windows(5).any(|word| word == b"%PDF-");
    found.then_some("application/pdf")
}

/// Sounds that `infer` does not know, or does not tell from others.
fn sound(start: &[u8]) -> Option<&'static str> {
    /// The first object of ASF, its header.
    const ASF: [u8; 16] = [
        0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce,
        0x6c,
    ];
    match start {
        [
            b'R',
            b'F',
            b'6',
            b'4',
            _,
            _,
            _,
            _,
            b'W',
            b'A',
            b'V',
            b'E',
            ..,
        ] => Some("audio/vnd.wave"),
        [
            b'F',
            b'O',
            b'R',
            b'M',
            _,
            _,
            _,
            _,
            b'A',
            b'I',
            b'F',
            b'F' | b'C',
            ..,
        ] => Some("audio/aiff"),
        // Narrow band, wide band, and either with several channels (RFC 4867 §5.1); like scripts, they begin with `#!`.
        [b'#', b'!', b'A', b'M', b'R', ..] => Some("audio/amr"),
        [0xff, second, third, ..] if second & 0xe0 == 0xe0 => mpeg_frame(*second, *third),
        _ => start.starts_with(&ASF).then_some("audio/x-ms-wma"),
    }
}

/// A frame of MPEG audio (ISO/IEC 11172-3 §2.4.1.3) or of ADTS (13818-7 §6.2), by the bytes after its first.
fn mpeg_frame(second: u8, third: u8) -> Option<&'static str> {
    let layer = second >> 1 & 0b11;
    let reserved = second >> 3 & 0b11 == 0b01 || third >> 4 == 0b1111 || third >> 2 & 0b11 == 0b11;
    match layer {
        0b00 if second & 0xf0 == 0xf0 => Some("audio/aac"),
        // The first layer is used by nobody, and texts in UTF-16 look like it.
        0b01 | 0b10 if !reserved => Some("audio/mpeg"),
        _ => None,
    }
}

/// Pictures in ISO media, by the brand that the file goes by (ISO/IEC 23008-12 §10): `infer` knows some of them.
fn picture(start: &[u8]) -> Option<&'static str> {
    // A codestream alone, and one in boxes.
    if start.starts_with(b"\xFF\x0A") || start.starts_with(b"\0\0\0\x0CJXL ") {
        return Some("image/jxl");
    }
    if start.get(4..8) != Some(b"ftyp") {
        return None;
    }
    match start.get(8..12)? {
        b"avif" | b"avis" => Some("image/avif"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" | b"mif1"
        | b"mif2" | b"msf1" => Some("image/heic"),
        _ => None,
    }
}

/// Films that `infer` does not know: brands of ISO media that are newer or rarer, `QuickTime` from before there were
/// brands, and transport streams.
fn film(start: &[u8]) -> Option<&'static str> {
    match start.get(4..8) {
        Some(b"ftyp") if start.get(8..10) == Some(b"3g") => return Some("video/3gpp"),
        Some(b"ftyp") => return Some("video/mp4"),
        Some(b"moov" | b"mdat" | b"wide" | b"skip" | b"pnot") => return Some("video/quicktime"),
        _ => {}
    }
    let stream = |(first, length): (usize, usize)| {
        let syncs = [0, 1, 2].map(|packet| start.get(first + packet * length));
        syncs.iter().all(|sync| sync == &Some(&0x47))
    };
    TS_PACKETS.into_iter().any(stream).then_some("video/mp2t")
}

#[cfg(test)]
mod tests {
    use media::formats::{InputFormat, Kind};

    use super::looks_like;

    #[test]
    fn sounds_are_known_by_their_first_bytes() {
        for (start, expected) in [
            (&b"ID3\x04\0\0\0\0\0\0"[..], Some("audio/mpeg")),
            (b"\xff\xfb\x90\x44", Some("audio/mpeg")),
            (b"\xff\xe3\x18\xc4", Some("audio/mpeg")),
            (b"\xff\xfa\x90\x44", Some("audio/mpeg")),
            (b"\xff\xf1\x50\x80", Some("audio/aac")),
            (b"\xff\xf8\x50\x80", Some("audio/aac")),
            (b"RF64\xff\xff\xff\xffWAVEds64", Some("audio/vnd.wave")),
            (b"FORM\0\0\0\0AIFCFVER", Some("audio/aiff")),
            (
                b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
                Some("audio/x-ms-wma"),
            ),
            (b"#!AMR\n", Some("audio/amr")),
            (b"#!AMR-WB\n", Some("audio/amr")),
            (b"fLaC\0\0\0\x22", Some("audio/x-flac")),
            (b"\xff\xfeh\0i\0", None),
        ] {
            let found = looks_like(start);
            assert_eq!(found, expected);
            assert_eq!(
                found.map(|found| InputFormat::from_declared(found).unwrap().kind()),
                expected.map(|_| Kind::Audio)
            );
        }
    }

    #[test]
    fn documents_are_known_by_their_first_bytes() {
        let late = format!("{}%PDF-1.4\n", "x".repeat(1000));
        for (start, expected) in [
            (b"%PDF-1.7\n".to_vec(), Some("application/pdf")),
            (late.into(), Some("application/pdf")),
            (format!("{}%PDF-1.4", "x".repeat(1100)).into(), None),
            (
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0".to_vec(),
                Some("application/x-ole-storage"),
            ),
            (br"{\rtf1 x}".to_vec(), Some("application/rtf")),
            (
                b"PK\x03\x04\x14\0\0\0\0\0......photo.jpg".to_vec(),
                Some("application/zip"),
            ),
        ] {
            assert_eq!(looks_like(&start), expected);
        }
    }

    #[test]
    fn pictures_in_iso_media_are_no_films() {
        for (start, expected) in [
            (&b"\0\0\0\x18ftypavis\0\0\0\0"[..], "image/avif"),
            (b"\0\0\0\x18ftypheix\0\0\0\0", "image/heic"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0miafheic", "image/heic"),
            (
                b"\0\0\0\x0CJXL \x0D\x0A\x87\x0A\0\0\0\x14ftypjxl ",
                "image/jxl",
            ),
        ] {
            assert_eq!(looks_like(start), Some(expected));
        }
    }

    #[test]
    fn films_are_known_by_their_first_bytes() {
        let mut stream = vec![0_u8; 600];
        let mut timed = stream.clone();
        for packet in 0..3 {
            stream[packet * 188] = 0x47;
            timed[4 + packet * 192] = 0x47;
        }
        for (start, expected) in [
            (&b"\0\0\0\x18ftyp3gp4\0\0\0\0"[..], Some("video/3gpp")),
            (b"\0\0\0\x18ftypiso9\0\0\0\0", Some("video/mp4")),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Some("video/quicktime")),
            (&stream, Some("video/mp2t")),
            (&timed, Some("video/mp2t")),
            (b"ffconcat version 1.0\nfile /etc/passwd\n", None),
            (b"#EXTM3U\n", None),
        ] {
            assert_eq!(looks_like(start), expected);
        }
    }
}
