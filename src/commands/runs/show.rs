//! Runs, for people.

use std::process::ExitCode;

use api::v1::admin::view::ExplanationView;
use workflows::{
    RunState,
    admin::{explain::Explanation, runs::RunEntry},
};

use super::{
    super::admin::{self, Output, time},
    sentence::sentence,
};
use crate::{
    output::{harmless, out},
    table,
};

pub fn whole(explanation: Explanation, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        return admin::json(&ExplanationView::from(explanation));
    }
    let RunEntry {
        run_id,
        workflow,
        version,
        subject,
        fairness_key: owner,
        state,
        started_at,
        ended_at,
        result,
        ..
    } = &explanation.run;
    out!("run       {run_id}")?;
    out!("workflow  {workflow} v{version}")?;
    out!("state     {state}")?;
    out!("owner     {owner}")?;
    out!("subject   {subject}")?;
    out!("started   {}", time(*started_at))?;
    if let Some(at) = ended_at {
        out!("ended     {}", time(*at))?;
    }
    if let Some(result) = result {
        out!("result    {}", harmless(result.as_str()))?;
    }
    out!("now       {}\n", sentence(&explanation.answer))?;
    admin::print_attempts(&explanation.timeline)?;
    Ok(ExitCode::SUCCESS)
}

pub fn answers(explanation: Explanation, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        return admin::json(&ExplanationView::from(explanation));
    }
    out!("{}", sentence(&explanation.answer))?;
    let run = &explanation.run;
    if let Some(result) = run
        .result
        .as_ref()
        .filter(|_| run.state == RunState::Rejected)
    {
        out!("{}", harmless(&admin::message(&result.to_value())))?;
    }
    if explanation.tasks.len() > 1 {
        out!("")?;
        table::print(
            ["STEP", "CHILD", "NOW"],
            explanation.tasks.iter().map(|task| {
                [
                    task.step.clone(),
                    task.child.map_or_else(String::new, |n| n.to_string()),
                    sentence(&task.answer),
                ]
            }),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
