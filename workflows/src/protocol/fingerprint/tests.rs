use std::collections::HashSet;

use serde_json::json;
use uuid::Uuid;

use super::*;

fn of(message: &str) -> String {
    fingerprint("step", &json!({ "message": message, "chain": [message] })).0
}

#[test]
fn ids_of_every_make_are_one_kind() {
    let uuids: HashSet<String> = (0..2000)
        .map(|_| of(&format!("kaputt on {}", Uuid::now_v7())))
        .collect();
    assert_eq!(uuids, HashSet::from(["step: kaputt on #".to_owned()]));
    for id in [
        "0193A7B2-90AB-7DEF-8123-456789ABCDEF",
        "0193a7b290ab7def8123456789abcdef",
        "deadbee1",
        "0xdeadbee1",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "dGhpcyBpcyBhIHRlc3Q=",
        "4aVQz/9kB+xY0wLp3m==",
        "dGhpcyBpcyBhIHRl",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "tx-8aJ_kQ92mZpL0xW",
        "ann.smith@example.com",
        "(0193a7b2-90ab-7def-8123-456789abcdef)",
    ] {
        let folded = of(&format!("no object {id}, sorry"));
        let folded = folded.replace("(#)", "#");
        assert_eq!(folded, "step: no object #, sorry", "{id}");
    }
}

#[test]
fn numbers_are_one_kind_with_their_units_and_separators() {
    for number in [
        "7",
        "-3.5",
        "10ms",
        "1.5GiB",
        "20 MB",
        "3 seconds",
        "99%",
        "1,048,576",
        "2026-11-25T18:31:00.123Z",
        "10.0.0.1:5432",
        "[fe80::1%eth0]:80",
        "::1",
        "1, 2, 3",
        "1.2.3-rc4",
    ] {
        let folded = of(&format!("took {number}, too long"));
        let folded = folded.replace("[#]:#", "#");
        assert_eq!(folded, "step: took #, too long", "{number}");
    }
    assert_eq!(of("disk 7 is full"), "step: disk # is full");
    assert_eq!(of("size=123 of worker12"), "step: size=# of worker#");
}

#[test]
fn what_is_quoted_is_a_name() {
    for message in [
        "column \"a\" does not exist",
        "column \"b \\\" c\" does not exist",
        "column 'it' does not exist",
        "column `d` does not exist",
        "column “e f” does not exist",
    ] {
        assert_eq!(of(message), "step: column # does not exist", "{message}");
    }
    assert_eq!(
        of("can't do what isn't there"),
        "step: can't do what isn't there"
    );
    assert_eq!(of("an open \" quote"), "step: an open \" quote");
}

#[test]
fn paths_keep_what_is_fixed() {
    for (path, folded) in [
        ("/tmp/scratch/7/holiday.mp4", "/tmp/scratch/#/#.mp4"),
        ("/tmp/scratch/0193a7b290ab7def/in", "/tmp/scratch/#/in"),
        (
            "http://127.0.0.1:9000/staging/originals/deadbee1?partNumber=3&uploadId=4aVQz9kBxY0wLp3m",
            "http://#/staging/originals/#?partNumber=#&uploadId=#",
        ),
        ("media/deadbee1/9/small.webp", "media/#/#/#.webp"),
        ("and/or", "and/or"),
    ] {
        assert_eq!(
            of(&format!("cannot read {path}")),
            format!("step: cannot read {folded}")
        );
    }
}

#[test]
fn words_stay_words() {
    for message in [
        "object store unavailable during HeadObject",
        "HeadObjectRequestFailed: connection reset",
        "std::io::Error (code ConnectionReset)",
        "the run's bad-decade façade, added",
        "internationalisation is not a short word",
    ] {
        assert_eq!(of(message), format!("step: {message}"));
    }
    assert_eq!(
        of("the worker was lost under this task 3 times"),
        "step: the worker was lost under this task # times"
    );
}

#[test]
fn the_innermost_cause_tells_kinds_apart_that_look_alike_outside() {
    let error = |inner: &str| json!({ "message": "store unavailable", "chain": ["store unavailable", "dispatch", inner] });
    assert_eq!(
        fingerprint("scan", &error("reset by peer 7")).as_str(),
        "scan: store unavailable: reset by peer #"
    );
    assert_ne!(
        fingerprint("scan", &error("reset")),
        fingerprint("scan", &error("refused"))
    );
    // Said already, or nothing to say.
    let whole = json!({ "message": "store: reset", "chain": ["store: reset", "reset"] });
    assert_eq!(fingerprint("scan", &whole).as_str(), "scan: store: reset");
    assert_eq!(
        fingerprint("scan", &json!({ "message": "lost" })).as_str(),
        "scan: lost"
    );
    assert_eq!(fingerprint("scan", &json!("text")).as_str(), "scan: ");
}

#[test]
fn no_message_is_too_odd_or_too_long() {
    for message in [
        "",
        " ",
        "\"",
        "''",
        "#",
        "...",
        "::",
        "=",
        "/",
        "//",
        "-",
        "é\u{301}",
        "“",
    ] {
        let folded = of(message);
        assert!(folded.starts_with("step: "), "{message}");
    }
    assert!(of(&"word ".repeat(10_000)).len() < 300);
}
