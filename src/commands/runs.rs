//! `mediamill runs`: what every run does or waits for.

use std::process::ExitCode;

use api::admin::{
    to_json,
    view::{ExplanationView, RunEntryView, RunPage},
};
use clap::Subcommand;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{
    explain::{self, Answer, Explanation},
    runs::{self, RunEntry, RunFilter},
};

use super::admin::{self, Because, Output, Part, time};
use crate::table;

const STATES: [&str; 5] = ["running", "succeeded", "rejected", "dead", "cancelled"];

#[derive(Subcommand)]
pub enum Command {
    /// List runs, newest first
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        output: Output,
    },
    /// Show a run and every attempt
    Show {
        /// The run
        id: Uuid,
        #[command(flatten)]
        output: Output,
    },
    /// Say why a run is not running, or who works on it
    Explain {
        /// The run
        id: Uuid,
        #[command(flatten)]
        output: Output,
    },
    /// End a run now
    Cancel(Change),
    /// Hold a run: what is under way ends its step, nothing else begins
    Pause(Change),
    /// Let a paused run go on
    Resume(Change),
}

#[derive(clap::Args)]
pub struct Filter {
    /// Only of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
    /// Only of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only about this file or upload
    #[arg(long)]
    subject: Option<Uuid>,
}

#[derive(clap::Args)]
pub struct Change {
    /// The run
    id: Uuid,
    #[command(flatten)]
    because: Because,
    #[command(flatten)]
    output: Output,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let pool = admin::pool().await?;
    match command {
        Command::List {
            filter,
            part,
            output,
        } => list(&pool, filter, &part, &output).await,
        Command::Show { id, output } => {
            let explanation = explain::explain(&pool, id).await?;
            Ok(show(explanation, &output))
        }
        Command::Explain { id, output } => {
            let explanation = explain::explain(&pool, id).await?;
            Ok(print_answers(explanation, &output))
        }
        Command::Cancel(change) => {
            runs::cancel(&pool, change.id, change.because.by()).await?;
            changed(&pool, &change, "cancelled").await
        }
        Command::Pause(change) => {
            runs::pause(&pool, change.id, change.because.by()).await?;
            changed(&pool, &change, "paused").await
        }
        Command::Resume(change) => {
            runs::resume(&pool, change.id, change.because.by()).await?;
            changed(&pool, &change, "resumed").await
        }
    }
}

async fn list(
    pool: &PgPool,
    filter: Filter,
    part: &Part,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let filter = RunFilter {
        workflow: filter.workflow,
        state: filter.state,
        owner: filter.owner,
        subject: filter.subject,
    };
    let page = runs::list(pool, &filter, part.paging()).await?;
    if output.json {
        return Ok(admin::done(&to_json(&RunPage::from(page)).to_string()));
    }
    table::print(
        [
            "RUN", "STARTED", "WORKFLOW", "STATE", "OWNER", "SUBJECT", "PAUSED",
        ],
        page.items.iter().map(|run| {
            [
                run.run_id.to_string(),
                time(run.started_at),
                format!("{} v{}", run.workflow, run.version),
                run.state.clone(),
                run.owner.clone(),
                run.subject.to_string(),
                admin::pause(run.paused.as_ref()),
            ]
        }),
    );
    admin::more(page.next);
    Ok(ExitCode::SUCCESS)
}

fn show(explanation: Explanation, output: &Output) -> ExitCode {
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
        println!("result    {result}");
    }
    println!("now       {}\n", sentence(&explanation.answer));
    admin::print_attempts(&explanation.timeline);
    ExitCode::SUCCESS
}

fn print_answers(explanation: Explanation, output: &Output) -> ExitCode {
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

async fn changed(pool: &PgPool, change: &Change, how: &str) -> anyhow::Result<ExitCode> {
    if change.output.json {
        let run = runs::get(pool, change.id).await?;
        return Ok(admin::done(&to_json(&RunEntryView::from(run)).to_string()));
    }
    Ok(admin::done(&format!("run {} is {how}", change.id)))
}

fn sentence(answer: &Answer) -> String {
    let text = match answer {
        Answer::Running {
            step,
            worker,
            build,
            since,
            ..
        } => format!(
            "{step} runs on {worker} (build {build}) since {}",
            time(*since)
        ),
        Answer::Ended { state, at } => {
            let at = at.map_or_else(String::new, |at| format!(" since {}", time(at)));
            format!("it is over: {state}{at}")
        }
        Answer::RunPaused { by, at, reason } => {
            format!("{by} paused the run at {}: {reason}", time(*at))
        }
        Answer::Dead {
            letter_id,
            letters,
            step,
            error,
        } => format!(
            "{step} died ({error}); it waits for a decision about {letters} dead letter(s), the newest is {letter_id}"
        ),
        Answer::WaitingForRetry {
            step,
            due_at,
            errors,
        } => format!(
            "{step} failed {errors} time(s); the next attempt is due at {}",
            time(*due_at)
        ),
        Answer::QueuePaused {
            queue,
            by,
            at,
            reason,
        } => format!("{by} paused the queue {queue} at {}: {reason}", time(*at)),
        Answer::NoWorker {
            workflow,
            version,
            step,
        } => format!("no worker at work knows {step} of {workflow} v{version}"),
        Answer::WaitingForSlot {
            queue,
            step,
            since,
            ahead,
            keys,
        } => format!(
            "{step} waits for a slot of {queue} since {}: {ahead} of the same owner go first, {keys} owner(s) take turns",
            time(*since)
        ),
    };
    // An error is somebody else's text.
    text.replace(char::is_control, " ")
}
