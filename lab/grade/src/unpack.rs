// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a submission, a directory or an archive, into memory. Its regular files and nothing
//! else: no link is followed, no device opened, and nothing is written anywhere, so that an archive
//! cannot name a place that it is unpacked to.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;

/// Longest archive, in bytes.
pub const ARCHIVE_MAX: u64 = 32 << 20;
/// All files of a submission together, in bytes. A solution of every stage has 0.3 MiB.
pub const BYTES_MAX: u64 = 16 << 20;
/// Files of a submission.
pub const FILES_MAX: usize = 2000;
/// Length of a file's path, in bytes.
pub const PATH_MAX: usize = 400;
/// What an archive may hold, with what is passed over: entries, and bytes once they are unpacked.
const ENTRIES_MAX: usize = 20_000;
const UNPACKED_MAX: u64 = 64 << 20;

/// A submission that is not graded at all; says why.
#[derive(Debug, thiserror::Error)]
#[error("{submission}: {why}")]
pub struct Unreadable {
    /// Its path, fit for a terminal.
    pub submission: String,
    /// What was expected, and what was found.
    pub why: String,
}

/// A file of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmittedFile {
    /// Its path as people know it, fit for a terminal.
    pub shown: String,
    /// Its path with nothing in it that a shell, make or a compiler would take for something else;
    /// relative, and no other file's. This is its name in a sandbox.
    pub path: String,
    /// What is in it.
    pub contents: Vec<u8>,
}

/// The files of a submission, and what was noticed on the way.
#[derive(Debug, Default)]
pub struct Contents {
    /// Sorted by path.
    pub files: Vec<SubmittedFile>,
    /// Sentences for the report.
    pub remarks: Vec<String>,
    taken: HashSet<String>,
    bytes: u64,
}

/// Read a submission.
///
/// # Errors
/// [`Unreadable`], also for one that is larger than any solution.
pub fn unpack(path: &Path) -> Result<Contents, Unreadable> {
    let mut contents = Contents::default();
    contents.read(path).map_err(|why| Unreadable {
        submission: shown(path.as_os_str().as_bytes()),
        why,
    })?;
    contents.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(contents)
}

/// Bytes of a submission as text that drives no terminal and stays on its line.
pub fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}

impl Contents {
    fn read(&mut self, path: &Path) -> Result<(), String> {
        let meta = fs::metadata(path).map_err(|error| error.to_string())?;
        if meta.is_dir() {
            return self.read_directory(path, Path::new(""));
        }
        if !meta.is_file() {
            return Err("expected a directory, a .zip or a .tar.gz".into());
        }
        if meta.len() > ARCHIVE_MAX {
            let (found, max) = (meta.len() >> 20, ARCHIVE_MAX >> 20);
            return Err(format!(
                "expected an archive of at most {max} MiB, found {found} MiB"
            ));
        }
        let archive = fs::read(path).map_err(|error| error.to_string())?;
        match &archive[..] {
            [b'P', b'K', 3 | 5, ..] => self.read_zip(&archive),
            [0x1f, 0x8b, ..] => self.read_tar(GzDecoder::new(&archive[..])),
            _ => Err("expected a directory, a .zip or a .tar.gz".into()),
        }
    }

