//! Requests whose bodies pass through this process and are as long as somebody's file: they may take as long as they
//! move.

/// Below this path. What is mounted there bounds what a request may hold.
pub const PREFIX: &str = "/v1/resumable";

/// Whether the path is one of those.
pub fn is(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_the_prefix_is_streamed() {
        for (path, streamed) in [
            ("/v1/resumable", true),
            ("/v1/resumable/", true),
            ("/v1/resumable/0193", true),
            ("/v1/resumables", false),
            ("/v1/uploads", false),
        ] {
            assert_eq!(is(path), streamed, "{path}");
        }
    }
}
