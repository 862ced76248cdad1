// SPDX-License-Identifier: MIT OR Apache-2.0
//! The root directory that a machine boots from: busybox, the agent, and no file of the host's
//! system.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use lab_base::{
    Error, Result, environment, output_of,
    paths::{self, Paths},
};

/// Busybox from the distribution's package busybox-static.
const BUSYBOX: &str = "/bin/busybox";

/// Mount points for any init and for the agent.
pub const DIRECTORIES: [&str; 12] = [
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
pub const FILES: [(&str, &str); 3] = [
    ("etc/fstab", ""),
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nstudent:x:1000:1000:student:/:/bin/sh\n",
    ),
    ("etc/group", "root:x:0:\nstudent:x:1000:\n"),
];

/// Create or update the tree `build/roots/NAME` and return its path.
///
/// `extra` are files for its `/lab`, by host path. They are for `make shell`, where no agent copies
/// files into the guest.
///
/// # Errors
/// [`Error::Missing`] without busybox; [`Error::Io`], for example if the disk is full.
pub fn build(paths: &Paths, name: &str, agent: &Path, extra: &[PathBuf]) -> Result<PathBuf> {
    let (root, _lock) = place(paths, name)?;
    for directory in DIRECTORIES.iter().chain(&["bin", "etc"]) {
        create(&root.join(directory), &root)?;
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
        // In `PATH`, so that people can call programs by name.
        if file.extension().is_none() {
            link(Path::new("/lab").join(name), &root.join("bin").join(name))?;
        }
    }
    Ok(root)
}

/// The place of a tree that a guest sees, for one run at a time. QEMU may run as another user.
/// All users may read the tree, but only its owner can reach it by path. A process with a
/// descriptor of the tree can reach nothing outside of it.
fn place(paths: &Paths, name: &str) -> Result<(PathBuf, File)> {
    let trees = paths.build.join("roots");
    let lock = paths::lock(&paths.build.join(format!("{name}.lock")))?;
    paths::create_dir(&trees)?;
    set_mode(&trees, 0o700)?;
    let root = trees.join(name);
    create(&root, &root)?;
    Ok((root, lock))
}

/// Create or update a copy of the directory `from` for guests, and return its path.
///
/// # Errors
/// [`Error::Io`], for example if the disk is full.
pub fn share(paths: &Paths, name: &str, from: &Path) -> Result<PathBuf> {
    let (root, _lock) = place(paths, name)?;
    copy_tree(from, &root, &root)?;
    Ok(root)
}

fn copy_tree(from: &Path, to: &Path, root: &Path) -> Result<()> {
    create(to, root)?;
    let what = || Error::io(format!("reading {}", from.display()));
    for entry in fs::read_dir(from).map_err(what())? {
        let entry = entry.map_err(what())?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_tree(&path, &to, root)?;
        } else {
            copy(&path, &to)?;
        }
    }
    Ok(())
}

/// Create a directory of the tree `root` that all users can read, whatever the umask.
fn create(directory: &Path, root: &Path) -> Result<()> {
    paths::create_dir(directory)?;
    for path in directory
        .ancestors()
        .take_while(|path| path.starts_with(root))
    {
        set_mode(path, 0o755)?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o7777 == mode) {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Error::io(format!(
        "changing the mode of {}",
        path.display()
    )))
}

/// Contents of busybox.
///
/// # Errors
/// [`Error::Missing`].
pub fn read_busybox() -> Result<Vec<u8>> {
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

/// A symbolic link, unless a file of that name exists.
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
