// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's command line, as far as virtme-ng does not write it, and QEMU's life.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use lab_agent::PORT_NAME;
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::{prctl, signal::Signal},
};

use crate::{Error, Result};

/// A QEMU process; it is killed when this is dropped, and by the kernel when the thread that
/// started it ends, however this program ends.
pub struct Qemu {
    child: Arc<Mutex<Child>>,
}

/// QEMU's version, in one line.
///
/// # Errors
/// [`Error::Missing`] if QEMU is not installed.
pub fn version() -> Result<String> {
    let missing = |_| Error::Missing {
        what: "qemu-system-x86_64 is not installed".into(),
        mend: "lab/setup.sh".into(),
    };
    let mut command = Command::new("qemu-system-x86_64");
    let said = crate::error::output_of("asking QEMU its version", command.arg("--version"))
        .map_err(missing)?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

impl Qemu {
    /// Start `command` with `agent` as the host's end of the agent's port. What QEMU and the
    /// guest's console say is written to the file `console` and passed to `on_console`, and
    /// `on_end` is called when QEMU has ended, with
    /// the reason and whether it was killed.
    ///
    /// # Errors
    /// [`Error::Io`] if QEMU or a thread cannot be started.
    pub fn start(
        command: &[String],
        agent: OwnedFd,
        console: &Path,
        mut on_console: impl FnMut(&[u8]) + Send + 'static,
        on_end: impl FnOnce(String, bool) + Send + 'static,
    ) -> Result<Self> {
        let mut qemu = build(command, &agent)?;
        let mut log =
            File::create(console).map_err(Error::io(format!("creating {}", console.display())))?;
        let (started, is_started) = mpsc::channel();
        // The signal of PR_SET_PDEATHSIG comes when the *thread* that started QEMU ends, so it
        // has one of its own, which lives as long as QEMU does.
        thread::Builder::new()
            .name("qemu".into())
            .spawn(move || {
                let mut child = match qemu.spawn() {
                    Ok(child) => child,
                    Err(error) => {
                        let _ = started.send(Err(error));
                        return;
                    }
                };
                drop((qemu, agent));
                let stderr = child.stderr.take();
                let child = Arc::new(Mutex::new(child));
                let _ = started.send(Ok(child.clone()));
                if let Some(mut stderr) = stderr {
                    let mut buffer = vec![0; 65536];
                    // Ends when QEMU does: nobody else has the other end.
                    while let Ok(len @ 1..) = stderr.read(&mut buffer) {
                        // A full disk must not stop the machine; the console is in memory too.
                        let _ = log.write_all(&buffer[..len]);
                        on_console(&buffer[..len]);
                    }
                }
                let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
                match status {
                    Ok(status) => {
                        on_end(format!("QEMU ended ({status})"), status.signal().is_some());
                    }
                    Err(error) => on_end(format!("QEMU was lost: {error}"), true),
                }
            })
            .map_err(Error::io("starting a thread"))?;
        let child = is_started
            .recv()
            .map_err(|_| Error::Unexpected("the thread that starts QEMU has ended".into()))?
            .map_err(Error::io(format!("starting {}", command[0])))?;
        Ok(Qemu { child })
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Does nothing if it has been waited for. If it has not, the thread does that.
        let _ = child.kill();
    }
}

fn build(command: &[String], agent: &OwnedFd) -> Result<Command> {
    let [program, arguments @ ..] = command else {
        return Err(Error::Unexpected(
            "virtme-ng shows an empty QEMU command".into(),
        ));
    };
    let fd = agent.as_raw_fd();
    let mut qemu = Command::new(program);
    qemu.args(arguments)
        .args(["-chardev", &format!("socket,id=lab.agent,fd={fd}")])
        .args(["-device", "virtio-serial-pci"])
        .args([
            "-device",
            &format!("virtserialport,chardev=lab.agent,name={PORT_NAME}"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // SAFETY: prctl, getppid and fcntl are async-signal-safe, and `fd` is open in the child,
    // because `agent` outlives the call to spawn.
    unsafe {
        qemu.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            let inherited = std::os::fd::BorrowedFd::borrow_raw(fd);
            fcntl(inherited, FcntlArg::F_SETFD(FdFlag::empty()))?;
            Ok(())
        });
    }
    Ok(qemu)
}

/// Replace this process by QEMU, on our own terminal.
///
/// # Errors
/// [`Error::Io`] if that fails; it does not return otherwise.
pub fn become_qemu(command: &[String]) -> Error {
    let error = Command::new(&command[0]).args(&command[1..]).exec();
    Error::io(format!("starting {}", command[0]))(error)
}
