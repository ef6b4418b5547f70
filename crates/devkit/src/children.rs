//! Child processes that cannot outlive us.
//!
//! `PR_SET_PDEATHSIG` has two traps (prctl(2)): the signal is sent when the *thread* that forked
//! ends, so one thread that never ends forks them all; and a change of user clears the setting, so
//! it is made after that change. A child also gets a process group of its own: Ctrl-C at the
//! terminal is for us, and we stop the services last.

use std::{
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{prctl, signal},
    unistd::{Pid, getppid},
};

pub(crate) use nix::sys::signal::Signal;

use crate::{Error, folder::Folder};

/// How often a waiter looks at a child.
const POLL: Duration = Duration::from_millis(10);

/// How long a child that is told to drop everything may take before it is killed.
const ABRUPT_STOP: Duration = Duration::from_secs(3);

/// How a child is told to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StopSignals {
    /// Sent by the kernel when we die.
    pub on_our_death: Signal,
    /// Sent when its handle is dropped: the child must end within moments and leave nothing running.
    pub abrupt: Signal,
}

/// A running child process. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct ChildProcess {
    program: String,
    log: PathBuf,
    abrupt: Signal,
    child: Mutex<Child>,
}

impl ChildProcess {
    /// Starts `command` as the folder's user with a bare environment; its output goes to
    /// `<folder>/<log>`.
    pub fn start(
        folder: &Folder,
        mut command: Command,
        log: &str,
        signals: StopSignals,
    ) -> Result<Self, Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let (log, output) = folder.log(log)?;
        let errors = output.try_clone().map_err(Error::file("open", &log))?;
        command
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        folder.identity().apply(&mut command);
        tie_to_us(&mut command, signals.on_our_death);
        let child = fork(command).map_err(|source| Error::Spawn {
            program: program.clone(),
            source,
        })?;
        tracing::debug!(
            child.pid = child.id(),
            child.program = program,
            "started a child process"
        );
        Ok(Self {
            program,
            log,
            abrupt: signals.abrupt,
            child: Mutex::new(child),
        })
    }

    /// The error that says this child failed to get ready in time.
    pub fn not_ready(&self, within: Duration) -> Error {
        Error::NotReady {
            program: self.program.clone(),
            within,
            log: self.log.clone(),
        }
    }

    /// Fails if the child has ended.
    pub fn check(&self) -> Result<(), Error> {
        match self.status() {
            None => Ok(()),
            Some(status) => Err(self.ended(status)),
        }
    }

    /// Waits for a child that is meant to end by itself.
    pub async fn succeed(&self, within: Duration) -> Result<(), Error> {
        match self.wait(within).await {
            None => Err(self.not_ready(within)),
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.ended(status)),
        }
    }

    /// Waits for the child's end; `None` when it takes longer than `within`.
    pub async fn wait(&self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.status() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Sends `first` and waits `patience`; then stops the child abruptly.
    pub async fn stop(&self, first: Signal, patience: Duration) {
        self.signal(first);
        if self.wait(patience).await.is_some() {
            return;
        }
        tracing::warn!(child.program = self.program, child.signal = %first, "child ignores its signal");
        self.signal(self.abrupt);
        if self.wait(ABRUPT_STOP).await.is_none() {
            self.signal(Signal::SIGKILL);
            self.wait(ABRUPT_STOP).await;
        }
    }

    /// Sends a signal unless the child has ended. Holding the lock keeps its id from being reaped,
    /// hence from being another process's by now.
    fn signal(&self, signal: Signal) {
        let mut child = self.lock();
        if let (Ok(None), Ok(pid)) = (child.try_wait(), i32::try_from(child.id())) {
            // It can only fail because the child is gone, which is what was wanted.
            let _ = signal::kill(Pid::from_raw(pid), signal);
        }
    }

    fn status(&self) -> Option<ExitStatus> {
        self.lock().try_wait().ok().flatten()
    }

    fn ended(&self, status: ExitStatus) -> Error {
        Error::Exited {
            program: self.program.clone(),
            status,
            log: self.log.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.signal(self.abrupt);
        let deadline = Instant::now() + ABRUPT_STOP;
        while self.status().is_none() {
            if Instant::now() >= deadline {
                self.signal(Signal::SIGKILL);
                let _ = self.lock().wait();
                return;
            }
            thread::sleep(POLL);
        }
    }
}

fn tie_to_us(command: &mut Command, signal: Signal) {
    let us = Pid::this();
    let tie = move || {
        prctl::set_pdeathsig(signal)?;
        // We may have died before the line above.
        if getppid() == us {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(nix::libc::ESRCH))
        }
    };
    // SAFETY: between fork and exec `tie` makes two system calls and touches no lock or heap.
    unsafe { command.pre_exec(tie) };
}

struct Request {
    command: Command,
    reply: mpsc::Sender<io::Result<Child>>,
}

/// The way to the one thread that forks; it lives as long as the process.
static FORKER: Mutex<Option<mpsc::Sender<Request>>> = Mutex::new(None);

fn fork(command: Command) -> io::Result<Child> {
    let (reply, answer) = mpsc::channel();
    {
        let mut forker = FORKER.lock().unwrap_or_else(PoisonError::into_inner);
        let forker = match forker.as_ref() {
            Some(running) => running,
            None => forker.insert(start_forker()?),
        };
        forker
            .send(Request { command, reply })
            .map_err(|_| gone())?;
    }
    answer.recv().map_err(|_| gone())?
}

fn start_forker() -> io::Result<mpsc::Sender<Request>> {
    let (requests, inbox) = mpsc::channel::<Request>();
    thread::Builder::new()
        .name("devkit-forker".into())
        .spawn(move || {
            for mut request in inbox {
                // Nobody waits any more if this fails; dropping the handle leaves the child tied to us.
                let _ = request.reply.send(request.command.spawn());
            }
        })?;
    Ok(requests)
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes has ended")
}
