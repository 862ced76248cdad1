// SPDX-License-Identifier: MIT OR Apache-2.0
//! Room on a disk for a file that is written by whoever maps it into memory: there it must not run
//! out.

use std::{
    fs::{self, File},
    io::Result,
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, PosixFadviseAdvice, fallocate, posix_fadvise},
    unistd::{Whence, lseek},
};

/// Create a file of so many bytes, all of them zero, that has its room already; where the file
/// system cannot do that, a file without.
///
/// # Errors
/// `ENOSPC` if there is not so much room, which may have been taken for a moment.
pub(crate) fn reserve(path: &Path, bytes: u64) -> Result<()> {
    let len = i64::try_from(bytes).unwrap_or(i64::MAX);
    reserve_by(path, bytes, |file| {
        fallocate(file, FallocateFlags::empty(), 0, len)
    })
}

fn reserve_by(path: &Path, bytes: u64, take: impl Fn(&File) -> nix::Result<()>) -> Result<()> {
    let file = File::create(path)?;
    match take(&file) {
        Err(Errno::EOPNOTSUPP) => file.set_len(bytes),
        result => Ok(result?),
    }
}

/// Give back the room of all that nobody has written to, which stays zero.
///
/// # Errors
/// `EOPNOTSUPP` where the file system cannot do that.
pub(crate) fn give_back(path: &Path) -> Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path)?;
    let end = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
    // What was only read is in memory, and would count as written.
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    let mut at = 0;
    while at < end {
        let hole = lseek(&file, at, Whence::SeekHole)?;
        at = match lseek(&file, hole, Whence::SeekData) {
            // Up to the end.
            Err(Errno::ENXIO) => end,
            data => data?,
        };
        if hole < at {
            let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(&file, flags, hole, at - hole)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read, Seek, SeekFrom, Write},
        os::unix::fs::MetadataExt,
    };

    use super::*;

    /// Unit of `st_blocks` (stat(2)).
    const BLOCK: u64 = 512;

    #[test]
    fn what_was_not_written_is_given_back_and_the_rest_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let room = || fs::metadata(&path).unwrap().blocks() * BLOCK;
        reserve(&path, 8 << 20).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 8 << 20);
        assert!(room() >= 8 << 20);
        let mut file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        file.seek(SeekFrom::Start(3 << 20)).unwrap();
        file.write_all(b"here").unwrap();
        file.rewind().unwrap();
        file.read_to_end(&mut Vec::new()).unwrap();
        give_back(&path).unwrap();
        assert!(room() < 1 << 20, "{}", room());
        let mut all = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), 8 << 20);
        assert_eq!(&all[3 << 20..][..4], b"here");
        assert_eq!(all.iter().filter(|&&byte| byte != 0).count(), 4);
    }

    #[test]
    fn room_that_there_is_not_is_a_full_disk() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let error = reserve_by(&file, 1 << 20, |_| Err(Errno::ENOSPC)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn where_room_cannot_be_taken_there_is_a_file_without() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        reserve_by(&file, 1 << 20, |_| Err(Errno::EOPNOTSUPP)).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().len(), 1 << 20);
    }
}
