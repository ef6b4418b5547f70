//! What differs from one message to the next, and what stays: one token at a time.

use std::borrow::Cow;

use crate::protocol::fingerprint::{BLANK, push};

/// Ids without any order in them are at least this long.
const ID: usize = 16;
/// Hexadecimal ids are at least this long.
const HEX: usize = 8;

/// A token without what differs.
pub(crate) fn fold_token(token: &str) -> Cow<'_, str> {
    if is_variable(token) {
        return Cow::Borrowed("#");
    }
    if let Some((name, value)) = token.split_once('=') {
        return Cow::Owned(format!("{}={}", fold_token(name), fold_token(value)));
    }
    if token.contains('/') {
        return Cow::Owned(fold_path(token));
    }
    Cow::Owned(fold_name(token))
}

/// Ids, hashes, numbers, addresses.
fn is_variable(token: &str) -> bool {
    let inner = token.trim_end_matches('=');
    is_uuid(inner) || is_hex(inner) || is_number(inner) || is_address(inner) || is_id(inner)
}

fn is_uuid(token: &str) -> bool {
    let groups: Vec<&str> = token.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| all_hex(group))
}

fn is_hex(token: &str) -> bool {
    token.len() >= HEX && all_hex(token) && token.contains(digit)
}

fn all_hex(token: &str) -> bool {
    token.chars().all(|c| c.is_ascii_hexdigit())
}

/// Begins with a digit, whatever unit follows: sizes, times, versions, addresses with ports.
fn is_number(token: &str) -> bool {
    let token = token.trim_start_matches(['+', '-', '.', '~', '$', '@']);
    token.starts_with(digit) && !token.contains('/')
}

/// IPv6, or somebody's mail.
fn is_address(token: &str) -> bool {
    let mail = token.split_once('@');
    if mail.is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
        return true;
    }
    let numbers = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let (address, _) = token.split_once('%').unwrap_or((token, ""));
    address.matches(':').count() >= 2 && address.chars().all(numbers) && address.contains(digit)
}

/// Long, of mixed characters, in no order: base64 and the like.
fn is_id(token: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    if token.len() < ID || token.starts_with('/') || !token.chars().all(allowed) {
        return false;
    }
    let upper = token.contains(|c: char| c.is_ascii_uppercase());
    let lower = token.contains(|c: char| c.is_ascii_lowercase());
    if token.contains(digit) {
        let divided = token.contains(['-', '_', '/', '+']);
        return upper && lower || !divided;
    }
    // Capitals come thicker than they begin words.
    let bytes = token.as_bytes();
    let humps = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    upper && lower && humps * 4 >= token.len()
}

/// The fixed parts of a path or an address stay. The name of a file is not among them.
fn fold_path(path: &str) -> String {
    let mut folded = String::with_capacity(path.len());
    let last = path.rfind('/').unwrap_or(0);
    let mut at = 0;
    for part in path.split_inclusive('/') {
        let name = part.trim_end_matches('/');
        let file = at > last && last > 0;
        match name.rsplit_once('.') {
            Some((stem, extension)) if file && !stem.is_empty() && is_extension(extension) => {
                push(&mut folded, "#.");
                folded.push_str(extension);
            }
            _ if is_variable(name) => push(&mut folded, "#"),
            _ => push(&mut folded, &fold_name(name)),
        }
        folded.push_str(&part[name.len()..]);
        at += part.len();
    }
    folded
}

fn is_extension(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A word with numbers or ids in it.
fn fold_name(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for part in name.split_inclusive(['-', '_', '.', ':', '=']) {
        let token = part.trim_end_matches(['-', '_', '.', ':', '=']);
        if is_variable(token) {
            push(&mut folded, "#");
        } else {
            for c in token.chars() {
                match c {
                    c if !digit(c) => folded.push(c),
                    _ if folded.ends_with(BLANK) => {}
                    _ => folded.push(BLANK),
                }
            }
        }
        folded.push_str(&part[token.len()..]);
    }
    folded
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}
