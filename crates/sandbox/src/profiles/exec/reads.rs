//! Has the kernel ask the service before this process, and the tool that it becomes, reads or maps a file.
//!
//! What is answered, and why, is in `fill.rs`.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

/// Where the flags of a mapping stand in what a filter sees (`struct seccomp_data`); their lower half, on machines that
/// put that first.
const MMAP_FLAGS: u32 = 16 + 3 * 8;

/// From now on the kernel asks, and waits for an answer. The service gets the descriptor at which it does so by way of
/// standard output, a socket.
pub(super) fn ask_before() -> io::Result<()> {
    let questions = filter()?;
    let descriptors = [questions.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let bytes = [IoSlice::new(b"?")];
    sendmsg::<()>(
        libc::STDOUT_FILENO,
        &bytes,
        &rights,
        MsgFlags::empty(),
        None,
    )?;
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "numbers of calls, flags and of the few instructions"
)]
fn filter() -> io::Result<OwnedFd> {
    let load = |at| {
        jump(
            (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
            at,
            0,
            0,
        )
    };
    let is = |value, yes, no| {
        let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        jump(code as u16, value, yes, no)
    };
    let has = |bits, yes, no| {
        let code = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
        jump(code as u16, bits, yes, no)
    };
    let end = |action| jump((libc::BPF_RET | libc::BPF_K) as u16, action, 0, 0);
    // Jumps count from the next instruction.
    let mut program = [
        load(0), // the call's number
        is(libc::SYS_read as u32, 6, 0),
        is(libc::SYS_pread64 as u32, 5, 0),
        is(libc::SYS_readv as u32, 4, 0),
        is(libc::SYS_mmap as u32, 0, 2),
        load(MMAP_FLAGS),
        has(libc::MAP_ANONYMOUS as u32, 0, 1),
        end(libc::SECCOMP_RET_ALLOW),
        end(libc::SECCOMP_RET_USER_NOTIF),
    ];
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program lives as long as the call; what comes back is a new descriptor or an error.
    let questions = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    };
    if questions < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(questions as i32) })
}

const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}
