//! For our own code, which computes from one mapped input to outputs that are open already.
//!
//! Three layers, each enough to stop an ordinary attack alone: resource limits; Landlock, which
//! takes away the file system, TCP and signalling others; and a seccomp list of the few system
//! calls that computing takes. Files are opened *before* confinement, so no call that names a path
//! is on the list at all. It needs no privilege and works the same for root and for nobody.
//!
//! A program that must start others or open files cannot live in here.

use std::collections::BTreeMap;

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::{
    ConfineError, Layers, Mode, end_without_reader, enforce, limit_resources, listen_to,
    nothing_granted,
};
use crate::limits::Limits;

/// Not zero: poll refuses more descriptors than this, and the life line polls one.
const OPEN_FILES: u64 = 1;

/// Confines this process for the rest of its life. Call once, with a single thread running and
/// every file that will be needed already open. `mapped_bytes` of files in memory come on top of the
/// limit: they are the kernel's to keep or drop.
///
/// Returns the layers that are missing, which is only ever non-empty under
/// [`Mode::BestEffort`].
pub fn confine(
    limits: &Limits,
    mapped_bytes: u64,
    mode: Mode,
) -> Result<Vec<ConfineError>, ConfineError> {
    let mut layers = Layers::new(mode);
    end_with_reader().map_err(|errno| ConfineError::Process("SIGIO on standard output", errno))?;
    // In this order: Landlock takes a descriptor, and seccomp forbids setting limits.
    layers.take(nothing_granted().and_then(enforce))?;
    limit_resources(limits, mapped_bytes, OPEN_FILES)?;
    layers.take(forbid_system_calls())?;
    Ok(layers.missing)
}

/// Ends this process when nobody holds the other end of its standard output any more. That the reader has taken
/// something is an event at a pipe, too, so each is looked into.
fn end_with_reader() -> nix::Result<()> {
    let action = SigAction::new(
        SigHandler::Handler(on_output_event),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: the handler calls nothing but poll and _exit, both async-signal-safe.
    unsafe { sigaction(Signal::SIGIO, &action)? };
    listen_to(libc::STDOUT_FILENO)?;
    on_output_event(libc::SIGIO); // the reader may have gone before we began to listen
    Ok(())
}

extern "C" fn on_output_event(_signal: libc::c_int) {
    end_without_reader(libc::STDOUT_FILENO);
}

/// Answers EPERM to every system call that computing does not take.
fn forbid_system_calls() -> Result<(), ConfineError> {
    let filter = || -> Result<seccompiler::BpfProgram, seccompiler::BackendError> {
        let mut rules: BTreeMap<_, _> = ALLOWED.iter().map(|&call| (call, Vec::new())).collect();
        let not_executable = |argument| {
            let no_exec = SeccompCmpOp::MaskedEq(libc::PROT_EXEC.cast_unsigned().into());
            let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, no_exec, 0)?;
            SeccompRule::new(vec![condition])
        };
        rules.insert(libc::SYS_mmap, vec![not_executable(2)?]);
        rules.insert(libc::SYS_mprotect, vec![not_executable(2)?]);
        // abort() signals its own thread; nobody else may be signalled.
        let own_pid = u64::from(std::process::id());
        let oneself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own_pid)?;
        rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![oneself])?]);
        let eperm = SeccompAction::Errno(libc::EPERM.cast_unsigned());
        let target = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(rules, eperm, SeccompAction::Allow, target)?.try_into()
    };
    let program = filter().map_err(|error| ConfineError::Seccomp(error.into()))?;
    seccompiler::apply_filter(&program).map_err(ConfineError::Seccomp)
}

/// Calls allowed with any arguments: memory, the open descriptors, the clock, and the end.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_read,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];
