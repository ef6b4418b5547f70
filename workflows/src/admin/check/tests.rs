//! A bookshop deploys.

mod inputs;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    admin::check::{
        Build, Problem, Severity, Spot, Work,
        compare::{Found, Lane, Worker, compare},
        knows,
    },
    define::{
        shape::route,
        step::{Attempt, Done, FanOut, Joined, Missing, Step, StepError},
        workflow::Workflow,
    },
};

#[derive(Serialize, Deserialize)]
struct Order {
    customer: String,
    books: Vec<String>,
}

/// Declares steps that never run.
macro_rules! steps {
    ($($type:ident $name:literal on $queue:literal: $in:ty => $out:ty;)*) => {$(
        struct $type;
        impl Step for $type {
            const NAME: &'static str = $name;
            const QUEUE: &'static str = $queue;
            type Context = ();
            type Input = $in;
            type Output = $out;
            async fn run(_: &Attempt, _: $in) -> Result<Done<$out>, StepError> {
                unreachable!("nothing runs here")
            }
        }
    )*};
}
use steps;

steps! {
    CheckStock "check-stock" on "default": Order => FanOut<String, String>;
    Pack "pack" on "warehouse": String => u32;
    PackInTown "pack" on "town": String => u32;
    Send "send" on "default": Joined<String, u32> => ();
    SendWhatIsThere "send" on "default": Joined<String, Result<u32, Missing>> => ();
    CheckOnly "check-stock" on "default": Order => String;
    PackAll "pack" on "warehouse": String => Joined<String, u32>;
}

fn named<I: Serialize>() -> crate::define::workflow::Route<I, I> {
    Workflow::named("order", 1)
}

fn orders() -> Workflow<Order> {
    named()
        .step::<CheckStock>()
        .fan_out::<Pack>()
        .join::<Send>()
        .build()
}

fn partial() -> Workflow<Order> {
    let route = named().step::<CheckStock>().fan_out_partial::<Pack>();
    route.join::<SendWhatIsThere>().build()
}

fn all_queues<I>(workflow: &Workflow<I>) -> Build {
    let queues = ["default", "warehouse", "town"].map(|queue| (queue.to_owned(), 1));
    Build::default().with(workflow).serving(&queues)
}

fn spot(step: &str) -> Spot {
    Spot {
        workflow: "order".to_owned(),
        version: 1,
        step: step.to_owned(),
    }
}

/// A database in which the workflow was registered, with work at some steps.
fn written_by<I>(workflow: &Workflow<I>, work: &[(&str, Work)]) -> Found {
    let lanes = route(&workflow.definition).into_iter().map(|step| Lane {
        spot: spot(step.step),
        shape: Some(step.shape),
        work: work
            .iter()
            .find(|(at, _)| *at == step.step)
            .map_or_else(Work::default, |(_, work)| work.clone()),
    });
    Found {
        lanes: lanes.collect(),
        workers: Vec::new(),
    }
}

fn tasks(tasks: i64) -> Work {
    Work {
        tasks,
        ..Work::default()
    }
}

fn joins(joins: i64) -> Work {
    Work {
        joins,
        ..Work::default()
    }
}

fn worker<I>(build: &str, workflow: &Workflow<I>, slots: u32) -> Worker {
    let definition = &workflow.definition;
    let steps = definition.steps.iter();
    let steps: Vec<_> = steps
        .map(|step| json!({ "step": step.name, "queue": step.queue, "slots": slots }))
        .collect();
    let (workflow, version) = (definition.name, definition.version);
    Worker {
        build: build.to_owned(),
        capabilities: json!([{ "workflow": workflow, "version": version, "steps": steps }]),
    }
}

fn seen(problems: &[Problem]) -> Vec<(Severity, &str, &str)> {
    let each = problems.iter();
    each.map(|problem| (problem.severity(), problem.code(), &*problem.spot().step))
        .collect()
}

#[test]
fn nothing_is_wrong_with_the_same_build() {
    let found = written_by(&orders(), &[("pack", tasks(3)), ("send", joins(2))]);
    assert_eq!(compare(&all_queues(&orders()), &found), []);
}

#[test]
fn work_at_a_step_that_the_build_does_not_have_is_stuck() {
    let short = named().step::<CheckOnly>().build();
    let found = written_by(&orders(), &[("pack", tasks(3)), ("send", joins(1))]);
    let problems = compare(&all_queues(&short), &found);
    assert_eq!(
        seen(&problems),
        [
            (Severity::Stuck, "unknown_step", "pack"),
            (Severity::Stuck, "unknown_step", "send")
        ]
    );
    assert_eq!(
        problems[0].to_string(),
        "pack of order v1: this build does not have the step; it would leave 3 tasks alone"
    );
    let nothing_there = written_by(&orders(), &[]);
    assert_eq!(compare(&all_queues(&short), &nothing_there), []);
}

