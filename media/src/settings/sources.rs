//! How the two things everything needs, the database and the object store, are read from the environment.

use std::fmt;

use super::Reader;
use crate::storage::StorageConfig;

/// Where the database is.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `postgres://` address. Holds a password, so it is never printed.
    pub url: String,
    /// Connections that a process keeps at most, beside those of the engine in a worker.
    pub connections: u32,
}

impl DatabaseConfig {
    /// Connections unless something else is asked for.
    pub const CONNECTIONS: u32 = 20;

    /// Reads `MEDIAMILL_DATABASE_URL` and `MEDIAMILL_DATABASE_CONNECTIONS`.
    pub fn from_env(reader: &mut Reader) -> Self {
        const NAME: &str = "MEDIAMILL_DATABASE_URL";
        const EXAMPLE: &str = "postgres://mediamill:password@localhost/mediamill";
        let url = reader.required(NAME, EXAMPLE);
        let known = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        if !url.is_empty() && !known {
            reader.mistake(NAME, "must be a postgres:// address", EXAMPLE);
        }
        let connections = reader.number_or(
            "MEDIAMILL_DATABASE_CONNECTIONS",
            2..=1000,
            Self::CONNECTIONS.into(),
        );
        Self {
            url,
            connections: u32::try_from(connections).unwrap_or(Self::CONNECTIONS),
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("url", &"[redacted]")
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

    fn reader(pairs: &[(&str, &str)]) -> Reader {
        Reader::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into())),
        )
    }

    #[test]
    fn every_mistake_is_reported_at_once_and_no_value_is_echoed() {
        let mut reader = reader(&[
            ("MEDIAMILL_DATABASE_URL", "mysql://user:hunter2@db"),
            ("MEDIAMILL_S3_ENDPOINT", "localhost:9000"),
            ("MEDIAMILL_S3_PATH_STYLE", "maybe"),
            ("MEDIAMILL_S3_ACCESS_KEY_ID", "key"),
            ("MEDIAMILL_STAGING_BUCKET", "one"),
            ("MEDIAMILL_ORIGIN_BUCKET", "one"),
            ("MEDIAMILL_MAX_FILE_BYTES", "0"),
        ]);
        DatabaseConfig::from_env(&mut reader);
        StorageConfig::from_env(&mut reader);
        crate::limits::Limits::from_env(&mut reader);
        let report = reader.finish().unwrap_err();
        let names: Vec<_> = report.mistakes.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "MEDIAMILL_DATABASE_URL",
                "MEDIAMILL_S3_ENDPOINT",
                "MEDIAMILL_S3_SECRET_ACCESS_KEY",
                "MEDIAMILL_S3_PATH_STYLE",
                "MEDIAMILL_ORIGIN_BUCKET",
                "MEDIAMILL_MAX_FILE_BYTES",
            ]
        );
        assert!(!report.to_string().contains("hunter2"), "{report}");
    }

    #[test]
    fn an_address_of_the_store_has_no_path() {
        for (address, good) in [
            ("http://s3:9000", true),
            ("http://s3:9000/", true),
            ("http://s3:9000/minio", false),
            ("https://example.com/a/b/", false),
        ] {
            let names = ["MEDIAMILL_S3_ENDPOINT", "MEDIAMILL_S3_PUBLIC_ENDPOINT"];
            let mut reader = reader(&names.map(|name| (name, address)));
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
        let mut reader = reader(&[
            ("MEDIAMILL_S3_ENDPOINT", "http://127.0.0.1:9000/"),
            ("MEDIAMILL_S3_ACCESS_KEY_ID", "key"),
            ("MEDIAMILL_S3_SECRET_ACCESS_KEY", "secret"),
        ]);
        let config = StorageConfig::from_env(&mut reader);
        reader.finish().unwrap();
        assert_eq!(config.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert!(config.path_style);
    }
}
