//! The comparison itself, without I/O.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    admin::check::{Build, Known, Problem, Spot, Work},
    define::shape::{Follows, StepShape},
    protocol::UPKEEP,
};

/// What the database has.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub lanes: Vec<Lane>,
    pub workers: Vec<Worker>,
}

/// A step that some build has registered.
#[derive(Debug)]
pub(super) struct Lane {
    pub spot: Spot,
    /// As the newest build that has it said.
    pub shape: Option<StepShape>,
    pub work: Work,
}

/// A worker that is there.
#[derive(Debug)]
pub(super) struct Worker {
    pub build: String,
    /// The column `workers.capabilities`.
    pub capabilities: Value,
}

/// A step that a worker can run.
pub(super) struct Offer<'a> {
    pub workflow: &'a str,
    pub version: i32,
    pub step: &'a str,
    pub queue: &'a str,
    pub slots: u64,
}

/// What a worker can run, from the column `workers.capabilities`.
pub(super) fn offers(capabilities: &Value) -> impl Iterator<Item = Offer<'_>> {
    let workflows = capabilities.as_array().into_iter().flatten();
    workflows.flat_map(|workflow| {
        let steps = workflow["steps"].as_array().into_iter().flatten();
        steps.filter_map(move |step| {
            Some(Offer {
                workflow: workflow["workflow"].as_str()?,
                version: workflow["version"].as_i64()?.try_into().ok()?,
                step: step["step"].as_str()?,
                queue: step["queue"].as_str().unwrap_or_default(),
                slots: step["slots"].as_u64().unwrap_or_default(),
            })
        })
    })
}

/// Lists what is wrong.
pub(super) fn compare(build: &Build, found: &Found) -> Vec<Problem> {
    let mut problems = Vec::new();
    let lanes = found.lanes.iter();
    for lane in lanes.filter(|lane| lane.spot.workflow != UPKEEP) {
        match build.find(&lane.spot) {
            Some(known) => {
                problems.extend(nobody_serves(build, found, lane, known));
                problems.extend(route_changed(found, lane, known));
                problems.extend(input_changed(found, lane, known));
            }
            None if lane.work.is_empty() => {}
            None => problems.push(Problem::UnknownStep {
                spot: lane.spot.clone(),
                work: lane.work.clone(),
            }),
        }
    }
    let steps = build.steps.iter();
    problems.extend(steps.filter_map(|known| unknown_to_others(found, known)));
    problems
}

fn nobody_serves(build: &Build, found: &Found, lane: &Lane, known: &Known) -> Option<Problem> {
    let queue = known.step.queue;
    let mut workers = found
        .workers
        .iter()
        .flat_map(|worker| offers(&worker.capabilities));
    let served = build.queues.as_ref().is_some_and(|own| own.contains(queue))
        || workers.any(|offer| offer.queue == queue && offer.slots > 0);
    (!served && !lane.work.is_empty()).then(|| Problem::NobodyServes {
        spot: lane.spot.clone(),
        queue: queue.to_owned(),
        work: lane.work.clone(),
        certain: build.queues.is_some(),
    })
}

fn route_changed(found: &Found, lane: &Lane, known: &Known) -> Option<Problem> {
    let (was, is) = (&lane.shape.as_ref()?.then, &known.step.shape.then);
    if was == is {
        return None;
    }
    let begun = open_fan_outs(found, &lane.spot, was);
    let strands = match (was, is) {
        // The join of a fan-out that was begun is handed what was promised then.
        (
            Follows::FanOut { join, partial, .. },
            Follows::FanOut {
                join: j,
                partial: p,
                ..
            },
        ) => join == j && partial != p && begun.joins > 0,
        // Children go to their join, and others do not.
        _ => (*was == Follows::Join || *is == Follows::Join) && !lane.work.is_empty(),
    };
    let strands_begun = strands && begun.joins > 0;
    let work = if strands_begun {
        begun
    } else {
        lane.work.clone()
    };
    let concerns = strands || !work.is_empty() || at_work(found, &lane.spot);
    concerns.then(|| Problem::RouteChanged {
        spot: lane.spot.clone(),
        was: was.to_string(),
        is: is.to_string(),
        work,
        strands,
    })
}

/// Of a step that begins a fan-out: those that wait for their children to end, to go on at the join.
fn open_fan_outs(found: &Found, parent: &Spot, follows: &Follows) -> Work {
    let Follows::FanOut { join, .. } = follows else {
        return Work::default();
    };
    let mut lanes = found.lanes.iter();
    let joining = lanes.find(|lane| {
        let Spot {
            workflow,
            version,
            step,
        } = &lane.spot;
        (workflow, *version, step) == (&parent.workflow, parent.version, join)
    });
    joining.map_or_else(Work::default, |lane| Work {
        joins: lane.work.joins,
        runs: lane.work.runs.clone(),
        ..Work::default()
    })
}

fn input_changed(found: &Found, lane: &Lane, known: &Known) -> Option<Problem> {
    let (was, is) = (lane.shape.as_ref()?, &known.step.shape);
    let concerns = !lane.work.is_empty() || at_work(found, &lane.spot);
    (concerns && is.input_differs(was)).then(|| Problem::InputChanged {
        spot: lane.spot.clone(),
        was: was.input.clone(),
        is: is.input.clone(),
        work: lane.work.clone(),
    })
}

/// Whether a worker that is there runs the step.
fn at_work(found: &Found, spot: &Spot) -> bool {
    let Spot {
        workflow,
        version,
        step,
    } = spot;
    let mut workers = found.workers.iter();
    workers.any(|worker| crate::admin::check::knows(&worker.capabilities, workflow, *version, step))
}

/// Workers that have other steps or versions of the workflow are of a build that will meet this one.
fn unknown_to_others(found: &Found, known: &Known) -> Option<Problem> {
    let spot = known.spot();
    let of_the_workflow = |worker: &&Worker| {
        let mut offers = offers(&worker.capabilities);
        offers.any(|offer| offer.workflow == spot.workflow)
    };
    let without = |worker: &&Worker| {
        !crate::admin::check::knows(
            &worker.capabilities,
            &spot.workflow,
            spot.version,
            &spot.step,
        )
    };
    let others = found.workers.iter().filter(of_the_workflow).filter(without);
    let builds: BTreeSet<String> = others.map(|worker| worker.build.clone()).collect();
    (!builds.is_empty()).then(|| Problem::UnknownToOthers {
        spot: spot.clone(),
        builds: builds.into_iter().collect(),
    })
}
