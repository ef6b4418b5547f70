//! `mediamill migrate`: brings the database's schema up to this build. Safe to run at any time and
//! from many machines; run it before the new build's processes. An older build's does no harm either: it leaves
//! what it does not know alone, and refuses in a sentence where it cannot work with that.

use std::process::ExitCode;

use crate::{database, settings, telemetry};

pub async fn run() -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    let pool = database::connect(&settings::database()?.url).await?;
    database::migrate(&pool).await?;
    Ok(ExitCode::SUCCESS)
}
