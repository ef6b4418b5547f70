//! Where the object store is and how to sign for it.

use std::fmt;

use settings::Reader;

/// Settings of an S3-compatible store.
#[derive(Clone)]
pub struct StorageConfig {
    /// Base URL this process talks to, such as `http://127.0.0.1:9000`; `None` means AWS in `region`.
    pub endpoint: Option<String>,
    /// Base URL in signed URLs, as clients see the store. The host is part of the signature, so a proxy in front
    /// cannot rewrite it later. Defaults to `endpoint`.
    pub public_endpoint: Option<String>,
    /// Region in the signature's scope, such as `eu-central-1`. Most self-hosted stores accept only their own.
    pub region: String,
    /// Public half of the key.
    pub access_key_id: String,
    /// Secret half of the key; never printed.
    pub secret_access_key: String,
    /// `http://host/bucket/key` rather than `http://bucket.host/key`. Self-hosted stores usually need it.
    pub path_style: bool,
    /// Bucket that clients write to.
    pub staging_bucket: String,
    /// Bucket that the CDN reads.
    pub origin_bucket: String,
}

impl fmt::Debug for StorageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageConfig")
            .field("endpoint", &self.endpoint)
            .field("public_endpoint", &self.public_endpoint)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"[redacted]")
            .field("path_style", &self.path_style)
            .field("staging_bucket", &self.staging_bucket)
            .field("origin_bucket", &self.origin_bucket)
            .finish()
    }
}

impl StorageConfig {
    /// Reads `MEDIAMILL_S3_ENDPOINT`, `_S3_PUBLIC_ENDPOINT`, `_S3_REGION`, `_S3_ACCESS_KEY_ID`,
    /// `_S3_SECRET_ACCESS_KEY`, `_S3_PATH_STYLE`, `_STAGING_BUCKET` and `_ORIGIN_BUCKET`.
    pub fn from_env(reader: &mut Reader) -> Self {
        let mut address = |name, example| {
            let address = reader.optional_base_url(name, example);
            let path = address.as_deref().and_then(|url| url.split_once("://"));
            if path.is_some_and(|(_, rest)| rest.contains('/')) {
                // It would be lost, or signed and not sent.
                let problem = "must have no path: buckets stand right behind host and port";
                reader.mistake(name, problem, example);
            }
            address
        };
        let endpoint = address("MEDIAMILL_S3_ENDPOINT", "http://localhost:9000");
        let public_endpoint = address(
            "MEDIAMILL_S3_PUBLIC_ENDPOINT",
            "https://uploads.example.com",
        );
        let config = Self {
            public_endpoint,
            region: reader.text_or("MEDIAMILL_S3_REGION", "us-east-1"),
            access_key_id: reader.required("MEDIAMILL_S3_ACCESS_KEY_ID", "mediamill"),
            secret_access_key: reader
                .required("MEDIAMILL_S3_SECRET_ACCESS_KEY", "<the key's secret half>"),
            // Self-hosted stores rarely have a host name per bucket; AWS always does.
            path_style: reader.flag_or("MEDIAMILL_S3_PATH_STYLE", endpoint.is_some()),
            staging_bucket: reader.text_or("MEDIAMILL_STAGING_BUCKET", "mediamill-staging"),
            origin_bucket: reader.text_or("MEDIAMILL_ORIGIN_BUCKET", "mediamill-origin"),
            endpoint,
        };
        if config.staging_bucket == config.origin_bucket {
            reader.mistake(
                "MEDIAMILL_ORIGIN_BUCKET",
                "must differ from MEDIAMILL_STAGING_BUCKET: clients write to that one",
                "mediamill-origin",
            );
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_store_has_no_path() {
        for (address, good) in [
            ("http://s3:9000", true),
            ("http://s3:9000/", true),
            ("http://s3:9000/minio", false),
            ("https://example.com/a/b/", false),
        ] {
            let names = ["MEDIAMILL_S3_ENDPOINT", "MEDIAMILL_S3_PUBLIC_ENDPOINT"];
            let set = names.map(|name| (name.into(), address.into()));
            let mut reader = Reader::new(set);
            StorageConfig::from_env(&mut reader);
            let report = reader.finish().unwrap_err().to_string();
            for name in names {
                let told = report.contains(&format!("{name} must have no path"));
                assert_eq!(told, !good, "{report}");
            }
        }
    }

    #[test]
    fn the_least_that_is_needed_is_enough() {
        let set = [
            ("MEDIAMILL_S3_ENDPOINT", "http://127.0.0.1:9000/"),
            ("MEDIAMILL_S3_ACCESS_KEY_ID", "key"),
            ("MEDIAMILL_S3_SECRET_ACCESS_KEY", "secret"),
        ];
        let mut reader = Reader::new(set.map(|(name, value)| (name.into(), value.into())));
        let config = StorageConfig::from_env(&mut reader);
        reader.finish().unwrap();
        assert_eq!(config.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert!(config.path_style);
    }
}
