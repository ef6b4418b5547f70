//! `mediamill migrate`: brings the database's schema up to this build. Safe to run at any time and
//! from many machines; run it before the new build's processes.

use std::process::ExitCode;

use crate::{settings, telemetry, wiring};

pub async fn run() -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    let pool = wiring::connect(&settings::database()?.url).await?;
    wiring::migrate(&pool).await?;
    Ok(ExitCode::SUCCESS)
}
