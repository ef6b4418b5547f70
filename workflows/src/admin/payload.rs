//! Payloads and errors as they are shown. They are read as text: one that nothing here can parse
//! (nested too deep, say) must not hide the others.

use serde_json::Value;

/// A list shows this much of a message.
const SHORT: usize = 500;

/// JSON as it was written, to the last digit.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Payload(String);

impl Payload {
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The JSON as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, or the text of what is nested too deep to be one.
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_else(|_| Value::String(self.0.clone()))
    }
}

impl std::fmt::Display for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a list shows of an error.
pub(super) struct Short {
    /// The outer message.
    pub message: String,
    /// The innermost cause's, where it says something else.
    pub root_cause: Option<String>,
}

impl Short {
    /// The message, and what caused it where the message does not say so.
    pub fn whole(self) -> String {
        match self.root_cause {
            Some(cause) => format!("{}: {cause}", self.message),
            None => self.message,
        }
    }

    /// Of an error's text, or of as much of it as was read.
    pub fn of(error: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(error) else {
            return Self {
                message: cut(error),
                root_cause: None,
            };
        };
        let message = value["message"].as_str();
        let innermost = value["chain"].as_array().and_then(|chain| chain.last());
        let innermost = innermost.and_then(Value::as_str);
        Self {
            message: cut(message.unwrap_or(error)),
            root_cause: innermost
                .filter(|inner| message.is_some_and(|message| !message.contains(inner)))
                .map(cut),
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHORT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_in_short_whatever_it_is() {
        let short = Short::of(r#"{"message":"outer","chain":["outer","middle","inner"]}"#);
        assert_eq!(short.message, "outer");
        assert_eq!(short.root_cause.as_deref(), Some("inner"));
        let alone = Short::of(r#"{"message":"outer: inner","chain":["outer: inner","inner"]}"#);
        assert_eq!(alone.root_cause, None);
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(Short::of(&deep).message, deep);
        assert_eq!(Payload(deep.clone()).to_value(), Value::String(deep));
        let long = format!(r#"{{"message":"{}"}}"#, "ä".repeat(501));
        assert_eq!(Short::of(&long).message, format!("{}…", "ä".repeat(500)));
        assert_eq!(Short::of(&long[..100]).message, long[..100]);
    }
}
