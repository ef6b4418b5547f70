//! What was inflicted, and what became of it.

use std::{collections::BTreeMap, time::Duration};

use crate::{Arena, harm::Harm};

#[derive(Default)]
pub struct Report(BTreeMap<Harm, Vec<Duration>>);

impl Report {
    pub fn add(&mut self, harm: Harm, recovered: Duration) {
        self.0.entry(harm).or_default().push(recovered);
    }

    pub async fn print(&mut self, arena: &Arena) {
        println!(
            "{:<34}{:>7}{:>10}{:>10}",
            "harm", "times", "median", "worst"
        );
        for (harm, times) in &mut self.0 {
            times.sort_unstable();
            let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
            let (median, worst) = (median.as_secs_f64(), worst.as_secs_f64());
            println!(
                "{:<34}{:>7}{median:>8.2} s{worst:>8.2} s",
                harm.name(),
                times.len()
            );
        }
        for (what, sql) in [
            (
                "steps done",
                "SELECT count(*) FROM workflows.attempts WHERE outcome = 'done'",
            ),
            (
                "attempts that failed",
                "SELECT count(*) FROM workflows.attempts WHERE outcome = 'error'",
            ),
            (
                "attempts lost with their worker",
                "SELECT count(*) FROM workflows.attempts WHERE outcome = 'crashed'",
            ),
        ] {
            println!("{what:<34}{:>7}", arena.ask(sql).await);
        }
    }
}
