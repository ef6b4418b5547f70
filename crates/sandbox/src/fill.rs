//! An input that is not all there when a tool begins: each read of it waits until its bytes are.
//!
//! The kernel asks us before the tool's reads (seccomp user notification; the child's side is
//! `profiles/exec/reads.rs`). So nothing has to be known about where a tool will read, and what is not there cannot be
//! taken for zeros: a read waits for the right bytes, and if they cannot be had, the tool is ended.

use std::convert::Infallible;
use std::fmt::Debug;
use std::fs;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::pin::Pin;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;

/// Brings the bytes of a file that is as long as it should be but not all there.
pub trait Fill: Debug + Send + Sync {
    /// Comes back when the bytes of `range` are in the file. An error ends the tool and is that of the run: a tool that
    /// went on after a failed read would make something of it.
    fn fill(&self, range: Range<u64>) -> Filling<'_>;
}

/// Bytes on their way.
pub type Filling<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'a>>;

/// Whether this kernel can ask before reads (Linux 5.5). Where it cannot, an input has to be whole.
pub fn is_possible() -> bool {
    const GET_NOTIF_SIZES: libc::c_uint = 3; // SECCOMP_GET_NOTIF_SIZES
    let mut sizes = [0_u16; 3];
    // SAFETY: the kernel writes three numbers of 16 bits.
    let asked = unsafe { libc::syscall(libc::SYS_seccomp, GET_NOTIF_SIZES, 0, &raw mut sizes) };
    asked == 0 && usize::from(sizes[0]) == size_of::<libc::seccomp_notif>()
}

/// The kernel's calls.
mod kernel {
    use nix::libc;

    nix::ioctl_readwrite!(next_question, b'!', 0, libc::seccomp_notif);
    nix::ioctl_readwrite!(send_answer, b'!', 1, libc::seccomp_notif_resp);
}

/// What the kernel is told.
enum Answer {
    /// Let the tool's call be carried out.
    GoOn,
    /// Let it fail.
    Fail(Errno),
}

/// Takes the descriptor at which the kernel asks from the child's standard output. `None` if the child ended before.
pub(crate) async fn receive(stdout: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let take = || {
        let mut byte = [0];
        let mut bytes = [IoSliceMut::new(&mut byte)];
        let mut space = nix::cmsg_space!(RawFd);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(stdout.as_raw_fd(), &mut bytes, Some(&mut space), flags)?;
        let mut found = None;
        for part in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(descriptors) = part {
                // SAFETY: the kernel has just made them for us.
                let mut owned = descriptors
                    .into_iter()
                    .map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
                found = owned.next();
            }
        }
        Ok(found)
    };
    loop {
        stdout.readable().await?;
        match stdout.try_io(Interest::READABLE, take) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            taken => return taken,
        }
    }
}

/// Answers for as long as the tool lives; does not come back without an error, which may be that of `fill`.
pub(crate) async fn answer(
    questions: OwnedFd,
    input: &Path,
    fill: &dyn Fill,
) -> io::Result<Infallible> {
    let input = fs::metadata(input)?;
    // SAFETY: it owns its descriptor, which stays the same until it is dropped.
    let questions = unsafe { AsyncFd::register_with_interest(questions, Interest::READABLE) };
    let questions = questions.map_err(io::Error::from)?;
    loop {
        let mut ready = questions.readable().await?;
        if !is_waiting(&questions)? {
            if ready.ready().is_read_closed() {
                return std::future::pending().await; // the tool has ended
            }
            ready.clear_ready();
            continue;
        }
        // SAFETY: all zeros is what the kernel asks for.
        let mut question: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: a descriptor of this kind, and a structure of the kernel's size.
        match unsafe { kernel::next_question(questions.as_raw_fd(), &raw mut question) } {
            Ok(_) => {}
            // Whoever asked is gone.
            Err(Errno::ENOENT | Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        let answer = decide(&question, &input, fill).await?;
        tell(&questions, question.id, &answer)?;
    }
}

/// Whether somebody asks: to take a question when there is none is to wait.
fn is_waiting(questions: &AsyncFd<OwnedFd>) -> io::Result<bool> {
    let mut asked = [PollFd::new(questions.get_ref().as_fd(), PollFlags::POLLIN)];
    poll(&mut asked, PollTimeout::ZERO)?;
    let found = asked[0].revents().unwrap_or(PollFlags::empty());
    Ok(found.contains(PollFlags::POLLIN))
}

fn tell(questions: &AsyncFd<OwnedFd>, id: u64, answer: &Answer) -> io::Result<()> {
    const CONTINUE: u32 = 1; // SECCOMP_USER_NOTIF_FLAG_CONTINUE
    let (error, flags) = match *answer {
        Answer::GoOn => (0, CONTINUE),
        Answer::Fail(errno) => (-(errno as i32), 0),
    };
    let mut said = libc::seccomp_notif_resp {
        id,
        val: 0,
        error,
        flags,
    };
    // SAFETY: a descriptor of this kind, and a structure of the kernel's size.
    match unsafe { kernel::send_answer(questions.as_raw_fd(), &raw mut said) } {
        // Whoever asked is gone.
        Ok(_) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// What a call may do: of the input, only `read` and `pread64` are answered, whose bytes are known before.
async fn decide(
    question: &libc::seccomp_notif,
    input: &fs::Metadata,
    fill: &dyn Fill,
) -> io::Result<Answer> {
    let args = question.data.args;
    let call = libc::c_long::from(question.data.nr);
    let descriptor = if call == libc::SYS_mmap {
        args[4]
    } else {
        args[0]
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the kernel looks at the lower half of a descriptor, too"
    )]
    let descriptor = descriptor as u32;
    let open = format!("/proc/{}/fd/{descriptor}", question.pid);
    match fs::metadata(&open) {
        Ok(found) if (found.dev(), found.ino()) == (input.dev(), input.ino()) => {}
        // Not open: the kernel says so itself.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Ok(Answer::Fail(Errno::EIO));
        }
        _ => return Ok(Answer::GoOn),
    }
    let start = match call {
        libc::SYS_read => position(question.pid, descriptor),
        libc::SYS_pread64 => Some(args[3]),
        _ => return Ok(Answer::Fail(Errno::EPERM)),
    };
    let Some(start) = start else {
        return Ok(Answer::Fail(Errno::EIO));
    };
    let end = start.saturating_add(args[2]).min(input.len());
    if start < end {
        fill.fill(start..end).await?;
    }
    Ok(Answer::GoOn)
}

/// Where the next read of a descriptor begins.
fn position(pid: u32, descriptor: u32) -> Option<u64> {
    let facts = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).ok()?;
    let line = facts.lines().find_map(|line| line.strip_prefix("pos:"))?;
    line.trim().parse().ok()
}
