// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes that a batch has started, and how an interrupt reaches them.

use std::{
    collections::HashSet,
    io,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use lab_grade::batch::result::WorkerEnd;
use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};

type Pids = HashSet<Pid>;

/// The running processes.
#[derive(Default)]
pub(crate) struct Children {
    running: Mutex<Pids>,
    interrupts: AtomicUsize,
}

impl Children {
    /// End what runs. The first time, each process ends its checks and reports; then everything
    /// is killed.
    pub(crate) fn interrupt(&self) {
        let running = self.lock();
        let before = self.interrupts.fetch_add(1, Ordering::Relaxed);
        for &child in running.iter() {
            // It may have ended just now.
            let _ = kill(child, signal(before + 1));
        }
    }

    /// Whether the batch has been interrupted.
    pub(crate) fn are_interrupted(&self) -> bool {
        self.interrupts.load(Ordering::Relaxed) > 0
    }

    /// Start a process, and wait for its end. Call it in a thread that lives until then, because the
    /// process ends with the thread.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn run(&self, command: &mut Command) -> io::Result<WorkerEnd> {
        let mut child = {
            let mut running = self.lock();
            let child = command.spawn()?;
            let pid = pid_of(&child);
            running.insert(pid);
            let interrupts = self.interrupts.load(Ordering::Relaxed);
            if interrupts > 0 {
                let _ = kill(pid, signal(interrupts));
            }
            child
        };
        let pid = pid_of(&child);
        // It keeps its number until it is not in the set, so that no signal reaches another process.
        while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR)
        {
        }
        self.lock().remove(&pid);
        Ok(end_of(child.wait()?))
    }

    fn lock(&self) -> MutexGuard<'_, Pids> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn signal(interrupts: usize) -> Signal {
    match interrupts {
        1 => Signal::SIGTERM,
        _ => Signal::SIGKILL,
    }
}

fn end_of(status: ExitStatus) -> WorkerEnd {
    let named = |signal: i32| match Signal::try_from(signal) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {signal}"),
    };
    match (status.code(), status.signal()) {
        (Some(code), _) => WorkerEnd::Exited(code),
        (None, signal) => WorkerEnd::Killed(named(signal.unwrap_or_default())),
    }
}
