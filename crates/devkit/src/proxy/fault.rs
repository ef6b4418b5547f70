//! What befalls single connections among many.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What befalls a connection, from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing comes through for so long, then everything.
    Late(Duration),
    /// Cut when the client has sent so many bytes.
    CutRequest(u64),
    /// Cut when the server answers: what was asked is done, and the client does not learn of it.
    CutAnswer,
    /// The first request is answered with 503, and the server never hears of it.
    Unavailable,
}

/// Chooses by the number of a connection.
#[derive(Clone)]
pub(super) struct Faults(Arc<dyn Fn(usize) -> Option<Fault> + Send + Sync>);

impl Faults {
    pub fn new(choose: impl Fn(usize) -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    pub fn of(&self, number: usize) -> Option<Fault> {
        (self.0)(number)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

/// How long a client that was answered may go on sending: an end before that could take the answer with it.
const LINGER: Duration = Duration::from_secs(2);

/// Answers the first request of a connection with 503, and ends it.
pub(super) async fn unavailable(client: &mut TcpStream) {
    let (mut chunk, mut head) = ([0; 4096], Vec::<u8>::new());
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut chunk).await {
            Ok(read @ 1..) => head.extend(&chunk[..read]),
            _ => return,
        }
    }
    let answer =
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    if client.write_all(answer).await.is_ok() && client.shutdown().await.is_ok() {
        let draining = async { while client.read(&mut chunk).await.is_ok_and(|read| read > 0) {} };
        // Who sends on for longer has its answer by then.
        let _ = timeout(LINGER, draining).await;
    }
}
