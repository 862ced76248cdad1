// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where compilers meet code that nobody has vouched for. The only file that knows bubblewrap's
//! command line.
//!
//! Inside there are the system's programs and libraries, what is named explicitly, and one private
//! directory, [`INSIDE`], the only one that can be written to besides an empty `/tmp`. There are no
//! home directories, no configuration, no other processes and no network.
//!
//! In a container the command lines of other processes can be seen, see [`Sandbox::show_processes`].

use std::{
    ffi::{CStr, OsStr},
    fs,
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd},
        unix::process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lab_base::{Error, Result, environment, run_directory::RunDirectory};
use lab_machine::Site;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open},
    mount::{MsFlags, mount},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, setns, unshare},
    sys::{
        resource::{Resource, setrlimit},
        stat::{FileStat, Mode, fstat, stat},
    },
    unistd::{chdir, chroot, fchdir},
};

use crate::{disk::bytes_in, namespaces};

/// Where the private directory is inside.
pub const INSIDE: &str = "/w";
/// Where the debug information of a module says that the submission's files are.
pub const MODULE_SOURCES: &str = "/w/module/src";
/// The same for a program.
pub const PROGRAM_SOURCES: &str = "/w/src";
/// The lab's headers.
pub const HEADERS: &str = "/w/include";

const PROGRAM: &str = "bwrap";

/// In what it says where a container keeps it from a part of its work.
const CONTAINED: [&str; 2] = ["max_user_namespaces", "set hostname"];

/// How long a command may take. A module takes 5 s, and 30 s on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// Address space of each process, in bytes: rustc maps 2 GiB.
const MEMORY_MAX: u64 = 6 << 30;
/// Longest file, in bytes; static programs with debug information have 20 MiB.
const FILE_MAX: u64 = 128 << 20;
/// All of the private directory, in bytes; with the dependencies of our crates it has 200 MiB. It is
/// no file system of its own: who may be no root cannot limit it otherwise, and must be able to read it.
const DIRECTORY_MAX: u64 = 1 << 30;
/// How often that is looked at, while nothing is said.
const LOOK: Duration = Duration::from_secs(1);
/// Size of the empty `/tmp`, in bytes.
const TMP_MAX: &str = "1073741824";
/// What is kept of what a command says, in bytes.
const SAID_MAX: usize = 256 << 10;

/// A private directory, and what commands in it can see.
#[derive(Debug)]
pub struct Sandbox {
    directory: RunDirectory,
    /// Read-only, at the same place as outside.
    visible: Vec<PathBuf>,
    /// Read-only, at another place: outside, inside.
    shown_at: Vec<(PathBuf, PathBuf)>,
    proc: Proc,
    /// Whether `/proc/sys` is read-only, as in containers. Then bubblewrap cannot keep what is inside
    /// from making user namespaces, and a seccomp filter does. And the container's own filter may
    /// refuse sethostname(2): inside, it is the container's name.
    contained: bool,
}

/// What is at `/proc` inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proc {
    Nothing,
    /// The processes of the sandbox.
    Own,
    /// Those outside. Another user namespace has no access to them (ptrace(2)): their command
    /// lines can be read, their memory, environment and files cannot.
    Outside,
}

/// How a command has ended.
#[derive(Debug)]
pub struct SandboxOutput {
    /// Whether its exit status was 0.
    pub success: bool,
    /// Whether it was ended because its time was up.
    pub late: bool,
    /// Whether it was ended because it filled the private directory.
    pub large: bool,
    /// What it wrote to stdout and stderr, the beginning of it.
    pub said: String,
}

/// A command for [`Sandbox::run`]: of its environment there is only what it is given.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the sandbox states the environment"
    )]
    Command::new(program)
}

impl Sandbox {
    /// An empty one.
    ///
    /// # Errors
    /// [`Error::Missing`] where bubblewrap is not there or cannot work: nothing is ever built
    /// outside.
    pub fn new(site: &Site) -> Result<Self> {
        let mut sandbox = Sandbox {
            directory: site.run_directory()?,
            visible: Vec::new(),
            shown_at: Vec::new(),
            proc: Proc::Nothing,
            contained: false,
        };
        let mut refusal = sandbox.refusal()?;
        let by_container = |said: &str| CONTAINED.iter().any(|part| said.contains(part));
        if refusal.as_deref().is_some_and(by_container) {
            sandbox.contained = true;
            refusal = sandbox.refusal()?;
        }
        match refusal {
            None => Ok(sandbox),
            Some(said) => Err(namespaces::refused(&said)),
        }
    }

    /// What bubblewrap has to say, if it cannot make this sandbox.
    fn refusal(&self) -> Result<Option<String>> {
        match self.run(&command("true"), PATIENCE) {
            Ok(SandboxOutput { success: true, .. }) => Ok(None),
            Ok(SandboxOutput { said, .. }) | Err(Error::Tool { output: said, .. }) => {
                Ok(Some(said))
            }
            Err(error) => Err(error),
        }
    }

    /// Let commands read a file or directory, at the same place as outside.
    pub fn show(&mut self, path: impl Into<PathBuf>) {
        self.visible.push(path.into());
    }

    /// Let commands read a file or directory, at another place.
    pub fn show_at(&mut self, outside: impl Into<PathBuf>, inside: impl Into<PathBuf>) {
        self.shown_at.push((outside.into(), inside.into()));
    }

