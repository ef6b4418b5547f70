//! `mediamill keys`: API keys for production, where no command makes one by itself.

use std::{io::Read, process::ExitCode};

use anyhow::Context;
use api::v1::admin::{
    keys::{self, NewKey},
    view::KeyPage,
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use media::{
    OwnerId,
    api_keys::{self, ApiKey, KeyEntry, Scope, Wanted},
};
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{Actor, Page};

use super::{
    admin::{self, Output, Part, time, user},
    dead_letters::age,
};
use crate::{
    clock,
    output::{note, out},
    table,
};

#[derive(Subcommand)]
pub enum Command {
    /// Make a key and print it, once: only its hash is stored
    Create {
        /// Whose files it reaches
        #[arg(long)]
        owner: OwnerId,
        /// What it allows: uploads:write, files:read, admin
        #[arg(long = "scope", required = true)]
        scopes: Vec<Scope>,
        /// For people
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// When it ends by itself, from now, such as 12h, 90d; without it never
        #[arg(long, value_parser = lifetime)]
        expires_in: Option<TimeDelta>,
        #[command(flatten)]
        because: Because,
    },
    /// List keys, newest first, and when each was used last
    List {
        /// Only of this owner
        #[arg(long)]
        owner: Option<OwnerId>,
        /// Those that have ended, too
        #[arg(long)]
        ended: bool,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        output: Output,
    },
    /// Say which key it is that stands on standard input: one that was found somewhere, to be revoked
    Identify,
    /// End a key for good
    Revoke {
        /// The id that was printed beside the key
        id: Uuid,
        #[command(flatten)]
        because: Because,
    },
}

/// A time to come. Of none at all the key would be dead before anybody has it.
fn lifetime(text: &str) -> Result<TimeDelta, String> {
    let time = age(text)?;
    if time.is_zero() {
        return Err("a key has to live for a while: 12h, 90d".to_owned());
    }
    Ok(time)
}

/// Who acts, and why.
#[derive(clap::Args)]
pub struct Because {
    /// Why; kept in the audit
    #[arg(long, default_value = "not said")]
    reason: String,
    /// Who; kept in the audit
    #[arg(long, default_value_t = user())]
    actor: String,
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create {
            owner,
            scopes,
            name,
            expires_in,
            because,
        } => {
            let new = NewKey {
                owner_id: &owner,
                scopes: &scopes,
                name: &name,
                expires_at: expires_in.map(|time| clock::now() + time),
                now: clock::now(),
            };
            create(pool, &new, &because).await
        }
        Command::List {
            owner,
            ended,
            part,
            output,
        } => {
            let part = part.paging();
            let wanted = Wanted {
                owner_id: owner.as_ref(),
                ended,
                after: part.after,
            };
            list(keys::page(pool, wanted, part.limit).await?, &output)
        }
        Command::Identify => identify(pool).await,
        Command::Revoke { id, because } => revoke(pool, id, &because).await,
    }
}

async fn create(pool: &PgPool, new: &NewKey<'_>, because: &Because) -> anyhow::Result<ExitCode> {
    let created = keys::create(pool, new, because.by()).await;
    let (entry, key) = created.context("cannot store the key")?;
    note!("key {} of {}", entry.api_key_id, entry.owner_id);
    out!("{}", key.reveal())?;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(pool: &PgPool, id: Uuid, because: &Because) -> anyhow::Result<ExitCode> {
    let revoked = keys::revoke(pool, id, clock::now(), because.by()).await?;
    if !matches!(revoked, Some((true, _))) {
        note!("mediamill: there is no living key {id}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn identify(pool: &PgPool) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    // More than any key has.
    std::io::stdin().take(1024).read_to_string(&mut text)?;
    let key = ApiKey::presented(text.trim());
    let mut connection = pool.acquire().await?;
    let Some(id) = api_keys::identify(&mut connection, &key).await? else {
        note!("mediamill: no key of this database is like this");
        return Ok(ExitCode::FAILURE);
    };
    admin::done(id)
}

impl Because {
    fn by(&self) -> Actor<'_> {
        Actor::new(&self.actor, &self.reason)
    }
}

fn list(page: Page<KeyEntry>, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        return admin::json(&KeyPage::from(page));
    }
    let at = |at: Option<DateTime<Utc>>| at.map_or_else(String::new, time);
    table::print(
        [
            "KEY",
            "OWNER",
            "SCOPES",
            "NAME",
            "CREATED",
            "LAST USED",
            "EXPIRES",
            "REVOKED",
        ],
        page.items.iter().map(|key| {
            [
                key.api_key_id.to_string(),
                key.owner_id.clone(),
                key.scopes.join(" "),
                key.name.clone(),
                time(key.created_at),
                at(key.last_used_at),
                at(key.expires_at),
                at(key.revoked_at),
            ]
        }),
    )?;
    admin::more(page.next);
    Ok(ExitCode::SUCCESS)
}
