// SPDX-License-Identifier: MIT OR Apache-2.0
//! virtme-ng's command line; no other file knows it.
//!
//! The lab asks virtme-ng for its QEMU command (`--dry-run --show-command`) and starts this command
//! directly. If virtme-ng ran it, QEMU would be the grandchild of a shell and two Python processes.
//! Then the kernel could not end QEMU together with the lab.

use std::{
    fs::File,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
};

use lab_base::{Error, Result, environment, output_of, paths::Paths};
use lab_build::{
    kernels::{self, Kernel},
    root,
};

use crate::{memory, qemu::Launch};

/// `virtme-ng==VERSION`, as pip reads it.
const REQUIREMENT: &str = include_str!("../../requirements.txt");

/// The program of a machine after boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// The agent; the console goes to stderr.
    Agent,
    /// The same, with more memory, and without the recording of allocations.
    Measured,
    /// A shell on the terminal.
    Shell,
}

/// virtme-ng of the distribution, which `lab/setup.sh` uses if it is new enough.
const OF_SYSTEM: &str = "/usr/bin/virtme-run";

/// Path of virtme-ng: installed by `lab/setup.sh`, or else by the distribution.
pub fn program(paths: &Paths) -> PathBuf {
    let name = REQUIREMENT.trim().replace("==", "-");
    let own = paths.cache.join(name).join("bin/virtme-run");
    if own.exists() { own } else { OF_SYSTEM.into() }
}

/// Run `true` in a machine as virtme-ng itself does, with the host's root. This is for comparison
/// only; no code under test runs like this. On a host without udev, virtme-ng does not find its
/// ports and ends with 255, although `true` has run.
///
/// # Errors
/// [`Error::Io`] if it cannot be started, [`Error::Tool`] if it ends otherwise.
pub fn run_bare(paths: &Paths, kernel: &Kernel, kvm: bool) -> Result<()> {
    let program = program(paths);
    let mut search = vec![program.with_file_name("")];
    search.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(search)
        .map_err(|error| Error::Unexpected(format!("the search path: {error}")))?;
    let mut vng = environment::command(program.with_file_name("vng"));
    vng.arg("--run")
        .arg(&kernel.image)
        .args(["--force-9p", "--cpus", kernels::CPUS])
        .args(["--memory", &format!("{}M", kernel.which.memory_mib())])
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !kvm {
        vng.arg("--disable-kvm");
    }
    let what = "running true in virtme-ng";
    let status = vng.args(["--", "true"]).status().map_err(Error::io(what))?;
    if matches!(status.code(), Some(0 | 255)) {
        return Ok(());
    }
    Err(Error::Tool {
        what: what.into(),
        status: status.to_string(),
        output: String::new(),
    })
}

/// The QEMU that boots `kernel` on `root`. virtme-ng writes files into `directory`; they are not
/// needed after this call.
///
/// # Errors
/// [`Error::Missing`] if virtme-ng is not set up, [`Error::Tool`] if it refuses.
pub fn qemu_command(
    paths: &Paths,
    kernel: &Kernel,
    root: &Path,
    directory: &Path,
    guest: Guest,
    kvm: bool,
) -> Result<Launch> {
    let program = program(paths);
    if !program.exists() {
        return Err(Error::Missing {
            what: "virtme-ng is not set up".into(),
            mend: "lab/setup.sh".into(),
        });
    }
    let memory_mib = match guest {
        Guest::Measured => kernels::MEASURED_MIB,
        Guest::Agent | Guest::Shell => kernel.which.memory_mib(),
    };
    let mut run = environment::command(program);
    run.args(["--dry-run", "--show-command"])
        .args(["--memory", &format!("{memory_mib}M")])
        .args(["--cpus", kernels::CPUS])
        // virtme-ng tries Debian 12's virtiofsd for three seconds and then rejects it.
        .arg("--force-9p")
        .arg("--root")
        .arg(root)
        .arg("--kimg")
        .arg(&kernel.image)
        // virtme-ng leaves its temporary files there.
        .env("TMPDIR", directory)
        // The user's own configuration of virtme-ng must not change the command.
        .env("HOME", directory);
    if kernel.needs_modules {
        run.args(["--mods", "auto", "--save-initramfs"])
            .arg(directory.join("initramfs"));
    } else {
        run.args(["--mods", "none"]);
    }
    if !kvm {
        run.arg("--disable-kvm");
    }
    let options = match guest {
        Guest::Agent => kernel.options(),
        Guest::Measured => kernel.measured_options(),
        Guest::Shell => [&["loglevel=7"], kernels::BUSY_HOST].concat(),
    };
    for option in options {
        run.args(["--kopt", option]);
    }
    if guest != Guest::Shell {
        run.args(["--script-sh", "exec /bin/lab-agent", "--show-boot-console"]);
    }
    let said = output_of("asking virtme-ng for the QEMU command", &mut run)?;
    let mut command = said
        .lines()
        .rev()
        .find(|line| line.contains("-kernel"))
        .and_then(shlex::split)
        .ok_or_else(|| Error::Unexpected(format!("virtme-ng shows no QEMU command:\n{said}")))?;
    let files = open_files(paths, &mut command, root)?;
    Ok(Launch {
        command,
        files,
        monitor: None,
    })
}

/// Open the files that a command names by path, and make it name the descriptors instead. QEMU may
/// not be able to reach the paths.
fn open_files(paths: &Paths, command: &mut [String], root: &Path) -> Result<Vec<OwnedFd>> {
    let mut files = Vec::new();
    for at in 1..command.len() {
        let (before, rest) = command.split_at_mut(at);
        let (option, value) = (before[at - 1].as_str(), &mut rest[0]);
        match option {
            "-kernel" | "-initrd" => {
                let file = memory::load(Path::new(value))
                    .map_err(Error::io(format!("reading {value}")))?;
                *value = memory::path_of(&file);
                files.push(file);
            }
            "-fsdev" => {
                let Some((head, path, tail)) = path_in(value) else {
                    continue;
                };
                // The other directory that a guest sees is virtme-ng's own.
                let shared = if path == root {
                    root.to_owned()
                } else {
                    root::share(paths, "virtme-ng", &path)?
                };
                let what = format!("opening {}", shared.display());
                let directory = OwnedFd::from(File::open(&shared).map_err(Error::io(what))?);
                *value = format!("{head}{}{tail}", memory::path_of(&directory));
                files.push(directory);
            }
            // The guest's exit code, which the lab does not use.
            "-chardev" if value.starts_with("file,id=ret,path=") => {
                *value = "file,id=ret,path=/dev/null".into();
            }
            _ => {}
        }
    }
    Ok(files)
}

/// The path in an option of `-fsdev`, and the texts before and behind it. virtme-ng does not escape
/// commas in it.
fn path_in(option: &str) -> Option<(String, PathBuf, String)> {
    let (head, rest) = option.split_once("path=")?;
    let at = rest.rfind(",security_model=")?;
    let (path, tail) = rest.split_at(at);
    Some((format!("{head}path="), path.into(), tail.into()))
}

#[cfg(test)]
mod tests {
    use super::path_in;

    #[test]
    fn the_path_of_a_share_may_have_commas() {
        let (head, path, tail) =
            path_in("local,id=v3,path=/a,b/path=c,security_model=none,readonly=on").unwrap();
        assert_eq!(head, "local,id=v3,path=");
        assert_eq!(path.to_str(), Some("/a,b/path=c"));
        assert_eq!(tail, ",security_model=none,readonly=on");
        assert!(path_in("local,id=v3").is_none());
    }
}
