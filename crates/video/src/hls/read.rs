//! Reads playlists, ours or others', to check them.

use std::collections::BTreeMap;

/// A playlist that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a playlist: {0}")]
pub struct PlaylistError(pub &'static str);

/// A line that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `#EXT…`.
    Tag(Tag),
    /// An address.
    Uri(String),
}

/// A tag and what follows its colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Without the hash.
    pub name: String,
    /// As it stands.
    pub value: String,
}

/// What a multivariant playlist leads to: attributes, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Attributes by name, without quotes.
    pub attributes: BTreeMap<String, String>,
    /// The address of the media playlist.
    pub uri: String,
}

/// A multivariant playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Master {
    /// `EXT-X-VERSION`.
    pub version: u64,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent: bool,
    /// `EXT-X-MEDIA`.
    pub media: Vec<Part>,
    /// `EXT-X-STREAM-INF`.
    pub variants: Vec<Part>,
    /// `EXT-X-I-FRAME-STREAM-INF`.
    pub keyframes: Vec<Part>,
}

/// A part of a file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byterange {
    /// How many.
    pub length: u64,
    /// From where.
    pub offset: u64,
}

/// A media playlist.
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each tag without a value"
)]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// `EXT-X-VERSION`.
    pub version: u64,
    /// `EXT-X-TARGETDURATION` in seconds.
    pub target: u64,
    /// `EXT-X-PLAYLIST-TYPE:VOD`.
    pub vod: bool,
    /// `EXT-X-ENDLIST`.
    pub ended: bool,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent: bool,
    /// `EXT-X-I-FRAMES-ONLY`.
    pub keyframes_only: bool,
    /// The address in `EXT-X-MAP`.
    pub map: Option<String>,
    /// Seconds, address, and part of each segment.
    pub segments: Vec<(f64, String, Option<Byterange>)>,
}

fn lines(text: &str) -> Result<Vec<Line>, PlaylistError> {
    let mut lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    if lines.next() != Some("#EXTM3U") {
        return Err(PlaylistError("it does not begin with #EXTM3U"));
    }
    let lines = lines.filter_map(|line| match line.strip_prefix('#') {
        None => Some(Line::Uri(line.to_owned())),
        Some(tag) if tag.starts_with("EXT") => {
            let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
            let (name, value) = (name.to_owned(), value.to_owned());
            Some(Line::Tag(Tag { name, value }))
        }
        Some(_comment) => None,
    });
    Ok(lines.collect())
}

/// Reads `NAME=value,OTHER="quoted, value"`.
fn attributes(text: &str) -> Result<BTreeMap<String, String>, PlaylistError> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once('=')
            .ok_or(PlaylistError("an attribute without value"))?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted
                .split_once('"')
                .ok_or(PlaylistError("an open quote"))?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if found.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(PlaylistError("an attribute twice"));
        }
        rest = match after.strip_prefix(',') {
            Some(rest) => rest,
            None if after.is_empty() => "",
            None => return Err(PlaylistError("text after a quote")),
        };
    }
    Ok(found)
}

/// Reads a multivariant playlist.
pub fn read_master(text: &str) -> Result<Master, PlaylistError> {
    let mut master = Master::default();
    let mut stream = None;
    for line in lines(text)? {
        let tag = match line {
            Line::Uri(uri) => {
                let attributes = stream
                    .take()
                    .ok_or(PlaylistError("an address without its tag"))?;
                master.variants.push(Part { attributes, uri });
                continue;
            }
            Line::Tag(tag) => tag,
        };
        match &*tag.name {
            "EXT-X-VERSION" => master.version = number(&tag.value)?,
            "EXT-X-INDEPENDENT-SEGMENTS" => master.independent = true,
            "EXT-X-STREAM-INF" => stream = Some(attributes(&tag.value)?),
            "EXT-X-MEDIA" => master.media.push(part(&tag.value)?),
            "EXT-X-I-FRAME-STREAM-INF" => master.keyframes.push(part(&tag.value)?),
            _ => {}
        }
    }
    if stream.is_some() {
        return Err(PlaylistError("a tag without its address"));
    }
    Ok(master)
}

