//! `mediamill migrate`: brings the database's schema up to this build. Safe to run at any time and
//! from many machines; run it before the new build's processes. An older build's does no harm either: it leaves
//! what it does not know alone, and refuses in a sentence where it cannot work with that.

use std::process::ExitCode;

use media::buckets;

use crate::{database, output::out, settings, telemetry};

#[derive(clap::Args)]
pub struct Args {
    /// The objects were moved to other buckets: the next process that starts says where they are
    #[arg(long)]
    buckets_moved: bool,
}

pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    // Postgres tells of every table that is there already, as a notice.
    telemetry::start("info,sqlx::postgres::notice=off")?;
    settings::warn_of_unknown();
    let settings = settings::database()?;
    let pool = database::connect(&settings.url, settings.connections).await?;
    let before = database::versions(&pool).await?;
    database::migrate(&pool).await?;
    let after = database::versions(&pool).await?;
    if before == after {
        out!("nothing to do: the schema is at {after}")?;
    } else {
        out!("migrated from {before} to {after}")?;
    }
    if args.buckets_moved {
        let mut connection = media::pool::borrow(&pool).await?;
        buckets::forget(&mut connection).await?;
        out!("the next process that starts records its buckets")?;
    }
    Ok(ExitCode::SUCCESS)
}
