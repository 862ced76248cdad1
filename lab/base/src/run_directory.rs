// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories that belong to one run each, for a machine or a sandbox. The next run removes those
//! that a killed run left behind.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{Error, Result, paths};

/// A directory below `build/run/`, locked while it is in use, and removed with this value.
///
/// A lock instead of a process id, because a container with the same checkout has other process
/// ids, and a cluster has several hosts.
#[derive(Debug)]
pub struct RunDirectory {
    // Dropped first, so the directory is removed before it is unlocked.
    directory: tempfile::TempDir,
    _directory_lock: File,
    _lock: LockFile,
}

/// A lock beside the directory: NFS locks files on all hosts, but directories on one host only.
#[derive(Debug)]
struct LockFile {
    path: PathBuf,
    _file: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // The next run removes it otherwise.
        let _ = fs::remove_file(&self.path);
    }
}

impl RunDirectory {
    /// Create one in `runs`. Directories that no process has locked are removed first.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(runs: &Path) -> Result<Self> {
        let _one_at_a_time = remove_unused(runs)?;
        let make = || {
            let directory = tempfile::Builder::new().prefix("run-").tempdir_in(runs)?;
            let directory_lock = File::open(directory.path())?;
            directory_lock.lock()?;
            let path = lock_of(directory.path());
            let file = open(&path, true)?;
            file.lock()?;
            Ok(RunDirectory {
                directory,
                _directory_lock: directory_lock,
                _lock: LockFile { path, _file: file },
            })
        };
        make().map_err(Error::io(format!(
            "creating a directory in {}",
            runs.display()
        )))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Remove the directories that killed runs left behind.
///
/// # Errors
/// [`Error::Io`].
pub fn sweep(runs: &Path) -> Result<()> {
    remove_unused(runs).map(drop)
}

/// Remove the directories that no process has locked. While the returned lock is held, no run makes
/// another: it may have created one and not locked it yet.
fn remove_unused(runs: &Path) -> Result<File> {
    let one_at_a_time = paths::lock(&runs.join(".lock"))?;
    let is_free = |held: std::io::Result<File>| match held {
        Ok(held) => held.try_lock().is_ok(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        // A directory, or its lock.
        let directory = entry.path().with_extension("");
        let lock = lock_of(&directory);
        let is_run = entry.file_name().as_encoded_bytes().starts_with(b"run-");
        if is_run && is_free(File::open(&directory)) && is_free(open(&lock, false)) {
            let _ = fs::remove_dir_all(directory);
            let _ = fs::remove_file(lock);
        }
    }
    Ok(one_at_a_time)
}

/// The lock of a directory.
fn lock_of(directory: &Path) -> PathBuf {
    directory.with_extension("lock")
}

/// NFS wants to write what is locked.
fn open(lock: &Path, create: bool) -> std::io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create_new(create)
        .open(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_uses_is_removed() {
        let runs = tempfile::tempdir().unwrap();
        let left = runs.path().join("run-left");
        fs::create_dir(&left).unwrap();
        let first = RunDirectory::new(runs.path()).unwrap();
        assert!(!left.exists());
        let second = RunDirectory::new(runs.path()).unwrap();
        assert!(first.path().exists());
        drop(second);
        drop(first);
        let left = fs::read_dir(runs.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [".lock"]);
    }
}