fn part(value: &str) -> Result<Part, PlaylistError> {
    let mut attributes = attributes(value)?;
    let uri = attributes
        .remove("URI")
        .ok_or(PlaylistError("a rendition without address"))?;
    Ok(Part { attributes, uri })
}

/// Reads a media playlist.
pub fn read_media(text: &str) -> Result<MediaPlaylist, PlaylistError> {
    let mut playlist = MediaPlaylist::default();
    let (mut seconds, mut range) = (None, None);
    for line in lines(text)? {
        let tag = match line {
            Line::Uri(uri) => {
                let seconds = seconds
                    .take()
                    .ok_or(PlaylistError("a segment without length"))?;
                playlist.segments.push((seconds, uri, range.take()));
                continue;
            }
            Line::Tag(tag) => tag,
        };
        match &*tag.name {
            "EXT-X-VERSION" => playlist.version = number(&tag.value)?,
            "EXT-X-TARGETDURATION" => playlist.target = number(&tag.value)?,
            "EXT-X-PLAYLIST-TYPE" => playlist.vod = tag.value == "VOD",
            "EXT-X-ENDLIST" => playlist.ended = true,
            "EXT-X-INDEPENDENT-SEGMENTS" => playlist.independent = true,
            "EXT-X-I-FRAMES-ONLY" => playlist.keyframes_only = true,
            "EXT-X-MAP" => playlist.map = attributes(&tag.value)?.remove("URI"),
            "EXTINF" => {
                let length = tag.value.split(',').next().unwrap_or_default();
                let length: f64 = length
                    .parse()
                    .map_err(|_| PlaylistError("a length that is none"))?;
                if !(0.0..=1e9).contains(&length) {
                    return Err(PlaylistError("a length that is none"));
                }
                seconds = Some(length);
            }
            "EXT-X-BYTERANGE" => {
                let (length, offset) = tag
                    .value
                    .split_once('@')
                    .ok_or(PlaylistError("a range without start"))?;
                let (length, offset) = (number(length)?, number(offset)?);
                range = Some(Byterange { length, offset });
            }
            _ => {}
        }
    }
    Ok(playlist)
}

fn number(text: &str) -> Result<u64, PlaylistError> {
    text.trim()
        .parse()
        .map_err(|_| PlaylistError("a number that is none"))
}

#[cfg(test)]
mod tests {
    use super::{Byterange, read_master, read_media};

    #[test]
    fn playlists_are_read() {
        let master = read_master(
            "#EXTM3U\n#EXT-X-VERSION:7\n# a comment\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a, b\",URI=\"s/i\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a,b\"\nv/index.m3u8\n",
        );
        let master = master.unwrap();
        assert_eq!(master.media[0].attributes["NAME"], "a, b");
        assert_eq!(master.variants[0].attributes["CODECS"], "a,b");
        assert_eq!(master.variants[0].uri, "v/index.m3u8");
        let media = "#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:5.5,\n#EXT-X-BYTERANGE:7@9\nx\n#EXT-X-ENDLIST\n";
        let media = read_media(media).unwrap();
        let range = Byterange {
            length: 7,
            offset: 9,
        };
        assert_eq!(media.segments, [(5.5, "x".to_owned(), Some(range))]);
        assert!(media.ended && !media.vod);
    }

    #[test]
    fn what_is_no_playlist_is_refused() {
        for text in [
            "",
            "x",
            "#EXTM3U\nx",
            "#EXTM3U\n#EXTINF:x,\ny",
            "#EXTM3U\n#EXTINF:NaN,\ny",
        ] {
            assert!(read_media(text).is_err(), "{text:?}");
        }
        for text in [
            "#EXTM3U\n#EXT-X-STREAM-INF:A=\"b",
            "#EXTM3U\n#EXT-X-MEDIA:A=b",
            "#EXTM3U\nx",
        ] {
            assert!(read_master(text).is_err(), "{text:?}");
        }
    }
}
