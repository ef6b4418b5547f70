//! Sends one part of a file to its signed address.

use std::{collections::BTreeMap, io::SeekFrom, path::Path};

use anyhow::{Context, bail};
use backon::Retryable;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    sync::Mutex,
};

use super::{
    client::{Client, Unwell, innermost, patience, sending},
    progress::Progress,
};

/// How to send the bytes.
#[derive(Deserialize)]
#[serde(tag = "strategy", rename_all = "snake_case")]
pub enum Instructions {
    Single(Signed),
    Multipart {
        part_size_bytes: u64,
        part_count: u32,
        parts: Vec<Part>,
    },
}

/// A signed address.
#[derive(Deserialize, Clone)]
pub struct Signed {
    url: String,
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize, Clone)]
pub struct Part {
    #[serde(rename = "part_number")]
    pub number: u32,
    pub size_bytes: u64,
    #[serde(flatten)]
    pub signed: Signed,
}

#[derive(Deserialize)]
pub struct Parts {
    pub parts: Vec<Part>,
}

/// An upload on its way.
pub struct Sending<'a> {
    pub client: &'a Client<'a>,
    pub path: &'a Path,
    pub upload_id: &'a str,
    pub progress: &'a Progress,
}

impl Sending<'_> {
    /// Asks for addresses.
    pub async fn sign(&self, numbers: &[u32]) -> anyhow::Result<Parts> {
        let path = format!("/v1/uploads/{}/urls", self.upload_id);
        let body = json!({ "part_numbers": numbers });
        self.client
            .call(Method::POST, &path, Some(&body), None)
            .await
    }

    /// Sends one part, again if need be, to a fresh address when the old one has expired.
    pub async fn part(&self, part: Part, offset: u64) -> anyhow::Result<()> {
        let number = part.number;
        let current = Mutex::new(part);
        let once = || async {
            let mut part = current.lock().await;
            let Err(error) = self.put(&part, offset).await else {
                return Ok(());
            };
            if error.is::<Expired>()
                && let Some(fresh) = self.sign(&[number]).await?.parts.pop()
            {
                *part = fresh;
            }
            Err(error)
        };
        once.retry(patience())
            .when(|error| error.is::<Unwell>() || error.is::<Expired>())
            .notify(|error, wait| self.client.again(error, wait))
            .await
            .with_context(|| format!("part {number} cannot be sent"))
    }

    async fn put(&self, part: &Part, offset: u64) -> anyhow::Result<()> {
        let mut file = File::open(self.path).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        let mut bytes = vec![0; usize::try_from(part.size_bytes)?];
        file.read_exact(&mut bytes)
            .await
            .context("the file became shorter")?;
        let request = self.client.bytes.put(&part.signed.url);
        let mut request = request.timeout(sending(part.size_bytes)).body(bytes);
        for (name, value) in &part.signed.headers {
            request = request.header(name, value);
        }
        let unwell = |what: String| Unwell(format!("the object store {what}"));
        let response = request
            .send()
            .await
            .map_err(|error| unwell(format!("cannot be reached: {}", innermost(&error))))?;
        match response.status() {
            status if status.is_success() => {
                self.progress.sent(part.size_bytes);
                Ok(())
            }
            StatusCode::FORBIDDEN => bail!(Expired),
            status => bail!(unwell(format!("answered {status}"))),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the object store refused the signed address")]
struct Expired;
