//! A JSON value against a schema of the document: the part of JSON Schema 2020-12 that our requests use. Says what is
//! wrong in sentences of our own, and where, as a JSON pointer (RFC 6901).

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::DateTime;
use regex::Regex;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::excerpt;

/// More faults than these help nobody.
const MAX_FAULTS: usize = 20;

/// Patterns in words. The document has them as they are.
const PATTERNS: [(&str, &str); 8] = [
    (r"^[^\x00]*$", "must not contain the character NUL"),
    (
        r"^[^\x00]*[^\s\x00][^\x00]*$",
        "must say something, without the character NUL",
    ),
    (
        r"^[^\x00-\x1f\x7f-\x9f]*$",
        "must not contain control characters",
    ),
    (r"^[0-9a-fA-F]{64}$", "must be 64 hexadecimal digits"),
    (r"^[0-9a-f-]+$", "must be the `next_cursor` of a page"),
    (
        "^[A-Za-z0-9_.:-]+$",
        "must be an owner's id: 1 to 64 of A-Z a-z 0-9 _ . : -",
    ),
    (r"^[!-~]*$", "must be visible ASCII without spaces"),
    (
        "^([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+( *;[ -~]*)?)?$",
        "must be a media type, such as image/jpeg",
    ),
];

/// Something that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub pointer: String,
    /// What, to be read behind the name of the field.
    pub words: String,
}

/// All that is wrong with `value`; at most [`MAX_FAULTS`].
pub fn check(document: &Value, schema: &Value, value: &Value) -> Vec<Fault> {
    let mut checker = Checker {
        document,
        faults: Vec::new(),
    };
    checker.value(schema, value, "");
    checker.faults
}

struct Checker<'a> {
    document: &'a Value,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn fault(&mut self, pointer: &str, words: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault {
                pointer: pointer.to_owned(),
                words: words.into(),
            });
        }
    }

    fn value(&mut self, schema: &'a Value, value: &Value, pointer: &str) {
        if self.faults.len() >= MAX_FAULTS {
            return;
        }
        if let Some(target) = schema["$ref"].as_str() {
            let path = target.trim_start_matches('#');
            return match self.document.pointer(path) {
                Some(schema) => self.value(schema, value, pointer),
                None => self.fault(pointer, "cannot be checked"),
            };
        }
        let (kind, nullable) = kind(schema);
        if value.is_null() && nullable {
            return;
        }
        match (kind, value) {
            ("string", Value::String(text)) => self.text(schema, text, pointer),
            ("integer", Value::Number(number)) if is_integer(number) => {
                self.number(schema, number, pointer);
            }
            ("number", Value::Number(number)) => self.number(schema, number, pointer),
            ("boolean", Value::Bool(_)) => {}
            ("array", Value::Array(items)) => self.list(schema, items, pointer),
            ("object", Value::Object(object)) => self.object(schema, object, pointer),
            (kind, _) => self.fault(pointer, must_be(kind)),
        }
    }

    fn text(&mut self, schema: &Value, text: &str, pointer: &str) {
        let chars = text.chars().count() as u64;
        if let Some(words) = amount(schema, "Length", chars, "characters") {
            return self.fault(pointer, words);
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !matches(pattern, text)
        {
            let words = PATTERNS.iter().find(|(known, _)| *known == pattern);
            let words = words.map_or_else(
                || format!("must match {pattern}"),
                |(_, words)| (*words).to_owned(),
            );
            return self.fault(pointer, words);
        }
        if let Some(Value::Array(choice)) = schema.get("enum")
            && !choice.iter().any(|one| one == text)
        {
            let choice: Vec<&str> = choice.iter().filter_map(Value::as_str).collect();
            return self.fault(pointer, format!("must be one of {}", choice.join(", ")));
        }
        match schema["format"].as_str() {
            Some("uuid") if !is_uuid(text) => {
                self.fault(
                    pointer,
                    "must be a UUID, such as 0193a000-0000-7000-8000-000000000000",
                );
            }
            // Years of four digits only, which every database can store.
            Some("date-time") if DateTime::parse_from_rfc3339(text).is_err() => {
                self.fault(
                    pointer,
                    "must be a time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z",
                );
            }
            _ => {}
        }
    }

    fn number(&mut self, schema: &Value, number: &Number, pointer: &str) {
        let value = number.as_f64().unwrap_or(f64::INFINITY);
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let below = bound("minimum").is_some_and(|least| value < least);
        let above = bound("maximum").is_some_and(|most| value > most);
        if below || above {
            let words = match (schema.get("minimum"), schema.get("maximum")) {
                (Some(least), Some(most)) => format!("must be {least} to {most}"),
                (Some(least), None) => format!("must be at least {least}"),
                (None, most) => format!("must be at most {}", most.unwrap_or(&Value::Null)),
            };
            self.fault(pointer, words);
        }
    }

    fn list(&mut self, schema: &'a Value, items: &[Value], pointer: &str) {
        if let Some(words) = amount(schema, "Items", items.len() as u64, "entries") {
            return self.fault(pointer, words);
        }
        for (index, item) in items.iter().enumerate() {
            self.value(&schema["items"], item, &format!("{pointer}/{index}"));
        }
    }

    fn object(&mut self, schema: &'a Value, object: &Map<String, Value>, pointer: &str) {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if !object.contains_key(name) {
                self.fault(&child(pointer, name), "is missing");
            }
        }
        if let Some(words) = amount(schema, "Properties", object.len() as u64, "entries") {
            return self.fault(pointer, words);
        }
        let others = &schema["additionalProperties"];
        for (name, value) in object {
            let at = child(pointer, &excerpt(name));
            match schema["properties"].get(name) {
                Some(schema) => self.value(schema, value, &at),
                None if *others == Value::Bool(false) => {
                    self.fault(&at, "is no field of this request");
                }
                None if others.is_object() => self.value(others, value, &at),
                None => {}
            }
        }
    }
}

