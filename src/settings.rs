//! The settings of a process in production, from the environment, all mistakes reported at once.

mod names;

use std::net::SocketAddr;

use api::ApiConfig;
use chrono::TimeDelta;
use media::{
    files::Kept,
    limits::Limits,
    settings::{DatabaseConfig, InvalidSettings, Reader},
    storage::StorageConfig,
};
use workers::WorkersConfig;

pub use self::names::{API, WORKER, help, warn_of_unknown};

/// What `mediamill migrate` needs.
pub fn database() -> Result<DatabaseConfig, InvalidSettings> {
    let mut reader = Reader::from_env();
    let database = DatabaseConfig::from_env(&mut reader);
    reader.finish().map(|()| database)
}

/// The queues that workers serve with these settings, and their slots.
pub fn queues() -> Result<Vec<(String, usize)>, InvalidSettings> {
    let mut reader = Reader::from_env();
    let workers = WorkersConfig::from_env(&mut reader);
    reader.finish().map(|()| workers.queue_slots())
}

/// How long what was refused is kept: operators' commands need it.
pub fn kept() -> Result<Kept, InvalidSettings> {
    let mut reader = Reader::from_env();
    let kept = Kept::from_env(&mut reader);
    reader.finish().map(|()| kept)
}

/// What `mediamill dev` takes from the environment: what its users may want to try.
pub struct Dev {
    pub limits: Limits,
    pub kept: Kept,
    pub url_lifetime: TimeDelta,
    pub upload_lifetime: TimeDelta,
}

/// Reads what `mediamill dev` takes.
pub fn dev() -> Result<Dev, InvalidSettings> {
    let mut reader = Reader::from_env();
    let (url_lifetime, upload_lifetime) = ApiConfig::lifetimes(&mut reader);
    let settings = Dev {
        limits: Limits::from_env(&mut reader),
        kept: Kept::from_env(&mut reader),
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