    /// Give commands a `/proc` that cannot be written to. It has the processes of the sandbox, or
    /// those outside where the kernel refuses a new one: containers cover parts of theirs, and a
    /// new one would show them.
    ///
    /// # Errors
    /// As [`Sandbox::run`].
    pub fn show_processes(&mut self) -> Result<()> {
        self.proc = Proc::Own;
        if self
            .refusal()?
            .is_some_and(|said| said.contains("mount proc"))
        {
            self.proc = Proc::Outside;
        }
        Ok(())
    }

    /// The private directory as the host sees it.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Write a file into the private directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &str, contents: &[u8]) -> Result<()> {
        let file = self.path().join(path);
        let write = || {
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&file, contents)
        };
        write().map_err(Error::io(format!("writing {}", file.display())))
    }

    /// Run a command inside, in the private directory. Of its environment, only what the command
    /// sets itself is passed on. It and all that it has started have ended when this returns.
    ///
    /// # Errors
    /// [`Error::Missing`] without bubblewrap, [`Error::Tool`] if bubblewrap fails, [`Error::Io`].
    pub fn run(&self, command: &Command, limit: Duration) -> Result<SandboxOutput> {
        let (mut output, input) = io::pipe().map_err(Error::io("making a pipe"))?;
        let again = input.try_clone().map_err(Error::io("making a pipe"))?;
        let mut bwrap = self.command(command);
        let filter = self.contained.then(namespaces::filter).transpose()?;
        if let Some(filter) = &filter {
            bwrap.args(["--seccomp", &filter.as_raw_fd().to_string()]);
        }
        bwrap
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args());
        bwrap.stdin(Stdio::null()).stdout(input).stderr(again);
        // SAFETY: system calls only, which are async-signal-safe.
        unsafe {
            bwrap.pre_exec(move || {
                leave_chroot()?;
                if let Some(filter) = &filter {
                    // It is for this child only.
                    fcntl(filter, FcntlArg::F_SETFD(FdFlag::empty()))?;
                }
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
        // It has our ends of the pipe; the end of its output is the end of all in it.
        drop(bwrap);
        let result = self.listen(&mut output, Instant::now() + limit);
        if !matches!(result, Ok((_, End::Itself))) {
            // Its first process ends all others in its namespace.
            let _ = child.kill();
        }
        let status = child.wait().map_err(Error::io("waiting for bubblewrap"))?;
        let (said, end) = result.map_err(Error::io("reading what bubblewrap says"))?;
        let said = String::from_utf8_lossy(&said).into_owned();
        // No compiler begins like this: all files have names of ours in front of theirs.
        if !status.success() && said.starts_with("bwrap: ") {
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

    fn command(&self, inner: &Command) -> Command {
        let mut bwrap = environment::command(PROGRAM);
        // Inside, its environment can be read in /proc.
        bwrap
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // Nothing is shared but what is named below; it ends with us. Without a namespace of users
        // there is no sandbox.
        bwrap.args(["--unshare-all", "--unshare-user"]);
        if !self.contained {
            bwrap.args(["--disable-userns", "--hostname", "sandbox"]);
        }
        bwrap
            .args(["--die-with-parent", "--new-session"])
            .args(["--cap-drop", "ALL", "--clearenv"])
            .args(["--ro-bind", "/usr", "/usr"]);
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            let path = format!("/{name}");
            match fs::read_link(&path) {
                // As the distribution has it: all of them are in /usr.
                Ok(target) => bwrap.arg("--symlink").arg(target).arg(&path),
                Err(_) => bwrap.args(["--ro-bind-try", &path, &path]),
            };
        }
        for path in ["/etc/alternatives", "/etc/ld.so.cache"] {
            bwrap.args(["--ro-bind-try", path, path]);
        }
        // Read-only: the kernel takes the sandbox's root for the host's where files of /proc are
        // concerned, and core_pattern is one of them.
        match self.proc {
            Proc::Nothing => &mut bwrap,
            Proc::Own => bwrap.args(["--proc", "/proc", "--remount-ro", "/proc"]),
            Proc::Outside => bwrap.args(["--ro-bind", "/proc", "/proc"]),
        };
        bwrap
            .args(["--dev", "/dev"])
            .args(["--size", TMP_MAX, "--tmpfs", "/tmp"]);
        for path in &self.visible {
            bwrap.arg("--ro-bind").args([path, path]);
        }
        for (outside, inside) in &self.shown_at {
            bwrap.arg("--ro-bind").args([outside, inside]);
        }
        bwrap
            .arg("--bind")
            .args([self.path(), Path::new(INSIDE)])
            .args(["--chdir", INSIDE, "--remount-ro", "/"])
            .args(["--remount-ro", "/dev"])
            .args(["--setenv", "PATH", "/usr/bin:/bin"])
            .args(["--setenv", "LC_ALL", "C", "--setenv", "TMPDIR", "/tmp"]);
        for (name, value) in inner.get_envs() {
            if let Some(value) = value {
                bwrap.arg("--setenv").args([name, value]);
            }
        }
        bwrap
    }
}

/// In a chroot there is no namespace of users to be had (`current_chrooted()`, user_namespaces(7)):
/// have a namespace of mounts whose root is what is the root here. Needs privileges; without them
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
    // Who joins a namespace is at its root.
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
    // Up from the root: what is mounted on it.
    chroot(c"/..")?;
    chdir(c"/")
}

/// Why nobody listens any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Itself,
    Late,
    Large,
}
