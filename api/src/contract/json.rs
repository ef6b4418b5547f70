//! Reads JSON strictly: a key that appears twice is refused, where most readers let the last one win in silence
//! (RFC 8259 §4 leaves open which one counts).

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};

use super::excerpt;
use crate::http::problem::{Code, Problem};

/// Reads one JSON value.
pub fn read(bytes: &[u8]) -> Result<Value, Problem> {
    let malformed = |detail: String| Problem::new(Code::MalformedJson, detail);
    if std::str::from_utf8(bytes).is_err() {
        return Err(malformed("it is not UTF-8".into()));
    }
    serde_json::from_slice(bytes)
        .map(|Strict(value)| value)
        .map_err(|error| {
            let (line, column) = (error.line(), error.column());
            malformed(match error.classify() {
                Category::Eof => "it ends in the middle".into(),
                Category::Data => without_position(&error.to_string()),
                Category::Syntax | Category::Io => {
                    format!("it cannot be read from line {line}, column {column} on")
                }
            })
        })
}

/// The only data error is our own, to which the reader adds where it was.
fn without_position(message: &str) -> String {
    let message = message.rsplit_once(" at line ");
    message
        .map_or("it cannot be read", |(words, _)| words)
        .to_owned()
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Strict)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is too large"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                let key = excerpt(&key);
                return Err(de::Error::custom(format!("the key `{key}` appears twice")));
            }
            let Strict(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = r#"{"a":[1,-2,2.5,true,null,"x"],"b":{"a":18446744073709551615}}"#;
        let value = read(text.as_bytes()).unwrap();
        assert_eq!(
            value,
            json!({"a": [1, -2, 2.5, true, null, "x"], "b": {"a": u64::MAX}})
        );
    }

    #[test]
    fn what_cannot_be_read_is_said_in_plain_words() {
        let long = format!("{{\"{0}\":1,\"{0}\":2}}", "k".repeat(1000));
        for (text, words) in [
            ("{", "it ends in the middle"),
            ("[1,]", "it cannot be read from line 1, column 4 on"),
            (r#"{"a":1,"a":1}"#, "the key `a` appears twice"),
            (r#"{"b":{"a":1,"a":2}}"#, "the key `a` appears twice"),
            (&*long, "kkkkk…` appears twice"),
        ] {
            let problem = read(text.as_bytes()).unwrap_err().to_string();
            assert!(problem.contains(words), "{problem}");
            assert!(problem.len() < 250, "{problem}");
        }
        let deep = "[".repeat(100_000);
        assert!(read(deep.as_bytes()).is_err());
    }
}
