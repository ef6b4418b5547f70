//! A private `ClamAV` daemon.
//!
//! Its limits lie above the most that mediamill scans at once, and what exceeds them is reported
//! (`AlertExceedsMax yes`): the default answers "OK" for what it did not scan. It scans with the
//! system's signatures where there are any, else with one of its own that knows only the EICAR test
//! file, which is enough to see the route work and not enough to protect anybody.
//!
//! This does not talk to the daemon beyond asking whether it is up, and downloads no signatures.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::{
    Error,
    children::{ChildProcess, Signal, StopSignals},
    folder::Folder,
};

const HINT: &str = "Debian and Ubuntu: apt-get install clamav-daemon; Fedora: dnf install clamd; \
                    Arch: pacman -S clamav";

/// Where distributions keep what freshclam fetched.
const SYSTEM_SIGNATURES: &str = "/var/lib/clamav";

/// The real database takes half a minute to load and more on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(5);

const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The daemon has no state to save.
const SIGNALS: StopSignals = StopSignals {
    on_our_death: Signal::SIGKILL,
    abrupt: Signal::SIGKILL,
};

/// What a daemon is started with.
#[derive(Debug, Clone)]
pub struct ClamdOptions {
    /// The folder for its configuration, log and scratch space.
    pub data_dir: PathBuf,
    /// The largest file it scans, in MiB; at most [`ClamdOptions::MAX_FILE_MIB`].
    pub max_file_mib: u32,
}

impl ClamdOptions {
    /// Above the most that mediamill scans at once, and below the 2 GiB that libclamav never scans,
    /// whatever its limits say.
    pub const MAX_FILE_MIB: u32 = 2000;

    /// A daemon that scans whatever it can, with its data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            max_file_mib: Self::MAX_FILE_MIB,
        }
    }
}

/// A running daemon. Dropping it stops it.
#[derive(Debug)]
pub struct Clamd {
    // Before `folder`, so that the process is gone when the lock is.
    process: ChildProcess,
    folder: Folder,
    has_real_signatures: bool,
}

impl Clamd {
    /// Starts a daemon and waits until it answers, which is when its signatures are loaded.
    pub async fn start(options: ClamdOptions) -> Result<Self, Error> {
        let program = find_program()?;
        let folder = Folder::open(&options.data_dir)?;
        let system = Path::new(SYSTEM_SIGNATURES);
        let has_real_signatures = has_signatures(system);
        let signatures = if has_real_signatures {
            system.to_owned()
        } else {
            write_own_signatures(&folder)?
        };
        let config = folder.path().join("clamd.conf");
        let mut settings = configuration(&folder, &signatures, options.max_file_mib)?;
        if !has_real_signatures {
            settings.push_str(NO_FUZZY_HASH);
        }
        fs::write(&config, settings).map_err(Error::file("write", &config))?;

        // A socket left by an earlier run would look like a daemon that does not answer.
        let _ = fs::remove_file(socket(&folder));
        let mut command = Command::new(program);
        command
            .arg("--foreground")
            .arg(format!("--config-file={}", config.display()));
        let process = ChildProcess::start(&folder, command, "clamd.log", SIGNALS)?;
        let clamd = Self {
            process,
            folder,
            has_real_signatures,
        };
        clamd.wait_until_ready().await?;
        Ok(clamd)
    }

    /// Where it listens, as `unix:/path`.
    pub fn addr(&self) -> String {
        format!("unix:{}", socket(&self.folder).display())
    }

    /// Whether it knows any real malware, or only the EICAR test file. Warn loudly when it does not.
    pub fn has_real_signatures(&self) -> bool {
        self.has_real_signatures
    }

    /// Fails if the daemon has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.process.check()
    }

    /// Stops the daemon. Scans in flight are cut off.
    pub async fn stop(self) {
        self.process.stop(Signal::SIGTERM, STOP_PATIENCE).await;
    }

    async fn wait_until_ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + START_PATIENCE;
        while !answers(&socket(&self.folder)).await {
            self.process.check()?;
            if Instant::now() >= deadline {
                return Err(self.process.not_ready(START_PATIENCE));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

async fn answers(socket: &Path) -> bool {
    let ask = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(b"zPING\0").await?;
        let mut reply = [0; 5];
        stream.read_exact(&mut reply).await?;
        Ok::<_, std::io::Error>(&reply == b"PONG\0")
    };
    matches!(
        tokio::time::timeout(Duration::from_secs(5), ask).await,
        Ok(Ok(true))
    )
}

fn find_program() -> Result<PathBuf, Error> {
    // Debian's is in sbin, which an ordinary user's PATH lacks.
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join("clamd"))
        .find(|program| program.is_file())
        .ok_or(Error::Missing {
            program: "clamd",
            hint: HINT,
        })
}

fn socket(folder: &Folder) -> PathBuf {
    folder.sockets().join("clamd.sock")
}

/// Whether freshclam has put a database here.
fn has_signatures(folder: &Path) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            let name = PathBuf::from(entry.file_name());
            name.extension()
                .is_some_and(|kind| kind == "cvd" || kind == "cld" || kind == "cud")
        })
}

/// One signature: the tail of the EICAR test file, anywhere in a file of any type. The whole string
/// stands nowhere here, or scanners would take this very source for infected.
fn write_own_signatures(folder: &Folder) -> Result<PathBuf, Error> {
    let tail = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
    let hex = tail
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let signatures = folder.private("signatures")?;
    let file = folder.write_private(
        "signatures/test.ndb",
        &format!("Eicar-Test-Signature:0:*:{hex}\n"),
    )?;
    folder.identity().own(&file)?;
    Ok(signatures)
}

/// Without signatures that name them, the fuzzy hashes of pictures tell nothing. They cost seven times the rest of the scan.
const NO_FUZZY_HASH: &str = "ScanImageFuzzyHash no\n";

/// clamd.conf(5). Its `M` is 2^20 bytes.
fn configuration(folder: &Folder, signatures: &Path, max_file_mib: u32) -> Result<String, Error> {
    // A killed daemon leaves the streams that it was scanning.
    let _ = fs::remove_dir_all(folder.path().join("scratch"));
    let scratch = folder.private("scratch")?;
    Ok(format!(
        "DatabaseDirectory {signatures}\n\
         TemporaryDirectory {scratch}\n\
         LocalSocket {socket}\n\
         FixStaleSocket yes\n\
         MaxThreads 4\n\
         StreamMaxLength {max_file_mib}M\n\
         MaxScanSize {max_file_mib}M\n\
         MaxFileSize {max_file_mib}M\n\
         MaxScanTime 300000\n\
         AlertExceedsMax yes\n\
         AlertEncrypted yes\n\
         ReadTimeout 120\n\
         ConcurrentDatabaseReload no\n",
        signatures = signatures.display(),
        scratch = scratch.display(),
        socket = socket(folder).display(),
    ))
}
