//! `mediamill dead-letters discard`: one letter, or many in rounds.

use std::{process::ExitCode, time::Duration};

use api::v1::admin::view::DiscardedView;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{
    Actor, Hooks,
    dead_letters::{self, Discarded, LetterFilter},
    redrive,
};

use super::{
    super::admin::{self, Output, user},
    filter::Filter,
};
use crate::{clock, output::note};

/// Letters of one round.
const ROUND: i64 = 500;
/// So often it is tried again where somebody else is at work on all that is left.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub struct Args {
    /// The letter
    #[arg(
        required_unless_present = "all",
        conflicts_with_all = ["all", "Filter", "dry_run"],
    )]
    id: Option<Uuid>,
    /// Every open letter that the filters leave
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only say how many there are
    #[arg(long)]
    dry_run: bool,
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
        let mut filter = args.filter.resolve(pool).await?;
        // What dies from now on is another matter.
        filter.died_before.get_or_insert_with(clock::now);
        if args.dry_run {
            let left = redrive::count(pool, &filter).await?;
            let text = format!("{left} dead letter(s) match");
            return told(Discarded { runs: 0, left }, &text, &args.output);
        }
        let done = many(pool, &filter, by).await?;
        let text = format!(
            "{} run(s) cancelled, {} letter(s) left",
            done.runs, done.left
        );
        return told(done, &text, &args.output);
    };
    dead_letters::discard(pool, id.into(), by).await?;
    super::resolved(pool, id, &args.output, "discarded").await
}

/// Round after round, until nothing is left that somebody else is not at work on.
async fn many(pool: &PgPool, filter: &LetterFilter, by: Actor<'_>) -> anyhow::Result<Discarded> {
    let (mut runs, mut tries) = (0, 0);
    loop {
        let round = dead_letters::discard_many(pool, filter, ROUND, by).await?;
        runs += round.runs;
        let left = round.left;
        if round.runs > 0 {
            tries = 0;
            note!("{runs} run(s) cancelled");
        } else {
            tries += 1;
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        if left == 0 || tries == TRIES {
            return Ok(Discarded { runs, left });
        }
    }
}

fn told(discarded: Discarded, text: &str, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        return admin::json(&DiscardedView::from(discarded));
    }
    admin::done(text)
}
