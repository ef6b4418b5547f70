//! Times as all that we answer writes them: RFC 3339 in UTC with `Z`, to the millisecond.

use chrono::{DateTime, SecondsFormat, Utc};

/// The text of a time.
pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_time_is_written_in_one_way() {
        for (time, written) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"),
            ("2026-01-31T13:00:00.1239+01:00", "2026-01-31T12:00:00.123Z"),
        ] {
            assert_eq!(text(time.parse().unwrap()), written);
        }
    }
}
