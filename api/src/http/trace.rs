//! The trace that a request belongs to (W3C Trace Context): the caller's, or a new one.

use std::fmt;

use poem::Request;

/// Name of the header.
const HEADER: &str = "traceparent";

/// A valid `traceparent`. The runs that a request starts go on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(String);

impl TraceParent {
    /// The caller's, or a new one when there is none that can be used.
    pub fn of(request: &Request) -> Self {
        let given = request.header(HEADER).and_then(Self::parse);
        given.unwrap_or_else(Self::fresh)
    }

    /// Reads version 00, and of later versions what 00 has, as the recommendation asks (§3.2, §4.3).
    fn parse(header: &str) -> Option<Self> {
        let mut fields = header.split('-');
        let (version, trace, parent, flags) = (
            hex(fields.next()?, 2)?,
            hex(fields.next()?, 32)?,
            hex(fields.next()?, 16)?,
            hex(fields.next()?, 2)?,
        );
        let zero = |id: &str| id.bytes().all(|b| b == b'0');
        let more = fields.next().is_some();
        if version == "ff" || zero(trace) || zero(parent) || (version == "00" && more) {
            return None;
        }
        Some(Self(format!("00-{trace}-{parent}-{flags}")))
    }

    #[expect(clippy::disallowed_methods, reason = "an id that nobody else has")]
    fn fresh() -> Self {
        // Neither may be zero.
        let (trace, parent) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
        Self(format!("00-{trace:032x}-{parent:016x}-01"))
    }

    /// The id of the whole trace, in hexadecimal.
    pub fn trace_id(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// So many digits, lower case only (§3.2.2).
fn hex(field: &str, digits: usize) -> Option<&str> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (field.len() == digits && field.bytes().all(digit)).then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    #[test]
    fn the_callers_trace_goes_on() {
        let given = format!("00-{TRACE}-{PARENT}-01");
        let trace = TraceParent::parse(&given).unwrap();
        assert_eq!((trace.to_string(), trace.trace_id()), (given, TRACE));
        let later = TraceParent::parse(&format!("01-{TRACE}-{PARENT}-00-what-comes"));
        assert_eq!(
            later.unwrap().to_string(),
            format!("00-{TRACE}-{PARENT}-00")
        );
    }

    #[test]
    fn what_is_no_trace_is_replaced_by_a_new_one() {
        let zero = "0".repeat(32);
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{zero}-{PARENT}-01"),
            format!("00-{TRACE}-{}-01", &zero[..16]),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
        ] {
            assert_eq!(TraceParent::parse(&bad), None, "{bad}");
            let request = Request::builder().header(HEADER, &bad).finish();
            let (one, other) = (TraceParent::of(&request), TraceParent::of(&request));
            assert_ne!(one, other);
            assert_eq!(TraceParent::parse(&one.to_string()), Some(one));
        }
    }
}
