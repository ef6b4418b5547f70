//! What workflows want to be told when a decision of somebody ends a run, or makes it live again.

use std::{collections::HashMap, sync::Arc};

use crate::define::workflow::{Definition, Workflow};

/// The hooks ([`RunHooks::ended`](crate::define::workflow::RunHooks::ended),
/// [`RunHooks::revived`](crate::define::workflow::RunHooks::revived)) of some workflows. They run in the
/// transaction of the action.
#[derive(Clone, Default)]
pub struct Hooks {
    pub(crate) workflows: HashMap<(String, i32), Arc<Definition>>,
}

impl Hooks {
    /// Adds those of a workflow. No step of it runs.
    #[must_use]
    pub fn with<I, C>(self, workflow: &Workflow<I, C>) -> Self {
        self.with_definition(&workflow.definition)
    }

    pub(crate) fn with_definition(mut self, definition: &Arc<Definition>) -> Self {
        let key = (definition.name.to_owned(), definition.version);
        self.workflows.insert(key, Arc::clone(definition));
        self
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.workflows.keys()).finish()
    }
}
