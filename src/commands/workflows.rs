//! `mediamill workflows`: before a deploy.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use sqlx::PgPool;
use workflows::admin::check::{self, Problem, Severity};

use super::admin::Output;
use crate::{
    output::{harmless, out},
    settings,
};

#[derive(Subcommand)]
pub enum Command {
    /// List what would keep this build from going on with every run; exit code 1 if any would be stuck
    Check {
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Check { output } = command;
    let queues = settings::queues()?;
    let build = workers::workflows::build().serving(&queues);
    let problems = check::problems(pool, &build).await?;
    let stuck = problems
        .iter()
        .any(|problem| problem.severity() == Severity::Stuck);
    if output.json {
        let problems: Vec<Value> = problems.iter().map(to_json).collect();
        out!("{}", json!({ "problems": problems }))?;
    } else {
        for problem in &problems {
            out!("{}", harmless(&sentence(problem)))?;
        }
        if !stuck {
            out!("this build can go on with every run")?;
        }
    }
    Ok(if stuck {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// With two of the runs, to look at.
fn sentence(problem: &Problem) -> String {
    let runs: Vec<_> = problem
        .runs()
        .iter()
        .take(2)
        .map(ToString::to_string)
        .collect();
    let runs = match runs.as_slice() {
        [] => String::new(),
        some => format!(" (see {})", some.join(", ")),
    };
    format!("{}: {problem}{runs}", problem.severity())
}

fn to_json(problem: &Problem) -> Value {
    let spot = problem.spot();
    json!({
        "severity": problem.severity().to_string(),
        "code": problem.code(),
        "workflow": spot.workflow,
        "version": spot.version,
        "step": spot.step,
        "detail": problem.to_string(),
        "runs": problem.runs(),
    })
}
