//! Plain text out of what people and programs wrote.

use encoding_rs::WINDOWS_1252;

/// Letters of a field; more are cut off.
const LETTERS: usize = 1000;
/// Bytes of a field that are looked at.
const BYTES: usize = 16 << 10;

/// In UTF-8, or else Windows-1252. `None` where there is nothing to read.
pub(super) fn of(bytes: &[u8]) -> Option<String> {
    let all = bytes.len();
    let bytes = &bytes[..all.min(BYTES)];
    match str::from_utf8(bytes) {
        Ok(text) => clean(text),
        // It was cut within a letter.
        Err(error) if error.error_len().is_none() && bytes.len() < all => {
            clean(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]))
        }
        Err(_) => clean(&WINDOWS_1252.decode_without_bom_handling(bytes).0),
    }
}

/// Of texts with a zero between them, the first that says something.
pub(super) fn first_of(bytes: &[u8]) -> Option<String> {
    bytes.split(|byte| *byte == 0).find_map(of)
}

/// On one line, without what is not seen.
pub(super) fn clean(text: &str) -> Option<String> {
    let is_hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let words = text.split(|letter: char| letter.is_whitespace() || is_hidden(letter));
    let mut line = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > 4 * LETTERS {
            break;
        }
    }
    let line: String = line.chars().take(LETTERS).collect();
    (!line.is_empty()).then_some(line)
}

/// An address of the web, perhaps without its scheme; nothing that would do something else when somebody follows it.
pub(super) fn address(text: &str) -> Option<String> {
    let address = clean(text)?;
    let scheme = address
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_of_the_web = scheme.is_none_or(|scheme| scheme == "http" || scheme == "https");
    (is_of_the_web && !address.contains(' ')).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::{address, first_of, of};

    #[test]
    fn texts_are_one_bounded_line() {
        for (bytes, expected) in [
            (&b"  A\tB\r\nC\x00\x07 "[..], Some("A B C")),
            ("Zo\u{202e}ë".as_bytes(), Some("Zo ë")),
            (b"Zo\xeb", Some("Zoë")),
            (b" \0 ", None),
        ] {
            assert_eq!(of(bytes).as_deref(), expected);
        }
        assert_eq!(
            of("ü".repeat(30_000).as_bytes()).unwrap().chars().count(),
            1000
        );
        assert_eq!(first_of(b" \0(c) Editor\0").as_deref(), Some("(c) Editor"));
    }

    #[test]
    fn only_addresses_of_the_web_are_taken() {
        for (text, expected) in [
            ("https://a.example/l", Some("https://a.example/l")),
            ("a.example/licence", Some("a.example/licence")),
            ("javascript:alert(1)", None),
            ("ask the author", None),
        ] {
            assert_eq!(address(text).as_deref(), expected);
        }
    }
}
