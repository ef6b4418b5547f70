//! File names as we keep them: for people to recognise a file by, never part of a key.
//!
//! The rule: of a path only what follows its last separator (RFC 6266 §4.3), without control characters and without
//! characters that turn or hide the text around them, which would let a name lie about its ending. Joiners stay:
//! Persian names and emoji are written with them. What is left must show something.

/// The name as it is kept; `None` if nothing of it can be seen.
pub fn cleaned(name: &str) -> Option<String> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = base.chars().filter(|c| !is_deceptive(*c)).collect();
    let kept = kept.trim();
    let joiner = |c: char| matches!(c, '\u{200C}' | '\u{200D}');
    let shows = kept.chars().any(|c| c != '.' && !joiner(c));
    shows.then(|| kept.to_owned())
}

/// Bidirectional controls (Unicode UAX #9 §2), characters without width, and control characters.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{200B}' | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
        || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn a_name_cannot_lie_about_its_ending_or_its_place() {
        for (name, kept) in [
            ("harbour.jpg", "harbour.jpg"),
            (" Grüße aus Kraków.png ", "Grüße aus Kraków.png"),
            ("evil\u{202E}gpj.exe", "evilgpj.exe"),
            ("a\u{200B}b\u{FEFF}c\u{2066}.gif", "abc.gif"),
            ("a\u{0}b\r\n.gif", "ab.gif"),
            ("../../etc/passwd", "passwd"),
            ("C:\\photos\\sea.webp", "sea.webp"),
            ("می\u{200C}خواهم.jpg", "می\u{200C}خواهم.jpg"),
            (
                "\u{1F468}\u{200D}\u{1F469}.png",
                "\u{1F468}\u{200D}\u{1F469}.png",
            ),
        ] {
            assert_eq!(cleaned(name).as_deref(), Some(kept), "{name:?}");
        }
        for nothing in [
            "",
            " ",
            ".",
            "..",
            "a/",
            "\u{200D}",
            "\u{202E}\u{2066}",
            "\\..",
        ] {
            assert_eq!(cleaned(nothing), None, "{nothing:?}");
        }
    }
}
