// SPDX-License-Identifier: MIT OR Apache-2.0
//! The root directory that a machine boots from: busybox, the agent, and nothing of the host's.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{
    Error, Result, environment,
    error::output_of,
    paths::{self, Paths},
};

/// Busybox of the distribution's package busybox-static.
const BUSYBOX: &str = "/bin/busybox";

/// Mount points, for whatever init there is and for the agent.
pub(crate) const DIRECTORIES: [&str; 12] = [
    "dev",
    "home",
    "lab",
    "lib/modules",
    "mnt",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "usr",
    "var",
];

/// Files in `etc`, by path.
pub(crate) const FILES: [(&str, &str); 3] = [
    ("etc/fstab", ""),
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nstudent:x:1000:1000:student:/:/bin/sh\n",
    ),
    ("etc/group", "root:x:0:\nstudent:x:1000:\n"),
];

/// Make the tree `build/NAME`, or bring it up to date, and return its path.
///
/// `extra` are files for its `/lab`, by host path; with them the tree serves `make shell`, where
/// no agent is there to bring them.
///
/// # Errors
/// [`Error::Missing`] without busybox; [`Error::Io`], among them a full disk.
pub fn build(paths: &Paths, name: &str, agent: &Path, extra: &[PathBuf]) -> Result<PathBuf> {
    let root = paths.build.join(name);
    let _lock = paths::lock(&paths.build.join(format!("{name}.lock")))?;
    for directory in DIRECTORIES {
        paths::create_dir(&root.join(directory))?;
    }
    for (name, contents) in FILES {
        paths::write_if_changed(&root.join(name), contents.as_bytes(), 0o644)?;
    }
    busybox(&root.join("bin"))?;
    // The tree is read-only in the guest; /dev/shm is a tmpfs.
    link("dev/shm", &root.join("tmp"))?;
    copy(agent, &root.join("bin/lab-agent"))?;
    for file in extra {
        let Some(name) = file.file_name() else {
            continue;
        };
        copy(file, &root.join("lab").join(name))?;
        // Programs can be called by their name.
        if file.extension().is_none() {
            link(Path::new("/lab").join(name), &root.join("bin").join(name))?;
        }
    }
    Ok(root)
}

/// Busybox, the whole program.
///
/// # Errors
/// [`Error::Missing`].
pub(crate) fn read_busybox() -> Result<Vec<u8>> {
    fs::read(BUSYBOX).map_err(|_| Error::Missing {
        what: format!("expected busybox in {BUSYBOX}"),
        mend: "lab/setup.sh".into(),
    })
}

/// Busybox and a link for each of its applets.
fn busybox(bin: &Path) -> Result<()> {
    paths::write_if_changed(&bin.join("busybox"), &read_busybox()?, 0o755)?;
    let stamp = bin.join(".applets");
    let applets = output_of(
        "asking busybox for its applets",
        environment::command(BUSYBOX).arg("--list"),
    )?;
    if fs::read(&stamp).is_ok_and(|old| old == applets.as_bytes()) {
        return Ok(());
    }
    for applet in applets.lines().filter(|applet| *applet != "busybox") {
        link("busybox", &bin.join(applet))?;
    }
    paths::write_if_changed(&stamp, applets.as_bytes(), 0o644)
}

/// A symbolic link, unless something of that name is there already.
fn link(to: impl AsRef<Path>, at: &Path) -> Result<()> {
    if at.symlink_metadata().is_ok() {
        return Ok(());
    }
    symlink(to, at).map_err(Error::io(format!("linking {}", at.display())))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let contents = fs::read(from).map_err(Error::io(format!("reading {}", from.display())))?;
    paths::write_if_changed(to, &contents, 0o755)
}
