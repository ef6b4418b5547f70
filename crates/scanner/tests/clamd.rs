//! The clamd client against the real daemon, and against false ones that misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(clippy::disallowed_methods, reason = "a test is its own clock")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use devkit::{Clamd, ClamdOptions};
use scanner::{ClamdAddress, ClamdClient, ClamdError, Timeouts, Verdict, eicar};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
};

const MIB: usize = 1 << 20;

/// A scratch folder that the daemon's unprivileged user can enter.
fn scratch() -> TempDir {
    tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap()
}

async fn daemon(max_file_mib: u32) -> (ClamdClient, Clamd, TempDir) {
    let scratch = scratch();
    let options = ClamdOptions {
        max_file_mib,
        ..ClamdOptions::new(scratch.path().join("clamd"))
    };
    let clamd = Clamd::start(options).await.unwrap();
    (
        ClamdClient::new(clamd.addr().parse().unwrap()),
        clamd,
        scratch,
    )
}

async fn scan(client: &ClamdClient, pieces: &[&[u8]]) -> Result<Verdict, ClamdError> {
    let mut scan = client.begin().await?;
    for piece in pieces {
        scan.write(piece).await?;
    }
    scan.finish().await
}

fn is_infected(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Infected { signature } if signature.contains("Eicar"))
}

#[tokio::test]
async fn the_test_file_is_found_wherever_the_chunks_are_cut() {
    let (client, _clamd, _scratch) = daemon(100).await;
    let eicar = eicar();
    assert!(is_infected(&scan(&client, &[&eicar]).await.unwrap()));
    let bytes: Vec<&[u8]> = eicar.chunks(1).collect();
    assert!(is_infected(&scan(&client, &bytes).await.unwrap()));
    // Across the border of a chunk on the wire, among many, and at the very end.
    for before in [MIB / 4 - 30, 5 * MIB + 7] {
        let file = [&vec![b'.'; before][..], &eicar].concat();
        assert!(is_infected(&scan(&client, &[&file]).await.unwrap()));
        let reads: Vec<&[u8]> = file.chunks(100_000).collect();
        assert!(is_infected(&scan(&client, &reads).await.unwrap()));
    }
}

#[tokio::test]
async fn what_is_harmless_is_clean_and_the_daemon_says_who_it_is() {
    let (client, _clamd, _scratch) = daemon(100).await;
    client.ping().await.unwrap();
    let version = client.version().await.unwrap();
    assert!(
        version.engine.starts_with(|c: char| c.is_ascii_digit()),
        "{version}"
    );
    assert_eq!(scan(&client, &[]).await.unwrap(), Verdict::Clean);
    assert_eq!(
        scan(&client, &[&vec![7; 3 * MIB + 1]]).await.unwrap(),
        Verdict::Clean
    );
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_covered_though_the_daemon_hangs_up() {
    let (client, clamd, _scratch) = daemon(2).await;
    let (tcp, relay) = relay_over_tcp(&clamd).await;
    for client in [client, tcp] {
        let mut scan = client.begin().await.unwrap();
        for _ in 0..64 {
            scan.write(&vec![b'.'; MIB]).await.unwrap();
        }
        let verdict = scan.finish().await.unwrap();
        assert!(
            matches!(&verdict, Verdict::NotCovered { reason } if reason.contains("size limit")),
            "{verdict:?}"
        );
    }
    relay.abort();
}

/// The daemon behind a TCP port.
async fn relay_over_tcp(clamd: &Clamd) -> (ClamdClient, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = ClamdClient::new(ClamdAddress::Tcp(
        listener.local_addr().unwrap().to_string(),
    ));
    let socket = clamd.addr().trim_start_matches("unix:").to_owned();
    let relay = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = tokio::net::UnixStream::connect(&socket).await.unwrap();
            // Ends with an error when the daemon hangs up; its last words are passed on first.
            if tokio::io::copy_bidirectional(&mut near, &mut far)
                .await
                .is_err()
            {
                let mut words = Vec::new();
                let _ = far.read_to_end(&mut words).await;
                let _ = near.write_all(&words).await;
            }
        }
    });
    (client, relay)
}

