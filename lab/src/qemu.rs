// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's command line, where virtme-ng does not write it, and QEMU's life.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use lab_agent::PORT_NAME;
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::{
        prctl,
        signal::{SigSet, Signal},
    },
};

use crate::{
    Error, Result, environment,
    kernels::{self, Kernel},
};

const PROGRAM: &str = "qemu-system-x86_64";

/// What is to be started.
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<String>,
    /// The directory that it is started in, where its command names files of its own.
    pub directory: Option<PathBuf>,
    /// Its end of a connection for a [`crate::monitor::Monitor`].
    pub monitor: Option<OwnedFd>,
}

/// What becomes of the memory of a machine that is started without virtme-ng.
#[derive(Clone, Copy, Debug)]
pub enum Memory<'a> {
    /// It boots this kernel, and its memory is the file [`RAM`], written as it goes.
    Boot(&'a Kernel),
    /// It goes on from the state in [`RAM`] and [`DEVICES`]; neither is changed.
    Restore,
}

/// File with the memory of a saved machine.
pub const RAM: &str = "ram";
/// File with everything else of a saved machine.
pub const DEVICES: &str = "devices";
/// File with the initramfs of a machine that is to be saved.
pub const INITRAMFS: &str = "initramfs";

/// A QEMU process; it is killed when this is dropped, and by the kernel when the thread that
/// started it ends, however this program ends.
pub struct Qemu {
    pid: u32,
    child: Arc<Mutex<Child>>,
}

/// What tells one installed QEMU from another: path, size and time of modification. Asking it
/// for its version takes longer than restoring a machine.
///
/// # Errors
/// [`Error::Missing`] if QEMU is not installed.
pub fn fingerprint() -> Result<String> {
    use std::os::unix::fs::MetadataExt;
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(PROGRAM))
        .find_map(|file| {
            let meta = file.metadata().ok()?;
            Some(format!(
                "{} {} {}.{}",
                file.display(),
                meta.len(),
                meta.mtime(),
                meta.mtime_nsec()
            ))
        })
        .ok_or_else(|| Error::Missing {
            what: format!("{PROGRAM} is not installed"),
            mend: "lab/setup.sh".into(),
        })
}

/// The command for a machine that can be saved, or that goes on from where one was saved: nothing
/// of the host's is mounted in it. `memory_mib` must be the same in both cases. Files are named
/// relative to the directory of the state.
pub fn direct_command(memory: Memory<'_>, memory_mib: u64, kvm: bool) -> Vec<String> {
    let (cpu, accelerator) = if kvm { ("host", "kvm") } else { ("max", "tcg") };
    let (share, rest) = match memory {
        Memory::Boot(kernel) => {
            let options = kernel.options().join(" ");
            let image = kernel.image.display().to_string();
            let append = format!("console=ttyS0 panic=-1 {options}");
            let rest =
                ["-kernel", &image, "-initrd", INITRAMFS, "-append", &append].map(Into::into);
            ("on", rest.to_vec())
        }
        Memory::Restore => ("off", ["-incoming", "defer"].map(Into::into).to_vec()),
    };
    let mut command: Vec<String> = [
        PROGRAM,
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-machine",
        "q35,memory-backend=ram",
        "-accel",
        accelerator,
        "-cpu",
        cpu,
        "-smp",
        kernels::CPUS,
        "-m",
        &format!("{memory_mib}M"),
        "-object",
        // Private: what a restored machine writes is its own, and the file stays as it is.
        &format!("memory-backend-file,id=ram,size={memory_mib}M,mem-path={RAM},share={share}"),
        "-chardev",
        "file,id=console,path=/proc/self/fd/2",
        "-serial",
        "chardev:console",
    ]
    .map(Into::into)
    .to_vec();
    command.extend(rest);
    command
}

impl Qemu {
    /// Start QEMU with `agent` as the host's end of the agent's port. What QEMU and the
    /// guest's console say is written to the file `console` and passed to `on_console`, and
    /// `on_end` is called when QEMU has ended, with
    /// the reason and whether it was killed.
    ///
    /// # Errors
    /// [`Error::Io`] if QEMU or a thread cannot be started.
    pub fn start(
        launch: Launch,
        agent: OwnedFd,
        console: &Path,
        mut on_console: impl FnMut(&[u8]) + Send + 'static,
        on_end: impl FnOnce(String, bool) + Send + 'static,
    ) -> Result<Self> {
        let mut qemu = build(&launch, &agent)?;
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
                drop((qemu, agent, launch.monitor));
                let stderr = child.stderr.take();
                let pid = child.id();
                let child = Arc::new(Mutex::new(child));
                let _ = started.send(Ok((pid, child.clone())));
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
        let (pid, child) = is_started
            .recv()
            .map_err(|_| Error::Unexpected("the thread that starts QEMU has ended".into()))?
            .map_err(Error::io("starting QEMU"))?;
        Ok(Qemu { pid, child })
    }
}

impl Qemu {
    /// Of the process.
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Does nothing if it has been waited for. If it has not, the thread does that.
        let _ = child.kill();
    }
}

fn build(launch: &Launch, agent: &OwnedFd) -> Result<Command> {
    let [program, arguments @ ..] = &launch.command[..] else {
        return Err(Error::Unexpected(
            "virtme-ng shows an empty QEMU command".into(),
        ));
    };
    let mut qemu = environment::command(program);
    let port = format!("virtserialport,chardev=lab.agent,name={PORT_NAME}");
    let socket = |id: &str, fd: &OwnedFd| format!("socket,id={id},fd={}", fd.as_raw_fd());
    qemu.args(arguments)
        .args(["-chardev", &socket("lab.agent", agent)])
        .args(["-device", "virtio-serial-pci", "-device", &port])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(directory) = &launch.directory {
        qemu.current_dir(directory);
    }
    let mut inherited = vec![agent.as_raw_fd()];
    if let Some(monitor) = &launch.monitor {
        qemu.args(["-chardev", &socket("lab.monitor", monitor)])
            .args(["-mon", "chardev=lab.monitor,mode=control"]);
        inherited.push(monitor.as_raw_fd());
    }
    // QEMU takes these for a wish to end, and ends with status 0, as it does when the guest has
    // reset itself. Only a signal that kills it can be told from what the guest does.
    let polite = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
    // SAFETY: prctl, sigprocmask and fcntl are async-signal-safe, and the descriptors are open in
    // the child, because agent and launch outlive the call to spawn.
    unsafe {
        qemu.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            polite.thread_block()?;
            for &fd in &inherited {
                let fd = std::os::fd::BorrowedFd::borrow_raw(fd);
                fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
            }
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
    let error = environment::command(&command[0]).args(&command[1..]).exec();
    Error::io(format!("starting {}", command[0]))(error)
}
