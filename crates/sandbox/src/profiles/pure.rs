//! For our own code, which computes from one mapped input to outputs that are open already.
//!
//! Three layers, each enough to stop an ordinary attack alone: resource limits; Landlock, which
//! takes away the file system, TCP and signalling others; and a seccomp list of the few system
//! calls that computing takes. Files are opened *before* confinement, so no call that names a path
//! is on the list at all. It needs no privilege and works the same for root and for nobody.
//!
//! A program that must start others or open files cannot live in here.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};
use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource as Rlimit, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::{ConfineError, Mode};
use crate::limits::Limits;

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
    let mut missing = Vec::new();
    let mut allow_missing = |layer: Result<(), ConfineError>| match (layer, mode) {
        (Err(error), Mode::BestEffort) => {
            missing.push(error);
            Ok(())
        }
        (layer, _) => layer,
    };
    die_with_reader().map_err(|errno| ConfineError::Process("SIGIO on standard output", errno))?;
    // In this order: Landlock takes a descriptor, and seccomp forbids setting limits.
    allow_missing(forbid_files_and_network())?;
    limit_resources(limits, mapped_bytes)?;
    allow_missing(forbid_system_calls())?;
    Ok(missing)
}

/// Ends this process when nobody holds the other end of its standard output any more.
///
/// `PR_SET_PDEATHSIG` would watch the parent's *thread*, which in an async runtime may end long
/// before the parent does. A pipe lives exactly as long as its reader, however that one dies.
fn die_with_reader() -> nix::Result<()> {
    let action = SigAction::new(
        SigHandler::Handler(on_output_event),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: the handler calls nothing but poll and _exit, both async-signal-safe.
    unsafe { sigaction(Signal::SIGIO, &action)? };
    // SAFETY: plain calls on our own standard output; they take integers only.
    unsafe {
        Errno::result(libc::fcntl(
            libc::STDOUT_FILENO,
            libc::F_SETOWN,
            libc::getpid(),
        ))?;
        let flags = Errno::result(libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFL))?;
        Errno::result(libc::fcntl(
            libc::STDOUT_FILENO,
            libc::F_SETFL,
            flags | libc::O_ASYNC,
        ))?;
    }
    on_output_event(libc::SIGIO); // the reader may have gone before we began to listen
    Ok(())
}

extern "C" fn on_output_event(_signal: libc::c_int) {
    let mut stdout = libc::pollfd {
        fd: libc::STDOUT_FILENO,
        events: 0,
        revents: 0,
    };
    // SAFETY: one valid pollfd, no waiting; _exit runs no destructors.
    unsafe {
        if libc::poll(&raw mut stdout, 1, 0) > 0 && stdout.revents & libc::POLLERR != 0 {
            libc::_exit(libc::EXIT_FAILURE);
        }
    }
}

fn limit_resources(limits: &Limits, mapped_bytes: u64) -> Result<(), ConfineError> {
    let set = |what, resource, soft, hard| {
        setrlimit(resource, soft, hard).map_err(|errno| ConfineError::Process(what, errno))
    };
    let (memory, output, cpu) = (
        limits.memory_bytes.saturating_add(mapped_bytes),
        limits.max_output_bytes,
        limits.cpu_seconds,
    );
    set("RLIMIT_AS", Rlimit::RLIMIT_AS, memory, memory)?;
    set("RLIMIT_FSIZE", Rlimit::RLIMIT_FSIZE, output, output)?;
    // The soft limit ends the process with SIGXCPU, which names the cause; SIGKILL would not.
    set("RLIMIT_CPU", Rlimit::RLIMIT_CPU, cpu, cpu + 1)?;
    set("RLIMIT_CORE", Rlimit::RLIMIT_CORE, 0, 0)?;
    // Not zero: poll refuses more descriptors than this, and the life line polls one.
    set("RLIMIT_NOFILE", Rlimit::RLIMIT_NOFILE, 1, 1)?;
    prctl::set_dumpable(false).map_err(|errno| ConfineError::Process("PR_SET_DUMPABLE", errno))?;
    prctl::set_no_new_privs().map_err(|errno| ConfineError::Process("PR_SET_NO_NEW_PRIVS", errno))
}

/// Handles every right that Landlock knows and grants none.
fn forbid_files_and_network() -> Result<(), ConfineError> {
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V4))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()
    };
    match restrict() {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => Ok(()),
        Ok(_) => Err(ConfineError::Landlock(None)),
        Err(error) => Err(ConfineError::Landlock(Some(error))),
    }
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
