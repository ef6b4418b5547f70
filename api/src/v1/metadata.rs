//! What a client wants to find again beside its file: texts by name, bounded, and never looked into.

use std::borrow::Cow;
use std::collections::BTreeMap;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;

use crate::http::problem::Problem;

/// Entries that one upload may carry.
const MAX_ENTRIES: usize = 32;
/// Characters of a name.
const MAX_NAME_CHARS: usize = 64;
/// Characters of a text.
const MAX_TEXT_CHARS: usize = 1024;
/// Bytes of all names and texts together.
const MAX_BYTES: usize = 4096;

/// Texts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata(pub BTreeMap<String, String>);

impl Metadata {
    /// Refuses what the schema cannot say: names, and the size of all together.
    pub fn checked(self) -> Result<BTreeMap<String, String>, Problem> {
        let named = |name: &str| {
            (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
        };
        if !self.0.keys().all(|name| named(name)) {
            let detail = "must have names of 1 to 64 visible ASCII characters without spaces";
            return Err(Problem::field("/metadata", detail));
        }
        let bytes: usize = self
            .0
            .iter()
            .map(|(name, text)| name.len() + text.len())
            .sum();
        if bytes > MAX_BYTES {
            let detail = "must have at most 4096 bytes, names and texts together";
            return Err(Problem::field("/metadata", detail));
        }
        Ok(self.0)
    }
}

impl Type for Metadata {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "metadata".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let text = MetaSchema {
            max_length: Some(MAX_TEXT_CHARS),
            pattern: Some(r"^[^\x00]*$".into()),
            ..MetaSchema::new("string")
        };
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            max_properties: Some(MAX_ENTRIES),
            additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(text)))),
            ..MetaSchema::new("object")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Metadata {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(&self.0).ok()
    }
}

impl ParseFromJSON for Metadata {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let texts = value.and_then(|value| serde_json::from_value(value).ok());
        texts.map(Self).ok_or_else(ParseError::expected_input)
    }
}
