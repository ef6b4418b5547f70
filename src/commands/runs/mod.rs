//! `mediamill runs`: what every run does or waits for.

mod about;
mod sentence;
mod show;

use std::process::ExitCode;

use api::v1::admin::view::{RunEntryView, RunPage};
use clap::{
    Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use sqlx::PgPool;
use uuid::Uuid;
use workflows::{
    RunState,
    admin::runs::{self, RunFilter},
};

use super::{
    admin::{self, Because, Output, Part, time},
    known,
};
use crate::table;

/// The states of runs, by their words.
fn states() -> impl TypedValueParser<Value = RunState> {
    PossibleValuesParser::new(RunState::WORDS).try_map(|word| word.parse::<RunState>())
}

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
        /// The run, or the file
        #[arg(value_parser = about::id)]
        id: Uuid,
        #[command(flatten)]
        output: Output,
    },
    /// Say why a run is not running, or who works on it
    Explain {
        /// The run, or the file
        #[arg(value_parser = about::id)]
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
    /// Start a run again that has ended or is dead
    Restart {
        #[command(flatten)]
        change: Change,
        /// From this step, which it has been through, instead of from its first
        #[arg(long)]
        from_step: Option<String>,
    },
}

#[derive(clap::Args)]
pub struct Filter {
    /// Only of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = states())]
    state: Option<RunState>,
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

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let hooks = admin::hooks()?;
    match command {
        Command::List {
            filter,
            part,
            output,
        } => list(pool, filter, &part, &output).await,
        Command::Show { id, output } => {
            let explanation = about::explained(pool, id).await?;
            show::whole(explanation, &output)
        }
        Command::Explain { id, output } => {
            let explanation = about::explained(pool, id).await?;
            show::answers(explanation, &output)
        }
        Command::Cancel(change) => {
            runs::cancel(pool, change.id.into(), change.because.by().telling(&hooks)).await?;
            changed(pool, &change, "cancelled").await
        }
        Command::Pause(change) => {
            runs::pause(pool, change.id.into(), change.because.by()).await?;
            changed(pool, &change, "paused").await
        }
        Command::Resume(change) => {
            runs::resume(pool, change.id.into(), change.because.by()).await?;
            changed(pool, &change, "resumed").await
        }
        Command::Restart { change, from_step } => {
            let by = change.because.by().telling(&hooks);
            runs::restart(pool, change.id.into(), from_step.as_deref(), by).await?;
            changed(pool, &change, "started again").await
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
        fairness_key: filter.owner,
        subject: filter.subject,
    };
    let page = runs::list(pool, &filter, part.paging()).await?;
    if page.items.is_empty() {
        known::note_unknown(pool, filter.workflow.as_deref(), None).await?;
    }
    if output.json {
        return admin::json(&RunPage::from(page));
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
                run.state.to_string(),
                run.fairness_key.clone(),
                run.subject.to_string(),
                admin::pause(run.paused.as_ref()),
            ]
        }),
    )?;
    admin::more(page.next);
    Ok(ExitCode::SUCCESS)
}

async fn changed(pool: &PgPool, change: &Change, how: &str) -> anyhow::Result<ExitCode> {
    if change.output.json {
        let run = runs::get(pool, change.id.into()).await?;
        return admin::json(&RunEntryView::from(run));
    }
    admin::done(format_args!("run {} is {how}", change.id))
}
