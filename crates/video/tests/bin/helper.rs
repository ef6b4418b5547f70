//! The launcher of the tests: becomes a confined tool as the service does, or plays other parts.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]
#![expect(
    clippy::disallowed_methods,
    reason = "it tries what the sandbox must refuse"
)]

use std::ffi::OsString;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

use nix::libc;
use video::encode::{Desk, run};
use video::exec::confine::{Room, Sandbox, confine};
use video::exec::{ToolLimits, Tools, child};
use video::plan::{Plan, PlanSettings, Task};
use video::probe::{VideoLimits, probe};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().unwrap_or_default().to_str().unwrap_or_default() {
        "tool" => child::main(args),
        "escape" => escape(&PathBuf::from(args.next().unwrap_or_default())),
        "service" => service(
            args.next().unwrap_or_default(),
            args.next().unwrap_or_default(),
        ),
        part => panic!("no such part: {part}"),
    }
}

/// A service with an encode under way, waiting to be killed.
fn service(film: OsString, scratch: OsString) -> ExitCode {
    let (film, scratch) = (PathBuf::from(film), PathBuf::from(scratch));
    let tools = Tools::new(std::env::current_exe().unwrap(), vec!["tool".into()]).unwrap();
    let limits = ToolLimits::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(async {
        let probe = probe(&tools, &film, &scratch, &VideoLimits::default(), &limits)
            .await
            .unwrap();
        let plan = Plan::new(&probe, &PlanSettings::default());
        let desk = Desk {
            tools: &tools,
            file: &film,
            folder: &scratch,
            limits: &limits,
            threads: 1,
        };
        run(desk, &plan, Task::Chunk(0), |_| ()).await
    });
    panic!("nobody killed the service: {ended:?}");
}

/// Confined as a tool is, and then up to no good: prints every way out that works.
fn escape(folder: &Path) -> ExitCode {
    std::env::set_current_dir(folder).unwrap();
    let itself = std::env::current_exe().unwrap();
    let room = Room {
        program: &itself,
        libraries: &["/usr/lib".into()],
        folder,
        input: None,
    };
    let missing = confine(&room, &ToolLimits::default(), Sandbox::Required).unwrap();
    assert!(missing.is_empty());
    let worked = |name, result: io::Result<()>| result.is_ok().then_some(name);
    let found: Vec<&str> = [
        worked("read", fs::read("/etc/passwd").map(drop)),
        worked(
            "read the service's memory",
            fs::read("/proc/self/environ").map(drop),
        ),
        worked("list", fs::read_dir("/etc").map(drop)),
        worked("write", fs::write("/tmp/tool-escape", b"x")),
        worked(
            "write a library",
            fs::OpenOptions::new()
                .append(true)
                .open(library())
                .map(drop),
        ),
        worked("link", std::os::unix::fs::symlink("/etc/passwd", "link")),
        worked("make a folder", fs::create_dir("folder")),
        worked("tcp", TcpStream::connect("127.0.0.1:9").map(drop)),
        worked("udp", UdpSocket::bind("127.0.0.1:0").map(drop)),
        worked("unix socket", UnixStream::pair().map(drop)),
        worked("program", Command::new("/bin/true").spawn().map(drop)),
    ]
    .into_iter()
    .chain(raw_escapes())
    .flatten()
    .collect();
    // What it may do, or the sandbox would be of no use.
    fs::write("output", b"x").unwrap();
    std::thread::spawn(|| ()).join().unwrap();
    println!("escaped: {found:?}");
    ExitCode::SUCCESS
}

fn library() -> PathBuf {
    let found = [
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
        "/usr/lib/aarch64-linux-gnu/libc.so.6",
    ];
    found
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_default()
}

/// Those that only a raw system call can try.
fn raw_escapes() -> [Option<&'static str>; 9] {
    let nothing: *mut libc::c_void = std::ptr::null_mut();
    let endless = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    let worked = |name, refused: bool| (!refused).then_some(name);
    // SAFETY: plain calls with integers, null, or a valid rlimit; each is expected to be refused,
    // and none could break memory safety if it were not.
    unsafe {
        let parent = libc::c_long::from(1);
        [
            worked("fork", libc::fork() == -1),
            worked(
                "ptrace",
                libc::ptrace(libc::PTRACE_TRACEME, 0, nothing, nothing) == -1,
            ),
            worked("kill", libc::kill(1, 0) == -1),
            worked(
                "tgkill",
                libc::syscall(libc::SYS_tgkill, parent, parent, 0) == -1,
            ),
            worked("mount", libc::syscall(libc::SYS_mount, 0, 0, 0, 0, 0) == -1),
            worked(
                "keyring",
                libc::syscall(libc::SYS_add_key, 0, 0, 0, 0, 0) == -1,
            ),
            worked(
                "lift limits",
                libc::setrlimit(libc::RLIMIT_CPU, &raw const endless) == -1,
            ),
            worked(
                "ignore the limit",
                libc::signal(libc::SIGXCPU, libc::SIG_IGN) == libc::SIG_ERR,
            ),
            worked("cut the life line", libc::close(libc::STDIN_FILENO) == -1),
        ]
    }
}
