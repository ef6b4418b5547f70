//! The workflows this build knows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    define::{
        detail::Detail,
        hooks::Hooks,
        lane::Lane,
        shape::route,
        step::StepSettings,
        workflow::{Definition, Handler, StepDefinition, Workflow},
    },
    protocol::task::Claim,
};

#[derive(Default)]
pub(crate) struct Registry {
    workflows: HashMap<(String, i32), Known>,
    /// Sentences about workflows that were added twice.
    twice: Vec<String>,
}

/// A workflow, and how its steps are run.
struct Known {
    definition: Arc<Definition>,
    handler: Arc<dyn Handler<()>>,
}

impl Registry {
    pub fn add<I>(&mut self, workflow: &Workflow<I>) {
        let definition = Arc::clone(&workflow.definition);
        let handler = Arc::clone(&workflow.handler);
        let (name, version) = (definition.name, definition.version);
        let key = (name.to_owned(), version);
        let known = Known {
            definition,
            handler,
        };
        if self.workflows.insert(key, known).is_some() {
            self.twice
                .push(format!("two workflows are called {name} version {version}"));
        }
    }

    /// What the workflows want to be told when a decision of somebody ends a run or revives it.
    pub fn hooks(&self) -> Hooks {
        self.definitions()
            .fold(Hooks::default(), Hooks::with_definition)
    }

    /// The route and the step of a claim.
    pub fn find(&self, claim: &Claim) -> Option<(&Arc<Definition>, &StepDefinition)> {
        self.find_lane(&claim.lane)
    }

    /// How the steps of a claim's workflow are run.
    pub fn handler(&self, claim: &Claim) -> Option<&Arc<dyn Handler<()>>> {
        self.known(&claim.lane).map(|known| &known.handler)
    }

    fn find_lane(&self, lane: &Lane) -> Option<(&Arc<Definition>, &StepDefinition)> {
        let definition = &self.known(lane)?.definition;
        Some((definition, definition.step(lane.step)?))
    }

    fn known(&self, lane: &Lane) -> Option<&Known> {
        self.workflows
            .get(&(lane.workflow.to_owned(), lane.version))
    }

    fn definitions(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.workflows.values().map(|known| &known.definition)
    }

    /// Where tasks of these workflows wait, with what the check before a deploy wants to know.
    pub fn lanes(&self) -> (Vec<Lane>, Vec<Value>) {
        let (mut lanes, mut shapes) = (Vec::new(), Vec::new());
        for definition in self.definitions() {
            for (step, shape) in definition.steps.iter().zip(route(definition)) {
                lanes.push(definition.lane(step));
                shapes.push(Value::from(&shape.shape));
            }
        }
        (lanes, shapes)
    }

    /// What this build can run, as others read it in the list of workers.
    pub fn knows(&self, slots: impl Fn(&str) -> usize) -> Value {
        let mut sorted = BTreeMap::new();
        for ((name, version), known) in &self.workflows {
            let steps = known.definition.steps.iter().map(|step| {
                json!({
                    "step": step.name, "queue": step.queue, "slots": slots(step.queue), "needs": step.needs,
                    "attempts": step.settings.backoff.attempts,
                })
            });
            let steps: Vec<Value> = steps.collect();
            sorted.insert((name, version), steps);
        }
        let entries = sorted.into_iter().map(|((workflow, version), steps)| {
            json!({ "workflow": workflow, "version": version, "steps": steps })
        });
        Value::Array(entries.collect())
    }

    pub fn crash_limit(&self, lane: &Lane) -> i32 {
        self.find_lane(lane).map_or_else(
            || StepSettings::default().crash_limit(),
            |(_, step)| step.settings.crash_limit(),
        )
    }

    /// Outside services that a step needs.
    pub fn needs(&self, lane: &Lane) -> &'static [&'static str] {
        self.find_lane(lane).map_or(&[], |(_, step)| step.needs)
    }

    /// What any step declares to need.
    pub fn all_needs(&self) -> Vec<&'static str> {
        let (lanes, _) = self.lanes();
        let needs = lanes.iter().flat_map(|lane| self.needs(lane));
        needs.copied().collect()
    }

    /// What is told of the runs of the lane's workflow.
    pub fn events(&self, lane: &Lane) -> Detail {
        self.find_lane(lane)
            .map_or(Detail::None, |(definition, _)| definition.events)
    }

    /// What is wrong with these workflows, in sentences.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = self.twice.clone();
        for (definition, step) in self.steps() {
            if let Some(mistake) = step.settings.backoff.mistake() {
                let (workflow, step) = (definition.name, step.name);
                mistakes.push(format!("the step {step} of {workflow}: {mistake}"));
            }
        }
        mistakes
    }

    fn steps(&self) -> impl Iterator<Item = (&Arc<Definition>, &StepDefinition)> {
        self.definitions()
            .flat_map(|definition| definition.steps.iter().map(move |step| (definition, step)))
    }
}
