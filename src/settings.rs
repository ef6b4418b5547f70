//! The settings of a process in production, from the environment, all mistakes reported at once.

use api::ApiConfig;
use media::{
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

/// What `mediamill api` needs.
pub fn api() -> Result<(DatabaseConfig, StorageConfig, ApiConfig), InvalidSettings> {
    let mut reader = Reader::from_env();
    let settings = (
        DatabaseConfig::from_env(&mut reader),
        StorageConfig::from_env(&mut reader),
        ApiConfig::from_env(&mut reader),
    );
    reader.finish().map(|()| settings)
}

/// What `mediamill worker` needs.
pub fn worker() -> Result<(DatabaseConfig, StorageConfig, WorkersConfig, Limits), InvalidSettings> {
    let mut reader = Reader::from_env();
    let settings = (
        DatabaseConfig::from_env(&mut reader),
        StorageConfig::from_env(&mut reader),
        WorkersConfig::from_env(&mut reader),
        Limits::from_env(&mut reader),
    );
    reader.finish().map(|()| settings)
}
