// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a submission, a directory or an archive, into memory: its regular files, and links that
//! lead to them. Nothing is written anywhere, so that an archive cannot name a place that it is
//! unpacked to.

use std::{
    collections::HashMap,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

pub use crate::archive::ARCHIVE_MAX;
use crate::{
    archive::{self, Container, Entry, Format, HEAD},
    class_export, encoding,
    file_names::{Names, as_c, has_ending, plain, quoted, shown_path},
    leftovers::{self, Leftovers, Reason},
    links::{submodules, targets},
    wanted::{Refusal, Wanted, class, list, outermost},
};

/// All files of a submission together, in bytes. A solution of every stage has 0.3 MiB.
pub const BYTES_MAX: u64 = 16 << 20;
/// Files of a submission.
pub const FILES_MAX: usize = 2000;
/// Length of a file's path, in bytes.
pub const PATH_MAX: usize = 400;
/// Longest file that is kept, in bytes.
pub const FILE_MAX: u64 = 1 << 20;
/// Longest archive in an archive, in bytes, and all of them together.
pub const NESTED_MAX: u64 = 64 << 20;
const ALL_NESTED_MAX: u64 = 256 << 20;
/// Archives in archives.
const DEPTH_MAX: usize = 3;
/// Links that lead to links.
const LINKS_MAX: usize = 8;

/// A submission that is not graded at all; says why.
#[derive(Debug, thiserror::Error)]
#[error("{submission}: {why}")]
pub struct Unreadable {
    /// Its path, fit for a terminal.
    pub submission: String,
    /// The expectation, and the finding.
    pub why: String,
    /// Lines with more: the findings, and what to do.
    pub details: Vec<String>,
}

/// A file of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmittedFile {
    /// Its path as people know it, fit for a terminal.
    pub shown: String,
    /// Its path with nothing in it that a shell, make or a compiler would take for something else;
    /// relative, and no other file's. This is its name in a sandbox.
    pub path: String,
    /// Its contents.
    pub contents: Vec<u8>,
}

/// The files of a submission, and remarks on them.
#[derive(Debug, Default)]
pub struct Contents {
    /// Sorted by path.
    pub files: Vec<SubmittedFile>,
    /// Sentences for the report.
    pub remarks: Vec<String>,
    /// The files that were left out and the reason, in one sentence, if there are any.
    pub left_out: Option<String>,
    /// Files that cannot be read, by the paths that people know.
    pub unread: Vec<String>,
    names: Names,
    bytes: u64,
    leftovers: Leftovers,
    /// Paths as they are, and the indices of their files.
    by_path: HashMap<PathBuf, usize>,
    /// Links: where they are and lead, and the remark on each.
    links: Vec<(PathBuf, PathBuf, usize)>,
    submodules: Option<Vec<u8>>,
}

/// An archive in a submission; without contents if it is too long.
struct Nested {
    shown: String,
    format: Format,
    length: u64,
    contents: Option<Vec<u8>>,
}

/// Read a submission. Its path may lead into an archive: `class.zip/NAME` is one of a class.
///
/// # Errors
/// [`Unreadable`], also for one that is larger than any solution, and for a class.
pub fn unpack(path: &Path) -> Result<Contents, Unreadable> {
    let mut contents = Contents::default();
    let (at, inside) = outermost(path);
    let read = match Container::at(at) {
        Ok(container) => contents.read(&container, at, &shown_path(inside), 0),
        Err(why) => Err(why.into()),
    };
    read.map_err(|Refusal { why, details }| Unreadable {
        submission: shown_path(path),
        why,
        details,
    })?;
    contents.follow_links();
    contents.tell_submodules();
    contents.left_out = contents.leftovers.sentence();
    contents.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(contents)
}

