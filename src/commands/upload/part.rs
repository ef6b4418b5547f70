//! Sends one part of a file to its signed address.

use std::{collections::BTreeMap, io::SeekFrom, path::Path, sync::Arc};

use anyhow::{Context, bail, ensure};
use backon::Retryable;
use futures::TryStreamExt;
use reqwest::{Body, Method, StatusCode, header::CONTENT_LENGTH};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    sync::Mutex,
};
use tokio_util::io::ReaderStream;

use super::{
    client::{Client, Unwell, innermost, patience, sending},
    progress::FileProgress,
};

/// Bytes of a file that are in memory at once, of each part in flight.
pub const READ_AT_ONCE: usize = 256 << 10;

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
    pub progress: &'a FileProgress,
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

    /// Reads the bytes as they are sent, so that memory does not grow with the parts.
    async fn put(&self, part: &Part, offset: u64) -> anyhow::Result<()> {
        let _in_flight = self.client.in_flight.acquire().await?;
        let mut file = File::open(self.path).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        let bytes = ReaderStream::with_capacity(file.take(part.size_bytes), READ_AT_ONCE);
        let on_the_way = Arc::new(self.progress.on_the_way());
        let counted = Arc::clone(&on_the_way);
        let bytes = bytes.inspect_ok(move |bytes| counted.add(bytes.len() as u64));
        let request = self.client.bytes.put(&part.signed.url);
        let mut request = request
            .timeout(sending(part.size_bytes))
            .header(CONTENT_LENGTH, part.size_bytes)
            .body(Body::wrap_stream(bytes));
        for (name, value) in &part.signed.headers {
            request = request.header(name, value);
        }
        let unwell = |what: String| Unwell::from(format!("the object store {what}"));
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let size_bytes = tokio::fs::metadata(self.path).await?.len();
                ensure!(
                    offset + part.size_bytes <= size_bytes,
                    "the file became shorter"
                );
                bail!(unwell(format!("cannot be reached: {}", innermost(&error))));
            }
        };
        match response.status() {
            status if status.is_success() => {
                on_the_way.arrived();
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
