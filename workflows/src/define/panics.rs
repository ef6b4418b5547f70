//! Code of the caller may panic anywhere. It is an error of its own attempt, never of the process.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
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

/// A future of the caller's code. It may panic when it is polled, and when it is dropped, whether it
/// has come to its end or not.
pub(crate) struct Quietly<F>(Option<Pin<Box<F>>>);

pub(crate) fn quietly<F: Future>(future: F) -> Quietly<F> {
    Quietly(Some(Box::pin(future)))
}

impl<F: Future> Future for Quietly<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.0 else {
            return Poll::Pending;
        };
        let polled = caught(|| future.as_mut().poll(cx));
        if let Ok(Poll::Pending) = polled {
            return Poll::Pending;
        }
        drop_quietly(self.0.take());
        match polled {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

impl<F> Drop for Quietly<F> {
    fn drop(&mut self) {
        drop_quietly(self.0.take());
    }
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
