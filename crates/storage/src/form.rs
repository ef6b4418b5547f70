//! Signed forms: a browser's right to send one object of a bounded size, and to be sent on afterwards
//! (*Authenticating requests: browser-based uploads using POST*).

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::presign::signing_time;
use super::{Bucket, ObjectKey, ObjectStore, StorageError};

pub(crate) const OPERATION: &str = "PostObject";

/// What a form may send. The store refuses everything else.
#[derive(Debug, Clone)]
pub struct FormPolicy<'a> {
    /// The one key it may write to, in staging.
    pub key: &'a ObjectKey,
    /// Bytes of the object.
    pub size_bytes: RangeInclusive<u64>,
    /// The media type it says.
    pub content_type: &'a str,
    /// Where the store sends the browser when it has the object, with `bucket`, `key` and `etag` in the query.
    pub redirect: &'a str,
}

/// A form that may be sent as it stands, with the file behind its fields. It is a credential: it is not for logs.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedForm {
    /// Where to send it, at the public endpoint.
    pub url: String,
    /// Names and values.
    pub fields: Vec<(&'static str, String)>,
    /// When the store begins to refuse it.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for SignedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedForm")
            .field("url", &self.url)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl ObjectStore {
    /// Signs a form for the host that clients see. It stays valid after the upload, as [`ObjectStore::presign_put`].
    pub async fn sign_form(
        &self,
        policy: &FormPolicy<'_>,
        expires_in: Duration,
    ) -> Result<SignedForm, StorageError> {
        let signed = self.presign_put(policy.key, 0, expires_in).await?;
        let url = bucket_url(&signed.url, policy.key)?;
        Ok(self.form(url, policy, signing_time(), expires_in))
    }

    /// A form for the bucket at `url`.
    pub(crate) fn form(
        &self,
        url: String,
        policy: &FormPolicy<'_>,
        from: DateTime<Utc>,
        expires_in: Duration,
    ) -> SignedForm {
        let expires_at = from + expires_in;
        let time = from.format("%Y%m%dT%H%M%SZ").to_string();
        let mut fields = vec![
            ("key", policy.key.to_string()),
            ("Content-Type", policy.content_type.to_owned()),
            ("success_action_redirect", policy.redirect.to_owned()),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", self.signer.credential(from)),
            ("x-amz-date", time),
        ];
        let size = &policy.size_bytes;
        let mut conditions = vec![
            json!({ "bucket": self.bucket_name(Bucket::Staging) }),
            json!(["content-length-range", size.start(), size.end()]),
        ];
        conditions.extend(
            fields
                .iter()
                .map(|(name, value)| json!(["eq", format!("${name}"), value])),
        );
        let document = json!({
            "expiration": expires_at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
            "conditions": conditions,
        });
        let document = STANDARD.encode(document.to_string());
        let signature = self.signer.policy(&document, from);
        fields.extend([("policy", document), ("x-amz-signature", signature)]);
        SignedForm {
            url,
            fields,
            expires_at,
        }
    }
}

/// The address of the bucket, by that of an object in it: the SDK knows how buckets are addressed.
pub(crate) fn bucket_url(object_url: &str, key: &ObjectKey) -> Result<String, StorageError> {
    let address = object_url.split('?').next().unwrap_or_default();
    let bucket = address.strip_suffix(key.as_str());
    let bucket = bucket.ok_or_else(|| StorageError::Protocol {
        operation: OPERATION,
        source: "the address of an object does not end with its key".into(),
    })?;
    Ok(bucket.to_owned())
}
