//! The type of what a workflow's runs end with.

use std::{fmt, marker::PhantomData};

use crate::define::step::Step;

/// The type of what a workflow's runs end with.
pub struct Results<O> {
    pub(crate) workflow: &'static str,
    pub(crate) version: i32,
    output: PhantomData<fn() -> O>,
}

impl<O> Clone for Results<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Results<O> {}

impl<O> fmt::Debug for Results<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Results({} version {})", self.workflow, self.version)
    }
}

impl<O> Results<O> {
    pub(crate) fn new(workflow: &'static str, version: i32) -> Self {
        Self {
            workflow,
            version,
            output: PhantomData,
        }
    }

    /// Those of a workflow whose last step is `S`, for a process that has nothing that its steps
    /// need. The same as of [`Route::build_typed`](crate::define::workflow::Route::build_typed).
    pub fn of<S: Step<Output = O>>(workflow: &'static str, version: i32) -> Self {
        Self::new(workflow, version)
    }
}
