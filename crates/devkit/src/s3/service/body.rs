//! Bodies in and bodies out, in wide pieces: disk and network work at the same time, and memory stays bounded.

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream, StreamExt as _};
use s3s::TrailingHeaders;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::stream::ByteStream as _;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use tokio::task::spawn_blocking;

use super::Service;
use super::checksums::Claims;
use crate::s3::store::{Checksums, Reading, Received, hex};

/// Bytes gathered before they are hashed and written, and bytes read at once.
const PIECE_BYTES: usize = 512 * 1024;
/// A sender silent for longer than this is given up.
const STALL: Duration = Duration::from_mins(1);
/// A sender that has sent less than this on average, after as long as it may be silent, is given up too.
const MIN_BYTES_PER_SECOND: u64 = 1024;

/// Takes in a body. Nothing of it stays when it is cut short or its checksums are wrong.
pub(super) async fn receive(
    service: &Service,
    body: Option<StreamingBlob>,
    claims: Claims,
    trailers: Option<&TrailingHeaders>,
) -> S3Result<Received> {
    let (temp, file) = service
        .run(|store| {
            let temp = store.temp_file()?;
            let file = temp.open()?;
            Ok((temp, file))
        })
        .await?;
    let mut sink = Sink {
        file,
        md5: Md5::new(),
        hasher: claims.hasher(),
        size_bytes: 0,
    };
    if let Some(mut body) = body {
        let announced = body.remaining_length().exact();
        let mut pace = Pace::new();
        let mut piece = gather(&mut body, &mut pace).await?;
        while !piece.is_empty() {
            // Hash and write this piece while the next one arrives.
            let write = spawn_blocking(move || sink.write(&piece));
            let next = gather(&mut body, &mut pace).await;
            sink = write
                .await
                .map_err(S3Error::internal_error)?
                .map_err(S3Error::internal_error)?;
            piece = next?;
        }
        if announced.is_some_and(|announced| announced as u64 != sink.size_bytes) {
            return Err(s3_error!(IncompleteBody));
        }
    }
    let md5 = sink.md5.finalize();
    let checksums = Checksums::from(sink.hasher.finalize());
    claims.check(&md5, &checksums, trailers)?;
    Ok(Received {
        file: temp,
        size_bytes: sink.size_bytes,
        md5: hex(&md5),
        checksums,
    })
}

struct Sink {
    file: File,
    md5: Md5,
    hasher: ChecksumHasher,
    size_bytes: u64,
}

impl Sink {
    fn write(mut self, piece: &[Bytes]) -> io::Result<Self> {
        for bytes in piece {
            self.md5.update(bytes);
            self.hasher.update(bytes);
            self.file.write_all(bytes)?;
            self.size_bytes += bytes.len() as u64;
        }
        Ok(self)
    }
}

/// How fast a body comes in.
struct Pace {
    began: Instant,
    bytes: u64,
}

impl Pace {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            bytes: 0,
        }
    }

    /// Notes what came; whether the sender may go on.
    fn is_kept(&mut self, bytes: usize) -> bool {
        self.bytes += bytes as u64;
        is_fast_enough(self.bytes, self.began.elapsed())
    }
}

fn is_fast_enough(bytes: u64, elapsed: Duration) -> bool {
    elapsed < STALL || bytes / elapsed.as_secs() >= MIN_BYTES_PER_SECOND
}

/// The next piece of the body, as it came; empty at the end.
async fn gather(body: &mut StreamingBlob, pace: &mut Pace) -> S3Result<Vec<Bytes>> {
    let mut piece = Vec::new();
    let mut size = 0;
    while size < PIECE_BYTES {
        let next = tokio::time::timeout(STALL, body.next()).await;
        match next.map_err(|_| s3_error!(RequestTimeout))? {
            Some(Ok(bytes)) => {
                if !pace.is_kept(bytes.len()) {
                    return Err(s3_error!(RequestTimeout));
                }
                size += bytes.len();
                piece.push(bytes);
            }
            Some(Err(error)) => return Err(body_error(error)),
            None => break,
        }
    }
    Ok(piece)
}

fn body_error(error: s3s::StdError) -> S3Error {
    // The framework's error types are private; their texts are fixed with its version.
    let text = error.to_string();
    let code = if text.contains("Sha256Mismatch") {
        S3ErrorCode::BadDigest
    } else if text.contains("SignatureMismatch") {
        S3ErrorCode::SignatureDoesNotMatch
    } else {
        S3ErrorCode::IncompleteBody
    };
    S3Error::with_source(code, error)
}

/// The bytes of an object in a range, one piece read ahead. The object stays readable while the stream lives.
pub(super) fn read(
    object: Reading,
    range: Range<u64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static {
    let pieces = pieces(&object, range);
    let object = Arc::new(object);
    stream::iter(pieces)
        .map(move |piece| {
            let object = Arc::clone(&object);
            let read = spawn_blocking(move || read_piece(&object, &piece));
            async move { read.await.map_err(io::Error::other)? }
        })
        .buffered(2)
}

/// Part of one data file.
struct Piece {
    segment: usize,
    offset: u64,
    length: usize,
}

fn pieces(
    object: &Reading,
    range: Range<u64>,
) -> impl Iterator<Item = Piece> + Send + Sync + use<> {
    let sizes: Vec<u64> = object
        .record
        .segments
        .iter()
        .map(|segment| segment.size_bytes)
        .collect();
    let mut start_of_next = 0;
    sizes
        .into_iter()
        .enumerate()
        .flat_map(move |(segment, size)| {
            let start = start_of_next;
            start_of_next += size;
            // The overlap of the range with this file, in the file's own offsets.
            let first = range.start.clamp(start, start + size) - start;
            let end = range.end.clamp(start, start + size) - start;
            (first..end).step_by(PIECE_BYTES).map(move |offset| Piece {
                segment,
                offset,
                length: usize::try_from(end - offset)
                    .unwrap_or(PIECE_BYTES)
                    .min(PIECE_BYTES),
            })
        })
}

fn read_piece(object: &Reading, piece: &Piece) -> io::Result<Bytes> {
    let file = object.open(&object.record.segments[piece.segment])?;
    let mut buffer = BytesMut::zeroed(piece.length);
    file.read_exact_at(&mut buffer, piece.offset)?;
    Ok(buffer.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drip_is_no_body() {
        let minutes = Duration::from_mins;
        assert!(
            is_fast_enough(1, Duration::from_secs(59)),
            "it may begin slowly"
        );
        assert!(!is_fast_enough(12, minutes(1)), "a byte every five seconds");
        assert!(
            !is_fast_enough(1 << 20, minutes(60)),
            "fast once, and slow since"
        );
        assert!(
            is_fast_enough(8 << 20, minutes(60)),
            "a part over a very thin line"
        );
    }
}
