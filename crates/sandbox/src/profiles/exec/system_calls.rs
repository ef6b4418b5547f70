//! The system calls that a tool may make: reading, computing, writing files, threads of its own.
//!
//! Everything else answers EPERM: sockets that lead anywhere, `ptrace`, mounts, keyrings, new processes, signals to
//! others, changes of limits, and whatever a newer kernel brings.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::tool::Manner;

/// Confines this process, and whatever it becomes, for good.
pub(crate) fn confine(manner: Manner) -> Result<(), Error> {
    // A filter is compiled before any is applied: compiling takes calls that are not on the list.
    let programs = [
        absent().map_err(Error::from)?,
        pretended().map_err(Error::from)?,
        allowed(manner).map_err(Error::from)?,
    ];
    // The narrowest last: it takes away, and applying another takes `seccomp` or `prctl`.
    let mut programs = programs.iter();
    programs.try_for_each(|program| seccompiler::apply_filter(program))
}

/// Calls that look as if the kernel did not have them, so that libraries fall back to older ones
/// whose arguments can be looked at: what `clone3` is asked for lies in memory.
fn absent() -> Result<BpfProgram, BackendError> {
    let enosys = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    filter(rules, SeccompAction::Allow, enosys)
}

/// Calls that are not made, and answer as if they had been: what wants a socket at which to wait gets one that nobody can
/// reach, and has no name on any disk.
fn pretended() -> Result<BpfProgram, BackendError> {
    let nothing_happens = SeccompAction::Errno(0);
    let calls = [libc::SYS_bind, libc::SYS_listen];
    let rules = calls.map(|call| (call, Vec::new())).into_iter().collect();
    filter(rules, SeccompAction::Allow, nothing_happens)
}

fn allowed(manner: Manner) -> Result<BpfProgram, BackendError> {
    let more = match manner {
        Manner::Filter => &[],
        Manner::Suite => SUITE,
    };
    let calls = ALLOWED.iter().chain(more);
    let mut rules: BTreeMap<_, _> = calls.map(|&call| (call, Vec::new())).collect();
    if manner == Manner::Suite {
        // To connect it, or to send or take anything by it, is not allowed.
        let [local, stream] = [libc::AF_UNIX, libc::SOCK_STREAM];
        let local = is(0, SeccompCmpOp::Eq, local.cast_unsigned().into())?;
        let kind = SeccompCmpOp::MaskedEq(0xf);
        let stream = is(1, kind, stream.cast_unsigned().into())?;
        rules.insert(
            libc::SYS_socket,
            vec![SeccompRule::new(vec![local, stream])?],
        );
    }
    rules.insert(libc::SYS_clone3, Vec::new()); // `absent` answers
    let thread = libc::CLONE_THREAD.cast_unsigned().into();
    let own_pid = u64::from(std::process::id());
    for (call, conditions) in [
        // A thread, not a process.
        (
            libc::SYS_clone,
            vec![is(0, SeccompCmpOp::MaskedEq(thread), thread)?],
        ),
        // `abort` signals its own thread; nobody else may be signalled.
        (libc::SYS_tgkill, vec![is(0, SeccompCmpOp::Eq, own_pid)?]),
        // To ask for a limit, not to set one.
        (libc::SYS_prlimit64, vec![is_null(2)?]),
        (libc::SYS_prctl, vec![is(0, SeccompCmpOp::Eq, 15)?]), // PR_SET_NAME
        // What the kernel sends when a limit is reached or the service is gone is not caught.
        (
            libc::SYS_rt_sigaction,
            vec![is_not(0, libc::SIGXCPU)?, is_not(0, libc::SIGIO)?],
        ),
        // The life line stays as it is.
        (libc::SYS_close, vec![is_not(0, libc::STDIN_FILENO)?]),
        (libc::SYS_fcntl, vec![is_not(0, libc::STDIN_FILENO)?]),
    ] {
        rules.insert(call, vec![SeccompRule::new(conditions)?]);
    }
    let eperm = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    filter(rules, eperm, SeccompAction::Allow)
}

fn filter(
    rules: BTreeMap<libc::c_long, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let target = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, otherwise, matching, target)?.try_into()
}

fn is(argument: u8, how: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)
}

fn is_not(argument: u8, value: libc::c_int) -> Result<SeccompCondition, BackendError> {
    is(argument, SeccompCmpOp::Ne, value.cast_unsigned().into())
}

fn is_null(argument: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

/// Calls allowed with any arguments. Which files they reach is Landlock's to say.
const ALLOWED: &[libc::c_long] = &[
    // The start of a program.
    libc::SYS_execve,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    // Files.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fstat,
    libc::SYS_ftruncate,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_read,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    libc::SYS_statx,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Threads and waiting.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_gettid,
    libc::SYS_nanosleep,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    // Questions about oneself and the machine.
    libc::SYS_clock_getres,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// More for a suite. What changes a file's owner, mode or times is not among it: Landlock would not hold that to the
/// scratch folder.
const SUITE: &[libc::c_long] = &[
    libc::SYS_bind,
    libc::SYS_dup,
    libc::SYS_eventfd2,
    libc::SYS_fadvise64,
    libc::SYS_fdatasync,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_getppid,
    libc::SYS_listen,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_pipe2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    libc::SYS_statfs,
    libc::SYS_umask,
];
