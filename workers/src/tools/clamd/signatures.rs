//! What a daemon knows of malware, by its own word.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;

/// A daemon's version and that of its official signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signatures {
    /// The daemon's own version, such as `ClamAV 1.4.6`.
    pub engine: String,
    /// Number of the newest official signatures. Without it the daemon knows hardly any malware.
    pub database: Option<u32>,
    /// When they were made.
    pub built_at: Option<DateTime<Utc>>,
}

impl Signatures {
    /// Reads the answer to `VERSION`: `ClamAV 1.4.6/27812/Thu Nov 19 09:25:41 2026`, the time being UTC.
    pub fn parse(version: &str) -> Self {
        let mut fields = version.trim().splitn(3, '/');
        let engine = fields.next().unwrap_or_default().to_owned();
        let database = fields.next().and_then(|number| number.parse().ok());
        let built_at = fields
            .next()
            .and_then(|at| NaiveDateTime::parse_from_str(at, "%a %b %e %H:%M:%S %Y").ok());
        Self {
            engine,
            database,
            built_at: built_at.map(|at| at.and_utc()),
        }
    }

    /// Whether it knows more than what was written for a test.
    pub fn are_official(&self) -> bool {
        self.database.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_version_is_read() {
        let full = Signatures::parse("ClamAV 1.4.6/27812/Thu Nov 19 09:25:41 2026");
        assert_eq!(
            (full.engine.as_str(), full.database),
            ("ClamAV 1.4.6", Some(27812))
        );
        let at = "2026-11-19T09:25:41Z".parse().ok();
        assert_eq!(full.built_at, at);
        assert_eq!(
            Signatures::parse("ClamAV 1.4.6/1/Sun Nov  1 09:25:41 2026")
                .built_at
                .map(|at| at.to_rfc3339()),
            Some("2026-11-01T09:25:41+00:00".to_owned())
        );
        for bare in ["ClamAV 1.4.6", "ClamAV 1.4.6//", ""] {
            assert!(!Signatures::parse(bare).are_official(), "{bare}");
        }
    }
}
