//! What values are given to types that look at them.

/// Texts, each with what a type is called that accepts it and none before it.
pub(super) const TEXTS: [(&str, &str); 22] = [
    ("string", ""),
    ("string(word)", "a"),
    ("string(number)", "0"),
    ("string(uuid)", "00000000-0000-0000-0000-000000000000"),
    ("string(time)", "1970-01-01T00:00:00Z"),
    ("string(local time)", "1970-01-01T00:00:00"),
    ("string(date)", "1970-01-01"),
    ("string(time of day)", "00:00:00"),
    ("string(ip)", "127.0.0.1"),
    ("string(ip)", "::1"),
    ("string(socket)", "127.0.0.1:80"),
    ("string(url)", "http://localhost/"),
    ("string(mail)", "a@example.org"),
    ("string(duration)", "1s"),
    ("string(duration)", "PT1S"),
    ("string(version)", "1.0.0"),
    ("string(media type)", "text/plain"),
    ("string(zone)", "UTC"),
    ("string(path)", "/a"),
    ("string(hash)", "0000000000000000000000000000000000000000"),
    (
        "string(hash)",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("string(char)", "true"),
];

/// Values for types that take any: `null`, `false`, 0, "", an empty object, an empty array.
pub(super) const ANYTHING: usize = 6;