impl Contents {
    /// Read what is `inside` of a container that is `at` some place, for people.
    fn read(
        &mut self,
        container: &Container,
        at: &Path,
        inside: &str,
        depth: usize,
    ) -> Result<(), Refusal> {
        if depth > DEPTH_MAX {
            return Err(format!("expected at most {DEPTH_MAX} archives in each other").into());
        }
        let listed = list(container)?;
        if inside.is_empty() {
            class(at, &listed, NESTED_MAX)?;
        }
        let wanted = Wanted::of(&listed, inside)?;
        let mut nested = Vec::new();
        container.visit(&mut |path, entry| {
            let shown = shown_path(path);
            match wanted.below(&shown) {
                // Names that are no text are longer than they are shown.
                Some(below) if path.to_str() == Some(&shown) => {
                    self.take(Path::new(below), &shown, entry, &mut nested)
                }
                Some(_) => self.take(path, &shown, entry, &mut nested),
                None => Ok(matches!(entry, Entry::Directory)),
            }
        })?;
        let only = nested.len() == 1;
        if nested.is_empty() {
            return Ok(());
        }
        if self
            .files
            .iter()
            .any(|file| class_export::is_source(&file.shown))
        {
            for Nested { shown, .. } in &nested {
                self.leftovers.note(Reason::Archive, shown);
            }
            return Ok(());
        }
        let command = |nested: &Nested| {
            format!(
                "lab/grade.sh {}",
                quoted(&shown_path(&at.join(&nested.shown)))
            )
        };
        let archives = nested.iter().map(command).collect();
        let Some(found) = nested.pop().filter(|_| only) else {
            return Err(Refusal {
                why: "there are several archives in it, and no sources; grade one of them:".into(),
                details: archives,
            });
        };
        let Nested {
            shown,
            format,
            length,
            contents,
        } = found;
        match (format, contents) {
            (Format::Rar | Format::SevenZip, _) => {
                let kind = if format == Format::Rar { ".rar" } else { ".7z" };
                Err(format!(
                    "{shown}: {}",
                    archive::not_unpacked(&format!("a {kind} archive"))
                )
                .into())
            }
            (_, None) => {
                let (found, max) = (length >> 20, NESTED_MAX >> 20);
                Err(
                    format!("{shown}: expected an archive of at most {max} MiB, found {found} MiB")
                        .into(),
                )
            }
            (_, Some(contents)) => {
                // The files beside it belong to no part.
                *self = Contents {
                    remarks: std::mem::take(&mut self.remarks),
                    leftovers: std::mem::take(&mut self.leftovers),
                    unread: std::mem::take(&mut self.unread),
                    ..Contents::default()
                };
                self.remarks.push(format!("{shown} was unpacked"));
                let rest = wanted.behind(&shown);
                self.read(
                    &Container::Bytes(contents),
                    &at.join(&shown),
                    rest,
                    depth + 1,
                )
                .map_err(|refusal| Refusal {
                    why: format!("{shown}: {}", refusal.why),
                    details: refusal.details,
                })
            }
        }
    }

    /// Take an entry, or note why not. Says whether to enter a directory.
    fn take(
        &mut self,
        path: &Path,
        shown: &str,
        entry: Entry<'_>,
        nested: &mut Vec<Nested>,
    ) -> Result<bool, String> {
        if path == Path::new(".gitmodules")
            && let Entry::File(_, data) = entry
        {
            let mut text = Vec::new();
            data.take(FILE_MAX)
                .read_to_end(&mut text)
                .map_err(reading(path))?;
            self.submodules = Some(text);
            return Ok(false);
        }
        if !matches!(entry, Entry::LeadsOut)
            && let Some(reason) = leftovers::reason(path)
        {
            self.leftovers.note(reason, shown);
            return Ok(false);
        }
        match entry {
            Entry::Directory => check_path(path)?,
            Entry::File(length, data) => self.add(path, shown, length, data, nested)?,
            Entry::Link(target) => {
                self.links
                    .push((path.to_owned(), target, self.remarks.len()));
                self.remark(path, "is no regular file, and is passed over");
            }
            Entry::Special => self.remark(path, "is no regular file, and is passed over"),
            Entry::Unreadable(why) => {
                self.unread.push(shown_path(path));
                self.remark(path, &format!("cannot be read: {why}"));
            }
            Entry::LeadsOut => self.remark(path, "leads out of the archive, and is passed over"),
        }
        Ok(true)
    }

