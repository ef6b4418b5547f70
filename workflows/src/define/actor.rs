//! Who acts on runs and queues, and why.

use crate::define::hooks::Hooks;

/// Who acts, and why. Both are kept.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// A person or a key, as the caller knows them.
    pub name: &'a str,
    /// Why this is done. Never empty: [`crate::admin::AdminError::NoReason`].
    pub reason: &'a str,
    /// Workflows that are told in the same transaction of runs that end by this.
    pub hooks: Option<&'a Hooks>,
}

impl<'a> Actor<'a> {
    /// Somebody with a reason. No workflow is told.
    pub const fn new(name: &'a str, reason: &'a str) -> Self {
        Self {
            name,
            reason,
            hooks: None,
        }
    }

    /// These workflows are told of runs that end by it.
    #[must_use]
    pub const fn telling(mut self, hooks: &'a Hooks) -> Self {
        self.hooks = Some(hooks);
        self
    }
}
