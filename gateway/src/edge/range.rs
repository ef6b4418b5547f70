//! Which bytes a `Range` header asks for (RFC 9110 §14.2). Pure.

/// What to send of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it. Also for what is not understood or asks for several ranges: a server may ignore `Range`.
    Whole,
    /// From one offset to another, both included, both within the object.
    Part(u64, u64),
    /// Nothing of it lies in the object (416).
    Outside,
}

/// Reads the header for an object of that size in bytes.
pub fn wanted(header: Option<&str>, size_bytes: u64) -> Wanted {
    let Some((unit, range)) = header.and_then(|header| header.split_once('=')) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else {
        return Wanted::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    match (offset(first), offset(last)) {
        (Some(first), None) if last.is_empty() => part(first, u64::MAX, size_bytes),
        (None, Some(count)) if first.is_empty() => {
            if count == 0 {
                return Wanted::Outside;
            }
            part(size_bytes.saturating_sub(count), u64::MAX, size_bytes)
        }
        (Some(first), Some(last)) if first <= last => part(first, last, size_bytes),
        _ => Wanted::Whole,
    }
}

fn part(first: u64, last: u64, size_bytes: u64) -> Wanted {
    match size_bytes.checked_sub(1) {
        Some(end) if first <= end => Wanted::Part(first, last.min(end)),
        _ => Wanted::Outside,
    }
}

/// Digits only, and no more than fit; more than that is beyond any object.
fn offset(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_object_or_ignored() {
        use Wanted::{Outside, Part, Whole};
        for (header, outcome) in [
            ("bytes=0-0", Part(0, 0)),
            ("bytes=2-", Part(2, 9)),
            ("bytes=2-100", Part(2, 9)),
            ("bytes=-3", Part(7, 9)),
            ("bytes=-100", Part(0, 9)),
            ("BYTES=1-2", Part(1, 2)),
            ("bytes=10-", Outside),
            ("bytes=99999999999999999999-", Outside),
            ("bytes=-0", Outside),
            ("bytes=3-2", Whole),
            ("bytes=-", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("lines=0-1", Whole),
            ("bytes", Whole),
            ("", Whole),
        ] {
            assert_eq!(wanted(Some(header), 10), outcome, "{header}");
        }
        assert_eq!(wanted(None, 10), Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Outside);
    }
}
