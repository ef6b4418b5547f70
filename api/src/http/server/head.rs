//! Where the head of a request ends among the bytes that come in, and whether a further request has begun when it has
//! been answered. No I/O.
//!
//! The parser does not tell what it has read ahead. A client that sends half a request in the same breath as a whole one
//! would otherwise be taken for idle.

/// What has come in since the last answer.
#[derive(Debug, Default)]
pub struct Input {
    /// Bytes since the head has ended.
    since_head: Option<u64>,
    /// How many of them are the request's body; unknown of a chunked one.
    body: Option<u64>,
    /// Characters of the line so far, without its end.
    line: u64,
    /// The last line is empty and complete.
    blank: bool,
    /// Something of a head has come.
    begun: bool,
    /// Requests were sent ahead, so that it is unknown where the next one begins.
    ahead: bool,
}

impl Input {
    /// Bytes came in.
    pub fn received(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.since_head = self.since_head.map(|bytes| bytes + 1);
            self.blank = *byte == b'\n' && self.line == 0;
            match byte {
                b'\n' => self.line = 0,
                b'\r' => {}
                _ => {
                    self.line += 1;
                    self.begun = true;
                }
            }
            // Empty lines before a request are no part of it (RFC 9112 §2.2).
            if self.since_head.is_none() && self.blank && self.begun {
                self.since_head = Some(0);
            }
        }
    }

    /// The head is read, and says that a body of so many bytes follows.
    pub fn head(&mut self, body: Option<u64>) {
        self.body = body;
    }

    /// The request is answered. Whether the next one may have begun.
    pub fn answered(&mut self) -> bool {
        let more = match self.body {
            Some(bytes) => self.since_head.unwrap_or(0) > bytes,
            // A chunked body ends with an empty line (RFC 9112 §7.1).
            None => !self.blank,
        };
        *self = Self {
            ahead: self.ahead || more,
            ..Self::default()
        };
        self.ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_request_is_seen_behind_one_that_is_whole() {
        let get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        for (bytes, body, more) in [
            (get.to_owned(), Some(0), false),
            (format!("\r\n{get}"), Some(0), false),
            (get.replace('\r', ""), Some(0), false),
            (format!("{get}GET /v1/he"), Some(0), true),
            (format!("{get}{get}"), Some(0), true),
            (format!("{get}{{\n\n}}"), Some(4), false),
            (format!("{get}{{"), Some(4), false),
            (format!("{get}{{}}GE"), Some(2), true),
            (format!("{get}2\r\n{{}}\r\n0\r\n\r\n"), None, false),
            (format!("{get}2\r\n{{}}\r\n0\r\n\r\nGET"), None, true),
        ] {
            for pieces in [1, 7, bytes.len()] {
                let mut input = Input::default();
                for piece in bytes.as_bytes().chunks(pieces) {
                    input.received(piece);
                }
                input.head(body);
                assert_eq!(input.answered(), more, "{bytes:?} by {pieces}");
            }
        }
    }
}
