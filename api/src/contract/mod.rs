//! Requests are held against the published document itself, so what is documented and what is checked cannot differ.
//! Nothing of a request reaches the framework or a handler before it has passed here.

mod check;
mod json;
mod numbers;
mod operations;

use std::sync::LazyLock;

use serde_json::Value;

pub use self::json::read;
pub use self::numbers::Count;
pub use self::operations::Operations;
use crate::openapi;
use crate::problem::{FieldError, Problem};

/// The document as published.
static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document_31);

/// Its operations.
static OPERATIONS: LazyLock<Operations> = LazyLock::new(|| Operations::of_document(&DOCUMENT));

/// The operations of the published document.
pub fn operations() -> &'static Operations {
    &OPERATIONS
}

/// Holds a body against a named schema. Whole numbers written as `29.0` become whole numbers.
pub fn check_body(schema: &str, body: &mut Value) -> Result<(), Problem> {
    let schema = DOCUMENT["components"]["schemas"].get(schema);
    let schema = schema.ok_or_else(|| Problem::internal("a body without a schema"))?;
    let errors = check::check(&DOCUMENT, schema, body);
    if errors.is_empty() {
        return Ok(());
    }
    let field = |error: check::Fault| FieldError::at(error.pointer, error.words);
    Err(Problem::fields(errors.into_iter().map(field).collect()))
}

/// What of a client's text is repeated to it: the beginning, so that an answer is never as long as a request.
pub fn excerpt(text: &str) -> String {
    const CHARS: usize = 100;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
