// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files of a checkout, and writing those of a starter.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;

use lab_base::{Error, Result, environment, output_of};

/// A file of a starter.
#[derive(Clone, Debug)]
pub struct File {
    /// Relative to its directory.
    pub path: PathBuf,
    /// Its contents.
    pub contents: Vec<u8>,
    mode: u32,
}

impl File {
    /// An ordinary file.
    pub(super) fn new(path: &str, contents: Vec<u8>) -> Self {
        File {
            path: path.into(),
            contents,
            mode: 0o644,
        }
    }

    /// Read a file of a checkout.
    pub(super) fn read(checkout: &Path, path: PathBuf) -> Result<Self> {
        let from = checkout.join(&path);
        let what = || Error::io(format!("reading {}", from.display()));
        let contents = fs::read(&from).map_err(what())?;
        let mode = fs::metadata(&from).map_err(what())?.permissions().mode() & 0o777;
        Ok(File {
            path,
            contents,
            mode,
        })
    }
}

/// The files of a checkout, relative to it: those that git knows. Without git, as in an archive,
/// all files that `.gitignore` does not exclude.
pub(super) fn files_of(checkout: &Path) -> Result<Vec<PathBuf>> {
    if checkout.join(".git").exists() {
        let mut git = environment::command("git");
        git.arg("-C").arg(checkout).args(["ls-files", "-z"]);
        let listed = output_of("asking git which files there are", &mut git)?;
        return Ok(listed.split_terminator('\0').map(PathBuf::from).collect());
    }
    let mut walk = WalkBuilder::new(checkout);
    // Of the checkout only: the user's own ignore files do not count.
    walk.standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .sort_by_file_path(Path::cmp);
    let mut found = Vec::new();
    for entry in walk.build() {
        let entry = entry.map_err(|error| {
            Error::Unexpected(format!("listing {}: {error}", checkout.display()))
        })?;
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if is_file && let Ok(path) = entry.path().strip_prefix(checkout) {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

/// Write files to a directory that may contain others.
pub(super) fn fill(files: &[File], directory: &Path) -> io::Result<()> {
    for file in files {
        let path = directory.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(&path, &file.contents)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))?;
    }
    Ok(())
}

/// Remove an earlier starter, except cargo's build directory: most of it are dependencies.
pub(super) fn clear(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() == "build" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
