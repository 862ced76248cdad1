// SPDX-License-Identifier: MIT OR Apache-2.0
//! A process together with all processes that it starts.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lab_machine::confine::end_with;
use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{SigSet, Signal, killpg},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, getpid},
};

/// How long the processes may take to end by themselves. make uses it to remove what is half built.
const GRACE: Duration = Duration::from_secs(2);

/// Pause between two questions whether all have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A process group. Dropping this value ends all of its processes, and returns when they have ended.
pub(crate) struct Group {
    child: Child,
    group: Pid,
}

/// Make processes whose parent has ended children of this one, so that [`Group`] can wait for them.
///
/// # Errors
/// Of prctl(2).
pub(crate) fn adopt_orphans() -> nix::Result<()> {
    prctl::set_child_subreaper(true)
}

impl Group {
    /// Start a command with pipes, in a group of its own. It ends with the thread that calls this.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let owner = getpid();
        // SAFETY: both are system calls, which are async-signal-safe.
        unsafe {
            command.pre_exec(move || {
                // This process blocks the signals that it waits for, and a child would inherit that.
                SigSet::empty().thread_set_mask()?;
                end_with(owner, Signal::SIGTERM)?;
                Ok(())
            });
        }
        let child = command.spawn()?;
        let group = Pid::from_raw(child.id().cast_signed());
        Ok(Group { child, group })
    }

    /// The other ends of its pipes.
    pub(crate) fn pipes(
        &mut self,
    ) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        let child = &mut self.child;
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    }

    /// Wait until no process of the group is left, for at most this time.
    fn reap(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let any_of_it = Pid::from_raw(-self.group.as_raw());
            match waitpid(any_of_it, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) if Instant::now() >= end => return false,
                Ok(WaitStatus::StillAlive) => thread::sleep(LOOK_AGAIN),
                // One has ended.
                Ok(_) | Err(Errno::EINTR) => {}
                // There is none: each of them was a child of this process or of another of the group.
                Err(_) => return true,
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // They may have ended already.
        let _ = killpg(self.group, Signal::SIGTERM);
        if !self.reap(GRACE) {
            let _ = killpg(self.group, Signal::SIGKILL);
            self.reap(GRACE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use lab_base::environment::command;

    use super::*;

    /// A shell that starts another process in the background and waits for it. Prints its number.
    fn started(script: &str) -> (Group, Pid) {
        adopt_orphans().unwrap();
        let mut group = Group::start(command("sh").args(["-c", script])).unwrap();
        let (_, stdout, _) = group.pipes();
        let mut line = String::new();
        BufReader::new(stdout.unwrap())
            .read_line(&mut line)
            .unwrap();
        let pid = Pid::from_raw(line.trim().parse().unwrap());
        (group, pid)
    }

    fn is_there(pid: Pid) -> bool {
        nix::sys::signal::kill(pid, None) != Err(Errno::ESRCH)
    }

    #[test]
    fn all_that_a_process_has_started_ends_with_it() {
        let (group, pid) = started("sleep 1000 & echo $!; wait");
        assert!(is_there(pid));
        drop(group);
        assert!(!is_there(pid));
    }

    #[test]
    fn what_ignores_a_signal_is_killed() {
        let (group, pid) = started("trap '' TERM; sleep 1000 & echo $!; wait");
        drop(group);
        assert!(!is_there(pid));
    }
}
