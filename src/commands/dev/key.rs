//! The ready-made API key of `mediamill dev`.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use media::{
    OwnerId,
    api_keys::{self, ApiKey, Scope},
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::clock;

/// The key that `--key` names, or else the one kept in the data folder; known to the API.
pub async fn ensure(
    pool: &PgPool,
    data_dir: &Path,
    given: Option<String>,
) -> anyhow::Result<String> {
    let key = match given {
        Some(key) => key,
        None => kept(&data_dir.join("key"), ApiKey::generate().reveal())?,
    };
    let presented = ApiKey::presented(&key);
    let mut connection = pool.acquire().await?;
    if api_keys::find(&mut connection, &presented).await?.is_none() {
        let owner = OwnerId::new("dev").context("`dev` is an owner's name")?;
        let (id, now) = (Uuid::now_v7(), clock::now());
        api_keys::create(
            &mut connection,
            id,
            &presented,
            &owner,
            &Scope::ALL,
            "dev",
            now,
        )
        .await
        .context("the key cannot be used; was it revoked?")?;
    }
    Ok(key)
}

/// The content of a file that only its owner can read, made with `new` the first time.
pub fn kept(path: &Path, new: &str) -> anyhow::Result<String> {
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(new.as_bytes())?;
            Ok(new.to_owned())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(std::fs::read_to_string(path)?.trim().to_owned())
        }
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}
