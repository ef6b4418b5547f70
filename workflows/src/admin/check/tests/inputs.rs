//! What steps are given.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::{
    admin::check::{
        Severity,
        compare::compare,
        decode::{Sample, undecodable},
        tests::{
            Pack, Send, all_queues, named, orders, partial, seen, spot, steps, tasks, worker,
            written_by,
        },
    },
    define::{
        shape::{StepShape, route},
        step::{Attempt, Done, FanOut, Step, StepError},
    },
};

/// What [`Order`] became.
#[derive(Serialize, Deserialize)]
struct PricedOrder {
    customer: String,
    books: Vec<(String, u32)>,
}

struct Panicking;
impl<'de> Deserialize<'de> for Panicking {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("on purpose")
    }
}

impl Serialize for Panicking {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

steps! {
    CheckPrices "check-stock" on "default": PricedOrder => FanOut<String, String>;
    Picky "picky" on "default": Panicking => ();
}

#[test]
fn a_changed_input_is_shown_where_somebody_may_meet_it() {
    let priced = named()
        .step::<CheckPrices>()
        .fan_out::<Pack>()
        .join::<Send>()
        .build();
    let build = all_queues(&priced);
    let problems = compare(&build, &written_by(&orders(), &[("check-stock", tasks(1))]));
    assert_eq!(
        seen(&problems),
        [(Severity::Warning, "input_changed", "check-stock")]
    );
    assert_eq!(
        problems[0].to_string(),
        "check-stock of order v1: its input has changed: it was \
         Order{customer:string,books:[string]}, it is \
         PricedOrder{customer:string,books:[(string,u32)]}; 1 task there"
    );
    // Nothing there: nobody could meet it, unless a worker of before goes on starting runs.
    let mut found = written_by(&orders(), &[]);
    assert_eq!(compare(&build, &found), []);
    found.workers.push(worker("0.1", &orders(), 1));
    assert_eq!(
        seen(&compare(&build, &found)),
        [(Severity::Warning, "input_changed", "check-stock")]
    );
}

#[test]
fn inputs_of_an_engine_that_finds_shapes_otherwise_are_not_compared() {
    let mut found = written_by(&orders(), &[("pack", tasks(1))]);
    for lane in &mut found.lanes {
        let shape = lane.shape.as_mut().unwrap();
        shape.fingerprint = format!("0{}", shape.fingerprint);
    }
    assert_eq!(compare(&all_queues(&orders()), &found), []);
    found.lanes[1].shape = None;
    assert_eq!(compare(&all_queues(&orders()), &found), []);
}

#[test]
fn inputs_are_read_without_running_anything() {
    let sample = |step: &str, input: &str| Sample {
        spot: spot(step),
        run_id: RunId(Uuid::nil()),
        input: input.to_owned(),
    };
    let build = all_queues(&orders()).with(&named::<Panicking>().step::<Picky>().build());
    let problems = undecodable(
        &build,
        &[
            sample("check-stock", r#"{"customer":"Ada","books":[]}"#),
            sample("check-stock", r#"{"customer":"Ada"}"#),
            sample("pack", r#""Emma""#),
            sample("picky", "1"),
            sample("unknown", "1"),
        ],
    );
    assert_eq!(
        seen(&problems),
        [
            (Severity::Stuck, "undecodable", "check-stock"),
            (Severity::Stuck, "undecodable", "picky")
        ]
    );
    assert_eq!(
        problems[0].to_string(),
        "check-stock of order v1: this build cannot read 1 of the 2 inputs that were tried \
         (missing field `books` at line 1 column 18)"
    );
}

#[test]
fn shapes_come_back_from_the_database() {
    for step in route(&partial().definition) {
        let stored = serde_json::Value::from(&step.shape);
        let back: StepShape = serde_json::from_value(stored).unwrap();
        assert_eq!(back, step.shape);
    }
}
