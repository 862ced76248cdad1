// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that the host has started: their input, their output, their end.

use std::{
    collections::HashMap,
    io::{Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use lab_agent::{
    AgentReport, Answer, Bytes, CallResult, Exit, ProcessId, Refusal, Stdin, Stream, WORK_DIR,
};
use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};

use crate::{protect, reporter::Reporter};

/// All started processes that have not ended.
#[derive(Clone)]
pub(crate) struct Processes {
    reporter: Reporter,
    running: Arc<Mutex<HashMap<ProcessId, Running>>>,
}

struct Running {
    pid: Pid,
    /// In a thread of its own, so that a blocking write stops no other order.
    stdin: Arc<Mutex<Option<ChildStdin>>>,
}

impl Processes {
    pub(crate) fn new(reporter: Reporter) -> Self {
        Processes {
            reporter,
            running: Arc::default(),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<ProcessId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spawn(
        &self,
        process: ProcessId,
        argv: &[String],
        uid: u32,
        stdin: Stdin,
    ) -> CallResult {
        let [program, arguments @ ..] = argv else {
            return Err(Refusal::new("execve", Errno::EINVAL));
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the guest has no environment to hide"
        )]
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/lab:/bin:/sbin")
            .current_dir("/")
            .uid(uid)
            .gid(uid)
            // A process group of its own, so that signals also reach the children after it has
            // ended.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if Path::new(program).starts_with(WORK_DIR) {
            // SAFETY: prctl(2) is async-signal-safe.
            unsafe { command.pre_exec(protect::drop_capabilities) };
        }
        if stdin == Stdin::Closed {
            command.stdin(Stdio::null());
            // SAFETY: close(2) is async-signal-safe, and the child does not use descriptor 0 before
            // it calls exec.
            unsafe {
                command.pre_exec(|| nix::unistd::close(0).map_err(std::io::Error::from));
            }
        }
        let mut child = command
            .spawn()
            .map_err(|error| Refusal::io("execve", &error))?;
        let pid = child.id();
        let running = Running {
            pid: Pid::from_raw(pid.cast_signed()),
            stdin: Arc::new(Mutex::new(child.stdin.take())),
        };
        self.running().insert(process, running);
        let this = self.clone();
        thread::Builder::new()
            .name(format!("process-{process}"))
            .spawn(move || this.watch(process, child))
            .map_err(|error| Refusal::io("clone", &error))?;
        Ok(Answer::Started { pid })
    }

    /// Report the output of a process, then its end.
    fn watch(&self, process: ProcessId, mut child: Child) {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            if let Some(stderr) = stderr {
                scope.spawn(|| self.copy(process, Stream::Stderr, stderr));
            }
            if let Some(stdout) = stdout {
                self.copy(process, Stream::Stdout, stdout);
            }
        });
        let Ok(status) = child.wait() else { return };
        // After this its pid may belong to another process, so it is forgotten before a signal can
        // be sent.
        self.running().remove(&process);
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Status(code),
            (None, signal) => Exit::Signal(signal.unwrap_or(0)),
        };
        self.reporter.report(&AgentReport::Exited { process, how });
    }

    fn copy(&self, process: ProcessId, stream: Stream, mut from: impl Read) {
        let mut buffer = vec![0; 65536];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(len) => self.reporter.report(&AgentReport::Output {
                    process,
                    stream,
                    data: Bytes(buffer[..len].to_vec()),
                }),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// The stdin of a process; `ESRCH` if it has ended.
    fn stdin(
        &self,
        process: ProcessId,
        call: &str,
    ) -> Result<Arc<Mutex<Option<ChildStdin>>>, Refusal> {
        let running = self.running();
        let found = running
            .get(&process)
            .ok_or(Refusal::new(call, Errno::ESRCH))?;
        Ok(found.stdin.clone())
    }

    pub(crate) fn write(&self, process: ProcessId, data: &[u8]) -> CallResult {
        let stdin = self.stdin(process, "write")?;
        let mut stdin = stdin.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = stdin.as_mut().ok_or(Refusal::new("write", Errno::EBADF))?;
        pipe.write_all(data)
            .and_then(|()| pipe.flush())
            .map(|()| Answer::Done)
            .map_err(|error| Refusal::io("write", &error))
    }

    pub(crate) fn close_stdin(&self, process: ProcessId) -> CallResult {
        let stdin = self.stdin(process, "close")?;
        *stdin.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(Answer::Done)
    }

    pub(crate) fn signal(&self, process: ProcessId, signal: i32) -> CallResult {
        let signal = Signal::try_from(signal).map_err(|errno| Refusal::new("kill", errno))?;
        let pid = {
            let running = self.running();
            let found = running
                .get(&process)
                .ok_or(Refusal::new("kill", Errno::ESRCH))?;
            killpg(found.pid, signal).map_err(|errno| Refusal::new("kill", errno))?;
            found.pid
        };
        if signal == Signal::SIGSTOP {
            // On another processor it continues until it takes the signal. A later wait for its end
            // must still find it.
            let states = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            match waitid(Id::Pid(pid), states) {
                Ok(_) | Err(Errno::ECHILD) => {}
                Err(errno) => return Err(Refusal::new("waitid", errno)),
            }
        }
        Ok(Answer::Done)
    }
}
