//! Where the database is, as the environment says.

use std::fmt;

use ::settings::Reader;

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
