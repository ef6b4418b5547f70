//! The text form of a place in a list: 48 hex digits, opaque to clients.

use chrono::DateTime;
use media::FileId;
use media::files::Cursor;
use uuid::Uuid;

/// Writes a cursor.
pub fn encode(cursor: &Cursor) -> String {
    // Postgres keeps microseconds, so nothing is lost.
    let micros = cursor.created_at.timestamp_micros().cast_unsigned();
    format!("{micros:016x}{:032x}", cursor.file_id.0.as_u128())
}

/// Reads a cursor; `None` if the text is not one of them.
pub fn decode(text: &str) -> Option<Cursor> {
    let hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    if text.len() != 48 || !hex(text) {
        return None;
    }
    let (micros, file_id) = text.split_at_checked(16)?;
    let micros = u64::from_str_radix(micros, 16).ok()?.cast_signed();
    // Beyond this Postgres has no timestamps.
    let created_at = DateTime::from_timestamp_micros(micros)
        .filter(|at| (1970..=9999).contains(&chrono::Datelike::year(at)))?;
    let file_id = u128::from_str_radix(file_id, 16).ok()?;
    Some(Cursor {
        created_at,
        file_id: FileId(Uuid::from_u128(file_id)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_round_trip_and_nonsense_is_refused() {
        let cursor = Cursor {
            created_at: DateTime::from_timestamp_micros(1_795_350_000_123_456).unwrap(),
            file_id: FileId(Uuid::now_v7()),
        };
        assert_eq!(decode(&encode(&cursor)), Some(cursor));
        for bad in [
            "",
            "0",
            &"f".repeat(48),
            &"g".repeat(48),
            &"ä".repeat(24),
            &"0".repeat(47),
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
