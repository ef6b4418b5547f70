//! What films have that other files have not: a report, and objects that are served without being variants.

use media::conformance::{self, Finding, Report, Severity};
use media::files::{FileStatus, objects};
use media::{ObjectKey, OwnerId};

use super::{database, file_at};

#[tokio::test]
async fn a_report_is_its_owners_and_the_latest_stands() {
    let (_database, mut connection) = database().await;
    let conn = &mut connection;
    let file_id = file_at(conn, FileStatus::Ready).await;
    let (ann, bob) = (OwnerId::new("ann").unwrap(), OwnerId::new("bob").unwrap());
    assert_eq!(conformance::get(conn, &ann, file_id).await.unwrap(), None);
    for segments in [1, 2] {
        let report = Report {
            findings: vec![Finding {
                rule: "peak".into(),
                severity: Severity::Warning,
                file: "720p/index.m3u8".into(),
                expected: "at most 2".into(),
                found: "3".into(),
            }],
            unchecked: vec!["types".into()],
            playlists: 4,
            segments,
            bytes: 5,
        };
        conformance::record(conn, file_id, &report).await.unwrap();
        let kept = conformance::get(conn, &ann, file_id).await.unwrap();
        assert_eq!(kept.unwrap().report, report);
    }
    assert_eq!(conformance::get(conn, &bob, file_id).await.unwrap(), None);
}

#[tokio::test]
async fn what_variants_lead_to_is_known_as_served() {
    let (_database, mut connection) = database().await;
    let conn = &mut connection;
    let file_id = file_at(conn, FileStatus::Processing).await;
    let [lost, won, again] =
        ["media/a/b/1/", "media/a/b/2/", "media/a/b/3/"].map(|key| ObjectKey::new(key).unwrap());
    for key in [&lost, &won, &again] {
        objects::claim(conn, file_id, key).await.unwrap();
    }
    for keys in [vec![won.clone()], vec![won, again]] {
        objects::serve(conn, file_id, &keys).await.unwrap();
        let mut served = objects::served(conn, file_id).await.unwrap();
        served.sort();
        let expected: Vec<_> = keys.iter().map(ObjectKey::to_string).collect();
        assert_eq!(served, expected);
    }
}
