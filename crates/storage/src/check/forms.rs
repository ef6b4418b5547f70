//! Signed forms: whether the store holds browsers to the policy that was signed, and sends them on.

use std::time::Duration;

use reqwest::{header, redirect};
use uuid::Uuid;

use super::signed::{PATIENCE, SIGNED, now, send, sign};
use super::{Checks, PREFIX, Tried};
use crate::form::{self, FormPolicy, OPERATION, SignedForm};
use crate::{Bucket, ObjectKey, ObjectStore, StorageError};

const BOUNDARY: &str = "mediamill-check";
const REDIRECT: &str = "https://mediamill.invalid/sent";
const LONGER: &str = "longer than what was signed";

impl Checks<'_> {
    pub(super) async fn forms(&mut self) {
        let promise = "a browser's form is held to its policy, and the browser is sent on";
        let instead = "browsers send every file in parts";
        let tried = Box::pin(kept(self.store, &self.key("form/"))).await;
        self.prefer("forms", promise, instead, tried);
    }
}

impl ObjectStore {
    /// Whether the store holds forms to their policies and sends browsers on, tried with five small ones. Asks the
    /// endpoint that this process talks to.
    pub async fn keeps_form_policies(&self) -> Result<bool, StorageError> {
        let prefix = super::key(format!("{PREFIX}{}/", Uuid::now_v7()));
        let kept = kept(self, &prefix).await;
        if let Err(error) = self.delete_below(Bucket::Staging, &prefix).await {
            tracing::warn!(storage.prefix = %prefix, %error, "could not delete what a check left");
        }
        match kept {
            Err(StorageError::Refused { .. } | StorageError::Protocol { .. }) => Ok(false),
            kept => kept,
        }
    }
}

async fn kept(store: &ObjectStore, prefix: &ObjectKey) -> Tried {
    let http = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .build()
        .map_err(StorageError::protocol(OPERATION))?;
    let good = super::key(format!("{prefix}good"));
    let form = signed(store, &good, Duration::ZERO).await?;
    let answer = post(&http, &form, SIGNED).await?;
    let sent_on = answer.headers().get(header::LOCATION);
    let sent_on = sent_on.is_some_and(|to| to.as_bytes().starts_with(REDIRECT.as_bytes()));
    let stored = store.head(Bucket::Staging, &good).await?;
    let stored = stored.is_some_and(|stored| stored.size_bytes == SIGNED.len() as u64);
    if !answer.status().is_redirection() || !sent_on || !stored {
        return Ok(false);
    }
    for wrong in ["longer", "expired", "elsewhere", "tampered"] {
        let key = super::key(format!("{prefix}{wrong}"));
        let ago = if wrong == "expired" { 7200 } else { 0 };
        let mut form = signed(store, &key, Duration::from_secs(ago)).await?;
        let mut at = key.clone();
        for (name, value) in &mut form.fields {
            match (wrong, *name) {
                ("elsewhere", "key") => {
                    at = super::key(format!("{prefix}another"));
                    *value = at.to_string();
                }
                ("tampered", "x-amz-signature") => *value = "0".repeat(value.len()),
                _ => {}
            }
        }
        let body = if wrong == "longer" { LONGER } else { SIGNED };
        let status = post(&http, &form, body).await?.status();
        if !status.is_client_error() || store.head(Bucket::Staging, &at).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn signed(
    store: &ObjectStore,
    key: &ObjectKey,
    ago: Duration,
) -> Result<SignedForm, StorageError> {
    let url = form::bucket_url(&sign(store, key, now()).await?, key)?;
    let policy = FormPolicy {
        key,
        size_bytes: 1..=SIGNED.len() as u64,
        content_type: "text/plain",
        redirect: REDIRECT,
    };
    Ok(store.form(url, &policy, (now() - ago).into(), Duration::from_mins(1)))
}

/// Sends a form as browsers do (RFC 7578), the file last.
async fn post(
    http: &reqwest::Client,
    form: &SignedForm,
    content: &str,
) -> Result<reqwest::Response, StorageError> {
    let field = |(name, value): &(&str, String)| {
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    };
    let fields: String = form.fields.iter().map(field).collect();
    let body = format!(
        "{fields}--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\
         Content-Type: text/plain\r\n\r\n{content}\r\n--{BOUNDARY}--\r\n"
    );
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    send(
        http.post(&form.url)
            .header(header::CONTENT_TYPE, kind)
            .body(body),
    )
    .await
}
