use chrono::DateTime;

use serde_json::{Value, json};

use super::*;
use crate::define::ids::{FairnessHash, FencingToken, Rank, RunId, TaskId};
use crate::define::{
    lane::Lane,
    step::{Attempt, Done, Joined, Step},
    workflow::Workflow,
};

struct Pass;
impl Step for Pass {
    const NAME: &'static str = "pass";
    type Context = ();
    type Input = u8;
    type Output = FanOut<u8, String>;
    async fn run(_: &Attempt, _: u8) -> Result<Done<Self::Output>, StepError> {
        unreachable!("planning runs no step")
    }
}

struct Each;
impl Step for Each {
    const NAME: &'static str = "each";
    const QUEUE: &'static str = "wide";
    type Context = ();
    type Input = u8;
    type Output = u8;
    async fn run(_: &Attempt, _: u8) -> Result<Done<u8>, StepError> {
        unreachable!("planning runs no step")
    }
}

struct Join;
impl Step for Join {
    const NAME: &'static str = "join";
    type Context = ();
    type Input = Joined<String, u8>;
    type Output = ();
    async fn run(_: &Attempt, _: Self::Input) -> Result<Done<()>, StepError> {
        unreachable!("planning runs no step")
    }
}

fn payload(value: &Value) -> Payload {
    Payload::encode(value).expect("plain JSON")
}

fn claim(step: &'static str) -> Claim {
    Claim {
        task_id: TaskId(Uuid::nil()),
        run_id: RunId(Uuid::nil()),
        subject: Uuid::nil(),
        lane: Lane {
            queue: "default",
            workflow: "test",
            version: 1,
            step,
        },
        fairness_hash: FairnessHash(0),
        rank: Rank(0),
        fan_out_id: None,
        child: None,
        input: payload(&json!(1)),
        errors: 6,
        crashes: 0,
        interruptions: 0,
        suspicion: 0,
        token: FencingToken(1),
        started_at: DateTime::UNIX_EPOCH,
        trace_parent: None,
        waited: Duration::ZERO,
    }
}

fn plan(step: &str, ended: Ended) -> Decision {
    let workflow: Workflow<u8> = Workflow::named("test", 1)
        .step::<Pass>()
        .fan_out::<Each>()
        .join::<Join>()
        .build();
    let definition = &workflow.definition;
    let step = definition.step(step).expect("the route has it");
    decide(Arc::new(claim(step.name)), definition, step, ended, 0.5).decision
}

fn performed(output: &Value) -> Ended {
    Ended::Performed(Performed {
        output: payload(output),
        writes: Vec::new(),
        alone: false,
        sleep: Duration::ZERO,
    })
}

fn retry_after(after: Option<Duration>) -> Ended {
    Ended::Failed(StepError::Retry {
        source: "busy".into(),
        after,
    })
}

#[test]
fn a_fan_out_makes_one_task_per_child_on_the_childs_queue() {
    let Decision::Advance {
        next: Next::FanOut {
            children, carry, ..
        },
        ..
    } = plan(
        "pass",
        performed(&json!({ "children": [7, 8], "carry": "kept" })),
    )
    else {
        panic!("expected a fan-out")
    };
    assert_eq!(carry.as_str(), r#""kept""#);
    let seen: Vec<_> = children
        .iter()
        .map(|c| (c.lane.step, c.lane.queue, c.input.as_str()))
        .collect();
    assert_eq!(seen, [("each", "wide", "7"), ("each", "wide", "8")]);
}

#[test]
fn a_fan_out_of_none_goes_straight_to_its_join() {
    let Decision::Advance {
        next: Next::Task(join),
        ..
    } = plan(
        "pass",
        performed(&json!({ "children": [], "carry": "kept" })),
    )
    else {
        panic!("expected the join")
    };
    assert_eq!(
        (join.lane.step, join.input.as_str()),
        ("join", r#"{"carry":"kept","children":[]}"#)
    );
}

#[test]
fn output_of_another_shape_is_our_fault_not_a_crash() {
    let decision = plan("pass", performed(&json!("not a fan-out")));
    assert!(matches!(
        decision,
        Decision::DeadLetter {
            cause: Cause::Failed,
            ..
        }
    ));
}

#[test]
fn the_delay_a_dependency_asks_for_is_honoured() {
    let asked = Duration::from_secs(77);
    let Decision::Retry { delay, .. } = plan("each", retry_after(Some(asked))) else {
        panic!("expected a retry")
    };
    assert_eq!(delay, asked);
}

#[test]
fn a_delay_without_end_is_cut() {
    for asked in [Duration::MAX, Duration::from_hours(24 * 3650)] {
        let Decision::Retry { delay, .. } = plan("each", retry_after(Some(asked))) else {
            panic!("expected a retry")
        };
        assert_eq!(delay, LONGEST_DELAY);
    }
}

#[test]
fn a_rejection_with_what_cannot_be_stored_is_a_rejection_all_the_same() {
    let mut deep = json!([]);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let rejection = Rejection {
        code: "odd".into(),
        message: "the name is a\0b".to_owned(),
        details: deep,
    };
    let Decision::Reject { rejection, result } =
        plan("each", Ended::Failed(StepError::Reject(rejection)))
    else {
        panic!("expected a rejection")
    };
    assert_eq!(rejection.message, "the name is a\u{fffd}b");
    assert!(result.as_str().contains("the name is"));
}

#[test]
fn the_last_error_of_the_budget_goes_to_the_dead_letters() {
    assert!(matches!(
        plan("each", retry_after(None)),
        Decision::Retry { .. }
    ));
    let step_with_no_budget = StepSettings::default().backoff.attempts;
    assert!(matches!(
        retry(
            StepSettings::default(),
            step_with_no_budget,
            &std::fmt::Error,
            None,
            0.5
        ),
        Decision::DeadLetter {
            cause: Cause::Errors,
            ..
        }
    ));
}

#[test]
fn interruptions_are_free_unless_the_step_says_how_many_are_too_many() {
    let often = Claim {
        interruptions: 99,
        ..claim("each")
    };
    let free = StepSettings::default();
    assert!(matches!(interrupt(free, &often), Decision::Release));
    let limited = StepSettings {
        interruption_limit: Some(100),
        ..free
    };
    let Decision::DeadLetter { cause, .. } = interrupt(limited, &often) else {
        panic!("the hundredth is too many")
    };
    assert_eq!(cause, Cause::Interruptions);
    assert!(matches!(
        interrupt(limited, &claim("each")),
        Decision::Release
    ));
}
