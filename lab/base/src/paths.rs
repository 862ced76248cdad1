// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths: the checkout, the files built from it, and the cache that all checkouts share.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// The three places that the lab reads from or writes to.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The checkout. The lab never writes to it.
    pub checkout: PathBuf,
    /// The files built from this checkout: `build/` in it, or the directory in `BUILD`. `make
    /// clean` empties it.
    pub build: PathBuf,
    /// The user's cache: files that are expensive to make and depend only on their inputs. `make
    /// clean-cache` empties it.
    pub cache: PathBuf,
}

impl Paths {
    /// The places of this checkout and this user. `lab/env.sh` states them; a test that cargo
    /// starts without it finds them by itself.
    ///
    /// # Errors
    /// [`Error::Missing`] if the environment states none of them.
    pub fn find() -> Result<Self> {
        let absolute = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let missing = |what: &str| Error::Missing {
            what: format!("expected {what} in the environment, found neither"),
            mend: "start it with lab/lab.sh or make".into(),
        };
        // At run time, because a checkout may be moved after it was compiled.
        let checkout = absolute("IPCLAB_CHECKOUT")
            .or_else(|| {
                let package = absolute("CARGO_MANIFEST_DIR")?;
                let mut above = package.ancestors();
                Some(
                    above
                        .find(|path| path.join("lab/env.sh").exists())?
                        .to_owned(),
                )
            })
            .ok_or_else(|| missing("IPCLAB_CHECKOUT or CARGO_MANIFEST_DIR"))?;
        let cache = absolute("IPCLAB_CACHE")
            .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join("ipclab")))
            .or_else(|| Some(absolute("HOME")?.join(".cache/ipclab")))
            .ok_or_else(|| missing("IPCLAB_CACHE or HOME"))?;
        Ok(Paths {
            build: absolute("BUILD").unwrap_or_else(|| checkout.join("build")),
            checkout,
            cache,
        })
    }
}

/// Create a directory and its parents.
///
/// # Errors
/// [`Error::Io`] that names the directory.
pub fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io(format!("creating {}", path.display())))
}

/// Write a file completely or not at all. Nothing is written if the contents are the same, so the
/// time of modification stays.
///
/// # Errors
/// [`Error::Io`] that names the file, for example if the disk is full.
pub fn write_if_changed(path: &Path, contents: &[u8], mode: u32) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let same_mode = |meta: fs::Metadata| meta.permissions().mode() & 0o7777 == mode;
    if fs::metadata(path).is_ok_and(same_mode) && fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    let write = || {
        let parent = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent)?;
        let mut file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(mode))
            .make_in(parent, |path| {
                fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(mode)
                    .open(path)
            })?;
        file.write_all(contents)?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(Error::io(format!("writing {}", path.display())))
}

/// Hold a lock file until the returned value is dropped, so that two runs do not build the same
/// thing at once. Blocks while another run holds it.
///
/// # Errors
/// [`Error::Io`].
pub fn lock(path: &Path) -> Result<File> {
    locked(path, File::lock)
}

/// A shared lock: several readers can hold it. Blocks while another run holds [`lock`].
///
/// # Errors
/// [`Error::Io`].
pub fn lock_shared(path: &Path) -> Result<File> {
    locked(path, File::lock_shared)
}

fn locked(path: &Path, how: impl FnOnce(&File) -> std::io::Result<()>) -> Result<File> {
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    let what = || format!("locking {}", path.display());
    // NFS wants to read what is locked for readers, and to write what is locked for one.
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).map_err(Error::io(what()))?;
    how(&file).map_err(Error::io(what()))?;
    Ok(file)
}

/// Short name for a set of inputs: the first 12 hexadecimal digits of their SHA-256.
pub fn digest<'a>(inputs: impl IntoIterator<Item = &'a [u8]>) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for input in inputs {
        // The length comes first, so that ("ab", "c") and ("a", "bc") differ.
        hash.update((input.len() as u64).to_le_bytes());
        hash.update(input);
    }
    hash.finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_tells_where_one_input_ends_and_the_next_begins() {
        assert_ne!(digest([&b"ab"[..], b"c"]), digest([&b"a"[..], b"bc"]));
        assert_eq!(digest([&b"x"[..]]).len(), 12);
    }

    #[test]
    fn a_file_that_would_not_change_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let written = || fs::metadata(&path).unwrap().modified().unwrap();
        write_if_changed(&path, b"1", 0o755).unwrap();
        let before = written();
        write_if_changed(&path, b"1", 0o755).unwrap();
        assert_eq!(written(), before);
        write_if_changed(&path, b"2", 0o755).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
    }
}