#[test]
fn a_fan_out_that_was_begun_otherwise_is_stuck_and_one_not_begun_is_not() {
    let build = all_queues(&partial());
    let begun = written_by(&orders(), &[("send", joins(2))]);
    let problems = compare(&build, &begun);
    assert_eq!(
        seen(&problems),
        [
            (Severity::Stuck, "route_changed", "check-stock"),
            (Severity::Warning, "input_changed", "send")
        ]
    );
    assert_eq!(
        problems[0].to_string(),
        "check-stock of order v1: a partial fan-out to pack, joined at send follows, where it was \
         a fan-out to pack, joined at send; 2 open fan-outs could not end as begun"
    );
    let before = written_by(&orders(), &[("check-stock", tasks(1))]);
    let severities = compare(&build, &before);
    assert!(severities.iter().all(|p| p.severity() == Severity::Warning));
}

#[test]
fn children_that_would_not_find_their_join_are_stuck() {
    let straight = named()
        .step::<CheckOnly>()
        .step::<PackAll>()
        .step::<Send>()
        .build();
    let found = written_by(&orders(), &[("pack", tasks(4))]);
    assert!(seen(&compare(&all_queues(&straight), &found)).contains(&(
        Severity::Stuck,
        "route_changed",
        "pack"
    )));
}

#[test]
fn work_in_a_queue_that_nobody_serves_is_stuck() {
    let moved = named()
        .step::<CheckStock>()
        .fan_out::<PackInTown>()
        .join::<Send>()
        .build();
    let mut found = written_by(&orders(), &[("pack", tasks(5))]);
    // The workers of before serve another queue.
    found.workers.push(worker("0.1", &orders(), 4));
    let build = Build::default()
        .with(&moved)
        .serving(&[("default".to_owned(), 4), ("town".to_owned(), 0)]);
    let problems = compare(&build, &found);
    assert_eq!(
        seen(&problems),
        [(Severity::Stuck, "nobody_serves", "pack")]
    );
    assert_eq!(
        problems[0].to_string(),
        "pack of order v1: no worker has slots for the queue town, where 5 tasks would wait"
    );
    // Who does not say which queues the build will serve cannot be sure.
    let unsaid = Build::default().with(&moved);
    assert_eq!(
        seen(&compare(&unsaid, &found)),
        [(Severity::Warning, "nobody_serves", "pack")]
    );
    found.workers.push(worker("0.2", &moved, 0));
    assert_eq!(compare(&build, &found).len(), 1, "known, but without slots");
    found.workers.push(worker("0.2", &moved, 1));
    assert_eq!(compare(&build, &found), []);
}

#[test]
fn builds_that_will_leave_tasks_of_this_one_alone_are_named() {
    let short = named().step::<CheckOnly>().build();
    let found = Found {
        workers: vec![
            worker("0.1", &short, 1),
            worker("0.1", &short, 1),
            worker(
                "other",
                &Workflow::<Order>::named("o", 1).step::<CheckOnly>().build(),
                1,
            ),
        ],
        ..Found::default()
    };
    let problems = compare(&all_queues(&orders()), &found);
    assert_eq!(
        seen(&problems),
        [
            (Severity::Warning, "unknown_to_others", "pack"),
            (Severity::Warning, "unknown_to_others", "send")
        ]
    );
    assert_eq!(
        problems[0].to_string(),
        "pack of order v1: the builds at work (0.1) do not have the step and leave its tasks to \
         this one"
    );
}

#[test]
fn work_is_counted_in_words() {
    let work = Work {
        tasks: 1,
        letters: 2,
        joins: 1,
        runs: Vec::new(),
    };
    assert_eq!(
        work.to_string(),
        "1 task, 2 dead letters and 1 open fan-out"
    );
    assert_eq!(joins(2).to_string(), "2 open fan-outs");
    assert_eq!(Work::default().to_string(), "nothing");
}

#[test]
fn workers_say_what_they_know() {
    let knowing = worker("0.1", &orders(), 1).capabilities;
    assert!(knows(&knowing, "order", 1, "pack"));
    assert!(!knows(&knowing, "order", 2, "pack"));
    assert!(!knows(&json!({ "not": "a list" }), "order", 1, "pack"));
}
