// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out one command in a sandbox, within its limits.

use std::{
    ffi::CStr,
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd},
        unix::process::CommandExt,
    },
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lab_base::{Error, Result};
use lab_machine::confine::keep_only;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl, open},
    mount::{MsFlags, mount},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, setns, unshare},
    sys::{
        resource::{Resource, setrlimit},
        stat::{FileStat, Mode, fstat, stat},
    },
    unistd::{chdir, chroot, fchdir},
};

use super::{Sandbox, SandboxOutput};
use crate::{build_time::BuildTime, disk::bytes_in, namespaces};

/// Address space of each process, in bytes: rustc maps 2 GiB.
const MEMORY_MAX: u64 = 6 << 30;
/// Longest file, in bytes; static programs with debug information have 20 MiB.
const FILE_MAX: u64 = 128 << 20;
/// Bytes of the private directory; with the dependencies of our crates it has 200 MiB. It is not a
/// file system of its own: an ordinary user cannot mount one that the host can read.
const DIRECTORY_MAX: u64 = 1 << 30;
/// How often that is looked at, while nothing is said.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of the output of a command that are kept.
const SAID_MAX: usize = 256 << 10;

impl Sandbox {
    /// Run a command inside, in the private directory. Of its environment, only what the command
    /// sets itself is passed on. It and all that it has started have ended when this returns.
    ///
    /// # Errors
    /// [`Error::Missing`] without bubblewrap, [`Error::Tool`] if bubblewrap fails, [`Error::Io`];
    /// [`Error::Interrupted`] if the user has ended it.
    pub fn run(&self, command: &Command, limit: Duration) -> Result<SandboxOutput> {
        let (mut output, input) = io::pipe().map_err(Error::io("making a pipe"))?;
        let again = input.try_clone().map_err(Error::io("making a pipe"))?;
        let (mut status_report, status_end) = io::pipe().map_err(Error::io("making a pipe"))?;
        let mut bwrap = self.command(command);
        let filter = self.contained.then(namespaces::filter).transpose()?;
        if let Some(filter) = &filter {
            bwrap.args(["--seccomp", &filter.as_raw_fd().to_string()]);
        }
        bwrap.args(["--json-status-fd", &status_end.as_raw_fd().to_string()]);
        bwrap
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args());
        bwrap.stdin(Stdio::null()).stdout(input).stderr(again);
        let mut inherited = vec![status_end.as_raw_fd()];
        inherited.extend(filter.as_ref().map(AsRawFd::as_raw_fd));
        // SAFETY: system calls only, which are async-signal-safe. The descriptors are open until
        // the command has been started.
        unsafe {
            bwrap.pre_exec(move || {
                leave_chroot()?;
                // The first process of the sandbox keeps all descriptors that bubblewrap inherits.
                keep_only(&inherited)?;
                setrlimit(Resource::RLIMIT_AS, MEMORY_MAX, MEMORY_MAX)?;
                setrlimit(Resource::RLIMIT_FSIZE, FILE_MAX, FILE_MAX)?;
                setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
                Ok(())
            });
        }
        let mut child = bwrap.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing {
                what: "bubblewrap is not installed; submissions are built in its sandbox only"
                    .into(),
                mend: "lab/setup.sh".into(),
            },
            _ => Error::io("starting bubblewrap")(error),
        })?;
        // It has our ends of the pipes; the end of its output is the end of all in it.
        drop((bwrap, status_end, filter));
        let result = self.listen(&mut output, Instant::now() + limit);
        if !matches!(result, Ok((_, End::Itself))) {
            // Its first process ends all others in its namespace.
            let _ = child.kill();
        }
        let status = child.wait().map_err(Error::io("waiting for bubblewrap"))?;
        let (said, end) = result.map_err(Error::io("reading what bubblewrap says"))?;
        let said = String::from_utf8_lossy(&said).into_owned();
        if end == End::Interrupted {
            return Err(Error::Interrupted);
        }
        // A compiler can print anything that bubblewrap prints, so its words do not count.
        let has_run = command_has_run(&mut status_report)
            .map_err(Error::io("reading the status of bubblewrap"))?;
        if end == End::Itself && !status.success() && !has_run {
            return Err(Error::Tool {
                what: "making a sandbox".into(),
                status: status.to_string(),
                output: said,
            });
        }
        Ok(SandboxOutput {
            success: status.success() && end == End::Itself,
            late: end == End::Late,
            large: end == End::Large,
            said,
        })
    }

    /// Read to the end, or until there is a reason to end it. Keeps the beginning.
    fn listen(&self, output: &mut io::PipeReader, end: Instant) -> io::Result<(Vec<u8>, End)> {
        let mut said = Vec::new();
        let mut buffer = [0; 16384];
        let mut look = Instant::now() + LOOK;
        loop {
            let now = Instant::now();
            if self.time.as_ref().is_some_and(BuildTime::is_interrupted) {
                return Ok((said, End::Interrupted));
            }
            let end = match &self.time {
                Some(time) => end.min(time.end()),
                None => end,
            };
            if now >= end {
                return Ok((said, End::Late));
            }
            if now >= look {
                if bytes_in(self.path()) > DIRECTORY_MAX {
                    return Ok((said, End::Large));
                }
                look = now + LOOK;
            }
            let left = end.min(look).saturating_duration_since(now);
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, left) {
                Ok(0) | Err(nix::Error::EINTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            let len = output.read(&mut buffer)?;
            if len == 0 {
                return Ok((said, End::Itself));
            }
            let room = SAID_MAX - said.len();
            said.extend_from_slice(&buffer[..len.min(room)]);
        }
    }
}

/// Whether the command was started, by what bubblewrap has reported: it reports an exit code only
/// of a command that it has executed (bwrap(1), `--json-status-fd`).
fn command_has_run(report: &mut io::PipeReader) -> io::Result<bool> {
    // All writers have ended or are about to end, and the latter must not keep us waiting.
    fcntl(&*report, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut said = Vec::new();
    match report.read_to_end(&mut said) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
        _ => {}
    }
    let values = serde_json::Deserializer::from_slice(&said).into_iter::<serde_json::Value>();
    Ok(values
        .filter_map(std::result::Result::ok)
        .any(|value| value.get("exit-code").is_some()))
}

/// In a chroot the kernel makes no user namespace (`current_chrooted()`, user_namespaces(7)). So make
/// a mount namespace whose root is the root of this process. This needs privileges; without them
/// nothing is changed.
fn leave_chroot() -> nix::Result<()> {
    if unshare(CloneFlags::CLONE_NEWNS) == Err(Errno::EPERM) {
        return Ok(());
    }
    let ours = open(c"/", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let namespace = open(
        c"/proc/self/ns/mnt",
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?;
    // After setns(2) the process is at the root of the namespace.
    setns(namespace, CloneFlags::CLONE_NEWNS)?;
    let of = |stat: FileStat| (stat.st_dev, stat.st_ino);
    if of(fstat(&ours)?) == of(stat(c"/")?) {
        return Ok(());
    }
    let (none, private) = (None::<&CStr>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
    mount(none, c"/", none, private, none)?;
    fchdir(ours)?;
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(c"."), c"/", none, bind, none)?;
    // Up from the root, to the mount on it.
    chroot(c"/..")?;
    chdir(c"/")
}

/// Why listening has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Itself,
    Late,
    Large,
    Interrupted,
}
