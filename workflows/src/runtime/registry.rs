//! The workflows this build knows.

use std::{collections::HashMap, sync::Arc};

use crate::{
    plan::Claim,
    step::StepSettings,
    workflow::{Definition, StepDefinition},
};

#[derive(Default)]
pub(crate) struct Registry {
    workflows: HashMap<(String, i32), Arc<Definition>>,
}

impl Registry {
    pub fn add(&mut self, definition: Arc<Definition>) {
        self.workflows
            .insert((definition.name.to_owned(), definition.version), definition);
    }

    /// Names and versions, for claiming only what can be run.
    pub fn known(&self) -> Vec<(String, i32)> {
        self.workflows.keys().cloned().collect()
    }

    /// Queues that any step uses.
    pub fn queues(&self) -> impl Iterator<Item = &'static str> {
        self.workflows
            .values()
            .flat_map(|d| d.steps.iter().map(|s| s.queue))
    }

    pub fn workflow(&self, claim: &Claim) -> Option<&Arc<Definition>> {
        self.workflows.get(&(claim.workflow.clone(), claim.version))
    }

    pub fn crash_limit(&self, workflow: &str, version: i32, step: &str) -> u32 {
        self.workflows
            .get(&(workflow.to_owned(), version))
            .and_then(|definition| definition.step(step))
            .map_or(StepSettings::default().crash_limit, |step| {
                step.settings.crash_limit
            })
    }
}

/// Finds the step of a claim. A claimed version is known; its step may still be missing, when a
/// step was removed without raising the version.
pub(crate) fn step_of<'a>(definition: &'a Definition, claim: &Claim) -> Option<&'a StepDefinition> {
    definition.step(&claim.step)
}
