//! Code of the caller may panic anywhere. It is an error of its own attempt, never of the process.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The caller's code panicked.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
pub(crate) struct Panicked(pub String);

/// Calls code of the caller that does not wait.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| Panicked(message(&*panic)))
}

/// Drops what belongs to the caller: its destructors may panic too.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(panic) = caught(|| drop(value)) {
        tracing::error!(error = %panic, "a destructor of the caller panicked");
    }
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
