//! Sends one file: opens an upload, sends its bytes to the signed addresses, completes it.

use std::{collections::BTreeMap, io::SeekFrom, path::Path};

use anyhow::{Context, bail};
use backon::Retryable;
use futures::{StreamExt, TryStreamExt, stream};
use media::formats::InputFormat;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use uuid::Uuid;

use super::{
    client::{Client, innermost, patience, sending},
    progress::Progress,
};

/// Parts in flight at once.
const PARALLEL: usize = 4;
/// Addresses asked for at once, when the first ones are used up.
const BATCH: u32 = 100;

#[derive(Deserialize)]
struct Initiated {
    file_id: String,
    upload_id: String,
    upload: Instructions,
}

#[derive(Deserialize)]
#[serde(tag = "strategy", rename_all = "snake_case")]
enum Instructions {
    Single(Signed),
    Multipart {
        part_size_bytes: u64,
        part_count: u32,
        parts: Vec<Part>,
    },
}

#[derive(Deserialize, Clone)]
struct Signed {
    url: String,
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize, Clone)]
struct Part {
    #[serde(rename = "part_number")]
    number: u32,
    size_bytes: u64,
    #[serde(flatten)]
    signed: Signed,
}

#[derive(Deserialize)]
struct Parts {
    parts: Vec<Part>,
}

/// Returns the id of the file, which the service now works on.
pub async fn send(client: &Client, path: &Path, progress: &Progress) -> anyhow::Result<String> {
    let metadata = tokio::fs::metadata(path)
        .await
        .context("cannot read the file")?;
    if !metadata.is_file() {
        bail!("not a file");
    }
    let size_bytes = metadata.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let request = json!({
        "filename": name, "content_type": content_type(path), "size_bytes": size_bytes,
    });
    let key = Uuid::now_v7().to_string();
    let upload: Initiated = client
        .call(Method::POST, "/v1/uploads", Some(&request), Some(&key))
        .await?;
    progress.begin(size_bytes);
    let sending = Sending {
        client,
        path,
        upload_id: &upload.upload_id,
        progress,
    };
    match upload.upload {
        Instructions::Single(signed) => {
            sending
                .part(
                    Part {
                        number: 1,
                        size_bytes,
                        signed,
                    },
                    0,
                )
                .await?;
        }
        Instructions::Multipart {
            part_size_bytes,
            part_count,
            parts,
        } => {
            sending.parts(part_size_bytes, part_count, parts).await?;
        }
    }
    let complete = format!("/v1/uploads/{}/complete", upload.upload_id);
    let _: Value = client
        .call(Method::POST, &complete, Some(&Value::Null), None)
        .await?;
    Ok(upload.file_id)
}

struct Sending<'a> {
    client: &'a Client,
    path: &'a Path,
    upload_id: &'a str,
    progress: &'a Progress,
}

impl Sending<'_> {
    async fn parts(&self, size: u64, count: u32, first: Vec<Part>) -> anyhow::Result<()> {
        let signed = u32::try_from(first.len()).unwrap_or(count);
        let batches = stream::once(async { Ok(first) }).chain(
            stream::iter((signed + 1..=count).step_by(BATCH as usize))
                .then(|from| self.sign(from..=count.min(from + BATCH - 1))),
        );
        batches
            .map_ok(|parts| stream::iter(parts.into_iter().map(Ok)))
            .try_flatten()
            .try_for_each_concurrent(PARALLEL, |part| async move {
                let offset = u64::from(part.number - 1) * size;
                self.part(part, offset).await
            })
            .await
    }

    async fn sign(&self, numbers: impl Iterator<Item = u32>) -> anyhow::Result<Vec<Part>> {
        let path = format!("/v1/uploads/{}/urls", self.upload_id);
        let body = json!({ "part_numbers": numbers.collect::<Vec<_>>() });
        let parts: Parts = self
            .client
            .call(Method::POST, &path, Some(&body), None)
            .await?;
        Ok(parts.parts)
    }

    /// Sends one part, again if need be, to a fresh address when the old one has expired.
    async fn part(&self, part: Part, offset: u64) -> anyhow::Result<()> {
        let number = part.number;
        let current = tokio::sync::Mutex::new(part);
        let once = || async {
            let mut part = current.lock().await;
            let Err(error) = self.put(&part, offset).await else {
                return Ok(());
            };
            if error.is::<Expired>()
                && let Some(fresh) = self.sign(std::iter::once(number)).await?.pop()
            {
                *part = fresh;
            }
            Err(error)
        };
        once.retry(patience())
            .await
            .with_context(|| format!("part {number} cannot be sent"))
    }

    async fn put(&self, part: &Part, offset: u64) -> anyhow::Result<()> {
        let mut file = File::open(self.path).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        let length = usize::try_from(part.size_bytes)?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)
            .await
            .context("the file became shorter")?;
        let request = self
            .client
            .bytes
            .put(&part.signed.url)
            .timeout(sending(part.size_bytes));
        let mut request = request.body(bytes);
        for (name, value) in &part.signed.headers {
            request = request.header(name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => bail!("the object store cannot be reached: {}", innermost(&error)),
        };
        match response.status() {
            status if status.is_success() => {
                self.progress.sent(part.size_bytes);
                Ok(())
            }
            StatusCode::FORBIDDEN => bail!(Expired),
            status => bail!("the object store answered {status}"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the object store refused the signed address")]
struct Expired;

/// By extension, as browsers do. The service looks at the bytes.
fn content_type(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    InputFormat::ALL
        .into_iter()
        .find(|format| format.extensions().contains(&extension.as_str()))
        .map_or("application/octet-stream", InputFormat::mime_type)
}
