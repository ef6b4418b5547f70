//! A tool that its input has taken over.

use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

use nix::libc;
use sandbox::profiles::exec::{Room, confine};
use sandbox::{Manner, Mode};

use crate::limits;

/// Confined as a tool is, and then up to no good: prints every way out that works.
pub fn escape(manner: Manner, folder: &Path) -> ExitCode {
    std::env::set_current_dir(folder).unwrap();
    // Somebody else's, which is there.
    let _service = UnixListener::bind("service").unwrap();
    let itself = std::env::current_exe().unwrap();
    let room = Room {
        program: &itself,
        manner,
        sees: &[],
        folder,
        input: None,
        filled: false,
    };
    let missing = confine(room, &limits(), Mode::Required).unwrap();
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
        worked("change a mode", open_to_all(folder)),
        worked("connect", UnixStream::connect("service").map(drop)),
        worked("make a socket", wait_at("socket")),
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

fn open_to_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777))
}

/// Works if there is a socket then, or if anybody is waited for.
fn wait_at(name: &str) -> io::Result<()> {
    let waiting = UnixListener::bind(name)?;
    fs::symlink_metadata(name)
        .map(drop)
        .or_else(|_| waiting.accept().map(drop))
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
