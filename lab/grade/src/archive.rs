// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in a directory or an archive, entry by entry. No link is followed, no device opened, and
//! nothing is written anywhere.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Cursor, Read, Seek},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::OpenOptionsExt,
    },
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;

/// Longest archive that is opened, in bytes.
pub const ARCHIVE_MAX: u64 = 256 << 20;
/// Entries of an archive, with those that are left out.
const ENTRIES_MAX: usize = 100_000;
/// Bytes that are unpacked of a tar archive, with those that are left out.
const UNPACKED_MAX: u64 = 1 << 30;
/// Bytes at the beginning of a file that tell its format.
pub(crate) const HEAD: usize = 512;

/// The expected text, where something else was found.
const EXPECTED: &str = "expected a directory, a .zip, a .tar.gz or a .c file";

/// One entry.
pub(crate) enum Entry<'a> {
    /// A directory; its entries follow if the visitor says so.
    Directory,
    /// A regular file: its length as far as it is known, and its contents.
    File(u64, &'a mut dyn Read),
    /// A symbolic link, and where it leads.
    Link(PathBuf),
    /// A device or something else that is not read.
    Special,
    /// It cannot be read: why.
    Unreadable(String),
    /// Its path leads out of the archive.
    LeadsOut,
}

/// Is told of each entry. Says of a directory whether it is to be entered, or why all is refused.
pub(crate) type Visitor<'a> = dyn FnMut(&Path, Entry<'_>) -> Result<bool, String> + 'a;

/// How files are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Zip,
    Tar,
    Gzip,
    Xz,
    Bzip2,
    Zstd,
    Rar,
    SevenZip,
}

impl Format {
    /// By the first bytes of a file.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3 | 5, ..] => Some(Format::Zip),
            [0x1f, 0x8b, ..] => Some(Format::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Format::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Format::Bzip2),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
            [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Some(Format::Rar),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Format::SevenZip),
            _ if head.get(257..262) == Some(b"ustar") => Some(Format::Tar),
            _ => None,
        }
    }
}

/// Where a submission is.
pub(crate) enum Container {
    Directory(PathBuf),
    File(PathBuf),
    /// An archive in an archive.
    Bytes(Vec<u8>),
}

impl Container {
    /// A directory or a regular file.
    ///
    /// # Errors
    /// There is none; why.
    pub(crate) fn at(path: &Path) -> Result<Self, String> {
        let meta = fs::metadata(path).map_err(|error| error.to_string())?;
        if meta.is_dir() {
            return Ok(Container::Directory(path.to_owned()));
        }
        if !meta.is_file() {
            return Err(EXPECTED.into());
        }
        if meta.len() > ARCHIVE_MAX {
            let (found, max) = (meta.len() >> 20, ARCHIVE_MAX >> 20);
            return Err(format!(
                "expected an archive of at most {max} MiB, found {found} MiB"
            ));
        }
        Ok(Container::File(path.to_owned()))
    }

    /// Visit all entries.
    ///
    /// # Errors
    /// It cannot be read, or a visitor has refused it; why.
    pub(crate) fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), String> {
        match self {
            Container::Directory(root) => visit_directory(root, Path::new(""), visitor),
            Container::File(path) => {
                let file = File::open(path).map_err(|error| error.to_string())?;
                visit_file(path, file, visitor)
            }
            Container::Bytes(bytes) => visit_file(Path::new(""), Cursor::new(&bytes[..]), visitor),
        }
    }
}

