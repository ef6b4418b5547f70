//! Where the head of a request ends among the bytes that come in, and whether a further request has begun when it has
//! been answered. No I/O.
//!
//! The parser does not tell what it has read ahead. A client that sends half a request in the same breath as a whole one
//! would otherwise be taken for idle.

/// What has come in since the last answer.
#[derive(Debug, Default)]
pub struct Input {
    head: Head,
    /// How many bytes behind the head are the request's body; unknown of a chunked one.
    body: Option<u64>,
    /// The line so far has characters beside its end.
    text: bool,
    /// The last line is empty and complete.
    blank: bool,
    /// Requests were sent ahead, so that it is unknown where the next one begins.
    ahead: bool,
}

/// How much of a request's head has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Head {
    #[default]
    Nothing,
    Some,
    /// All of it, and so many bytes behind it.
    All(u64),
}

impl Input {
    /// Bytes came in.
    pub fn received(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !matches!(self.head, Head::All(_))
            && let Some((next, behind)) = rest.split_first()
        {
            rest = behind;
            self.follow(std::slice::from_ref(next));
            self.head = match self.head {
                Head::Some if self.blank => Head::All(0),
                // Empty lines before a request are no part of it (RFC 9112 §2.2).
                Head::Nothing if self.text => Head::Some,
                head => head,
            };
        }
        if let Head::All(behind) = &mut self.head {
            *behind += rest.len() as u64;
            self.follow(rest);
        }
    }

    /// Keeps track of lines. Looks at the last bytes only: a body may be gigabytes.
    fn follow(&mut self, bytes: &[u8]) {
        let Some((last, before)) = bytes.split_last() else {
            return;
        };
        self.blank = *last == b'\n' && !self.text_after(before);
        self.text = self.text_after(bytes);
    }

    fn text_after(&self, bytes: &[u8]) -> bool {
        let mut backwards = bytes.iter().rev();
        let last = backwards.find(|byte| **byte != b'\r');
        last.map_or(self.text, |byte| *byte != b'\n')
    }

    /// The head is read, and says that a body of so many bytes follows.
    pub fn head(&mut self, body: Option<u64>) {
        self.body = body;
    }

    /// The request is answered. Whether the next one may have begun.
    pub fn answered(&mut self) -> bool {
        let more = match self.body {
            Some(bytes) => matches!(self.head, Head::All(behind) if behind > bytes),
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
