//! Reading licence expressions (SPDX 2.3, annex D).

/// Whether `expression` offers a choice that `allowed` covers. `AND` binds tighter than `OR`, and
/// `/` is `OR`'s old spelling.
pub fn allows(allowed: &[&str], expression: &str) -> bool {
    let flat = expression.replace('/', " OR ");
    outside_brackets(&flat, " OR ").iter().any(|choice| {
        outside_brackets(choice, " AND ").iter().all(|part| {
            let part = part.trim();
            match part
                .strip_prefix('(')
                .and_then(|inner| inner.strip_suffix(')'))
            {
                Some(inner) => allows(allowed, inner),
                None => allowed.contains(&part),
            }
        })
    })
}

fn outside_brackets<'a>(expression: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= start && expression[at..].starts_with(separator) => {
                parts.push(&expression[start..at]);
                start = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[start..]);
    parts
}

#[test]
fn expressions_are_understood() {
    let free = ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"];
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(MIT OR GPL-2.0) AND Zlib",
    ] {
        assert!(allows(&free, good), "{good}");
    }
    assert!(allows(&free, "Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Zlib) AND (GPL-2.0 OR AGPL-3.0)",
    ] {
        assert!(!allows(&free, bad), "{bad}");
    }
}
