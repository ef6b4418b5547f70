//! File names as we keep them: for people to recognise a file by, never part of a key.
//!
//! The rule: of a path only what follows its last separator (RFC 6266 §4.3), without control characters and without
//! characters that turn or hide the text around them, which would let a name lie about its ending. Joiners stay:
//! Persian names and emoji are written with them. What is left must show something: a name of characters that no font
//! draws is no name.

/// The name as it is kept; `None` if nothing of it can be seen.
pub fn cleaned(name: &str) -> Option<String> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = base.chars().filter(|c| !is_deceptive(*c)).collect();
    let kept = kept.trim();
    let shows = kept.chars().any(|c| c != '.' && !is_invisible(c));
    shows.then(|| kept.to_owned())
}

/// Bidirectional controls (Unicode UAX #9 §2), characters without width, control characters, and noncharacters, which
/// are not for interchange (Unicode §23.7).
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{200B}' | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
        || c.is_control()
        || is_noncharacter(c)
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

/// What shows nothing where it stands alone: white space, the blank Braille pattern, and all that has Unicode's property
/// `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`): fillers, joiners, variation selectors, tags.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{2800}'
            | '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
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
            ("a\u{FFFE}b\u{1FFFF}.gif", "ab.gif"),
            ("co\u{AD}op.png", "co\u{AD}op.png"),
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
            ". .",
            "\u{AD}",
            "\u{34F}",
            "\u{115F}",
            "\u{180E}",
            "\u{2800}",
            "\u{3164}",
            "\u{FE0F}.\u{FFA0}",
            "\u{FDD0}",
            "\u{FFFE}",
            "\u{10FFFF}",
            "\u{E0041}",
        ] {
            assert_eq!(cleaned(nothing), None, "{nothing:?}");
        }
    }
}
