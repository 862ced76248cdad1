// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's command line, where virtme-ng does not write it, and the lifetime of QEMU.

use std::{
    fs::{self, File},
    io::{self, PipeReader, Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd, RawFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use lab_agent::PORT_NAME;
use lab_base::{Error, Result, environment};
use lab_build::kernels::{self, Kernel};
use nix::{
    sys::signal::{SigSet, Signal},
    unistd::{Pid, getpid, getppid},
};

use crate::confine::confine;

const PROGRAM: &str = "qemu-system-x86_64";

/// QEMU's own filter for system calls: QEMU can neither start programs nor change its user.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// The name of QEMU's stderr in commands. QEMU opens it again by this name, which only the owner of
/// a pipe or terminal can do.
const STDERR: &str = "path=/proc/self/fd/2";
/// The same as a descriptor that QEMU is given; `append` because a pipe cannot be truncated.
const GIVEN_STDERR: &str = "path=/dev/fdset/2,append=on";

/// A QEMU to be started.
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Files that the command names as `/proc/self/fd/NUMBER`.
    pub files: Vec<OwnedFd>,
    /// QEMU's end of a connection for a [`crate::monitor::Monitor`].
    pub monitor: Option<OwnedFd>,
}

/// The use of the memory file of a machine that is started without virtme-ng. The file is given as
/// a descriptor.
#[derive(Clone, Copy, Debug)]
pub enum GuestMemory<'a> {
    /// The machine boots a kernel and writes to the file.
    Boot {
        /// Gives the kernel's options.
        kernel: &'a Kernel,
        /// Descriptor of the kernel's image.
        image: RawFd,
        /// Descriptor of the initramfs.
        initramfs: RawFd,
    },
    /// The machine continues from the file, and from a state that its monitor loads. The file is
    /// not changed.
    Restore,
}

/// A QEMU process. Dropping this value kills it. The kernel kills it when the thread that started
/// it ends, however this program ends.
pub struct Qemu {
    pid: u32,
    child: Arc<Mutex<Child>>,
}

/// Identity of the installed QEMU: path, size and time of modification. Asking it for its version
/// takes longer than restoring a machine.
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

/// The command for a machine that can be saved, or that continues from a saved state. It mounts
/// nothing of the host. `memory_mib` must be the same in both cases. `ram` is the descriptor of the
/// memory.
pub fn direct_command(
    memory: GuestMemory<'_>,
    ram: RawFd,
    memory_mib: u64,
    kvm: bool,
) -> Vec<String> {
    let (cpu, accelerator) = if kvm { ("host", "kvm") } else { ("max", "tcg") };
    let file = |fd: RawFd| format!("/proc/self/fd/{fd}");
    let (share, rest) = match memory {
        GuestMemory::Boot {
            kernel,
            image,
            initramfs,
        } => {
            let options = kernel.options().join(" ");
            let append = format!("console=ttyS0 panic=-1 {options}");
            let (image, initramfs) = (file(image), file(initramfs));
            let rest = ["-kernel", &image, "-initrd", &initramfs, "-append", &append];
            ("on", rest.map(Into::into).to_vec())
        }
        GuestMemory::Restore => ("off", ["-incoming", "defer"].map(Into::into).to_vec()),
    };
    let ram = file(ram);
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
        // Private: a restored machine writes to its own copy, and the file is not changed.
        &format!("memory-backend-file,id=ram,size={memory_mib}M,mem-path={ram},share={share}"),
        "-chardev",
        &format!("file,id=console,{STDERR}"),
        "-serial",
        "chardev:console",
    ]
    .map(Into::into)
    .to_vec();
    command.extend(rest);
    command
}