#[tokio::test]
async fn a_sound_daemon_passes_the_coverage_check() {
    let (client, _clamd, _scratch) = daemon(100).await;
    client.verify_coverage().await.unwrap();
}

/// `ClamAV`'s default: "OK" for what its limits kept it from scanning.
#[tokio::test]
async fn a_daemon_that_fails_open_does_not_pass_the_coverage_check() {
    let (_client, clamd, scratch) = daemon(100).await;
    let own = |config: String| config.replace("AlertExceedsMax yes", "AlertExceedsMax no");
    let (client, _open) = OwnDaemon::beside(&clamd, &scratch, own).await;
    let error = client.verify_coverage().await.unwrap_err();
    assert!(error.to_string().contains("AlertExceedsMax"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_frozen_daemon_is_found_in_seconds_and_works_again_afterwards() {
    let (_client, clamd, scratch) = daemon(100).await;
    let (client, own) = OwnDaemon::beside(&clamd, &scratch, |config| config).await;
    let client = client.with_timeouts(Timeouts {
        between_pings: Duration::from_millis(500),
        ping: Duration::from_secs(2),
        ..Timeouts::default()
    });
    assert!(client.clears_what_is_harmless().await);
    own.signal("-STOP");
    let asked = Instant::now();
    // One fits into the socket and only the verdict fails to come; the other does not fit.
    let (small, large) = (vec![b'.'; 26_000], large());
    let (small, large) = ([&small[..]], [&large[..]]);
    let (small, large) = tokio::join!(scan(&client, &small), scan(&client, &large));
    for error in [small.unwrap_err(), large.unwrap_err()] {
        assert!(
            matches!(error, ClamdError::Unresponsive { .. }),
            "{error:?}"
        );
        assert!(error.is_transient());
    }
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(20), "took {waited:?}");
    own.signal("-CONT");
    assert_eq!(scan(&client, &[b"x"]).await.unwrap(), Verdict::Clean);
}

struct OwnDaemon(Child);

impl OwnDaemon {
    /// Another daemon, with the configuration of the first but for its socket and what `change` does.
    async fn beside(
        clamd: &Clamd,
        scratch: &TempDir,
        change: impl Fn(String) -> String,
    ) -> (ClamdClient, Self) {
        let config = fs::read_to_string(scratch.path().join("clamd/clamd.conf")).unwrap();
        let socket = scratch.path().join("own.sock");
        let first = clamd.addr().trim_start_matches("unix:").to_owned();
        let config = change(config).replace(&first, socket.to_str().unwrap());
        let path = scratch.path().join("own.conf");
        fs::write(&path, config).unwrap();
        let daemon = Self::start(&path);
        let client = ClamdClient::new(ClamdAddress::Unix(socket));
        let deadline = Instant::now() + Duration::from_mins(5);
        while client.ping().await.is_err() {
            assert!(Instant::now() < deadline, "the daemon does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (client, daemon)
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    fn start(config: &std::path::Path) -> Self {
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
        let mut command = Command::new("clamd");
        command
            .env("PATH", path)
            .arg("--foreground")
            .arg("--config-file")
            .arg(config);
        Self(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for OwnDaemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that reads up to `takes` bytes, says `says`, and hangs up if it is to.
fn false_daemon(takes: usize, says: &'static [u8], hangs_up: bool) -> (ClamdClient, TempDir) {
    let scratch = scratch();
    let socket = scratch.path().join("false.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; takes];
                let _ = stream.read_exact(&mut request).await;
                let _ = stream.write_all(says).await;
                if !hangs_up {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    let short = Duration::from_millis(200);
    let timeouts = Timeouts {
        stall: short,
        verdict: short,
        ..Timeouts::default()
    };
    (
        ClamdClient::new(ClamdAddress::Unix(socket)).with_timeouts(timeouts),
        scratch,
    )
}

/// A server that answers pings, and scans with `verdict` after `pause`; never, if there is none.
fn slow_daemon(pause: Duration, verdict: Option<&'static [u8]>) -> (ClamdClient, TempDir) {
    let scratch = scratch();
    let socket = scratch.path().join("slow.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut command = [0; 6];
                let _ = stream.read_exact(&mut command).await;
                if &command == b"zPING\0" {
                    let _ = stream.write_all(b"PONG\0").await;
                    return;
                }
                tokio::time::sleep(pause).await;
                match verdict {
                    Some(verdict) => drop(stream.write_all(verdict).await),
                    None => std::future::pending().await,
                }
            });
        }
    });
    let timeouts = Timeouts {
        verdict: Duration::from_secs(2),
        between_pings: Duration::from_millis(20),
        ..Timeouts::default()
    };
    let client = ClamdClient::new(ClamdAddress::Unix(socket)).with_timeouts(timeouts);
    (client, scratch)
}

#[tokio::test]
async fn a_long_scan_is_waited_for_while_the_daemon_answers_others() {
    let long = Duration::from_millis(500);
    let (client, _scratch) = slow_daemon(long, Some(b"stream: OK\0"));
    assert_eq!(scan(&client, &[b"x"]).await.unwrap(), Verdict::Clean);
    let (client, _scratch) = slow_daemon(long, None);
    let error = scan(&client, &[b"x"]).await.unwrap_err();
    assert!(matches!(error, ClamdError::NoVerdict { .. }), "{error:?}");
}

/// More than a socket takes in without a reader.
fn large() -> Vec<u8> {
    vec![0; 4 * MIB]
}

#[tokio::test]
async fn no_reply_and_half_a_reply_are_errors() {
    for says in [&b""[..], b"stream: OK", b"stream: O"] {
        let (client, _scratch) = false_daemon(10 + 4 + 1 + 4, says, true);
        let error = scan(&client, &[b"x"]).await.unwrap_err();
        assert!(matches!(error, ClamdError::NoReply), "{error:?}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn hanging_up_without_a_word_is_an_error() {
    let (client, _scratch) = false_daemon(100, b"", true);
    let error = scan(&client, &[&large()]).await.unwrap_err();
    assert!(matches!(error, ClamdError::Connection(_)), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn ok_before_the_end_is_not_clean() {
    let (client, _scratch) = false_daemon(100, b"stream: OK\0", true);
    let error = scan(&client, &[&large()]).await.unwrap_err();
    assert!(
        matches!(error, ClamdError::UnexpectedReply { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_daemon_that_stalls_is_given_up() {
    let (client, _scratch) = false_daemon(100, b"", false);
    let error = scan(&client, &[&large()]).await.unwrap_err();
    assert!(matches!(error, ClamdError::Timeout { .. }), "{error:?}");
    let error = scan(&client, &[b"x"]).await.unwrap_err();
    assert!(matches!(error, ClamdError::NoVerdict { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn an_endless_reply_is_cut_off() {
    static ENDLESS: [u8; 100_000] = [b'a'; 100_000];
    let (client, _scratch) = false_daemon(6, &ENDLESS, false);
    assert!(matches!(client.ping().await, Err(ClamdError::NoReply)));
}

#[tokio::test]
async fn scanners_that_find_nothing_or_everything_do_not_pass_the_coverage_check() {
    for says in [&b"stream: OK\0"[..], b"stream: Everything FOUND\0"] {
        let (client, _scratch) = false_daemon(10 + 4 + 8 + 4, says, true);
        let error = client.verify_coverage().await.unwrap_err();
        assert!(matches!(error, ClamdError::Coverage { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn no_daemon_is_an_outage() {
    let client = ClamdClient::new(ClamdAddress::Unix("/nonexistent/clamd.sock".into()));
    let error = client.ping().await.unwrap_err();
    assert!(matches!(error, ClamdError::Connect { .. }) && error.is_transient());
}
