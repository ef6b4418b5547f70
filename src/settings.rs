//! The settings of a process in production, from the environment, all mistakes reported at once.

use std::net::SocketAddr;

use api::ApiConfig;
use media::{
    files::Kept,
    limits::Limits,
    settings::{DatabaseConfig, InvalidSettings, Reader},
    storage::StorageConfig,
};
use workers::WorkersConfig;

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

/// What operators' commands need.
pub fn operators() -> Result<(DatabaseConfig, Kept), InvalidSettings> {
    let mut reader = Reader::from_env();
    let settings = (
        DatabaseConfig::from_env(&mut reader),
        Kept::from_env(&mut reader),
    );
    reader.finish().map(|()| settings)
}

/// What `mediamill api` needs.
pub fn api() -> Result<(DatabaseConfig, StorageConfig, ApiConfig, Kept), InvalidSettings> {
    let mut reader = Reader::from_env();
    let settings = (
        DatabaseConfig::from_env(&mut reader),
        StorageConfig::from_env(&mut reader),
        ApiConfig::from_env(&mut reader),
        Kept::from_env(&mut reader),
    );
    reader.finish().map(|()| settings)
}

/// What `mediamill worker` needs.
pub struct Worker {
    pub database: DatabaseConfig,
    pub storage: StorageConfig,
    pub workers: WorkersConfig,
    pub limits: Limits,
    /// Where Prometheus finds the metrics; nowhere unless it is said.
    pub metrics_listen: Option<SocketAddr>,
}

/// Reads what `mediamill worker` needs.
pub fn worker() -> Result<Worker, InvalidSettings> {
    let mut reader = Reader::from_env();
    let metrics = "MEDIAMILL_METRICS_LISTEN";
    let settings = Worker {
        database: DatabaseConfig::from_env(&mut reader),
        storage: StorageConfig::from_env(&mut reader),
        workers: WorkersConfig::from_env(&mut reader),
        limits: Limits::from_env(&mut reader),
        metrics_listen: reader
            .optional(metrics)
            .map(|_| reader.parsed_or(metrics, SocketAddr::from(([127, 0, 0, 1], 9464)))),
    };
    reader.finish().map(|()| settings)
}
