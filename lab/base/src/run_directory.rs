// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories that belong to one run each, for a machine or a sandbox. The next run removes those
//! that a killed run left behind.

use std::{
    fs::{self, File},
    path::Path,
};

use crate::{Error, Result, paths};

/// A directory below `build/run/`, locked while it is in use, and removed with this value.
///
/// A lock instead of a process id, because a container with the same checkout has other process
/// ids.
#[derive(Debug)]
pub struct RunDirectory {
    // Dropped first, so the directory is removed before it is unlocked.
    directory: tempfile::TempDir,
    _lock: File,
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
            let lock = File::open(directory.path())?;
            lock.lock()?;
            Ok(RunDirectory {
                directory,
                _lock: lock,
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
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && File::open(&path).is_ok_and(|held| held.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(path);
        }
    }
    Ok(one_at_a_time)
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
        let place = second.path().to_owned();
        drop(second);
        assert!(!place.exists());
    }
}
