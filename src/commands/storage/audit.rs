//! `mediamill storage audit`

use std::process::ExitCode;

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{Connection, PgPool};
use storage::ObjectStore;
use workers::reconcile::{self, Compared, Difference};
use workflows::admin::{Actor, audit};

use crate::{
    clock,
    commands::{admin::user, dead_letters::age, proof},
    output::{harmless, note, out},
};

/// The exit codes as `--help` shows them.
pub const EXIT_CODES: &str = "\
Exit codes: 0 they agree, or all that nobody needs was deleted; 1 they could not be compared; 3 they differ.

Objects that READY files need and that are missing are reported and never changed. Neither is anything that is not of a
kind that mediamill stores.";

/// Exit code: rows and objects differ.
const DIFFERS: u8 = 3;

#[derive(clap::Args)]
pub struct Args {
    /// Leave alone what is younger: it may be on its way into the database
    #[arg(long, default_value = "1d", value_parser = age)]
    older_than: TimeDelta,
    /// Delete what nobody needs
    #[arg(long, requires = "reason")]
    delete: bool,
    /// Why; kept in the audit
    #[arg(long)]
    reason: Option<String>,
    /// Who; kept in the audit
    #[arg(long, default_value_t = user())]
    actor: String,
    /// One JSON object a difference on standard output
    #[arg(long)]
    json: bool,
}

/// How many of each kind.
#[derive(Default)]
struct Counts {
    missing: u64,
    needless: u64,
    needless_bytes: u64,
    deleted: u64,
    foreign: u64,
}

pub async fn run(pool: &PgPool, store: &ObjectStore, args: &Args) -> anyhow::Result<ExitCode> {
    // Compared with other buckets than its own, a database would miss everything, and need nothing.
    proof::recorded_buckets(pool, store).await?;
    let before = clock::now() - args.older_than;
    let compared = Compared {
        pool,
        store,
        before,
    };
    if args.delete {
        said(pool, args, before).await?;
    }
    let mut counts = Counts::default();
    let looked = compared.run(async |difference| -> anyhow::Result<()> {
        let deleted = args.delete && delete(pool, store, &difference).await?;
        counts.add(&difference, deleted);
        if args.json {
            out!("{}", as_json(&difference, deleted))?;
        } else {
            out!("{}", as_line(&difference, deleted))?;
        }
        Ok(())
    });
    let looked = looked.await.context("the comparison stopped")?;
    let Counts {
        missing,
        needless,
        needless_bytes,
        deleted,
        foreign,
    } = counts;
    note!(
        "{} objects looked at; of {} that files need, {missing} are missing; {needless} are needed by nobody \
         ({needless_bytes} bytes), {deleted} of them deleted; {foreign} are not of mediamill",
        looked.objects,
        looked.expected,
    );
    if missing > 0 || needless > deleted {
        return Ok(ExitCode::from(DIFFERS));
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts down who deletes, before anything is deleted.
async fn said(pool: &PgPool, args: &Args, before: DateTime<Utc>) -> anyhow::Result<()> {
    let reason = args.reason.as_deref().unwrap_or_default();
    ensure!(!reason.trim().is_empty(), "--reason must say why");
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let (by, details) = (
        Actor::new(&args.actor, reason),
        json!({ "older_than": before }),
    );
    audit::record_in(&mut transaction, by, "storage.delete", "buckets", details).await?;
    Ok(transaction.commit().await?)
}

/// One that cannot be deleted does not hold up the others.
async fn delete(pool: &PgPool, store: &ObjectStore, what: &Difference) -> anyhow::Result<bool> {
    match reconcile::remove::<anyhow::Error>(pool, store, what).await {
        Ok(deleted) => Ok(deleted),
        Err(error) => {
            note!(
                "mediamill: cannot delete {}: {}",
                key(what),
                crate::output::sentence(&error)
            );
            Ok(false)
        }
    }
}

impl Counts {
    fn add(&mut self, difference: &Difference, deleted: bool) {
        match difference {
            Difference::Missing(_) => self.missing += 1,
            Difference::Foreign(..) => self.foreign += 1,
            Difference::Unclaimed(_, object) => {
                self.needless += 1;
                self.needless_bytes += object.size_bytes;
            }
            Difference::Forgotten(_) => self.needless += 1,
        }
        self.deleted += u64::from(deleted);
    }
}

fn key(difference: &Difference) -> &str {
    match difference {
        Difference::Missing(expected) => expected.key.as_str(),
        Difference::Unclaimed(_, object) => object.key.as_str(),
        Difference::Forgotten(upload) => upload.key.as_str(),
        Difference::Foreign(_, key) => key.as_str(),
    }
}

/// The stable word for a kind of difference.
fn kind(difference: &Difference) -> &'static str {
    match difference {
        Difference::Missing(_) => "missing",
        Difference::Unclaimed(..) => "unclaimed",
        Difference::Forgotten(_) => "forgotten_upload",
        Difference::Foreign(..) => "foreign",
    }
}

fn as_json(difference: &Difference, deleted: bool) -> Value {
    let more = match difference {
        Difference::Missing(expected) => {
            json!({ "bucket": "origin", "file_id": expected.file_id })
        }
        Difference::Unclaimed(bucket, object) => json!({
            "bucket": bucket.as_str(), "size_bytes": object.size_bytes, "modified_at": object.modified_at,
        }),
        Difference::Forgotten(upload) => {
            json!({ "bucket": "staging", "upload_id": upload.upload_id, "begun_at": upload.begun_at })
        }
        Difference::Foreign(bucket, _) => json!({ "bucket": bucket.as_str() }),
    };
    let mut told =
        json!({ "difference": kind(difference), "key": key(difference), "deleted": deleted });
    if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
        told.extend(more);
    }
    told
}

fn as_line(difference: &Difference, deleted: bool) -> String {
    let what = match difference {
        Difference::Missing(expected) => format!("file {} needs it", expected.file_id),
        Difference::Unclaimed(_, object) => {
            format!("{} bytes, no file needs it", object.size_bytes)
        }
        Difference::Forgotten(_) => "an upload that nobody will complete".to_owned(),
        Difference::Foreign(..) => "not of mediamill".to_owned(),
    };
    let deleted = if deleted { ", deleted" } else { "" };
    harmless(&format!(
        "{} {}: {what}{deleted}",
        kind(difference),
        key(difference)
    ))
}
