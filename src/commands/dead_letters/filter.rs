//! Which dead letters, as people say it.

use chrono::TimeDelta;
use media::Sha256;
use sqlx::PgPool;
use workflows::admin::dead_letters::{self, LetterFilter};

use super::super::known;
use crate::clock;

#[derive(clap::Args)]
pub struct Filter {
    /// Only of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// Only of this step
    #[arg(long)]
    step: Option<String>,
    /// Only with this fingerprint, or with this short id of one
    #[arg(long)]
    fingerprint: Option<String>,
    /// Only of this owner's runs
    #[arg(long)]
    owner: Option<String>,
    /// Only those that died longer ago, such as 90s, 15m, 2h, 3d
    #[arg(long, value_parser = age)]
    older_than: Option<TimeDelta>,
    /// Only those that died since, such as 90s, 15m, 2h, 3d
    #[arg(long, value_parser = age)]
    younger_than: Option<TimeDelta>,
}

impl Filter {
    /// In the engine's words. Says so where there can be no such letters.
    pub async fn resolve(self, pool: &PgPool) -> anyhow::Result<LetterFilter> {
        known::note_unknown(pool, self.workflow.as_deref(), self.step.as_deref()).await?;
        let now = clock::now();
        let fingerprint = match self.fingerprint {
            Some(given) => Some(whole(pool, given).await?),
            None => None,
        };
        Ok(LetterFilter {
            workflow: self.workflow,
            step: self.step,
            fingerprint: fingerprint.map(Into::into),
            fairness_key: self.owner,
            died_before: self.older_than.map(|age| now - age),
            died_since: self.younger_than.map(|age| now - age),
        })
    }
}

/// A name for a fingerprint that fits into a table and can be copied out of it.
pub fn short_id(fingerprint: &str) -> String {
    let mut id = Sha256::of(fingerprint.as_bytes()).to_hex();
    id.truncate(8);
    id
}

/// The fingerprint that somebody means: itself, or the one with this short id.
async fn whole(pool: &PgPool, given: String) -> anyhow::Result<String> {
    let kinds = dead_letters::summary(pool, &LetterFilter::default()).await?;
    let meant = kinds
        .into_iter()
        .find(|kind| short_id(kind.fingerprint.as_str()) == given);
    Ok(meant.map_or(given, |kind| kind.fingerprint.0))
}

/// An age or a time to come, as people say it.
pub fn age(text: &str) -> Result<TimeDelta, String> {
    let seconds = |unit| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(24 * 3600),
        _ => None,
    };
    // A century is enough for anybody, and no time stamp overflows.
    let age = text.char_indices().next_back().and_then(|(end, unit)| {
        let count: u32 = text[..end].parse().ok()?;
        let age = u64::from(count).checked_mul(seconds(unit)?)?;
        (age <= 100 * 366 * 24 * 3600).then_some(age)
    });
    age.map(|age| TimeDelta::seconds(age.cast_signed()))
        .ok_or_else(|| "say a number and a unit: 90s, 15m, 2h, 3d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        assert_eq!(age("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(age("3d"), Ok(TimeDelta::days(3)));
        for bad in ["", "s", "3", "-3d", "3 d", "3ä", "4000000000d"] {
            assert!(age(bad).is_err(), "{bad}");
        }
    }
}
