//! What the first bytes of a file look like. No I/O.

/// Bytes of a packet of a transport stream, and of one with a time before it.
const TS_PACKETS: [(usize, usize); 2] = [(0, 188), (4, 192)];

/// The media type that they look like.
pub(super) fn looks_like(start: &[u8]) -> Option<&'static str> {
    let known = infer::get(start).map(|kind| kind.mime_type());
    picture(start).or(known).or_else(|| film(start))
}

/// Pictures in ISO media, by the brand that the file goes by (ISO/IEC 23008-12 §10): `infer` knows some of them.
fn picture(start: &[u8]) -> Option<&'static str> {
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
    use super::looks_like;

    #[test]
    fn pictures_in_iso_media_are_no_films() {
        for (start, expected) in [
            (&b"\0\0\0\x18ftypavis\0\0\0\0"[..], "image/avif"),
            (b"\0\0\0\x18ftypheix\0\0\0\0", "image/heic"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0miafheic", "image/heic"),
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
