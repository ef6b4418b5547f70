//! A child for the tests: an honest one, and ones that a hostile input has taken over.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]
#![expect(
    clippy::disallowed_methods,
    reason = "tries what a child may not, and starts its parents"
)]

#[path = "../it/measure.rs"]
mod measure;
mod taken_over;

use std::ffi::OsString;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{fs, io, thread};

use nix::libc;
use sandbox::profiles::pure::confine;
use sandbox::{Launcher, Limits, Manner, Mode};

use crate::measure::Measure;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let deed = args.next().unwrap_or_default();
    match deed.to_str().unwrap_or_default() {
        "work" => sandbox::child::main::<Measure>(args),
        "work-without-landlock" => {
            without_landlock();
            sandbox::child::main::<Measure>(args)
        }
        "tool" => sandbox::child::become_tool(args),
        "tool-escape" => taken_over::escape(Manner::Filter, &folder(args)),
        "suite-escape" => taken_over::escape(Manner::Suite, &folder(args)),
        "map-input" => map_input(),
        "parent" => parent(args.next().unwrap_or_default()),
        deed => {
            hostile(deed);
            ExitCode::SUCCESS
        }
    }
}

fn folder(mut args: impl Iterator<Item = OsString>) -> PathBuf {
    PathBuf::from(args.next().unwrap_or_default())
}

/// Shows the start of the input, by way of memory.
fn map_input() -> ExitCode {
    let input = fs::File::open("input").unwrap();
    // SAFETY: nobody writes to it.
    let input = match unsafe { memmap2::Mmap::map(&input) } {
        Ok(input) => input,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{:?}", &input[..4]);
    ExitCode::SUCCESS
}

fn limits() -> Limits {
    Limits {
        memory_bytes: 256 << 20,
        cpu_seconds: 1,
        wall: Duration::from_mins(2),
        file_bytes: 1 << 20,
        output_bytes: 1 << 18,
    }
}

/// Confined as a job is, and then up to no good.
fn hostile(deed: &str) {
    let limits = limits();
    // Before confinement, as a job's outputs are opened.
    let mut output = fs::File::create("copy").unwrap();
    fs::write("pid", std::process::id().to_string()).unwrap();
    let missing = confine(&limits, 0, Mode::Required).unwrap();
    assert!(missing.is_empty());
    match deed {
        "escape" => {
            let found = escapes().join(", ");
            println!(
                "{}",
                serde_json::json!({ "failed": format!("escaped: [{found}]") })
            );
        }
        "allocate" => drop(std::hint::black_box(vec![1_u8; 4 << 30])),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "block" => block(),
        "abort" => std::process::abort(),
        "panic" => panic!("as code might"),
        "babble" => while io::stdout().write_all(&[b' '; 4096]).is_ok() {},
        "fill" => while output.write_all(&[0; 4096]).is_ok() {},
        "mumble" => println!("this is not an answer"),
        other => panic!("no such deed: {other}"),
    }
}

/// Sleeps for good, on a futex: one of the few calls left.
fn block() -> ! {
    loop {
        thread::park_timeout(Duration::from_hours(1));
    }
}

/// Every way out that works; there should be none.
fn escapes() -> Vec<&'static str> {
    let worked = |name, result: io::Result<()>| result.is_ok().then_some(name);
    let safe_calls = [
        worked("read", fs::read("/etc/passwd").map(drop)),
        worked("read itself", fs::read("/proc/self/exe").map(drop)),
        worked("list", fs::read_dir("/").map(drop)),
        worked("write", fs::write("/tmp/decoder-escape", b"x")),
        worked("write here", fs::write("another", b"x")),
        worked("remove", fs::remove_file("pid")),
        worked("link", std::os::unix::fs::symlink("/etc/passwd", "link")),
        worked("tcp", TcpStream::connect("127.0.0.1:9").map(drop)),
        worked("udp", UdpSocket::bind("127.0.0.1:0").map(drop)),
        worked("unix socket", UnixStream::pair().map(drop)),
        worked("program", Command::new("/bin/true").spawn().map(drop)),
        worked("thread", thread::Builder::new().spawn(|| ()).map(drop)),
    ];
    safe_calls
        .into_iter()
        .chain(raw_escapes())
        .flatten()
        .collect()
}

/// Those that only a raw system call can try.
fn raw_escapes() -> [Option<&'static str>; 7] {
    use libc::{MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE};
    let nothing: *mut libc::c_void = std::ptr::null_mut();
    let endless = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    let worked = |name, refused: bool| (!refused).then_some(name);
    // SAFETY: plain calls with integers, null, or a valid rlimit; each is expected to be refused,
    // and none could break memory safety if it were not.
    unsafe {
        let parent = libc::getppid(); // refused as well: -1
        let init = libc::c_long::from(1);
        let code = PROT_READ | PROT_WRITE | PROT_EXEC;
        let flags = MAP_PRIVATE | MAP_ANONYMOUS;
        [
            worked("fork", libc::fork() == -1),
            worked(
                "ptrace",
                libc::ptrace(libc::PTRACE_TRACEME, 0, nothing, nothing) == -1,
            ),
            worked("kill", libc::kill(parent, 0) == -1),
            worked(
                "tgkill",
                libc::syscall(libc::SYS_tgkill, init, init, 0) == -1,
            ),
            worked(
                "executable memory",
                libc::mmap(nothing, 4096, code, flags, -1, 0) == MAP_FAILED,
            ),
            worked(
                "lift limits",
                libc::setrlimit(libc::RLIMIT_CPU, &raw const endless) == -1,
            ),
            worked(
                "ignore signals",
                libc::signal(libc::SIGIO, libc::SIG_IGN) == libc::SIG_ERR,
            ),
        ]
    }
}

/// Makes the kernel look as if it had no Landlock.
fn without_landlock() {
    use seccompiler::{SeccompAction, SeccompFilter};
    let filter = SeccompFilter::new(
        [(libc::SYS_landlock_create_ruleset, vec![])].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.cast_unsigned()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

/// A service with a child at work in `folder`, waiting to be killed.
fn parent(folder: OsString) -> ExitCode {
    let helper = std::env::current_exe().unwrap();
    let launcher = Launcher::new(helper, vec!["block".into()]);
    let folder = PathBuf::from(folder);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = runtime.block_on(async {
        let input = fs::File::open("/dev/null").unwrap();
        let cancel = tokio_util::sync::CancellationToken::new();
        launcher
            .run(&Measure, input, &folder, &limits(), &cancel)
            .await
    });
    eprintln!("{result:?}");
    ExitCode::FAILURE
}
