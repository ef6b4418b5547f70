//! Interim responses (RFC 9110 §15.2), which a handler sends while it still reads its request. The HTTP library sends
//! none but `100 Continue`, so they are written to the socket beside it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::wire::Wire;

/// How long an interim response may wait for its turn on the connection. It is only news.
const TURN: Duration = Duration::from_secs(1);

/// Sends interim responses to one request. Every request of HTTP/1.1 has one among its data; before that there were none.
#[derive(Debug, Clone)]
pub struct Interim {
    wire: Arc<Wire>,
    open: Arc<AtomicBool>,
}

impl Interim {
    pub(super) fn new(wire: &Arc<Wire>) -> Self {
        Self {
            wire: Arc::clone(wire),
            open: Arc::new(AtomicBool::new(true)),
        }
    }

    /// The final response is next: nothing may come before it any more.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Release);
    }

    /// Gives the connection up: instead of an answer the client sees it end.
    pub fn cut(&self) {
        self.wire.cut();
    }

    /// Sends one response. Whether it was sent: a client that does not read, or a request that is answered, gets none.
    ///
    /// Names and values must be free of line breaks.
    pub async fn send(&self, status: u16, reason: &str, headers: &[(&str, String)]) -> bool {
        let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in headers {
            // Writing to a String cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        if !self.open.load(Ordering::Acquire) {
            return false;
        }
        let written = timeout(TURN, self.wire.write_between(head.as_bytes())).await;
        matches!(written, Ok(Ok(())))
    }
}
