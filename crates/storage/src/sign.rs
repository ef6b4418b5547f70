//! Signing many parts of one upload (*Signature Version 4, authenticating requests with query parameters*). The SDK signs
//! whole requests one by one, of which all but the signature is the same for each part.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::Credentials;
use aws_sigv4::http_request::{
    self, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningParams,
    SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{StorageConfig, StorageError};

const OPERATION: &str = "UploadPart";

/// All but what RFC 3986 §2.3 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Our right to the store, by which others get a part of it.
#[derive(Clone)]
pub(super) struct Signer {
    credentials: Credentials,
    region: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    pub(super) fn new(config: &StorageConfig) -> Self {
        let (id, secret) = (&config.access_key_id, &config.secret_access_key);
        Self {
            credentials: Credentials::new(id, secret, None, None, "mediamill"),
            region: config.region.clone(),
        }
    }

    /// Whose signature it is, and for what (*Credential*).
    pub(super) fn credential(&self, at: DateTime<Utc>) -> String {
        let (id, day) = (self.credentials.access_key_id(), at.format("%Y%m%d"));
        format!("{id}/{day}/{}/s3/aws4_request", self.region)
    }

    /// Signs the policy of a form, which is in base64.
    pub(super) fn policy(&self, policy: &str, at: DateTime<Utc>) -> String {
        let secret = self.credentials.secret_access_key();
        let key = v4::generate_signing_key(secret, at.into(), &self.region, "s3");
        v4::calculate_signature(key, policy.as_bytes())
    }

    /// Signs `PUT`s of parts to the object at `address`, each by its number and its exact length.
    pub(super) fn parts(
        &self,
        address: &str,
        upload_id: &str,
        parts: &[(u16, u64)],
        from: SystemTime,
        expires_in: Duration,
    ) -> Result<Vec<String>, StorageError> {
        let identity = self.credentials.clone().into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.expires_in = Some(expires_in);
        let params: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(from)
            .settings(settings)
            .build()
            .map_err(StorageError::protocol(OPERATION))?
            .into();
        let upload_id = utf8_percent_encode(upload_id, RESERVED).to_string();
        let mut urls = Vec::with_capacity(parts.len());
        for (number, length) in parts {
            let mut url = format!("{address}?partNumber={number}&uploadId={upload_id}");
            let length = length.to_string();
            let headers = [("content-length", length.as_str())].into_iter();
            let body = SignableBody::UnsignedPayload;
            let request = SignableRequest::new("PUT", &url, headers, body)
                .map_err(StorageError::protocol(OPERATION))?;
            let signed =
                http_request::sign(request, &params).map_err(StorageError::protocol(OPERATION))?;
            for (name, value) in signed.output().params() {
                let value = utf8_percent_encode(value, RESERVED);
                url.extend(["&", name, "="]);
                url.extend(value);
            }
            urls.push(url);
        }
        Ok(urls)
    }
}