    fn add(
        &mut self,
        path: &Path,
        shown: &str,
        length: u64,
        data: &mut dyn Read,
        nested: &mut Vec<Nested>,
    ) -> Result<(), String> {
        let mut contents = Vec::new();
        let mut read = |contents: &mut Vec<u8>, max: u64| {
            let left = max - contents.len() as u64;
            data.take(left).read_to_end(contents).map_err(reading(path))
        };
        read(&mut contents, HEAD as u64)?;
        let name = shown.rsplit('/').next().unwrap_or(shown);
        if let Some(format) = Format::of(&contents)
            && (class_export::is_archive(name) || !name.contains('.'))
        {
            let before: u64 = nested
                .iter()
                .filter_map(|other| Some(other.contents.as_ref()?.len() as u64))
                .sum();
            let fits = length <= NESTED_MAX && before + length <= ALL_NESTED_MAX;
            if fits {
                read(&mut contents, NESTED_MAX)?;
            }
            let shown = shown.to_owned();
            let contents = fits.then_some(contents);
            nested.push(Nested {
                shown,
                format,
                length,
                contents,
            });
            return Ok(());
        }
        // One byte more than there may be, to see that there is one.
        read(&mut contents, FILE_MAX + 1)?;
        let is_c = has_ending(name, &[".c", ".h"]);
        if !is_c && !encoding::is_text(&contents) {
            self.leftovers.note(Reason::Binary, shown);
        } else if contents.len() as u64 > FILE_MAX {
            self.leftovers.note(Reason::Large, shown);
        } else {
            self.keep(path, contents)?;
        }
        Ok(())
    }

    /// Keep a file under a name of its own.
    fn keep(&mut self, path: &Path, contents: Vec<u8>) -> Result<(), String> {
        check_path(path)?;
        if self.files.len() == FILES_MAX {
            return Err(format!("expected at most {FILES_MAX} files, found more"));
        }
        self.bytes += contents.len() as u64;
        if self.bytes > BYTES_MAX {
            return Err(format!(
                "expected at most {} MiB of files, found more",
                BYTES_MAX >> 20
            ));
        }
        let (contents, was_utf16) = encoding::readable(contents);
        let name = path.to_string_lossy();
        if was_utf16 && has_ending(&name, &[".c", ".h", ".rs"]) {
            self.remark(
                path,
                "is UTF-16, which compilers do not read; it is graded as UTF-8",
            );
        }
        let (plain, renamed) = as_c(plain(path.as_os_str().as_bytes()));
        if renamed {
            self.remark(
                path,
                "is taken for a C source, as if its name ended with .c",
            );
        }
        let name = self.names.choose(&plain);
        self.by_path.insert(path.to_owned(), self.files.len());
        self.files.push(SubmittedFile {
            shown: shown_path(path),
            path: name,
            contents,
        });
        Ok(())
    }

    /// Give each link that leads to files of the submission copies of them.
    fn follow_links(&mut self) {
        for _ in 0..LINKS_MAX {
            let mut later = Vec::new();
            for (path, target, remark) in std::mem::take(&mut self.links) {
                let found = targets(&self.by_path, &path, &target);
                let kept = found.into_iter().try_for_each(|(path, index)| {
                    let contents = self.files[index].contents.clone();
                    self.remarks[remark].clear();
                    self.keep(&path, contents)
                });
                if kept.is_err() || !self.remarks[remark].is_empty() {
                    later.push((path, target, remark));
                }
            }
            self.links = later;
        }
        self.remarks.retain(|remark| !remark.is_empty());
    }

    /// Say which submodules have no files.
    fn tell_submodules(&mut self) {
        let text = self.submodules.take().unwrap_or_default();
        for path in submodules(&String::from_utf8_lossy(&text)) {
            if !self.by_path.keys().any(|file| file.starts_with(path)) {
                self.remark(
                    Path::new(path),
                    "is a git submodule without files, so it was not handed in; git clone \
                     --recurse-submodules brings it along",
                );
            }
        }
    }

    fn remark(&mut self, path: &Path, what: &str) {
        let path: String = shown_path(path).chars().take(PATH_MAX).collect();
        self.remarks.push(format!("{path} {what}"));
    }
}

fn reading(path: &Path) -> impl Fn(io::Error) -> String {
    let shown = shown_path(path);
    move |error| format!("reading {shown}: {error}")
}

fn check_path(path: &Path) -> Result<(), String> {
    let found = path.as_os_str().len();
    if found > PATH_MAX {
        return Err(format!(
            "expected paths of at most {PATH_MAX} bytes, found one of {found}"
        ));
    }
    Ok(())
}
