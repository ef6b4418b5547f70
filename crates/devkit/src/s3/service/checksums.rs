//! `Content-MD5` and `x-amz-checksum-*`: what the client claims, what is computed, and whether they agree.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use s3s::TrailingHeaders;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::{S3Result, s3_error};

use crate::s3::store::{Checksums, PartRecord};

/// Copies the five checksum fields that the framework repeats in each of its types.
macro_rules! copy_checksums {
    ($from:expr => $to:expr) => {{
        let from = &$from;
        let to = &mut $to;
        to.checksum_crc32.clone_from(&from.crc32);
        to.checksum_crc32c.clone_from(&from.crc32c);
        to.checksum_crc64nvme.clone_from(&from.crc64nvme);
        to.checksum_sha1.clone_from(&from.sha1);
        to.checksum_sha256.clone_from(&from.sha256);
    }};
}
/// Reads the same fields.
macro_rules! claimed_checksums {
    ($input:expr) => {
        $crate::s3::store::Checksums {
            crc32: $input.checksum_crc32.clone(),
            crc32c: $input.checksum_crc32c.clone(),
            crc64nvme: $input.checksum_crc64nvme.clone(),
            sha1: $input.checksum_sha1.clone(),
            sha256: $input.checksum_sha256.clone(),
        }
    };
}
pub(super) use {claimed_checksums, copy_checksums};

/// What the client claims about a body.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) md5: Option<[u8; 16]>,
    pub(super) checksums: Checksums,
    /// Header that will follow the body and carry a checksum.
    pub(super) trailer: Option<String>,
}

impl Claims {
    pub(super) fn new(
        content_md5: Option<&str>,
        checksums: Checksums,
        trailer: Option<&str>,
    ) -> S3Result<Self> {
        let md5 = content_md5
            .map(|text| {
                BASE64_STANDARD
                    .decode(text)
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
            })
            .map(|md5| md5.ok_or_else(|| s3_error!(InvalidDigest)))
            .transpose()?;
        Ok(Self {
            md5,
            checksums,
            trailer: trailer.map(str::to_ascii_lowercase),
        })
    }

    /// Computes what is claimed, and no more.
    pub(super) fn hasher(&self) -> ChecksumHasher {
        let wanted = |claim: &Option<String>, header: &str| {
            claim.is_some() || self.trailer.as_deref() == Some(header)
        };
        let claims = &self.checksums;
        ChecksumHasher {
            crc32: wanted(&claims.crc32, "x-amz-checksum-crc32").then(Crc32::new),
            crc32c: wanted(&claims.crc32c, "x-amz-checksum-crc32c").then(Crc32c::new),
            crc64nvme: wanted(&claims.crc64nvme, "x-amz-checksum-crc64nvme").then(Crc64Nvme::new),
            sha1: wanted(&claims.sha1, "x-amz-checksum-sha1").then(Sha1::new),
            sha256: wanted(&claims.sha256, "x-amz-checksum-sha256").then(Sha256::new),
        }
    }

    /// Compares, once the body is there.
    pub(super) fn check(
        mut self,
        md5: &[u8; 16],
        computed: &Checksums,
        trailers: Option<&TrailingHeaders>,
    ) -> S3Result<()> {
        if self.md5.is_some_and(|claimed| claimed != *md5) {
            return Err(s3_error!(
                BadDigest,
                "content-md5 differs from what was received"
            ));
        }
        if let Some(header) = self.trailer.take() {
            let value = trailers.and_then(|trailers| {
                trailers.read(|headers| headers.get(&header)?.to_str().ok().map(str::to_owned))
            });
            self.claim(&header, value.flatten());
        }
        if self.checksums == *computed {
            Ok(())
        } else {
            Err(s3_error!(
                BadDigest,
                "a checksum differs from what was received"
            ))
        }
    }

    fn claim(&mut self, header: &str, value: Option<String>) {
        let claims = &mut self.checksums;
        match header {
            "x-amz-checksum-crc32" => claims.crc32 = value,
            "x-amz-checksum-crc32c" => claims.crc32c = value,
            "x-amz-checksum-crc64nvme" => claims.crc64nvme = value,
            "x-amz-checksum-sha1" => claims.sha1 = value,
            "x-amz-checksum-sha256" => claims.sha256 = value,
            _ => {}
        }
    }
}

impl From<s3s::dto::Checksum> for Checksums {
    fn from(computed: s3s::dto::Checksum) -> Self {
        claimed_checksums!(computed)
    }
}

/// Checksum of the parts' checksums and their number, for each algorithm that every part has
/// (*Checking object integrity: composite checksums*). CRC-64/NVME has no such form.
pub(super) fn composite(parts: &[&PartRecord]) -> Checksums {
    Checksums {
        crc32: over::<Crc32>(parts, |part| part.checksums.crc32.as_ref()),
        crc32c: over::<Crc32c>(parts, |part| part.checksums.crc32c.as_ref()),
        crc64nvme: None,
        sha1: over::<Sha1>(parts, |part| part.checksums.sha1.as_ref()),
        sha256: over::<Sha256>(parts, |part| part.checksums.sha256.as_ref()),
    }
}

fn over<H: s3s::crypto::Checksum>(
    parts: &[&PartRecord],
    checksum: impl Fn(&PartRecord) -> Option<&String>,
) -> Option<String> {
    let mut hasher = H::new();
    for part in parts {
        hasher.update(&BASE64_STANDARD.decode(checksum(part)?).ok()?);
    }
    Some(format!(
        "{}-{}",
        BASE64_STANDARD.encode(hasher.finalize()),
        parts.len()
    ))
}
