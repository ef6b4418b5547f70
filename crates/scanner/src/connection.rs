//! One connection, for one command: bytes out, one reply in, none of it without a time limit.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::{ClamdAddress, ClamdClient, ClamdError};

/// No reply is longer; a signature's name has a few dozen characters.
const MAX_REPLY: u64 = 4096;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) struct Connection {
    stream: Box<dyn Stream>,
}

impl Connection {
    pub async fn open(client: &ClamdClient) -> Result<Self, ClamdError> {
        let limit = client.timeouts.connect;
        let connect = async {
            Ok(match &client.address {
                ClamdAddress::Unix(path) => Box::new(UnixStream::connect(path).await?) as Box<_>,
                ClamdAddress::Tcp(host_port) => {
                    let stream = TcpStream::connect(host_port).await?;
                    stream.set_nodelay(true)?;
                    Box::new(stream) as Box<dyn Stream>
                }
            })
        };
        let stream = within(limit, "take a connection", connect)
            .await?
            .map_err(|source| ClamdError::Connect {
                address: client.address.clone(),
                source,
            })?;
        Ok(Self { stream })
    }

    /// Sends the pieces one after the other; each may take up to `limit`.
    pub async fn send(&mut self, pieces: &[&[u8]], limit: Duration) -> Result<(), ClamdError> {
        for piece in pieces {
            within(
                limit,
                "take in the next bytes",
                self.stream.write_all(piece),
            )
            .await?
            .map_err(ClamdError::Connection)?;
        }
        Ok(())
    }

    /// Reads the reply up to its closing NUL. Works after the daemon has hung up, too.
    pub async fn reply(&mut self, limit: Duration) -> Result<String, ClamdError> {
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.stream).take(MAX_REPLY);
        let read = async {
            while bytes.last() != Some(&0) {
                if bounded.read_buf(&mut bytes).await? == 0 {
                    break;
                }
            }
            Ok::<_, io::Error>(())
        };
        within(limit, "reply", read)
            .await?
            .map_err(ClamdError::Connection)?;
        match bytes.pop() {
            Some(0) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            _ => Err(ClamdError::NoReply),
        }
    }
}

async fn within<T>(
    limit: Duration,
    action: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, ClamdError> {
    timeout(limit, work)
        .await
        .map_err(|_| ClamdError::Timeout { action, limit })
}
