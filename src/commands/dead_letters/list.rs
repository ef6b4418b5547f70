//! Reading dead letters.

use std::process::ExitCode;

use api::v1::admin::view::{DeadLetterDetail, DeadLetterPage, KindList};
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::dead_letters::{self, DeadLetter};

use super::{
    super::admin::{self, Output, Part, time},
    filter::{Filter, short_id},
};
use crate::{
    output::{harmless, out},
    table,
};

pub async fn letters(
    pool: &PgPool,
    filter: Filter,
    resolved: bool,
    part: &Part,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let filter = filter.resolve(pool).await?;
    let page = dead_letters::list(pool, &filter, resolved, part.paging()).await?;
    if output.json {
        return admin::json(&DeadLetterPage::from(page));
    }
    table::print(
        [
            "LETTER",
            "DIED",
            "STEP",
            "OWNER",
            "CAUSE",
            "RESOLVED",
            "FINGERPRINT",
            "ERROR",
        ],
        page.items.iter().map(|letter| {
            [
                letter.letter_id.to_string(),
                time(letter.died_at),
                format!("{} v{} {}", letter.workflow, letter.version, letter.step),
                letter.fairness_key.clone(),
                letter.cause.to_string(),
                letter
                    .resolution
                    .map(|resolution| resolution.to_string())
                    .unwrap_or_default(),
                short_id(letter.fingerprint.as_str()),
                error(letter),
            ]
        }),
    )?;
    admin::more(page.next);
    Ok(ExitCode::SUCCESS)
}

/// What it died of, inside and out.
fn error(letter: &DeadLetter) -> String {
    let DeadLetter {
        message,
        root_cause,
        ..
    } = letter;
    match root_cause {
        Some(cause) => format!("{message}: {cause}"),
        None => message.clone(),
    }
}

pub async fn kinds(pool: &PgPool, filter: Filter, output: &Output) -> anyhow::Result<ExitCode> {
    let filter = filter.resolve(pool).await?;
    let kinds = dead_letters::summary(pool, &filter).await?;
    if output.json {
        return admin::json(&KindList::from(kinds));
    }
    table::print(
        [
            "LETTERS",
            "WORKFLOW",
            "STEP",
            "CAUSE",
            "FIRST",
            "LAST",
            "EXAMPLE",
            "FINGERPRINT",
            "",
            "ROOT CAUSE",
        ],
        kinds.iter().map(|kind| {
            [
                kind.letters.to_string(),
                kind.workflow.clone(),
                kind.step.clone(),
                kind.cause.to_string(),
                time(kind.first_at),
                time(kind.last_at),
                kind.example.to_string(),
                short_id(kind.fingerprint.as_str()),
                kind.fingerprint.to_string(),
                kind.root_cause.clone(),
            ]
        }),
    )?;
    Ok(ExitCode::SUCCESS)
}

pub async fn one(pool: &PgPool, id: Uuid, output: &Output) -> anyhow::Result<ExitCode> {
    let whole = dead_letters::show(pool, id.into()).await?;
    if output.json {
        let detail = DeadLetterDetail::from(whole);
        return admin::json(&detail);
    }
    let letter = &whole.letter;
    out!("letter       {}", letter.letter_id)?;
    out!("run          {}", letter.run_id)?;
    out!(
        "step         {} v{} {}",
        letter.workflow,
        letter.version,
        letter.step
    )?;
    out!("owner        {}", letter.fairness_key)?;
    out!("died         {}", time(letter.died_at))?;
    out!(
        "cause        {} ({} errors, {} crashes, {} interruptions)",
        letter.cause,
        letter.errors,
        letter.crashes,
        letter.interruptions
    )?;
    out!("error        {}", harmless(whole.error.as_str()))?;
    out!("input        {}", harmless(whole.input.as_str()))?;
    let fingerprint = letter.fingerprint.as_str();
    out!(
        "fingerprint  {} {}",
        short_id(fingerprint),
        harmless(fingerprint)
    )?;
    if let (Some(resolution), Some(at)) = (&letter.resolution, letter.resolved_at) {
        let by = letter.resolved_by.as_deref().unwrap_or_default();
        let reason = letter.reason.as_deref().unwrap_or_default();
        out!(
            "resolved     {resolution} at {} by {by}: {reason}",
            time(at)
        )?;
    }
    out!("")?;
    admin::print_attempts(&whole.attempts)?;
    Ok(ExitCode::SUCCESS)
}
