//! The header fields of both protocols, read and written. No I/O.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Most characters of what a client wants to be given back.
const MAX_METADATA_CHARS: usize = 4096;

/// Largest Integer of a structured field (RFC 9651 §3.3.1), in decimal digits.
const MAX_DIGITS: usize = 15;

/// A non-negative Integer (RFC 9651 §3.3.1). Parameters are ignored, as in every Item that does not define any.
pub fn integer(value: &str) -> Option<u64> {
    let digits = item(value);
    let plain =
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// A Boolean (RFC 9651 §3.3.6).
pub fn boolean(value: &str) -> Option<bool> {
    match item(value) {
        "?1" => Some(true),
        "?0" => Some(false),
        _ => None,
    }
}

fn item(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// The members of a Dictionary whose values are Byte Sequences (RFC 9651 §3.2, §3.3.5), such as digests (RFC 9530 §2).
/// Members of another type are left out.
pub fn byte_sequences(value: &str) -> Vec<(&str, Vec<u8>)> {
    let members = value.split(',').filter_map(|member| {
        let (key, value) = member.trim().split_once('=')?;
        let bytes = item(value).strip_prefix(':')?.strip_suffix(':')?;
        Some((key, STANDARD.decode(bytes).ok()?))
    });
    members.collect()
}

/// tus's `Upload-Checksum`: an algorithm and a digest in base64.
pub fn tus_checksum(value: &str) -> Option<(&str, Vec<u8>)> {
    let (algorithm, digest) = value.trim().split_once(' ')?;
    Some((algorithm, STANDARD.decode(digest.trim()).ok()?))
}

/// What tus's `Upload-Metadata` says of a file: keys, and values in base64.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `filename`, or `name`.
    pub filename: Option<String>,
    /// `filetype`, or `type`.
    pub media_type: Option<String>,
}

/// Reads tus's `Upload-Metadata`. An error says what is wrong with it.
pub fn tus_metadata(value: &str) -> Result<Metadata, &'static str> {
    if value.len() > MAX_METADATA_CHARS {
        return Err("must have at most 4096 characters");
    }
    let mut metadata = Metadata::default();
    for pair in value
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let bytes = STANDARD
            .decode(value.trim())
            .map_err(|_| "must have values in base64")?;
        let slot = match key {
            "filename" | "name" => &mut metadata.filename,
            "filetype" | "type" => &mut metadata.media_type,
            _ => continue,
        };
        let text = String::from_utf8(bytes).map_err(|_| "must be UTF-8 below its base64")?;
        if slot.is_none() || key.starts_with("file") {
            *slot = Some(text).filter(|text| !text.is_empty());
        }
    }
    Ok(metadata)
}

/// The file name of a `Content-Disposition` (RFC 6266 §4.3): `filename*` before `filename`.
pub fn disposition_filename(value: &str) -> Option<String> {
    let mut plain = None;
    for parameter in parameters(value).skip(1) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("filename*") {
            let encoded = value
                .strip_prefix("UTF-8''")
                .or(value.strip_prefix("utf-8''"));
            if let Some(name) = encoded.and_then(percent_decoded) {
                return Some(name);
            }
        } else if name.eq_ignore_ascii_case("filename") {
            plain = Some(unquoted(value));
        }
    }
    plain.filter(|name| !name.is_empty())
}

/// The pieces between semicolons, but not those within quotes.
fn parameters(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c: char| {
        if escaped {
            escaped = false;
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' => return !quoted,
            _ => {}
        }
        false
    })
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) else {
        return value.to_owned();
    };
    let (mut text, mut characters) = (String::new(), inner.chars());
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' {
            characters.next()
        } else {
            Some(c)
        });
    }
    text
}

fn percent_decoded(value: &str) -> Option<String> {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8();
    decoded.ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_booleans_are_read_as_structured_fields() {
        for (value, number) in [
            ("0", Some(0)),
            (" 42 ", Some(42)),
            ("7;a=1", Some(7)),
            ("999999999999999", Some(999_999_999_999_999)),
            ("1000000000000000", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1, 2", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(integer(value), number, "{value:?}");
        }
        for (value, is) in [
            ("?1", Some(true)),
            ("?0", Some(false)),
            ("true", None),
            ("1", None),
        ] {
            assert_eq!(boolean(value), is, "{value:?}");
        }
    }

    #[test]
    fn digests_are_read_and_others_left_out() {
        let digests = byte_sequences("sha-256=:AAEC:, md5=:!!:, x=1,sha-512=:/w==:;a=b");
        assert_eq!(
            digests,
            [("sha-256", vec![0, 1, 2]), ("sha-512", vec![255])]
        );
        assert_eq!(tus_checksum("sha1 AAEC"), Some(("sha1", vec![0, 1, 2])));
        assert_eq!((tus_checksum("sha1"), tus_checksum("sha1 !")), (None, None));
    }

    #[test]
    fn metadata_tells_name_and_type() {
        let is = |filename: Option<&str>, media_type: Option<&str>| {
            Ok(Metadata {
                filename: filename.map(Into::into),
                media_type: media_type.map(Into::into),
            })
        };
        for (value, metadata) in [
            (
                "filename aGkucG5n,filetype aW1hZ2UvcG5n",
                is(Some("hi.png"), Some("image/png")),
            ),
            (
                "name aGkucG5n, type aW1hZ2UvcG5n",
                is(Some("hi.png"), Some("image/png")),
            ),
            (
                "filename aGkucG5n,name YQ==,relativePath",
                is(Some("hi.png"), None),
            ),
            ("", is(None, None)),
            ("is_confidential", is(None, None)),
            ("filename !", Err("must have values in base64")),
            ("filename /w==", Err("must be UTF-8 below its base64")),
        ] {
            assert_eq!(tus_metadata(value), metadata, "{value:?}");
        }
        assert!(tus_metadata(&"a".repeat(5000)).is_err());
    }

    #[test]
    fn the_better_file_name_is_taken() {
        for (value, name) in [
            (
                "inline; filename=\"a b.jpg\"; filename*=UTF-8''a%20%E2%82%AC.jpg",
                Some("a €.jpg"),
            ),
            (
                "attachment; filename=\"a;b \\\"c\\\".jpg\"",
                Some("a;b \"c\".jpg"),
            ),
            ("inline; filename=plain.jpg", Some("plain.jpg")),
            ("inline; filename*=latin1''x", None),
            ("inline", None),
            ("inline; filename=\"\"", None),
        ] {
            assert_eq!(disposition_filename(value).as_deref(), name, "{value:?}");
        }
    }
}
