//! Whether parts are those that were confirmed. No I/O.

use storage::Part;

/// Whether some part has other bytes than it had when it was confirmed. One that is not there says
/// nothing: no client can take a part away.
pub(super) fn is_sent_again(confirmed: &[Part], stored: &[Part]) -> bool {
    confirmed.iter().any(|part| {
        let now = stored.iter().find(|now| now.number == part.number);
        now.is_some_and(|now| now.etag != part.etag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u16, etag: &str) -> Part {
        Part {
            number,
            etag: etag.to_owned(),
            size_bytes: 1,
        }
    }

    #[test]
    fn another_tag_is_other_bytes_and_absence_is_not() {
        let confirmed = [part(1, "a"), part(2, "b")];
        assert!(!is_sent_again(&confirmed, &confirmed));
        assert!(is_sent_again(&confirmed, &[part(1, "a"), part(2, "x")]));
        assert!(!is_sent_again(&confirmed, &[part(1, "a")]));
        let more = [part(1, "a"), part(2, "b"), part(3, "c")];
        assert!(!is_sent_again(&confirmed, &more));
    }
}
