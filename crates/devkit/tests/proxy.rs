//! What the proxy does to connections, seen from both ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use devkit::{
    TcpProxy, TestCluster,
    proxy::{Fault, Target, Which},
};
use sqlx::{Connection, PgConnection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Longer than anything takes that comes through.
const SILENCE: Duration = Duration::from_millis(300);

/// Says its name to everybody who comes, and then what it hears.
async fn echo(name: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(name).await.unwrap();
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    address
}

async fn connect(proxy: &TcpProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn read(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    let reading = timeout(Duration::from_secs(5), stream.read_exact(&mut read)).await;
    reading.expect("an answer in time").unwrap();
    read
}

/// A connection that works, on which `text` was said.
async fn talk(proxy: &TcpProxy, text: &[u8]) -> TcpStream {
    let mut stream = connect(proxy).await;
    assert_eq!(read(&mut stream, 1).await, b"a");
    stream.write_all(text).await.unwrap();
    assert_eq!(read(&mut stream, text.len()).await, text);
    stream
}

/// Neither bytes nor an end.
async fn assert_silent(stream: &mut TcpStream) {
    let heard = timeout(SILENCE, stream.read(&mut [0; 1])).await;
    assert!(heard.is_err(), "not silent: {heard:?}");
}

/// An end of either kind.
async fn assert_ended(stream: &mut TcpStream) {
    let read = timeout(Duration::from_secs(5), stream.read(&mut [0; 1])).await;
    let read = read.expect("an end in time");
    assert!(read.is_err() || read.is_ok_and(|read| read == 0));
}

#[tokio::test]
async fn the_chosen_ones_fall_silent_and_the_others_do_not() {
    let proxy = TcpProxy::start(echo(b"a").await).await.unwrap();
    let mut first = talk(&proxy, b"one thing").await;
    let mut second = talk(&proxy, b"another thing").await;
    assert_eq!(proxy.silence(Which::Saying("another")), 1);
    assert_eq!(proxy.silence(Which::Saying("another")), 0, "it is already");
    second.write_all(b"hello?").await.unwrap();
    assert_silent(&mut second).await;
    first.write_all(b"still here").await.unwrap();
    assert_eq!(read(&mut first, 10).await, b"still here");
    assert_eq!(proxy.silence(Which::Nth(0)), 1);
    first.write_all(b"hello?").await.unwrap();
    assert_silent(&mut first).await;
    assert_eq!(
        (proxy.count(Which::All), proxy.count(Which::Silent)),
        (0, 2)
    );

    let mut third = talk(&proxy, b"new ones go through").await;
    assert_eq!(proxy.cut(Which::Silent), 2);
    assert_ended(&mut first).await;
    assert_ended(&mut second).await;
    third.write_all(b"!").await.unwrap();
    assert_eq!(read(&mut third, 1).await, b"!");
}

#[tokio::test]
async fn a_partition_holds_everything_up_and_loses_nothing() {
    let proxy = TcpProxy::start(echo(b"a").await).await.unwrap();
    let mut old = talk(&proxy, b"before").await;
    proxy.partition(true);
    old.write_all(b"meanwhile").await.unwrap();
    let mut new = connect(&proxy).await;
    new.write_all(b"anybody?").await.unwrap();
    assert_silent(&mut old).await;
    assert_silent(&mut new).await;
    proxy.partition(false);
    assert_eq!(read(&mut old, 9).await, b"meanwhile");
    assert_eq!(read(&mut new, 9).await, b"aanybody?");
}

#[tokio::test]
async fn connections_are_refused_and_cut() {
    let proxy = TcpProxy::start(echo(b"a").await).await.unwrap();
    let mut old = talk(&proxy, b"before").await;
    proxy.refuse(true);
    assert_ended(&mut connect(&proxy).await).await;
    old.write_all(b"!").await.unwrap();
    assert_eq!(read(&mut old, 1).await, b"!");
    proxy.refuse(false);
    let mut new = talk(&proxy, b"after").await;
    assert_eq!(proxy.cut(Which::All), 2);
    assert_ended(&mut old).await;
    let end = timeout(Duration::from_secs(5), new.read(&mut [0; 1])).await;
    let end = end.expect("an end in time").unwrap_err();
    assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn latency_delays_everything_and_holds_up_nothing() {
    let proxy = TcpProxy::start(echo(b"a").await).await.unwrap();
    let mut stream = talk(&proxy, b"before").await;
    let latency = Duration::from_millis(100);
    proxy.latency(latency);
    let (mut from, mut to) = stream.split();
    let began = Instant::now();
    let sending = async {
        for number in 0..50_u8 {
            to.write_all(&[number]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let receiving = async {
        let first = from.read_u8().await.unwrap();
        let after = began.elapsed();
        assert_eq!(first, 0);
        assert!(after >= latency * 2, "there and back after {after:?}");
        for number in 1..50_u8 {
            assert_eq!(from.read_u8().await.unwrap(), number);
        }
    };
    tokio::join!(sending, receiving);
    let all = began.elapsed();
    assert!(all < latency * 20, "one after the other: {all:?}");
}

#[tokio::test]
async fn new_connections_go_where_the_proxy_leads_now() {
    let proxy = TcpProxy::start(echo(b"a").await).await.unwrap();
    let mut old = talk(&proxy, b"before").await;
    proxy.retarget(echo(b"b").await);
    assert_eq!(read(&mut connect(&proxy).await, 1).await, b"b");
    old.write_all(b"!").await.unwrap();
    assert_eq!(read(&mut old, 1).await, b"!");
    // Nobody is there.
    proxy.retarget(Target::Unix("/nowhere".into()));
    assert_ended(&mut connect(&proxy).await).await;
}

#[tokio::test]
async fn ends_are_passed_on_and_a_dropped_proxy_is_gone() {
    let proxy = TcpProxy::start(echo(b"a").await).await.unwrap();
    let mut half = talk(&proxy, b"before").await;
    half.write_all(b"the last").await.unwrap();
    half.shutdown().await.unwrap();
    assert_eq!(read(&mut half, 8).await, b"the last");
    assert_ended(&mut half).await;

    let mut open = talk(&proxy, b"before").await;
    let mut silent = talk(&proxy, b"silent").await;
    proxy.silence(Which::Saying("silent"));
    let address = proxy.address();
    drop(proxy);
    assert_ended(&mut open).await;
    assert_ended(&mut silent).await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// The lock of a session that the server does not know to be gone.
const HELD: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7";

#[tokio::test]
async fn postgres_does_not_notice_that_a_silent_client_is_gone() {
    let cluster = TestCluster::shared().await.unwrap();
    let database = cluster.empty_database().await.unwrap();
    let mut direct = PgConnection::connect(database.url()).await.unwrap();
    let proxy = TcpProxy::to_database(database.url()).await.unwrap();
    let url = proxy.url(database.url());
    let named = |name: &str| format!("{url}&application_name={name}");
    let mut gone = PgConnection::connect(&named("gone")).await.unwrap();
    let mut there = PgConnection::connect(&named("there")).await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(7)")
        .execute(&mut gone)
        .await
        .unwrap();
    assert_eq!(proxy.silence(Which::Named("gone")), 1);
    let ping = timeout(SILENCE, gone.ping()).await;
    assert!(ping.is_err(), "an answer: {ping:?}");
    drop(gone);
    there.ping().await.unwrap();
    tokio::time::sleep(SILENCE).await;
    let held: i64 = sqlx::query_scalar(HELD)
        .fetch_one(&mut direct)
        .await
        .unwrap();
    assert_eq!(held, 1, "the session is still there");

    assert_eq!(proxy.cut(Which::Silent), 1);
    let deadline = Instant::now() + Duration::from_secs(5);
    while sqlx::query_scalar::<_, i64>(HELD)
        .fetch_one(&mut direct)
        .await
        .unwrap()
        > 0
    {
        assert!(Instant::now() < deadline, "the cut session has not ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_connection_has_the_fault_that_is_chosen_for_it() {
    let proxy = TcpProxy::start(echo(b"a").await).await.unwrap();
    let faults = [
        None,
        Some(Fault::CutRequest(3)),
        Some(Fault::CutAnswer),
        Some(Fault::Unavailable),
        Some(Fault::Late(SILENCE)),
    ];
    proxy.befall(move |number| faults.get(number).copied().flatten());
    talk(&proxy, b"untouched").await;

    let mut cut = connect(&proxy).await;
    assert_eq!(read(&mut cut, 1).await, b"a");
    cut.write_all(b"xy").await.unwrap();
    assert_eq!(read(&mut cut, 2).await, b"xy");
    cut.write_all(b"z").await.unwrap();
    let ended = timeout(SILENCE * 10, cut.read_u8()).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);

    let mut unanswered = connect(&proxy).await;
    let ended = timeout(SILENCE * 10, unanswered.read_u8()).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);

    let mut refused = connect(&proxy).await;
    refused.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let whole = refused.read_to_string(&mut answer);
    timeout(SILENCE * 10, whole).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");

    let began = Instant::now();
    talk(&proxy, b"late").await;
    assert!(began.elapsed() >= SILENCE);
}
