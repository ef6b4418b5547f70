//! One attempt to read a value, and how it ends.

use std::cell::{Cell, RefCell};

use serde::de;

/// One attempt to read a value.
#[derive(Default)]
pub(super) struct Pass {
    /// The previous pass failed on a sample value: the same enum variants are chosen again, with the
    /// next sample.
    pub again: bool,
    /// Questions so far, in all passes.
    pub asked: Cell<usize>,
    /// This pass has found a new node or variant.
    pub progress: Cell<bool>,
    /// Nodes of the shape that were found so far.
    pub nodes: Cell<usize>,
    /// The types that are being read, outermost first, with their short names.
    pub reading: RefCell<Vec<(&'static str, &'static str)>>,
}

/// Why a pass ended early.
#[derive(Debug)]
pub(super) enum Error {
    /// A `Deserialize` implementation refused a made-up value.
    Refused,
    /// The name of an entry that has to be there.
    Missing(&'static str),
    /// A text has to be one of these.
    Unknown(&'static [&'static str]),
    /// A field was given twice, under two names.
    Duplicate,
    /// The shape was corrected during the pass: another one follows.
    Again,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a made-up value was refused")
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self::Refused
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Unknown(expected)
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::Duplicate
    }
}
