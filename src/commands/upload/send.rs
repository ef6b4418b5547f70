//! Sends one file: opens an upload or finds the one that was begun, sends what is missing to the signed addresses,
//! completes it.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use media::{Sha256, formats::InputFormat};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{Client, Refusal},
    digest::Digest,
    part::{Instructions, Part, Parts, Sending},
    progress::Progress,
    session::{Session, Snapshot},
};

/// Addresses asked for at once, when the first ones are used up.
const BATCH: u32 = 100;

#[derive(serde::Deserialize)]
struct Initiated {
    file_id: String,
    upload_id: String,
    /// Missing where the upload is complete.
    upload: Option<Instructions>,
}

/// A file that the service works on, and what is remembered of its upload.
pub struct Sent {
    pub file_id: String,
    pub session: Session,
    /// An earlier command sent it.
    pub before: bool,
}

/// What an upload was found to be.
enum Opened {
    Open {
        file_id: String,
        upload_id: String,
        instructions: Instructions,
    },
    /// An earlier command came to its end and could not say so.
    Complete(String),
}

/// What is sent while it is what it was.
#[derive(Debug, thiserror::Error)]
#[error("the file changed while it was sent; its upload is aborted")]
pub struct Changed;

/// Sends what is missing. The session stays for the caller to forget.
pub async fn send(client: &Client<'_>, path: &Path, progress: &Progress) -> anyhow::Result<Sent> {
    let snapshot = Snapshot::of(path)?;
    let file = progress.file(path, snapshot.size_bytes);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let request = json!({
        "filename": name, "content_type": content_type(path), "size_bytes": snapshot.size_bytes,
    });
    let session = Session::open(&client.base, path, &snapshot);
    let (session, opened) = open(client, session, &request).await?;
    let (file_id, upload_id, instructions) = match opened {
        Opened::Open {
            file_id,
            upload_id,
            instructions,
        } => (file_id, upload_id, instructions),
        Opened::Complete(file_id) => {
            file.sending(snapshot.size_bytes);
            return Ok(Sent {
                file_id,
                session,
                before: true,
            });
        }
    };
    let arrived = if session.resumed {
        progress.say(format_args!("{}: goes on where it stopped", path.display()));
        arrived(client, &upload_id).await?
    } else {
        BTreeSet::new()
    };
    let sending = Sending {
        client,
        path,
        upload_id: &upload_id,
        progress: &file,
    };
    // Computed while the bytes are on their way, so that the first of them need not wait for the last.
    let digest = Digest::begin(path, snapshot.size_bytes);
    let sent = bytes(&sending, instructions, snapshot.size_bytes, &arrived).await;
    // Also where all parts were sent: they may be of two files that have one name.
    if Snapshot::of(path).ok().as_ref() != Some(&snapshot) {
        abandon(client, &upload_id, &session).await?;
        bail!(Changed);
    }
    sent?;
    complete(client, &upload_id, &session, digest.finish().await?).await?;
    Ok(Sent {
        file_id,
        session,
        before: false,
    })
}

async fn abandon(client: &Client<'_>, upload_id: &str, session: &Session) -> anyhow::Result<()> {
    let upload = format!("/v1/uploads/{upload_id}");
    let aborted: anyhow::Result<Value> = client.call(Method::DELETE, &upload, None, None).await;
    aborted.context("the file changed while it was sent, and its upload could not be aborted")?;
    session.forget();
    Ok(())
}

async fn complete(
    client: &Client<'_>,
    upload_id: &str,
    session: &Session,
    sha256: Sha256,
) -> anyhow::Result<()> {
    let complete = format!("/v1/uploads/{upload_id}/complete");
    let body = json!({ "sha256": sha256.to_hex() });
    let completed = client.call::<Value>(Method::POST, &complete, Some(&body), None);
    let completed = completed.await;
    if let Err(error) = &completed
        && error.is::<Refusal>()
    {
        // The same again would be refused again.
        session.forget();
    }
    completed.map(drop)
}

impl From<Initiated> for Opened {
    fn from(upload: Initiated) -> Self {
        match upload.upload {
            Some(instructions) => Self::Open {
                file_id: upload.file_id,
                upload_id: upload.upload_id,
                instructions,
            },
            None => Self::Complete(upload.file_id),
        }
    }
}