/// The type, and whether null is allowed in its place.
fn kind(schema: &Value) -> (&str, bool) {
    match &schema["type"] {
        Value::Array(kinds) => (
            kinds.first().and_then(Value::as_str).unwrap_or_default(),
            kinds.iter().any(|kind| kind == "null"),
        ),
        kind => (kind.as_str().unwrap_or("object"), false),
    }
}

fn must_be(kind: &str) -> &'static str {
    match kind {
        "string" => "must be a text",
        "integer" => "must be a whole number, without fraction or exponent",
        "number" => "must be a number",
        "boolean" => "must be true or false",
        "array" => "must be a list",
        _ => "must be an object",
    }
}

/// Written as an integer. What a reader of JSON takes for one, such as 29.0, is refused: 5.000…1 looks the same to it.
/// Integers of more than 64 bits are read as floating-point numbers, too, but are outside of every bound.
fn is_integer(number: &Number) -> bool {
    const BITS_64: f64 = 9_223_372_036_854_775_808.0;
    !number.is_f64()
        || number
            .as_f64()
            .is_some_and(|number| number.abs() >= BITS_64)
}

/// The form of RFC 9562 §4 with its hyphens; other spellings of an id would be other names of one thing.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// What is wrong with a number of characters or entries, by `minLength` and kin.
fn amount(schema: &Value, what: &str, found: u64, unit: &str) -> Option<String> {
    let bound = |name: &str| schema[format!("{name}{what}")].as_u64();
    let (least, most) = (bound("min").unwrap_or(0), bound("max"));
    if found < least && found == 0 {
        return Some("must not be empty".into());
    }
    if found < least {
        return Some(format!("must have at least {least} {unit}"));
    }
    most.filter(|most| found > *most)
        .map(|most| format!("must have at most {most} {unit}"))
}

/// Each pattern of the document is compiled once.
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = compiled.get(pattern) {
        return regex.is_match(text);
    }
    let regex = Regex::new(pattern).expect("the document's patterns are ours");
    let fits = regex.is_match(text);
    compiled.insert(pattern.to_owned(), regex);
    fits
}

fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
