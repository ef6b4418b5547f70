//! Runs, for people.

use std::process::ExitCode;

use api::admin::{to_json, view::ExplanationView};
use workflows::admin::{explain::Explanation, runs::RunEntry};

use super::{
    super::admin::{self, Output, time},
    sentence::sentence,
};
use crate::table;

pub fn whole(explanation: Explanation, output: &Output) -> ExitCode {
    if output.json {
        return admin::done(&to_json(&ExplanationView::from(explanation)).to_string());
    }
    let RunEntry {
        run_id,
        workflow,
        version,
        subject,
        owner,
        state,
        started_at,
        ended_at,
        result,
        ..
    } = &explanation.run;
    println!("run       {run_id}");
    println!("workflow  {workflow} v{version}");
    println!("state     {state}");
    println!("owner     {owner}");
    println!("subject   {subject}");
    println!("started   {}", time(*started_at));
    if let Some(at) = ended_at {
        println!("ended     {}", time(*at));
    }
    if let Some(result) = result {
        println!("result    {}", admin::harmless(result.as_str()));
    }
    println!("now       {}\n", sentence(&explanation.answer));
    admin::print_attempts(&explanation.timeline);
    ExitCode::SUCCESS
}

pub fn answers(explanation: Explanation, output: &Output) -> ExitCode {
    if output.json {
        return admin::done(&to_json(&ExplanationView::from(explanation)).to_string());
    }
    println!("{}", sentence(&explanation.answer));
    if explanation.tasks.len() > 1 {
        println!();
        table::print(
            ["STEP", "CHILD", "NOW"],
            explanation.tasks.iter().map(|task| {
                [
                    task.step.clone(),
                    task.child.map_or_else(String::new, |n| n.to_string()),
                    sentence(&task.answer),
                ]
            }),
        );
    }
    ExitCode::SUCCESS
}
