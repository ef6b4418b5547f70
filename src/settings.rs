//! The settings of a process in production, from the environment, all mistakes reported at once.

mod names;

use std::net::SocketAddr;

use ::settings::{InvalidSettings, Reader};
use api::{ApiConfig, JwtConfig};
use chrono::TimeDelta;
use gateway::GatewayConfig;
use media::{
    files::Kept, limits::Limits, owners::DefaultQuota, recipes::Extras, type_rules::TypeRules,
};
use storage::StorageConfig;
use workers::{OfficeAt, WorkersConfig};

use crate::{database::DatabaseConfig, wiring};

pub use self::names::{API, WORKER, help, warn_of_unknown};

/// What `mediamill migrate` needs.
pub fn database() -> Result<DatabaseConfig, InvalidSettings> {
    let mut reader = Reader::from_env();
    let database = DatabaseConfig::from_env(&mut reader);
    reader.finish().map(|()| database)
}

/// What `mediamill storage` needs.
pub fn storage() -> Result<StorageConfig, InvalidSettings> {
    let mut reader = Reader::from_env();
    let storage = StorageConfig::from_env(&mut reader);
    reader.finish().map(|()| storage)
}

/// The queues that workers serve with these settings, and their slots.
pub fn queues() -> Result<Vec<(String, usize)>, InvalidSettings> {
    let mut reader = Reader::from_env();
    let workers = WorkersConfig::from_env(&mut reader);
    reader.finish()?;
    // Where it is to be and is not, no worker would start.
    let has_office =
        wiring::office(&workers.office, workers.sandbox).is_ok_and(|office| office.is_some());
    Ok(workers.queue_slots(has_office))
}

/// How long what was refused is kept: operators' commands need it.
pub fn kept() -> Result<Kept, InvalidSettings> {
    let mut reader = Reader::from_env();
    let kept = Kept::from_env(&mut reader);
    reader.finish().map(|()| kept)
}

/// What stands before the key of a variant, if it is said.
pub fn cdn_base_url() -> Result<Option<String>, InvalidSettings> {
    let mut reader = Reader::from_env();
    let base = reader.optional_base_url("MEDIAMILL_CDN_BASE_URL", "https://media.example.com");
    reader.finish().map(|()| base)
}

/// What `mediamill dev` takes from the environment: what its users may want to try.
pub struct Dev {
    pub limits: Limits,
    pub types: TypeRules,
    pub quota: DefaultQuota,
    pub jwt: Option<JwtConfig>,
    pub kept: Kept,
    pub office: OfficeAt,
    pub document_pages: u32,
    pub keep_rights: bool,
    pub extras: Extras,
    pub url_lifetime: TimeDelta,
    pub upload_lifetime: TimeDelta,
}

/// Reads what `mediamill dev` takes.
pub fn dev() -> Result<Dev, InvalidSettings> {
    let mut reader = Reader::from_env();
    let (url_lifetime, upload_lifetime) = ApiConfig::lifetimes(&mut reader);
    let settings = Dev {
        limits: Limits::from_env(&mut reader),
        types: TypeRules::from_env(&mut reader),
        quota: DefaultQuota::from_env(&mut reader),
        jwt: JwtConfig::from_env(&mut reader),
        kept: Kept::from_env(&mut reader),
        office: OfficeAt::from_env(&mut reader),
        document_pages: WorkersConfig::document_pages(&mut reader),
        keep_rights: WorkersConfig::keep_rights(&mut reader),
        extras: Extras::from_env(&mut reader),
        url_lifetime,
        upload_lifetime,
    };
    reader.finish().map(|()| settings)
}

/// What `mediamill api` needs.
pub struct Api {
    pub database: DatabaseConfig,
    pub storage: StorageConfig,
    pub http: ApiConfig,
    pub gateway: GatewayConfig,
    /// How long what was refused is kept.
    pub kept: Kept,
    /// Where monitors find it; nowhere unless it is said.
    pub metrics_listen: Option<SocketAddr>,
}

impl Api {
    fn read(reader: &mut Reader) -> Self {
        Self {
            database: DatabaseConfig::from_env(reader),
            storage: StorageConfig::from_env(reader),
            http: ApiConfig::from_env(reader),
            gateway: GatewayConfig::from_env(reader),
            kept: Kept::from_env(reader),
            metrics_listen: metrics_listen(reader),
        }
    }
}

/// Reads what `mediamill api` needs.
pub fn api() -> Result<Api, InvalidSettings> {
    let mut reader = Reader::from_env();
    let settings = Api::read(&mut reader);
    reader.finish().map(|()| settings)
}

/// What `mediamill worker` needs.
pub struct Worker {
    pub database: DatabaseConfig,
    pub storage: StorageConfig,
    pub workers: WorkersConfig,
    pub limits: Limits,
    /// Where monitors find it; nowhere unless it is said.
    pub metrics_listen: Option<SocketAddr>,
}

impl Worker {
    fn read(reader: &mut Reader) -> Self {
        Self {
            database: DatabaseConfig::from_env(reader),
            storage: StorageConfig::from_env(reader),
            workers: WorkersConfig::from_env(reader),
            limits: Limits::from_env(reader),
            metrics_listen: metrics_listen(reader),
        }
    }
}

/// Reads what `mediamill worker` needs.
pub fn worker() -> Result<Worker, InvalidSettings> {
    let mut reader = Reader::from_env();
    let settings = Worker::read(&mut reader);
    reader.finish().map(|()| settings)
}

fn metrics_listen(reader: &mut Reader) -> Option<SocketAddr> {
    const NAME: &str = "MEDIAMILL_METRICS_LISTEN";
    let example = SocketAddr::from(([127, 0, 0, 1], 9464));
    reader
        .optional(NAME)
        .map(|_| reader.parsed_or(NAME, example))
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
        Limits::from_env(&mut reader);
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
}
