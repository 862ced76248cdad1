// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sandbox in which submissions are compiled. The only file that knows bubblewrap's command line.
//!
//! Inside there are the system's programs and libraries, what is named explicitly, and one private
//! directory, [`INSIDE`], the only one that can be written to besides an empty `/tmp`. There are no
//! home directories, no configuration, no other processes and no network.
//!
//! In a container the command lines of other processes can be seen, see [`Sandbox::show_processes`].

mod execute;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use lab_base::{Error, Result, environment, run_directory::RunDirectory};
use lab_machine::Site;

use crate::{build_time::BuildTime, namespaces};

/// Where the private directory is inside.
pub const INSIDE: &str = "/w";
/// Where the debug information of a module says that the submission's files are.
pub const MODULE_SOURCES: &str = "/w/module/src";
/// The same for a program.
pub const PROGRAM_SOURCES: &str = "/w/src";
/// The lab's headers.
pub const HEADERS: &str = "/w/include";

const PROGRAM: &str = "bwrap";

/// Parts of its messages if a container refuses a part of its work.
const CONTAINED: [&str; 2] = ["max_user_namespaces", "set hostname"];

/// How long a command may take. A module takes 5 s, and 30 s on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// Size of the empty `/tmp`, in bytes.
const TMP_MAX: &str = "1073741824";

/// A private directory, and what commands in it can see.
#[derive(Debug)]
pub struct Sandbox {
    directory: RunDirectory,
    /// Read-only, at the same place as outside.
    visible: Vec<PathBuf>,
    /// Read-only, at another place: outside, inside.
    shown_at: Vec<(PathBuf, PathBuf)>,
    proc: Proc,
    /// The time that is left for all commands of a submission; `None` where no submission is built.
    time: Option<BuildTime>,
    /// Whether `/proc/sys` is read-only, as in containers. Then bubblewrap cannot keep what is inside
    /// from making user namespaces, and a seccomp filter does. And the container's own filter may
    /// refuse sethostname(2): inside, it is the container's name.
    contained: bool,
}

/// The contents of `/proc` inside.
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
    /// The beginning of its stdout and stderr.
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
            time: None,
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

    /// The message of bubblewrap, if it cannot make this sandbox.
    fn refusal(&self) -> Result<Option<String>> {
        match self.run(&command("true"), PATIENCE) {
            Ok(SandboxOutput { success: true, .. }) => Ok(None),
            Ok(SandboxOutput { said, .. }) | Err(Error::Tool { output: said, .. }) => {
                Ok(Some(said))
            }
            Err(error) => Err(error),
        }
    }

    /// Count the time of all later commands as the time in which a submission is built.
    pub fn within(mut self, time: &BuildTime) -> Self {
        self.time = Some(time.clone());
        self
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
