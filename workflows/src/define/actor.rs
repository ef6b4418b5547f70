//! Who acts on runs and queues, and why.

use crate::define::hooks::Hooks;

/// Who acts, and why. Both are kept.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// A person or a key, as the caller knows them.
    pub actor: &'a str,
    /// Never empty: [`crate::admin::AdminError::NoReason`].
    pub reason: &'a str,
    /// Workflows that are told in the same transaction of runs that end by this.
    pub hooks: Option<&'a Hooks>,
}

impl<'a> By<'a> {
    /// Somebody with a reason. No workflow is told.
    pub const fn new(actor: &'a str, reason: &'a str) -> Self {
        Self {
            actor,
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
