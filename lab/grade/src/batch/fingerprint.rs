// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a submission is still the one that was graded.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
    path::Path,
};

use lab_base::paths::digest;

use crate::{
    archive::{ARCHIVE_MAX, Container, Entry},
    file_names::shown_path,
    leftovers,
    wanted::{self, Wanted},
};

/// Bytes of a directory that are read. Of what is above, only lengths count.
const READ_MAX: u64 = 256 << 20;

/// A short text that changes with the contents of a submission. Files that grading leaves out do not
/// count. Of a submission in an archive, the length and the time of the archive count.
pub fn fingerprint(path: &Path) -> String {
    let (at, inside) = wanted::outermost(path);
    let lines = match fs::metadata(at) {
        Ok(meta) if meta.is_dir() => of_directory(at, &shown_path(inside)),
        Ok(meta) if meta.is_file() && inside.as_os_str().is_empty() => of_file(at),
        Ok(meta) => Ok(format!(
            "{} {} {} {}",
            meta.mode(),
            meta.len(),
            meta.mtime(),
            meta.mtime_nsec()
        )),
        Err(error) => Err(error.to_string()),
    };
    let lines = lines.unwrap_or_else(|why| format!("cannot be read: {why}"));
    digest([lines.as_bytes()])
}

fn of_file(path: &Path) -> Result<String, String> {
    let mut contents = Vec::new();
    let read = File::open(path).and_then(|file| file.take(ARCHIVE_MAX).read_to_end(&mut contents));
    read.map_err(|error| error.to_string())?;
    Ok(digest([&contents[..]]))
}

/// A line for each entry of a directory.
fn of_directory(root: &Path, inside: &str) -> Result<String, String> {
    let container = Container::at(root)?;
    let listed = match inside {
        "" => Vec::new(),
        _ => wanted::list(&container)?,
    };
    let wanted = Wanted::of(&listed, inside)?;
    let mut lines = Vec::new();
    let mut left = READ_MAX;
    container.visit(&mut |path, entry| {
        if leftovers::reason(path).is_some() {
            return Ok(false);
        }
        let shown = shown_path(path);
        if wanted.below(&shown).is_none() {
            return Ok(matches!(entry, Entry::Directory));
        }
        let what = match entry {
            Entry::Directory => "directory".to_owned(),
            Entry::File(length, data) => {
                let mut contents = Vec::new();
                // Not more than there is now, because the file may grow as fast as it is read.
                data.take(length.min(left))
                    .read_to_end(&mut contents)
                    .map_err(|error| format!("{shown}: {error}"))?;
                left -= contents.len() as u64;
                format!("{length} {}", digest([&contents[..]]))
            }
            Entry::Link(target) => format!("link {}", shown_path(&target)),
            Entry::Special | Entry::LeadsOut => "special".to_owned(),
            Entry::Unreadable(why) => why,
        };
        lines.push(format!("{shown}: {what}\n"));
        Ok(true)
    })?;
    // Directories are read in any order.
    lines.sort();
    Ok(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_changes_with_what_is_graded() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.c");
        fs::write(&file, "int a;").unwrap();
        let before = fingerprint(root.path());
        assert_eq!(fingerprint(root.path()), before);
        fs::write(root.path().join("a.o"), "object").unwrap();
        assert_eq!(fingerprint(root.path()), before);
        fs::write(&file, "int b;").unwrap();
        let changed = fingerprint(root.path());
        assert_ne!(changed, before);
        fs::write(root.path().join("b.c"), "").unwrap();
        assert_ne!(fingerprint(root.path()), changed);
        let missing = fingerprint(&root.path().join("c.c"));
        assert_ne!(fingerprint(&root.path().join("b.c")), missing);
    }

    #[test]
    fn of_a_class_in_one_directory_only_the_own_files_count() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
        write("doejane_12_345_a.c", "int a;");
        write("roebob_13_346_a.c", "int a;");
        let jane = root.path().join("doejane_12");
        let before = fingerprint(&jane);
        write("roebob_13_346_a.c", "int b;");
        assert_eq!(fingerprint(&jane), before);
        write("doejane_12_345_a.c", "int b;");
        assert_ne!(fingerprint(&jane), before);
    }
}
