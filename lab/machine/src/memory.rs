// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files in memory. QEMU gets its inputs as descriptors of such files. It needs no right to any
//! file of the host, and it cannot change a sealed file.

use std::{
    fs::{self, File},
    io::{Error, ErrorKind, Result},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{FileExt, OpenOptionsExt},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
    unistd::{Whence, lseek},
};

/// Size of the blocks that are copied.
const BLOCK: usize = 1 << 20;

/// Size of the pages that are left out if they are zero.
const PAGE: usize = 4096;
const ZEROS: [u8; PAGE] = [0; PAGE];

/// The name under which QEMU reopens one of its descriptors.
pub(crate) fn path_of(file: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// A file of this many zero bytes. It takes memory only as it is written to.
///
/// # Errors
/// `ENFILE` or `EMFILE`.
pub(crate) fn zeroed(bytes: u64) -> Result<File> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let file = File::from(memfd_create(c"ipclab", flags)?);
    file.set_len(bytes)?;
    Ok(file)
}

/// A sealed file with these contents.
///
/// # Errors
/// As [`zeroed`].
pub(crate) fn sealed(contents: &[u8]) -> Result<OwnedFd> {
    let file = zeroed(contents.len() as u64)?;
    file.write_all_at(contents, 0)?;
    seal(file)
}

/// A sealed copy of the file `path`.
///
/// # Errors
/// The errors of reading the file.
pub(crate) fn load(path: &Path) -> Result<OwnedFd> {
    let from = File::open(path)?;
    let to = zeroed(from.metadata()?.len())?;
    copy(&from, &to)?;
    seal(to)
}

/// Copy a file in memory to the new file `path`, which only the owner may open. Zero pages take no
/// disk space.
///
/// # Errors
/// `ENOSPC` or `EDQUOT` if there is no room. A failed copy may have filled the disk for a moment.
pub(crate) fn save(from: &File, path: &Path) -> Result<()> {
    let to = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    to.set_len(from.metadata()?.len())?;
    copy(from, &to)
}

fn seal(file: File) -> Result<OwnedFd> {
    let all = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(all))?;
    Ok(file.into())
}

/// Copy the pages that are not zero.
fn copy(from: &File, to: &File) -> Result<()> {
    let end = from.metadata()?.len();
    let mut block = vec![0; BLOCK];
    let mut at = 0;
    while at < end {
        let Some(data) = seek(from, at, Whence::SeekData)? else {
            break;
        };
        at = data;
        let hole = seek(from, at, Whence::SeekHole)?.unwrap_or(end);
        while at < hole {
            let len = BLOCK.min(usize::try_from(hole - at).unwrap_or(BLOCK));
            from.read_exact_at(&mut block[..len], at)?;
            write(to, &block[..len], at)?;
            at += len as u64;
        }
    }
    Ok(())
}

/// Offset of the next data or hole; `None` if there is no more data.
fn seek(file: &File, at: u64, whence: Whence) -> Result<Option<u64>> {
    let at = i64::try_from(at).map_err(|_| Error::from(ErrorKind::FileTooLarge))?;
    match lseek(file, at, whence) {
        Err(Errno::ENXIO) => Ok(None),
        found => Ok(Some(found?.unsigned_abs())),
    }
}

/// Write the pages that are not zero. Adjacent pages are written with one call.
fn write(to: &File, block: &[u8], at: u64) -> Result<()> {
    let mut begin = 0;
    let mut end = 0;
    for page in block.chunks(PAGE) {
        // One comparison, because a loop over bytes is slow without optimisation.
        if *page == ZEROS[..page.len()] {
            to.write_all_at(&block[begin..end], at + begin as u64)?;
            begin = end + page.len();
        }
        end += page.len();
    }
    to.write_all_at(&block[begin..], at + begin as u64)
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::fs::MetadataExt};

    use super::*;

    /// Unit of `st_blocks` (stat(2)).
    const UNIT: u64 = 512;

    #[test]
    fn what_is_saved_is_loaded_and_zeros_take_no_room() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let memory = zeroed((8 << 20) + 1).unwrap();
        memory.write_all_at(&[0; 3 << 20], 0).unwrap();
        memory.write_all_at(b"here", (3 << 20) - 2).unwrap();
        memory.write_all_at(b"z", 8 << 20).unwrap();
        save(&memory, &path).unwrap();
        let meta = fs::metadata(&path).unwrap();
        assert_eq!(meta.len(), (8 << 20) + 1);
        assert_eq!(meta.mode() & 0o777, 0o600);
        assert!(meta.blocks() * UNIT < 1 << 20, "{}", meta.blocks());
        let mut all = Vec::new();
        File::from(load(&path).unwrap())
            .read_to_end(&mut all)
            .unwrap();
        assert_eq!(all.len(), (8 << 20) + 1);
        assert_eq!(&all[(3 << 20) - 2..][..4], b"here");
        assert_eq!(all[8 << 20], b'z');
        assert_eq!(all.iter().filter(|&&byte| byte != 0).count(), 5);
    }

    #[test]
    fn what_is_sealed_cannot_be_changed_however_it_is_opened() {
        let sealed = sealed(b"as it was").unwrap();
        let again = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(path_of(&sealed))
            .unwrap();
        assert!(again.write_all_at(b"changed", 0).is_err());
        assert!(again.set_len(0).is_err());
        assert_eq!(fs::read(path_of(&sealed)).unwrap(), b"as it was");
    }
}
