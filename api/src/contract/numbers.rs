//! Numbers that every client can hold. JavaScript's are exact up to 2^53 − 1 only; what may be larger is a text.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;

/// 2^53 − 1.
pub const MAX: i64 = 9_007_199_254_740_991;

/// A number of things or bytes: 0 to 2^53 − 1. What is outside is brought to the nearest of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(i64);

impl From<i64> for Count {
    fn from(number: i64) -> Self {
        Self(number.clamp(0, MAX))
    }
}

impl From<Count> for u64 {
    fn from(count: Count) -> Self {
        count.0.unsigned_abs()
    }
}

impl From<u64> for Count {
    fn from(number: u64) -> Self {
        Self::from(i64::try_from(number).unwrap_or(MAX))
    }
}

impl Type for Count {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "count".into()
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact")]
    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            minimum: Some(0.0),
            maximum: Some(MAX as f64),
            ..MetaSchema::new_with_format("integer", "int64")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Count {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.into())
    }
}

impl ParseFromJSON for Count {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let number = value.and_then(|value| value.as_i64());
        number
            .map(Self::from)
            .ok_or_else(ParseError::expected_input)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_number_leaves_what_javascript_can_hold() {
        for (count, told) in [
            (Count::from(-1_i64), json!(0)),
            (Count::from(7_u64), json!(7)),
            (Count::from(i64::MAX), json!(MAX)),
            (Count::from(u64::MAX), json!(MAX)),
        ] {
            assert_eq!(count.to_json(), Some(told));
        }
    }
}