/// An archive, or a single source.
fn visit_file(
    path: &Path,
    mut file: impl Read + Seek,
    visitor: &mut Visitor<'_>,
) -> Result<(), String> {
    let mut head = Vec::new();
    let read = file.by_ref().take(HEAD as u64).read_to_end(&mut head);
    let length = read.and_then(|_| file.seek(io::SeekFrom::End(0)));
    let rewound = length.and_then(|length| file.rewind().map(|()| length));
    let length = rewound.map_err(|error| error.to_string())?;
    let file = BufReader::new(file);
    match Format::of(&head) {
        Some(Format::Zip) => visit_zip(file, visitor),
        Some(Format::Tar) => visit_tar(".tar", UNPACKED_MAX, file, visitor),
        Some(Format::Gzip) => visit_tar(".tar.gz", UNPACKED_MAX, GzDecoder::new(file), visitor),
        Some(Format::Xz) => {
            let unpacked = lzma_rust2::XzReader::new(file, true);
            visit_tar(".tar.xz", UNPACKED_MAX, unpacked, visitor)
        }
        Some(Format::Bzip2) => {
            let unpacked = bzip2::read::MultiBzDecoder::new(file);
            visit_tar(".tar.bz2", UNPACKED_MAX, unpacked, visitor)
        }
        Some(Format::Zstd) => {
            let broken = |error| format!("expected a whole .tar.zst: {error}");
            let unpacked = ruzstd::decoding::StreamingDecoder::new(file).map_err(broken)?;
            visit_tar(".tar.zst", UNPACKED_MAX, unpacked, visitor)
        }
        Some(Format::Rar) => Err(not_unpacked("a .rar archive")),
        Some(Format::SevenZip) => Err(not_unpacked("a .7z archive")),
        None => {
            let name = Path::new(path.file_name().unwrap_or_default());
            let is_source = name
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("c"));
            if !is_source {
                return Err(EXPECTED.into());
            }
            let mut file = file;
            visitor(name, Entry::File(length, &mut file)).map(drop)
        }
    }
}

/// Why an archive of this kind is refused.
pub(crate) fn not_unpacked(kind: &str) -> String {
    format!("it is {kind}, which the lab does not unpack; unpack it, and grade the directory")
}

fn visit_directory(root: &Path, below: &Path, visitor: &mut Visitor<'_>) -> Result<(), String> {
    let entries = fs::read_dir(root.join(below)).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) if below.as_os_str().is_empty() => return Err(error.to_string()),
        Err(error) => return visitor(below, Entry::Unreadable(error.to_string())).map(drop),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        let unreadable = |error: io::Error| Entry::Unreadable(error.to_string());
        // Of the entry itself, not of the target of a link.
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => {
                visitor(&path, unreadable(error))?;
                continue;
            }
        };
        if kind.is_dir() {
            if visitor(&path, Entry::Directory)? {
                visit_directory(root, &path, visitor)?;
            }
        } else if kind.is_file() {
            match open(&entry.path()) {
                Ok((length, mut file)) => visitor(&path, Entry::File(length, &mut file))?,
                Err(error) => visitor(&path, unreadable(error))?,
            };
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path());
            visitor(&path, target.map_or_else(unreadable, Entry::Link))?;
        } else {
            visitor(&path, Entry::Special)?;
        }
    }
    Ok(())
}

/// Neither a link nor something that blocks: it may have changed since it was listed.
fn open(path: &Path) -> io::Result<(u64, File)> {
    use nix::fcntl::OFlag;
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok((meta.len(), file))
}

/// File types of stat(2), which zip archives of Unix have.
mod file_type {
    pub(super) const MASK: u32 = 0o170_000;
    pub(super) const REGULAR: u32 = 0o100_000;
    pub(super) const LINK: u32 = 0o120_000;
}

/// Longest target of a link, in bytes: PATH_MAX of linux/limits.h.
const TARGET_MAX: u64 = 4096;

