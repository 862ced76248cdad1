// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of the entries of a container are read: all of one submission, or one of a class.

use std::{fs, path::Path};

use crate::{
    archive::{Container, Entry},
    class_export::{self, Listed},
    file_names::{quoted, shown_path},
    leftovers,
};

/// Why nothing is read.
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) details: Vec<String>,
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        let details = Vec::new();
        Refusal { why, details }
    }
}

/// The archive that a path leads into, and what is behind it; all of the path where it leads into
/// none. It may also lead to files of a directory that begin with its last name, as Canvas names them.
pub(crate) fn outermost(path: &Path) -> (&Path, &Path) {
    let nowhere = Path::new("");
    if fs::metadata(path).is_err() {
        for at in path.ancestors().skip(1) {
            let inside = path.strip_prefix(at).unwrap_or(nowhere);
            let at = if at == nowhere { Path::new(".") } else { at };
            match fs::metadata(at) {
                Ok(meta) if meta.is_file() || has_files_of(at, inside) => return (at, inside),
                Ok(_) => break,
                Err(_) => {}
            }
        }
    }
    (path, nowhere)
}

/// Whether a directory has files whose names a platform began with `inside`.
fn has_files_of(directory: &Path, inside: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| shown_path(Path::new(&entry.file_name())));
    names.any(|name| {
        class_export::owner(&name).is_some_and(|owner| Path::new(&owner.path) == inside)
    })
}

/// All entries that are not left out.
pub(crate) fn list(container: &Container) -> Result<Vec<Listed>, String> {
    let mut listed = Vec::new();
    container.visit(&mut |path, entry| {
        if leftovers::reason(path).is_some() {
            return Ok(false);
        }
        let length = match entry {
            Entry::Directory => None,
            Entry::File(length, _) => Some(length),
            _ => return Ok(false),
        };
        let shown = shown_path(path);
        listed.push(Listed { shown, length });
        Ok(true)
    })?;
    Ok(listed)
}

/// A class is refused: its submissions are graded one by one.
pub(crate) fn class(at: &Path, listed: &[Listed], longest: u64) -> Result<(), Refusal> {
    let members = class_export::members(listed, longest);
    if members.is_empty() {
        return Ok(());
    }
    let details = members.iter().map(|member| {
        let path = at.join(&member.path);
        let note = if member.note.is_empty() {
            String::new()
        } else {
            format!("   # {}", member.note)
        };
        let path = shown_path(&path);
        format!("lab/grade.sh {}{note}", quoted(&path))
    });
    Err(Refusal {
        why: format!(
            "these are {} submissions of a class; grade each of them:",
            members.len()
        ),
        details: details.collect(),
    })
}

/// The part of a container that is read.
pub(crate) enum Wanted<'a> {
    All,
    /// All of it, and it belongs to one student of a platform.
    Owned,
    /// The entries below a folder, or a single file.
    Below(&'a str),
    /// Files whose names begin like this.
    Beginning(&'a str),
    /// The entries of an archive in it.
    Behind(&'a str, &'a str),
}

impl<'a> Wanted<'a> {
    pub(crate) fn of(listed: &'a [Listed], inside: &'a str) -> Result<Self, String> {
        let mut files = listed.iter().filter(|entry| entry.length.is_some());
        if inside.is_empty() {
            let owned = files.clone().count() > 0
                && files.all(|entry| class_export::owner(&entry.shown).is_some());
            return Ok(if owned { Wanted::Owned } else { Wanted::All });
        }
        let behind = |path: &str, mark: char| {
            path.strip_prefix(inside)
                .is_some_and(|rest| rest.starts_with(mark))
        };
        if listed
            .iter()
            .any(|entry| entry.shown == inside || behind(&entry.shown, '/'))
        {
            return Ok(Wanted::Below(inside));
        }
        if listed.iter().any(|entry| behind(&entry.shown, '_')) {
            return Ok(Wanted::Beginning(inside));
        }
        let through = files.find_map(|entry| {
            let rest = inside.strip_prefix(&entry.shown)?.strip_prefix('/')?;
            Some(Wanted::Behind(&entry.shown, rest))
        });
        through.ok_or_else(|| format!("there is no {inside} in the archive"))
    }

    /// The path of an entry below what is wanted; `None` if it is not.
    pub(crate) fn below<'p>(&self, shown: &'p str) -> Option<&'p str> {
        // The prefix of the platform is a part of the path.
        let rest = |shown: &'p str| {
            let length = class_export::owner(shown).map_or(shown.len(), |owner| owner.rest.len());
            match length {
                0 => shown,
                length => &shown[shown.len() - length..],
            }
        };
        match self {
            Wanted::All => Some(shown),
            Wanted::Owned => Some(rest(shown)),
            Wanted::Below(inside) if shown == *inside => Some(rest(shown)),
            Wanted::Below(inside) => shown.strip_prefix(inside)?.strip_prefix('/'),
            Wanted::Beginning(inside) => {
                shown.strip_prefix(inside)?.strip_prefix('_')?;
                Some(rest(shown))
            }
            Wanted::Behind(archive, _) => (shown == *archive).then_some(shown),
        }
        .filter(|below| !below.is_empty())
    }

    /// What is wanted of an archive in the container.
    pub(crate) fn behind(&self, shown: &str) -> &'a str {
        match self {
            Wanted::Behind(archive, rest) if shown == *archive => rest,
            _ => "",
        }
    }
}
