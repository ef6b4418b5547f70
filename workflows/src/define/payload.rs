//! What steps are given and hand on, as JSON text.
//!
//! The text is made once, where a value is written, and read once, where it is used. In between,
//! in the database too, nobody takes it apart, so it comes back to the last digit.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

/// Levels of arrays and objects. Readers of JSON commonly stop at 127, and a join adds three.
const DEPTH: usize = 100;
/// Bytes. What a step hands on are small facts; Postgres would take no more than 1 GiB.
const BYTES: usize = 64 << 20;

/// JSON text that can be read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload(Arc<str>);

/// A value that cannot be stored, or could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// It has no JSON form.
    #[error("it does not encode as JSON")]
    Encode(#[source] serde_json::Error),
    /// It nests too deeply.
    #[error("it nests deeper than {DEPTH} levels, and could not be read back")]
    TooDeep,
    /// It is too large.
    #[error("it has {0} bytes of JSON, and {BYTES} is the limit: hand on ids, not contents")]
    TooLarge(usize),
}

impl Payload {
    /// Encodes a value and checks that it will be readable.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let text = serde_json::to_string(value).map_err(PayloadError::Encode)?;
        if text.len() > BYTES {
            return Err(PayloadError::TooLarge(text.len()));
        }
        if too_deep(&text) {
            return Err(PayloadError::TooDeep);
        }
        Ok(Self(text.into()))
    }

    /// JSON text that the engine itself has put together, or that comes from the database.
    pub fn stored(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Counts brackets outside of strings.
fn too_deep(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > DEPTH {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The result of a step cannot be stored.
#[derive(Debug, thiserror::Error)]
#[error("the step's output cannot be stored")]
pub(crate) struct UnstorableOutput(#[source] pub PayloadError);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!([]), |inner, _| json!([inner]))
    }

    #[test]
    fn what_nests_too_deeply_is_refused_and_brackets_in_strings_do_not_count() {
        assert!(Payload::encode(&nested(DEPTH)).is_ok());
        assert!(matches!(
            Payload::encode(&nested(DEPTH + 1)),
            Err(PayloadError::TooDeep)
        ));
        assert!(Payload::encode(&"[\"{".repeat(DEPTH * 2)).is_ok());
    }

    #[test]
    fn floats_come_back_to_the_last_digit() {
        for float in [14_417.055_129_823_275, -0.0, 1e-310, f64::MAX] {
            let payload = Payload::encode(&float).unwrap();
            let back: f64 = payload.decode().unwrap();
            assert_eq!(back.to_bits(), float.to_bits(), "{payload:?}");
        }
    }

    #[test]
    fn a_value_that_has_no_json_form_is_refused() {
        let keys_must_be_text: std::collections::HashMap<Vec<u8>, u8> = [(vec![1], 1)].into();
        assert!(matches!(
            Payload::encode(&keys_must_be_text),
            Err(PayloadError::Encode(_))
        ));
    }
}
