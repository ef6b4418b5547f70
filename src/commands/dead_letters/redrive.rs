//! `mediamill dead-letters redrive`: one letter, or many as a job that workers see to.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use api::v1::admin::view::RedriveCount;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{
    Actor, AdminError, Hooks, dead_letters,
    redrive::{self, Pace, Redrive},
};

use super::{
    super::admin::{self, Output, user},
    filter::Filter,
    redrives,
};
use crate::{output::note, signals::Stop};

/// Between two looks at a job.
const LOOK: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub struct Args {
    /// The letter
    #[arg(
        required_unless_present = "all",
        conflicts_with_all = ["all", "Filter", "dry_run", "rate", "cap", "no_wait"],
    )]
    id: Option<Uuid>,
    /// Start the run again from this earlier step
    #[arg(long)]
    from_step: Option<String>,
    /// Every open letter that the filters leave
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only say how many there are
    #[arg(long)]
    dry_run: bool,
    /// How many a second
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// How many at most
    #[arg(long, default_value_t = 10_000)]
    cap: i32,
    /// Do not wait for the end
    #[arg(long)]
    no_wait: bool,
    /// Why; kept in the audit
    #[arg(long, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Who; kept in the audit
    #[arg(long, default_value_t = user())]
    actor: String,
    #[command(flatten)]
    output: Output,
}

pub async fn run(pool: &PgPool, hooks: &Hooks, args: Args) -> anyhow::Result<ExitCode> {
    let by = Actor::new(&args.actor, args.reason.as_deref().unwrap_or_default());
    let by = by.telling(hooks);
    let Some(id) = args.id else {
        let filter = args.filter.resolve(pool).await?;
        if args.dry_run {
            let matched = redrive::count(pool, &filter).await?;
            return count(matched, &args.output);
        }
        let pace = Pace {
            per_second: args.rate,
            cap: args.cap,
        };
        let from_step = args.from_step.as_deref();
        let request = redrive::request(pool, &filter, from_step, pace, by);
        return Box::pin(many(pool, request, args.no_wait, &args.output)).await;
    };
    dead_letters::redrive(pool, id.into(), args.from_step.as_deref(), by).await?;
    super::resolved(pool, id, &args.output, "re-driven").await
}

fn count(matched: i64, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        return admin::json(&RedriveCount {
            matched: matched.into(),
        });
    }
    if matched == 0 {
        note!("`mediamill dead-letters summary` lists what there is");
    }
    admin::done(format_args!("{matched} dead letter(s) match"))
}

async fn many(
    pool: &PgPool,
    request: impl Future<Output = Result<Redrive, AdminError>>,
    no_wait: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    // Before it is asked for: from then on Ctrl-C ends the command, not the job.
    let stop = Stop::on_signals().context("cannot listen for signals")?;
    let redrive = request.await?;
    let id = redrive.redrive_id;
    note!(
        "re-drive {id}: {} dead letter(s), at most {}, {} a second",
        redrive.matched,
        redrive.cap,
        redrive.per_second
    );
    let redrive = if no_wait {
        redrive
    } else {
        tokio::select! {
            redrive = see_through(pool, redrive) => redrive?,
            () = stop.stop.cancelled() => {
                note!("it goes on; to stop it: mediamill dead-letters redrives stop {id} --reason WHY");
                redrive::get(pool, id).await?
            }
        }
    };
    redrives::told(redrive, output)
}

/// Looks at a job until it has ended, and says how far it is.
async fn see_through(pool: &PgPool, mut redrive: Redrive) -> anyhow::Result<Redrive> {
    let wanted = redrive.matched.min(redrive.cap.into());
    while redrive.ended_at.is_none() {
        tokio::time::sleep(LOOK).await;
        let before = redrive.redriven;
        redrive = redrive::get(pool, redrive.redrive_id).await?;
        if redrive.redriven > before {
            note!("{} of {wanted} re-driven", redrive.redriven);
        }
    }
    Ok(redrive)
}
