//! How much of a file's processing is done, in percent.

use workflows::inspect::{RunSummary, StepSummary};

/// Up to where each step of the route brings a file, in percent. Nearly all of the time goes into the variants.
const ROUTE: [(&str, f64); 6] = [
    ("assemble", 2.0),
    ("scan", 6.0),
    ("probe", 9.0),
    ("promote", 10.0),
    ("render", 95.0),
    ("publish", 99.0),
];

/// The step that stands for `render` with office documents.
const ASIDE: &str = "render_office";

/// From 0 to 100, and 100 only when the file is `ready`.
pub fn percent(run: &RunSummary, ready: bool) -> i32 {
    if ready {
        return 100;
    }
    let mut begin = 0.0;
    let mut reached = 0.0;
    for (name, end) in ROUTE {
        let is_it =
            |step: &&StepSummary| step.name == name || (name, &*step.name) == ("render", ASIDE);
        if let Some(step) = run.steps.iter().find(is_it) {
            reached = begin + (end - begin) * share(step);
        }
        begin = end;
    }
    #[expect(clippy::cast_possible_truncation, reason = "0 to 99")]
    let percent = reached as i32;
    percent
}

/// From 0 to 1: what its tasks say of themselves, or else how many are done.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn share(step: &StepSummary) -> f64 {
    let counted = step.done as f64 / step.total.max(1) as f64;
    step.progress.unwrap_or(counted).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;
    use workflows::{RunState, StepState};

    use super::*;

    fn run(steps: &[(&str, i64, i64, Option<f64>)]) -> RunSummary {
        let step = |&(name, done, total, progress): &(&str, i64, i64, Option<f64>)| StepSummary {
            name: name.to_owned(),
            state: StepState::Running,
            done,
            total,
            attempts: 0,
            last_error: None,
            progress,
        };
        RunSummary {
            run_id: workflows::RunId(Uuid::nil()),
            workflow: "ingest".to_owned(),
            version: 1,
            state: RunState::Running,
            started_at: DateTime::UNIX_EPOCH,
            ended_at: None,
            steps: steps.iter().map(step).collect(),
        }
    }

    #[test]
    fn it_grows_along_the_route_and_ends_with_the_file() {
        let assembling = ("assemble", 0, 1, None);
        let promoted = ("promote", 1, 1, None);
        let mut before = -1;
        for (steps, expected) in [
            (vec![assembling], 0),
            (vec![("assemble", 1, 1, None), ("scan", 0, 1, None)], 2),
            (vec![promoted], 10),
            (vec![promoted, ("render", 0, 4, Some(0.1))], 18),
            (vec![promoted, ("render", 2, 4, None)], 52),
            (vec![promoted, ("render_office", 3, 4, None)], 73),
            (vec![promoted, ("render", 4, 4, None)], 95),
            (vec![("render", 4, 4, None), ("publish", 1, 1, None)], 99),
        ] {
            let percent = percent(&run(&steps), false);
            assert_eq!(percent, expected, "{steps:?}");
            assert!(percent > before);
            before = percent;
        }
        assert_eq!(percent(&run(&[]), false), 0);
        assert_eq!(percent(&run(&[promoted]), true), 100);
    }
}
