//! What a daemon says of itself and of its signatures. No I/O.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Serialize;

/// A reply to `VERSION`, such as `ClamAV 1.4.6/27812/Thu Nov 19 07:26:31 2026`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The engine, such as `1.4.6`.
    pub engine: String,
    /// The official signatures. `None` where the daemon has none, and knows hardly any malware.
    pub signatures: Option<Signatures>,
}

/// A set of official signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Signatures {
    /// Counts up, about once a day.
    pub number: u32,
    /// When they were made. The daemon says it in its local time, which is taken for UTC: in a
    /// container it is, elsewhere it is off by the time zone.
    pub made_at: DateTime<Utc>,
}

impl Version {
    /// Reads a reply. Signatures that cannot be read count as none, since it is they that are
    /// asked for when it matters how old they are.
    pub fn parse(reply: &str) -> Self {
        let mut fields = reply.splitn(3, '/');
        let engine = fields.next().unwrap_or_default();
        let signatures = fields.next().zip(fields.next()).and_then(|(number, date)| {
            // As ctime(3) writes it.
            let date = NaiveDateTime::parse_from_str(date.trim(), "%a %b %e %H:%M:%S %Y");
            Some(Signatures {
                number: number.parse().ok()?,
                made_at: date.ok()?.and_utc(),
            })
        });
        Self {
            engine: engine.trim_start_matches("ClamAV ").to_owned(),
            signatures,
        }
    }
}

impl Signatures {
    /// How old they are; never negative.
    pub fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        (now - self.made_at).max(TimeDelta::zero())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClamAV {}", self.engine)?;
        match &self.signatures {
            Some(Signatures { number, made_at }) => {
                write!(f, ", signatures {number} of {}", made_at.format("%F"))
            }
            None => write!(f, ", no official signatures"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_the_signatures_is_read() {
        let version = Version::parse("ClamAV 1.4.6/27812/Thu Nov 19 07:26:31 2026");
        assert_eq!(version.engine, "1.4.6");
        let signatures = version.signatures.unwrap();
        assert_eq!(signatures.number, 27812);
        let now = "2026-11-21T07:26:31Z".parse().unwrap();
        assert_eq!(signatures.age(now), TimeDelta::days(2));
        // ctime(3) pads the day with a blank.
        let padded = Version::parse("ClamAV 1.4.6/27800/Sun Nov  8 07:26:31 2026");
        assert!(padded.signatures.is_some());
        assert_eq!(
            version.to_string(),
            "ClamAV 1.4.6, signatures 27812 of 2026-11-19"
        );
    }

    #[test]
    fn without_official_signatures_there_is_no_age() {
        for reply in [
            "ClamAV 1.4.6",
            "ClamAV 1.4.6/x/y",
            "ClamAV 1.4.6/27812/soon",
            "",
        ] {
            assert_eq!(Version::parse(reply).signatures, None, "{reply}");
        }
    }
}