    fn read_directory(&mut self, root: &Path, below: &Path) -> Result<(), String> {
        let directory = root.join(below);
        let mut entries: Vec<_> = match fs::read_dir(&directory).and_then(Iterator::collect) {
            Ok(entries) => entries,
            Err(error) if below.as_os_str().is_empty() => return Err(error.to_string()),
            Err(error) => {
                self.remark(below, &format!("cannot be read: {error}"));
                return Ok(());
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = below.join(entry.file_name());
            if is_passed_over(&path) {
                continue;
            }
            // Of the entry itself, not of what a link points to.
            let Ok(kind) = entry.file_type() else {
                self.remark(&path, "cannot be read");
                continue;
            };
            if kind.is_dir() {
                self.check_path(&path)?;
                self.read_directory(root, &path)?;
            } else if kind.is_file() {
                match open(&entry.path()) {
                    Ok(file) => self.add(&path, file)?,
                    Err(error) => self.remark(&path, &format!("cannot be read: {error}")),
                }
            } else {
                self.remark(&path, "is no regular file, and is passed over");
            }
        }
        Ok(())
    }

    fn read_zip(&mut self, archive: &[u8]) -> Result<(), String> {
        let broken = |error: zip::result::ZipError| format!("expected a whole .zip: {error}");
        let mut zip = zip::ZipArchive::new(io::Cursor::new(archive)).map_err(broken)?;
        check_entries(zip.len())?;
        for index in 0..zip.len() {
            let entry = zip.by_index(index).map_err(broken)?;
            let name = entry.name_raw().to_vec();
            // Some archives of Windows name directories with a backslash at their end.
            if entry.is_dir() || name.ends_with(b"\\") {
                continue;
            }
            // They also separate with it.
            let name: Vec<u8> = name
                .into_iter()
                .map(|byte| if byte == b'\\' { b'/' } else { byte })
                .collect();
            let kind = entry.unix_mode().unwrap_or(0) & libc_type::MASK;
            let is_file = kind == 0 || kind == libc_type::REGULAR;
            self.add_entry(Path::new(OsStr::from_bytes(&name)), is_file, entry)?;
        }
        Ok(())
    }

    fn read_tar(&mut self, unpacked: impl Read) -> Result<(), String> {
        let broken = |error: io::Error| {
            format!(
                "expected a whole .tar.gz of at most {} MiB: {error}",
                UNPACKED_MAX >> 20
            )
        };
        let mut tar = tar::Archive::new(unpacked.take(UNPACKED_MAX));
        let mut count = 0;
        for entry in tar.entries().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            count += 1;
            check_entries(count)?;
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            let name = entry.path_bytes().into_owned();
            self.add_entry(Path::new(OsStr::from_bytes(&name)), kind.is_file(), entry)?;
        }
        Ok(())
    }

    fn add_entry(&mut self, name: &Path, is_file: bool, data: impl Read) -> Result<(), String> {
        let mut path = PathBuf::new();
        for component in name.components() {
            match component {
                Component::Normal(name) => path.push(name),
                Component::CurDir => {}
                _ => {
                    self.remark(name, "leads out of the archive, and is passed over");
                    return Ok(());
                }
            }
        }
        if path.as_os_str().is_empty() || is_passed_over(&path) {
            return Ok(());
        }
        if !is_file {
            self.remark(&path, "is no regular file, and is passed over");
            return Ok(());
        }
        self.add(&path, data)
    }

    fn add(&mut self, path: &Path, data: impl Read) -> Result<(), String> {
        self.check_path(path)?;
        if self.files.len() == FILES_MAX {
            return Err(format!("expected at most {FILES_MAX} files, found more"));
        }
        // One byte more than there may be, to see that there is one.
        let mut contents = Vec::new();
        data.take(BYTES_MAX - self.bytes + 1)
            .read_to_end(&mut contents)
            .map_err(|error| format!("reading {}: {error}", shown_path(path)))?;
        self.bytes += contents.len() as u64;
        if self.bytes > BYTES_MAX {
            return Err(format!(
                "expected at most {} MiB of files, found more",
                BYTES_MAX >> 20
            ));
        }
        let plain = plain(path.as_os_str().as_bytes());
        let mut name = plain.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            // Before the extension, which says what it is.
            name = match plain.rsplit_once('.') {
                Some((stem, extension)) if !extension.contains('/') => {
                    format!("{stem}_{number}.{extension}")
                }
                _ => format!("{plain}_{number}"),
            };
            number += 1;
        }
        self.files.push(SubmittedFile {
            shown: shown_path(path),
            path: name,
            contents,
        });
        Ok(())
    }

    fn check_path(&self, path: &Path) -> Result<(), String> {
        let found = path.as_os_str().len();
        if found > PATH_MAX {
            return Err(format!(
                "expected paths of at most {PATH_MAX} bytes, found one of {found}"
            ));
        }
        Ok(())
    }

    fn remark(&mut self, path: &Path, what: &str) {
        let path: String = shown_path(path).chars().take(PATH_MAX).collect();
        self.remarks.push(format!("{path} {what}"));
    }
}

