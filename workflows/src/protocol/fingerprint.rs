//! Groups deaths of one kind: the step and the error's words, without what differs from one death
//! to the next. Pure, and by token: an id is one thing, whatever characters it is made of.

mod tokens;

use serde_json::Value;

use tokens::fold_token;

use crate::define::ids::Fingerprint;

/// What stands for something that differs.
const BLANK: char = '#';
/// So much of a message is looked at.
const LENGTH: usize = 200;
/// What may follow a number as a word of its own and belongs to it.
const UNITS: [&str; 24] = [
    "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "byte", "bytes", "ns", "us", "µs",
    "ms", "s", "sec", "second", "seconds", "min", "minute", "minutes", "hour", "hours",
];

/// The fingerprint of an error as it is kept (`message` and `chain`, outermost first): its outer
/// message and its innermost cause.
pub(crate) fn fingerprint(step: &str, error: &Value) -> Fingerprint {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let outer = fold(&text(&error["message"]));
    let innermost = error["chain"].as_array().and_then(|chain| chain.last());
    let innermost = fold(&innermost.map(text).unwrap_or_default());
    if outer.contains(&innermost) {
        return Fingerprint(format!("{step}: {outer}"));
    }
    Fingerprint(format!("{step}: {outer}: {innermost}"))
}

/// A message without what differs.
fn fold(message: &str) -> String {
    let message: String = message.chars().take(LENGTH).collect();
    let message = without_quotes(&message);
    let mut folded = String::with_capacity(message.len());
    let mut number_before = false;
    for word in message.split_whitespace() {
        let bare = word.trim_end_matches(is_outer);
        if number_before && UNITS.contains(&bare.to_lowercase().as_str()) {
            folded.push_str(&word[bare.len()..]);
            number_before = false;
            continue;
        }
        let word = fold_word(word);
        number_before = word.ends_with(BLANK);
        // Of a list only the first is left, so that its length does not matter.
        let listed = folded.trim_end_matches(',').ends_with(BLANK);
        if listed && word.starts_with(BLANK) {
            folded.truncate(folded.trim_end_matches(',').len());
            folded.push_str(&word[BLANK.len_utf8()..]);
            continue;
        }
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word);
    }
    folded
}

/// Whatever somebody quoted is somebody's name. An apostrophe within a word is none.
fn without_quotes(message: &str) -> String {
    let mut rest = message;
    let mut without = String::with_capacity(message.len());
    while let Some(open) = rest.chars().next() {
        let after = &rest[open.len_utf8()..];
        let inside = without.ends_with(char::is_alphanumeric);
        let close = closing(open).filter(|_| !inside);
        if let Some(end) = close.and_then(|close| end_of_quote(after, close)) {
            without.push(BLANK);
            rest = &after[end..];
        } else {
            without.push(open);
            rest = after;
        }
    }
    without
}

fn closing(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '“' | '„' => Some('”'),
        '‘' | '‚' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

/// Where the text behind a quotation begins.
fn end_of_quote(text: &str, close: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if c == close && !escaped && !text[end..].starts_with(char::is_alphanumeric) {
            return Some(end);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// What stands around a token and is not part of it.
fn is_outer(c: char) -> bool {
    matches!(
        c,
        '(' | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '<'
            | '>'
            | ','
            | ';'
            | '!'
            | '?'
            | '.'
            | ':'
            | '|'
            | '&'
    )
}

/// One word, between two spaces: its tokens with what stands around them.
fn fold_word(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    let divides = |c: char| is_outer(c) && !matches!(c, '.' | ':');
    for part in word.split_inclusive(divides) {
        let token = part.trim_end_matches(is_outer);
        let end = &part[token.len()..];
        let start = token.len() - token.trim_start_matches([':', '.']).len();
        // A path may begin with a dot, a number may, an address may begin with colons.
        let (start, token) = match &token[..start] {
            "." | ".." | "::" => ("", token),
            _ => token.split_at(start),
        };
        folded.push_str(start);
        let token = fold_token(token);
        // Digits in groups, or a list without spaces.
        if token.starts_with(BLANK) && folded.ends_with("#,") {
            folded.pop();
        }
        push(&mut folded, &token);
        folded.push_str(end);
    }
    folded
}

/// Blanks that meet are one.
fn push(folded: &mut String, token: &str) {
    match token.strip_prefix(BLANK) {
        Some(rest) if folded.ends_with(BLANK) => folded.push_str(rest),
        _ => folded.push_str(token),
    }
}

#[cfg(test)]
mod tests;
