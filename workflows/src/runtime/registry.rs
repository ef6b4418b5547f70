//! The workflows this build knows.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    claim::Claim,
    step::StepSettings,
    store::lanes::{Lane, Lanes},
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

    /// The route and the step of a claim.
    pub fn find(&self, claim: &Claim) -> Option<(&Arc<Definition>, &StepDefinition)> {
        let key = (claim.lane.workflow.to_owned(), claim.lane.version);
        let definition = self.workflows.get(&key)?;
        Some((definition, definition.step(&claim.step)?))
    }

    /// Where tasks of these workflows wait.
    pub fn lanes(&self) -> Vec<Lane> {
        let steps = self.steps().map(|(definition, step)| Lane {
            queue: step.queue,
            workflow: definition.name,
            version: definition.version,
        });
        let lanes: HashSet<Lane> = steps.collect();
        lanes.into_iter().collect()
    }

    /// Every step with the number of the lane in which its tasks wait.
    pub fn steps_in(&self, lanes: &Lanes) -> Vec<(i32, &'static str)> {
        self.steps()
            .filter_map(|(definition, step)| {
                let lane = lanes.number(step.queue, definition.name, definition.version)?;
                Some((lane, step.name))
            })
            .collect()
    }

    /// What this build can run, as others read it in the list of workers.
    pub fn knows(&self) -> Value {
        let mut sorted = BTreeMap::new();
        for ((name, version), definition) in &self.workflows {
            let steps: Vec<_> = definition.steps.iter().map(|step| step.name).collect();
            sorted.insert((name, version), steps);
        }
        let entries = sorted.into_iter().map(|((workflow, version), steps)| {
            json!({ "workflow": workflow, "version": version, "steps": steps })
        });
        Value::Array(entries.collect())
    }

    pub fn crash_limit(&self, workflow: &str, version: i32, step: &str) -> u32 {
        self.workflows
            .get(&(workflow.to_owned(), version))
            .and_then(|definition| definition.step(step))
            .map_or(StepSettings::default().crash_limit, |step| {
                step.settings.crash_limit
            })
    }

    fn steps(&self) -> impl Iterator<Item = (&Arc<Definition>, &StepDefinition)> {
        self.workflows
            .values()
            .flat_map(|definition| definition.steps.iter().map(move |step| (definition, step)))
    }
}
