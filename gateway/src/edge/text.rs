//! Texts that are sent compressed: playlists say most of what they say again and again.

use std::io::{self, Write as _};

use api::http::encoding::takes_gzip;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt as _;
use media::formats::OutputFormat;
use poem::Request;
use storage::{Object, ObjectInfo, StorageError};

/// Longer ones are sent as they are, in bytes: a compressed one is held in memory whole.
const MOST_BYTES: u64 = 1 << 20;

/// Whether an object is sent in an encoding that the client chooses.
pub fn is_text(info: &ObjectInfo) -> bool {
    let texts = [OutputFormat::Hls, OutputFormat::Vtt];
    let is = |format: &OutputFormat| info.content_type.as_deref() == Some(format.mime_type());
    info.size_bytes <= MOST_BYTES && texts.iter().any(is)
}

/// Whether this client gets it compressed.
pub fn is_compressed(request: &Request, info: &ObjectInfo) -> bool {
    is_text(info) && takes_gzip(request)
}

/// All of an object, compressed.
pub async fn compress(object: Object) -> Result<Vec<u8>, StorageError> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let mut body = object.body;
    while let Some(chunk) = body.try_next().await? {
        gzip.write_all(&chunk).map_err(unwritten)?;
    }
    gzip.finish().map_err(unwritten)
}

/// Writing to memory does not fail.
fn unwritten(error: io::Error) -> StorageError {
    StorageError::LocalFile(error)
}
