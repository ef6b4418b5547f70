//! One streaming scan (clamd(8), `INSTREAM`): chunks behind their length, an empty one at the end.

use std::time::Duration;

use tokio::time::Instant;

use super::{ClamdClient, ClamdError, Verdict, alive::while_alive, connection::Connection};

/// Bytes of a chunk on the wire. Small chunks cost the daemon a system call or two each.
const CHUNK: usize = 256 << 10;

/// libclamav scans no file of this many bytes or more, whatever its limits say, and answers "OK".
const NEVER_SCANNED: u64 = i32::MAX as u64;

/// A scan under way. Dropped before [`Scan::finish`], it is abandoned.
pub struct Scan {
    connection: Connection,
    client: ClamdClient,
    started: Instant,
    /// Bytes given to us.
    length: u64,
    /// Bytes not sent yet, less than a chunk.
    pending: Vec<u8>,
    /// What the daemon said before the end.
    early: Option<Verdict>,
}

impl Scan {
    pub(super) async fn begin(client: &ClamdClient) -> Result<Self, ClamdError> {
        let mut scan = Self {
            started: Instant::now(),
            connection: Connection::open(client).await?,
            client: client.clone(),
            length: 0,
            pending: Vec::new(),
            early: None,
        };
        scan.send(&[b"zINSTREAM\0"]).await?;
        Ok(scan)
    }

    /// Gives the scanner the next bytes, of any number; 256 KiB or more at a time are sent as they
    /// are, fewer are gathered first.
    ///
    /// Goes on accepting bytes after the scanner has had enough of them, so that a caller who reads
    /// for others too need not care; [`Scan::finish`] tells.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ClamdError> {
        self.length += bytes.len() as u64;
        let mut rest = bytes;
        if !self.pending.is_empty() || rest.len() < CHUNK {
            let (head, tail) = rest.split_at(rest.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(head);
            rest = tail;
            if self.pending.len() == CHUNK {
                let full = std::mem::take(&mut self.pending);
                self.send_chunk(&full).await?;
            }
        }
        while rest.len() >= CHUNK {
            let (chunk, tail) = rest.split_at(rest.len().min(4 * CHUNK));
            self.send_chunk(chunk).await?;
            rest = tail;
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Ends the stream and waits for the verdict.
    pub async fn finish(mut self) -> Result<Verdict, ClamdError> {
        let last = std::mem::take(&mut self.pending);
        if !last.is_empty() {
            self.send_chunk(&last).await?;
        }
        self.send(&[&[0; 4]]).await?;
        let verdict = match self.early.take() {
            Some(verdict) => verdict,
            None => self.verdict().await?,
        };
        if verdict == Verdict::Clean && self.length >= NEVER_SCANNED {
            return Ok(Verdict::NotCovered {
                reason: "larger than ClamAV scans at all".into(),
            });
        }
        Ok(verdict)
    }

    async fn send_chunk(&mut self, chunk: &[u8]) -> Result<(), ClamdError> {
        let length = u32::try_from(chunk.len())
            .expect("a chunk is at most 1 MiB")
            .to_be_bytes();
        self.send(&[&length, chunk]).await
    }

    /// Sends, unless the daemon has spoken. One that has had enough answers and hangs up while we
    /// write: then the reply, which is still there to be read, says more than our broken pipe.
    async fn send(&mut self, pieces: &[&[u8]]) -> Result<(), ClamdError> {
        if self.early.is_some() {
            return Ok(());
        }
        let limit = self.client.timeouts.stall.min(self.time_left()?);
        let sent = while_alive(&self.client, self.connection.send(pieces, limit));
        match sent.await {
            Err(ClamdError::Connection(broken)) => match self.verdict().await {
                Ok(verdict) => self.early = Some(verdict),
                Err(ClamdError::NoReply | ClamdError::Connection(_)) => {
                    return Err(ClamdError::Connection(broken));
                }
                Err(error) => return Err(error),
            },
            done => return done,
        }
        // "Clean" before the end can only be of a part.
        if self.early == Some(Verdict::Clean) {
            return Err(ClamdError::UnexpectedReply {
                reply: "OK before the end".into(),
            });
        }
        Ok(())
    }

    async fn verdict(&mut self) -> Result<Verdict, ClamdError> {
        let limit = self.client.timeouts.verdict.min(self.time_left()?);
        let reply = while_alive(&self.client, self.connection.reply(limit));
        match reply.await {
            Ok(reply) => Verdict::parse(&reply),
            Err(ClamdError::Timeout { .. }) => Err(ClamdError::NoVerdict { limit }),
            Err(error) => Err(error),
        }
    }

    fn time_left(&self) -> Result<Duration, ClamdError> {
        let limit = self.client.timeouts.total;
        limit
            .checked_sub(self.started.elapsed())
            .ok_or(ClamdError::Timeout {
                action: "scan",
                limit,
            })
    }
}