/// Opens the upload of this session. Where an earlier command's is over in one way or another, another is begun.
async fn open(
    client: &Client<'_>,
    session: Session,
    request: &Value,
) -> anyhow::Result<(Session, Opened)> {
    let refusal = match initiate(client, &session, request).await {
        Ok(opened) => return Ok((session, opened)),
        Err(error) if !session.resumed => return Err(error),
        Err(error) => error,
    };
    match refusal.downcast_ref::<Refusal>() {
        Some(Refusal {
            file_id: Some(file_id),
            ..
        }) => Ok((session, Opened::Complete(file_id.clone()))),
        Some(Refusal { status, .. }) if [409, 410, 422].contains(&status.as_u16()) => {
            let session = session.anew();
            let opened = initiate(client, &session, request).await?;
            Ok((session, opened))
        }
        _ => Err(refusal),
    }
}

/// Remembers the session before it asks for the upload: however this ends, what the service opens is found again.
async fn initiate(
    client: &Client<'_>,
    session: &Session,
    request: &Value,
) -> anyhow::Result<Opened> {
    if let Err(error) = session.keep() {
        client.progress.say(format_args!(
            "what is interrupted cannot be gone on with: {error}"
        ));
    }
    let key = Some(session.idempotency_key.as_str());
    let opened = client
        .call::<Initiated>(Method::POST, "/v1/uploads", Some(request), key)
        .await;
    if let Err(error) = &opened
        && error.is::<Refusal>()
    {
        // There is no upload.
        session.forget();
    }
    opened.map(Opened::from)
}

/// The parts that an earlier command has sent.
async fn arrived(client: &Client<'_>, upload_id: &str) -> anyhow::Result<BTreeSet<u32>> {
    let path = format!("/v1/uploads/{upload_id}/parts");
    let arrived: Value = client.call(Method::GET, &path, None, None).await?;
    let parts = arrived["parts"].as_array().into_iter().flatten();
    Ok(parts
        .filter_map(|part| u32::try_from(part["part_number"].as_u64()?).ok())
        .collect())
}

async fn bytes(
    sending: &Sending<'_>,
    instructions: Instructions,
    size_bytes: u64,
    arrived: &BTreeSet<u32>,
) -> anyhow::Result<()> {
    match instructions {
        Instructions::Single(signed) => {
            let whole = Part {
                number: 1,
                size_bytes,
                signed,
            };
            sending.progress.sending(0);
            sending.part(whole, 0).await
        }
        Instructions::Multipart {
            part_size_bytes,
            part_count,
            parts,
        } => {
            let size = |number: u32| {
                part_size_bytes.min(size_bytes - u64::from(number - 1) * part_size_bytes)
            };
            let there = arrived
                .iter()
                .filter(|number| (1..=part_count).contains(*number));
            sending
                .progress
                .sending(there.map(|number| size(*number)).sum());
            missing_parts(sending, part_size_bytes, part_count, parts, arrived).await
        }
    }
}

async fn missing_parts(
    sending: &Sending<'_>,
    size: u64,
    count: u32,
    first: Vec<Part>,
    arrived: &BTreeSet<u32>,
) -> anyhow::Result<()> {
    let signed = u32::try_from(first.len()).unwrap_or(count);
    let wanted = |number: &u32| !arrived.contains(number);
    let later: Vec<u32> = (signed + 1..=count).filter(wanted).collect();
    let later = stream::iter(later.chunks(BATCH as usize)).then(|numbers| sending.sign(numbers));
    stream::once(async { Ok::<_, anyhow::Error>(Parts { parts: first }) })
        .chain(later)
        .map_ok(|signed| stream::iter(signed.parts.into_iter().map(Ok)))
        .try_flatten()
        .try_filter(|part| std::future::ready(wanted(&part.number)))
        .try_for_each_concurrent(sending.client.parallel, |part| async move {
            let offset = u64::from(part.number - 1) * size;
            sending.part(part, offset).await
        })
        .await
}

/// By extension, as browsers do. The service looks at the bytes.
fn content_type(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    InputFormat::all()
        .find(|format| format.extensions().contains(&extension.as_str()))
        .map_or("application/octet-stream", InputFormat::mime_type)
}
