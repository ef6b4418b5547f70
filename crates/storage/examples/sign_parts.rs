//! How long the signing of the 10,000 parts of one upload takes, by the client for each and at once.
//! `cargo run --release -p storage --example sign_parts`
#![expect(clippy::unwrap_used, reason = "an example that cannot go on stops")]
#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::time::Duration;

use storage::{ObjectKey, ObjectStore, StorageConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let store = ObjectStore::new(&StorageConfig {
        endpoint: Some("http://127.0.0.1:9000".to_owned()),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        access_key_id: "key".to_owned(),
        secret_access_key: "secret".to_owned(),
        path_style: true,
        staging_bucket: "staging".to_owned(),
        origin_bucket: "origin".to_owned(),
    });
    let key: ObjectKey = "uploads/0193a000-0000-7000-8000-000000000000"
        .parse()
        .unwrap();
    let (parts, hour): (Vec<(u16, u64)>, _) = (
        (1..=10_000).map(|number| (number, 8 << 20)).collect(),
        Duration::from_hours(1),
    );
    for _ in 0..3 {
        let before = cpu_ms();
        for (number, length) in &parts {
            store
                .presign_part(&key, "id", *number, *length, hour)
                .await
                .unwrap();
        }
        let each = cpu_ms() - before;
        let before = cpu_ms();
        let signed = store.presign_parts(&key, "id", &parts, hour).await.unwrap();
        let at_once = cpu_ms() - before;
        println!(
            "{} parts: {each} ms of a processor each by itself, {at_once} ms at once",
            signed.len()
        );
    }
}

/// Time that this process had a processor so far, in steps of 10 ms (`proc(5)`, `stat`).
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let mut fields = behind_name.split_whitespace().skip(11);
    let mut ticks = || fields.next().unwrap().parse::<u64>().unwrap();
    (ticks() + ticks()) * 10
}
