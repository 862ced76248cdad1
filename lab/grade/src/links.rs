// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the symbolic links of a submission lead, and its git submodules are. No link is followed on
//! the host. Pure.

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

/// What is found where a link leads: paths below the link, and the files that stand there. Nothing
/// outside the submission is, and no folder that the link is in.
pub(crate) fn targets(
    files: &HashMap<PathBuf, usize>,
    path: &Path,
    target: &Path,
) -> Vec<(PathBuf, usize)> {
    let mut to = path.parent().unwrap_or(Path::new("")).to_owned();
    for component in target.components() {
        let is_inside = match component {
            Component::Normal(name) => {
                to.push(name);
                true
            }
            Component::CurDir => true,
            Component::ParentDir => to.pop(),
            _ => false,
        };
        if !is_inside {
            return Vec::new();
        }
    }
    if to.as_os_str().is_empty() || path.starts_with(&to) {
        return Vec::new();
    }
    let below = |(file, &index): (&PathBuf, &usize)| {
        let rest = file.strip_prefix(&to).ok()?;
        let path = if rest.as_os_str().is_empty() {
            path.to_owned()
        } else {
            path.join(rest)
        };
        Some((path, index))
    };
    let mut found: Vec<_> = files.iter().filter_map(below).collect();
    found.sort();
    found
}

/// The folders of submodules, as `.gitmodules` has them.
pub(crate) fn submodules(gitmodules: &str) -> impl Iterator<Item = &str> {
    let entries = gitmodules.lines().filter_map(|line| line.split_once('='));
    entries
        .filter(|(key, _)| key.trim() == "path")
        .map(|(_, path)| path.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside_and_out_of_circles() {
        let files = HashMap::from([("common/x.h".into(), 0), ("common/sub/y.h".into(), 1)]);
        let found = |path: &str, target: &str| {
            let found = targets(&files, Path::new(path), Path::new(target)).into_iter();
            found
                .map(|(path, index)| (path.display().to_string(), index))
                .collect::<Vec<_>>()
        };
        assert_eq!(found("user/x.h", "../common/x.h"), [("user/x.h".into(), 0)]);
        assert_eq!(
            found("include", "./common"),
            [("include/sub/y.h".into(), 1), ("include/x.h".into(), 0)]
        );
        for (path, target) in [
            ("x.h", "/common/x.h"),
            ("x.h", "../common/x.h"),
            ("common/loop", "."),
            ("common/loop", ".."),
            ("x.h", "nowhere.h"),
        ] {
            assert_eq!(found(path, target), [], "{path} {target}");
        }
    }

    #[test]
    fn submodules_have_paths() {
        let text = "[submodule \"slot\"]\n\tpath = hw/slot\n\turl = https://x/path=y\n";
        assert_eq!(submodules(text).collect::<Vec<_>>(), ["hw/slot"]);
    }
}
