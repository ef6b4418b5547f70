//! Whether a sound is protected by DRM, by a sign in its bytes.

use std::io::Read;
use std::path::Path;

use crate::audio::allowed::Container;
use crate::probe::raw::Stream;

/// Tags of MP4 for a track that is encrypted: by common encryption, and by Apple's `FairPlay`.
const TAGS: [&str; 3] = ["enca", "encv", "drms"];
/// Objects in the header of ASF (its specification, §10.12) that say so.
const CONTENT_ENCRYPTION: [[u8; 16]; 2] = [
    [
        0xfb, 0xb3, 0x11, 0x22, 0x23, 0xbd, 0xd2, 0x11, 0xb4, 0xb7, 0x00, 0xa0, 0xc9, 0x55, 0xfc,
        0x6e,
    ],
    [
        0x14, 0xe6, 0x8a, 0x29, 0x22, 0x26, 0x17, 0x4c, 0xb9, 0x35, 0xda, 0xe0, 0x7e, 0xe9, 0x28,
        0x9c,
    ],
];
/// As much of a file as may hold its header.
const HEADER_BYTES: u64 = 64 * 1024;

/// Whether a track says so.
pub(super) fn by_tag(streams: &[Stream]) -> bool {
    let mut tags = streams.iter().map(|stream| &*stream.codec_tag_string);
    tags.any(|tag| TAGS.contains(&tag))
}

/// Whether the header of the file says so. Fails where it cannot be read.
pub(super) fn by_header(container: Container, file: &Path) -> std::io::Result<bool> {
    if container != Container::Asf {
        return Ok(false);
    }
    let mut start = Vec::new();
    let file = std::fs::File::open(file)?;
    file.take(HEADER_BYTES).read_to_end(&mut start)?;
    let is_one = |bytes: &[u8]| CONTENT_ENCRYPTION.iter().any(|object| object == bytes);
    Ok(start.windows(16).any(is_one))
}
