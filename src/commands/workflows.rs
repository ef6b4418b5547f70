//! `mediamill workflows`: before a deploy.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use workers::route;
use workflows::admin::check::{self, Unresumable};

use super::admin::{self, Output};
use crate::table;

#[derive(Subcommand)]
pub enum Command {
    /// List runs that this build could not go on with; exit code 1 if there are any
    Check {
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Check { output } = command;
    let pool = admin::pool().await?;
    let places = check::unresumable(&pool, &route::names(&pool)).await?;
    if output.json {
        let places: Vec<Value> = places.iter().map(to_json).collect();
        println!("{}", json!({ "unresumable": places }));
    } else if places.is_empty() {
        println!("this build can go on with every run");
    } else {
        table::print(
            ["WORKFLOW", "STEP", "TASKS", "SOME RUNS"],
            places.iter().map(|place| {
                let runs: Vec<_> = place.runs.iter().take(2).map(ToString::to_string).collect();
                [
                    format!("{} v{}", place.workflow, place.version),
                    place.step.clone(),
                    place.count.to_string(),
                    runs.join(" "),
                ]
            }),
        );
    }
    Ok(if places.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn to_json(place: &Unresumable) -> Value {
    json!({
        "workflow": place.workflow,
        "version": place.version,
        "step": place.step,
        "count": place.count,
        "runs": place.runs,
    })
}
