//! Requests are held against the published document itself, so what is documented and what is checked cannot differ.
//! Nothing of a request reaches the framework or a handler before it has passed here.

mod check;
mod json;
mod numbers;
mod operations;
mod times;

use serde_json::Value;

pub use self::json::read;
pub use self::numbers::Count;
pub use self::operations::Operations;
pub use self::times::Time;
use crate::http::problem::{FieldError, Problem};

/// The published document, as requests are held against it.
#[derive(Debug)]
pub struct Contract {
    document: &'static Value,
    pub operations: Operations,
}

impl Contract {
    /// Reads the published document.
    ///
    /// # Panics
    ///
    /// Where a path has a method whose name is not ASCII, which the framework does not make.
    pub fn new(document: &'static Value) -> Self {
        Self {
            document,
            operations: Operations::of_document(document),
        }
    }

    /// Holds a body against a named schema.
    pub fn check_body(&self, schema: &str, body: &Value) -> Result<(), Problem> {
        let schema = self.document["components"]["schemas"].get(schema);
        let schema = schema.ok_or_else(|| Problem::internal("a body without a schema"))?;
        let errors = check::check(self.document, schema, body);
        if errors.is_empty() {
            return Ok(());
        }
        let field = |error: check::Fault| FieldError::at(error.pointer, error.words);
        Err(Problem::fields(errors.into_iter().map(field).collect()))
    }
}

/// What of a client's text is repeated to it: the beginning, so that an answer is never as long as a request.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS: usize = 100;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
