//! What a tool says: its standard output piece by piece, of its standard error the two ends.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use crate::exec::error::ToolError;
use crate::exec::limits::{Resource, ToolLimits};

/// How much of a tool's standard error is kept: its start, and as much of its end.
const STDERR_BYTES: usize = 4 * 1024;
/// The most bytes that are handed on at once.
const PIECE_BYTES: u64 = 64 * 1024;

/// Hands on what comes, a line with its end at a time, or so many bytes of one that is longer.
pub async fn read_pieces(
    pipe: Option<impl AsyncRead + Unpin>,
    limits: &ToolLimits,
    mut on_piece: impl FnMut(&[u8]) -> Result<(), ToolError>,
) -> Result<(), ToolError> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut pipe = BufReader::new(pipe.take(limits.output_bytes.saturating_add(1)));
    let (mut piece, mut total) = (Vec::new(), 0);
    loop {
        piece.clear();
        let read = (&mut pipe)
            .take(PIECE_BYTES)
            .read_until(b'\n', &mut piece)
            .await
            .map_err(ToolError::io("listening to a tool"))?;
        total += read as u64;
        if total > limits.output_bytes {
            return Err(ToolError::limit_hit(limits, Resource::Output));
        }
        if read == 0 {
            return Ok(());
        }
        on_piece(&piece)?;
    }
}

/// The start and the end of a pipe's bytes. All is read, so that the writer is not held up.
pub async fn read_ends(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let (mut start, mut end) = (Vec::new(), Vec::new());
    if let Some(mut pipe) = pipe {
        (&mut pipe)
            .take(STDERR_BYTES as u64)
            .read_to_end(&mut start)
            .await?;
        let mut buffer = [0; STDERR_BYTES];
        loop {
            let read = pipe.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            end.extend_from_slice(&buffer[..read]);
            let surplus = end.len().saturating_sub(STDERR_BYTES);
            end.drain(..surplus);
        }
    }
    let (start, end) = (
        String::from_utf8_lossy(&start),
        String::from_utf8_lossy(&end),
    );
    let gap = if end.len() < STDERR_BYTES {
        ""
    } else {
        "\n[…]\n"
    };
    Ok(format!("{start}{gap}{end}").trim().to_owned())
}
