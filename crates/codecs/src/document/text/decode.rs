//! From bytes to letters: UTF-8, UTF-16 with its mark, or else Windows-1252, which Latin-1 is a part of.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};
use media::{Rejection, RejectionCode};

/// Bytes that cannot be are replaced by a mark. Control characters that texts do not have are the sign of something else.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Rejection> {
    let text = match (Encoding::for_bom(bytes), str::from_utf8(bytes)) {
        (Some((encoding, mark)), _) => encoding.decode_without_bom_handling(&bytes[mark..]).0,
        (None, Ok(text)) => Cow::Borrowed(text),
        (None, Err(_)) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    if text.bytes().any(is_strange) {
        let message = "the file has bytes that no text has";
        return Err(Rejection::new(RejectionCode::UnsupportedType, message));
    }
    Ok(text)
}

/// Tabs, ends of lines and pages, backspace and escape are all that texts have of control characters.
const fn is_strange(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn texts_are_read_in_the_encoding_that_they_are_in() {
        for (bytes, expected) in [
            (&b"plain\n"[..], "plain\n"),
            ("größer 漢字".as_bytes(), "größer 漢字"),
            (b"\xef\xbb\xbfmarked", "marked"),
            (b"\xff\xfeh\0i\0\x22\x6f", "hi漢"),
            (b"\xfe\xff\0h\0i\x6f\x22", "hi漢"),
            (b"gr\xf6\xdfer \x80", "größer €"),
        ] {
            assert_eq!(decode(bytes).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [&b"\0"[..], b"\x7fELF\x02\x01\x01\0", b"a\x01b", b"h\0i\0"] {
            let refusal = decode(bytes).unwrap_err();
            assert_eq!(refusal.code.as_str(), "unsupported_type");
        }
    }
}
