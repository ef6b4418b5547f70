//! Texts whose values the contract lists.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;

/// A text of the engine, which keeps to the values of `E`: the engine's tables check the same values, and a test
/// compares the two.
pub struct Named<E>(String, PhantomData<fn() -> E>);

impl<E> From<String> for Named<E> {
    fn from(text: String) -> Self {
        Self(text, PhantomData)
    }
}

impl<E> fmt::Debug for Named<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Type> Type for Named<E> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        E::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        E::schema_ref()
    }

    fn register(registry: &mut Registry) {
        E::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<E: Type> ToJSON for Named<E> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.clone().into())
    }
}

impl<E: Type> ParseFromJSON for Named<E> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = String::parse_from_json(value);
        text.map(Self::from).map_err(ParseError::propagate)
    }
}
