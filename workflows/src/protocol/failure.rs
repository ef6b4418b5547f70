//! Errors as they are kept in the history and in dead letters.

use serde::{Deserialize, Serialize};

use crate::define::payload::Payload;

/// Characters of one message. Some libraries put whole answers into theirs.
const MESSAGE: usize = 2_000;
/// Errors below an error.
const CHAIN: usize = 12;

#[derive(Serialize)]
struct Failure {
    /// The outermost message.
    message: String,
    /// All of them, outermost first.
    chain: Vec<String>,
}

/// An error with its sources, outermost first.
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> Payload {
    let mut chain = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| chain.len() < CHAIN) {
        chain.push(storable(&error.to_string()));
        next = error.source();
    }
    of_chain(chain)
}

/// The outermost message of a kept error.
pub(crate) fn message_of(kept: &Payload) -> String {
    let kept: Option<Kept> = kept.decode().ok();
    kept.map(|kept| kept.message).unwrap_or_default()
}

/// The whole of a kept error in one line. A cause that the message before it tells already is left out.
pub(crate) fn whole(kept: &Payload) -> String {
    let kept: Option<Kept> = kept.decode().ok();
    let chain = kept.map(|kept| kept.chain).unwrap_or_default();
    let mut whole = String::new();
    for message in chain {
        if whole.is_empty() {
            whole = message;
        } else if !whole.ends_with(&message) {
            whole = format!("{whole}: {message}");
        }
    }
    whole
}

#[derive(Deserialize)]
struct Kept {
    message: String,
    #[serde(default)]
    chain: Vec<String>,
}

fn of_chain(chain: Vec<String>) -> Payload {
    let message = chain.first().cloned().unwrap_or_default();
    let failure = Failure { message, chain };
    Payload::encode(&failure).unwrap_or_else(|_| Payload::stored("{}"))
}

/// Text of bounded length without NUL, which Postgres cannot show as text.
pub(crate) fn storable(text: &str) -> String {
    let mut bounded: String = text.chars().take(MESSAGE).collect();
    if bounded.len() < text.len() {
        bounded.push('…');
    }
    bounded.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Nested(String, #[source] Option<Box<Nested>>);

    #[test]
    fn long_messages_and_long_chains_are_cut() {
        let mut error = Nested("x".repeat(100_000), None);
        for _ in 0..100 {
            error = Nested("x".repeat(100_000), Some(Box::new(error)));
        }
        let kept = describe(&error);
        assert!(kept.as_str().len() < 100_000, "{}", kept.as_str().len());
    }

    #[test]
    fn the_whole_of_an_error_tells_each_cause_once() {
        let told = r#"{"message":"a: b","chain":["a: b","b","c"]}"#;
        assert_eq!(whole(&Payload::stored(told)), "a: b: c");
    }

    #[test]
    fn nul_is_shown_as_unreadable() {
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
    }
}