fn visit_zip(archive: impl Read + Seek, visitor: &mut Visitor<'_>) -> Result<(), String> {
    use zip::result::ZipError;
    let broken = |error: ZipError| match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            "the .zip has a password; unpack it, and grade the directory".into()
        }
        ZipError::UnsupportedArchive(why) => format!(
            "the .zip is packed in a way that the lab does not unpack ({why}); unpack it, and grade \
             the directory"
        ),
        error => format!("expected a whole .zip: {error}"),
    };
    let mut zip = zip::ZipArchive::new(archive).map_err(broken)?;
    check_entries(zip.len())?;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(broken)?;
        let name = entry.name_raw().to_vec();
        // Some archives of Windows name directories with a backslash at their end, and separate
        // with it.
        let is_directory = entry.is_dir() || name.ends_with(b"\\");
        let separated = name
            .iter()
            .map(|&byte| if byte == b'\\' { b'/' } else { byte });
        let name = PathBuf::from(OsString::from_vec(separated.collect()));
        let kind = entry.unix_mode().unwrap_or(0) & file_type::MASK;
        let length = entry.size();
        let entry = match kind {
            _ if is_directory => Entry::Directory,
            0 | file_type::REGULAR => Entry::File(length, &mut entry),
            file_type::LINK => {
                let mut target = Vec::new();
                let read = entry.by_ref().take(TARGET_MAX).read_to_end(&mut target);
                read.map_err(|error| format!("expected a whole .zip: {error}"))?;
                Entry::Link(OsString::from_vec(target).into())
            }
            _ => Entry::Special,
        };
        tell(&name, entry, visitor)?;
    }
    Ok(())
}

fn visit_tar(
    kind: &str,
    max: u64,
    unpacked: impl Read,
    visitor: &mut Visitor<'_>,
) -> Result<(), String> {
    let broken = |error: io::Error| {
        format!(
            "expected a whole {kind} of at most {} MiB: {error}",
            max >> 20
        )
    };
    let mut tar = tar::Archive::new(unpacked.take(max));
    let mut count = 0;
    for entry in tar.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        count += 1;
        check_entries(count)?;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        let name = PathBuf::from(OsStr::from_bytes(&entry.path_bytes()));
        let length = entry.size();
        let target = entry.link_name_bytes();
        let entry = match target {
            _ if kind.is_dir() => Entry::Directory,
            _ if kind.is_file() => Entry::File(length, &mut entry),
            Some(target) if kind.is_symlink() => Entry::Link(OsStr::from_bytes(&target).into()),
            _ => Entry::Special,
        };
        tell(&name, entry, visitor)?;
    }
    Ok(())
}

/// Tell of an entry of an archive, whose name may be anything.
fn tell(name: &Path, entry: Entry<'_>, visitor: &mut Visitor<'_>) -> Result<(), String> {
    let mut path = PathBuf::new();
    for component in name.components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            _ => return visitor(name, Entry::LeadsOut).map(drop),
        }
    }
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    visitor(&path, entry).map(drop)
}

fn check_entries(count: usize) -> Result<(), String> {
    if count > ENTRIES_MAX {
        return Err(format!(
            "expected at most {ENTRIES_MAX} entries in the archive, found more"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tar_is_not_unpacked_for_ever() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(1 << 16);
        header.set_cksum();
        tar.append_data(&mut header, "zeros.o", &vec![0; 1 << 16][..])
            .unwrap();
        let tar = tar.into_inner().unwrap();
        let visit = |max| visit_tar(".tar", max, &tar[..], &mut |_, _| Ok(true));
        assert_eq!(visit(1 << 20), Ok(()));
        let why = visit(1 << 12).unwrap_err();
        assert!(
            why.starts_with("expected a whole .tar of at most 0 MiB"),
            "{why}"
        );
    }

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        assert_eq!(Format::of(b"7z\xbc\xaf\x27\x1c\0"), Some(Format::SevenZip));
        assert_eq!(Format::of(b"Rar!\x1a\x07\x01"), Some(Format::Rar));
        assert_eq!(Format::of(b"BZh91AY"), Some(Format::Bzip2));
        assert_eq!(Format::of(b"int main(void)"), None);
        assert_eq!(Format::of(b""), None);
    }
}