impl Qemu {
    /// Start QEMU with `agent` as the host's end of the agent's port. Output of QEMU and of the
    /// guest's console goes to the file `console.log` in `directory` and to `on_console`. `on_end`
    /// is called when QEMU has ended, with the reason and whether it was killed.
    ///
    /// # Errors
    /// [`Error::Io`] if QEMU or a thread cannot be started.
    pub fn start(
        launch: Launch,
        agent: OwnedFd,
        directory: &Path,
        mut on_console: impl FnMut(&[u8]) + Send + 'static,
        on_end: impl FnOnce(String, bool) + Send + 'static,
    ) -> Result<Self> {
        let (mut qemu, mut stderr, given) = build(&launch, &agent, directory)?;
        let console = directory.join("console.log");
        let mut log =
            File::create(&console).map_err(Error::io(format!("creating {}", console.display())))?;
        let (started, is_started) = mpsc::channel();
        // PR_SET_PDEATHSIG sends its signal when the *thread* that started QEMU ends. So QEMU is
        // started by a thread of its own, which lives as long as QEMU.
        thread::Builder::new()
            .name("qemu".into())
            .spawn(move || {
                let child = match qemu.spawn() {
                    Ok(child) => child,
                    Err(error) => {
                        let _ = started.send(Err(error));
                        return;
                    }
                };
                drop((qemu, agent, launch, given));
                let pid = child.id();
                let child = Arc::new(Mutex::new(child));
                let _ = started.send(Ok((pid, child.clone())));
                let mut buffer = vec![0; 65536];
                // Ends when QEMU does, because no other process has the other end.
                while let Ok(len @ 1..) = stderr.read(&mut buffer) {
                    // A full disk must not stop the machine. The console is in memory too.
                    let _ = log.write_all(&buffer[..len]);
                    on_console(&buffer[..len]);
                }
                let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
                match status {
                    Ok(status) => {
                        let killed = status.signal().is_some_and(|signal| !is_own_fault(signal));
                        on_end(format!("QEMU ended ({status})"), killed);
                    }
                    Err(error) => on_end(format!("waiting for QEMU failed: {error}"), true),
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

/// Whether a program gets this signal because of what it does itself. A guest can make QEMU abort.
fn is_own_fault(signal: i32) -> bool {
    use Signal::{
        SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ,
    };
    matches!(
        Signal::try_from(signal),
        Ok(SIGABRT
            | SIGBUS
            | SIGFPE
            | SIGILL
            | SIGPIPE
            | SIGSEGV
            | SIGSYS
            | SIGTRAP
            | SIGXCPU
            | SIGXFSZ)
    )
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
        // kill does nothing if the process has been reaped. If it has not, the thread reaps it.
        let _ = child.kill();
    }
}

/// The command, the lab's end of its stderr, and the descriptor that QEMU is given for it.
fn build(
    launch: &Launch,
    agent: &OwnedFd,
    directory: &Path,
) -> Result<(Command, PipeReader, OwnedFd)> {
    let what = || Error::io("creating a pipe");
    let (ours, theirs) = io::pipe().map_err(what())?;
    let given = theirs.try_clone().map_err(what())?.into();
    let mut named = vec![("lab.agent", agent)];
    named.extend(launch.monitor.as_ref().map(|fd| ("lab.monitor", fd)));
    let mut inherited = Vec::new();
    let mut arguments = Vec::new();
    for (id, fd) in named {
        let socket = format!("socket,id={id},fd={}", fd.as_raw_fd());
        arguments.extend(["-chardev".into(), socket]);
        inherited.push(fd.as_raw_fd());
    }
    if launch.monitor.is_some() {
        arguments.extend(["-mon", "chardev=lab.monitor,mode=control"].map(Into::into));
    }
    let mut qemu = confined(launch, &given, inherited, (getpid(), Signal::SIGKILL))?;
    let port = format!("virtserialport,chardev=lab.agent,name={PORT_NAME}");
    // So that people can tell machines apart.
    let name = directory.file_name().unwrap_or_default();
    qemu.args(arguments)
        .args(["-device", "virtio-serial-pci", "-device", &port])
        .arg("-name")
        .arg(name)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(theirs);
    // At these signals QEMU ends with status 0, as it does when the guest resets itself. Only a
    // fatal signal can be told from an action of the guest.
    let polite = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
    // SAFETY: sigprocmask is async-signal-safe.
    unsafe { qemu.pre_exec(move || Ok(polite.thread_block()?)) };
    Ok((qemu, ours, given))
}

/// The command of `launch` in QEMU's own sandbox, with no more rights and descriptors than it
/// needs. All of `launch`, `stderr` and `inherited` must be open when it is started.
fn confined(
    launch: &Launch,
    stderr: &OwnedFd,
    mut inherited: Vec<RawFd>,
    (owner, signal): (Pid, Signal),
) -> Result<Command> {
    let [program, arguments @ ..] = &launch.command[..] else {
        return Err(Error::Unexpected(
            "virtme-ng shows an empty QEMU command".into(),
        ));
    };
    inherited.extend(launch.files.iter().map(AsRawFd::as_raw_fd));
    inherited.push(stderr.as_raw_fd());
    let mut qemu = environment::command(program);
    qemu.args(["-sandbox", SANDBOX])
        .arg("-add-fd")
        .arg(format!("set=2,fd={}", stderr.as_raw_fd()))
        .args(arguments.iter().map(|text| with_stderr_given(text)));
    // SAFETY: the callers keep all of them open until the command has been started.
    unsafe { confine(&mut qemu, inherited, owner, signal) };
    Ok(qemu)
}

/// Replace this process by QEMU, on the user's terminal.
///
/// # Errors
/// [`Error::Io`] if that fails; it does not return otherwise.
pub fn become_qemu(launch: &Launch) -> Error {
    let what = "opening the terminal";
    // QEMU does not restore the terminal's settings.
    let owner = (getppid(), Signal::SIGTERM);
    let terminal = fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/fd/2")
        .map_err(Error::io(what));
    let confined = terminal.and_then(|terminal| {
        let terminal = terminal.into();
        Ok((confined(launch, &terminal, Vec::new(), owner)?, terminal))
    });
    match confined {
        Ok((mut qemu, _terminal)) => Error::io("starting QEMU")(qemu.exec()),
        Err(error) => error,
    }
}

/// An argument that names stderr by the descriptor that QEMU has been given.
fn with_stderr_given(argument: &str) -> String {
    let parts = argument.split(',').map(|part| match part {
        STDERR => GIVEN_STDERR,
        other => other,
    });
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_descriptor_is_taken_for_stderr() {
        let memory = "memory-backend-file,mem-path=/proc/self/fd/2,share=on";
        for other in [memory, "file,path=/proc/self/fd/23", "a,,b"] {
            assert_eq!(with_stderr_given(other), other);
        }
        assert_eq!(
            with_stderr_given("file,path=/proc/self/fd/2,id=console"),
            format!("file,{GIVEN_STDERR},id=console")
        );
    }
}