/// File types of stat(2), which zip archives of Unix have.
mod libc_type {
    pub(super) const MASK: u32 = 0o170_000;
    pub(super) const REGULAR: u32 = 0o100_000;
}

fn check_entries(count: usize) -> Result<(), String> {
    if count > ENTRIES_MAX {
        return Err(format!(
            "expected at most {ENTRIES_MAX} entries in the archive, found more"
        ));
    }
    Ok(())
}

/// Neither a link nor something that blocks: it may have changed since it was listed.
fn open(path: &Path) -> io::Result<File> {
    use nix::fcntl::OFlag;
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

fn shown_path(path: &Path) -> String {
    shown(path.as_os_str().as_bytes())
}

/// What nobody has written by hand: build products, version control, what editors and archivers
/// leave behind. Directories with a dot, too, except cargo's, which is remarked on.
fn is_passed_over(path: &Path) -> bool {
    const DIRECTORIES: [&str; 3] = ["__MACOSX", "build", "target"];
    const ENDINGS: [&str; 14] = [
        ".a", ".bak", ".cmd", ".dwo", ".gcno", ".ko", ".mod", ".mod.c", ".o", ".order", ".orig",
        ".swp", ".symvers", "~",
    ];
    path.components().any(|component| {
        let name = component.as_os_str().as_bytes();
        let hidden = name.starts_with(b".") && name != b".cargo";
        hidden
            || DIRECTORIES.iter().any(|other| name == other.as_bytes())
            || ENDINGS.iter().any(|end| name.ends_with(end.as_bytes()))
    })
}

/// A path of letters, digits and `._+-/` only, none of whose names begins with `-`.
fn plain(path: &[u8]) -> String {
    let mut plain = String::new();
    for &byte in path {
        let first = plain.is_empty() || plain.ends_with('/');
        let kept = byte.is_ascii_alphanumeric() || b"._+/".contains(&byte);
        plain.push(if kept || (byte == b'-' && !first) {
            byte.into()
        } else {
            '_'
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_means_nothing_to_a_shell_or_to_make() {
        assert_eq!(plain(b"a dir/-x$(y)\n\xff'\"#.c"), "a_dir/_x__y______.c");
        assert_eq!(
            plain(b"part1-threads/src/lib.rs"),
            "part1-threads/src/lib.rs"
        );
    }

    #[test]
    fn files_whose_plain_paths_are_the_same_stay_two() {
        let mut contents = Contents::default();
        for name in ["a b.c", "a_b.c", "a'b.c"] {
            contents.add(Path::new(name), &b""[..]).unwrap();
        }
        let paths: Vec<_> = contents.files.iter().map(|file| &file.path[..]).collect();
        assert_eq!(paths, ["a_b.c", "a_b_2.c", "a_b_3.c"]);
    }

    #[test]
    fn what_nobody_wrote_is_passed_over() {
        for path in [
            ".git/config",
            "__MACOSX/._a.c",
            "x/message_slot.mod.c",
            "x/.message_slot.ko.cmd",
            "message_slot.c~",
            "build/a.c",
        ] {
            assert!(is_passed_over(Path::new(path)), "{path}");
        }
        for path in ["a/message_slot.c", ".cargo/config.toml", "builder.c"] {
            assert!(!is_passed_over(Path::new(path)), "{path}");
        }
    }
}
