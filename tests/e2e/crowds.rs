//! More connections than the process may open files.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{process::Process, stack::Stack};

/// Connections with half a request each, of a client that means no good.
async fn crowd(api: &Process, size: usize) -> Vec<TcpStream> {
    let address = api.ready.strip_prefix("http://").unwrap();
    let mut crowd = Vec::new();
    for _ in 0..size {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /v1/he").await.unwrap();
        crowd.push(stream);
    }
    crowd
}

async fn assert_well(api: &Process) {
    let asked = Instant::now();
    let limit = Duration::from_secs(5);
    let health = reqwest::Client::new().get(format!("{}/v1/health", api.ready));
    let answer = health.timeout(limit).send().await.unwrap();
    assert_eq!(answer.status(), 200, "after {:?}", asked.elapsed());
}

/// Seconds of a processor that it has used (proc(5): utime and stime, in hundredths).
fn used(api: &Process) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", api.id())).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11..13]
        .iter()
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

fn allow_files(api: &Process, files: u32) {
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--pid={}", api.id()))
        .arg(format!("--nofile={files}:"));
    assert!(command.status().unwrap().success());
}

#[tokio::test]
async fn a_crowd_neither_locks_others_out_nor_burns_a_processor() {
    let stack = Stack::new().await;
    let api = stack.api_with_files(200).await;
    let held = crowd(&api, 230).await;
    assert_well(&api).await;
    drop(held);

    // No descriptor is left, whatever the places say.
    allow_files(&api, 10);
    let held = crowd(&api, 5).await;
    let before = used(&api);
    // The wait is the measurement.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let busy = used(&api) - before;
    assert!(busy < 0.5, "{busy} s of a processor in 3 s");
    allow_files(&api, 200);
    assert_well(&api).await;
    drop(held);
}
