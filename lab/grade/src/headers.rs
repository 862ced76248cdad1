// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which file of a submission an `#include` means. Pure.

use std::{cell::LazyCell, sync::LazyLock};

use lab_base::pattern;
use regex::{Captures, Regex};

use crate::{
    file_names::has_ending,
    layout::{Layout, copies, directory_of, distance, file_name, folders},
    unpack::SubmittedFile,
};

static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?m)^([ \t]*#[ \t]*include[ \t]*")([^"\n]+)(")"#));

/// The files of a submission, for questions about headers.
#[derive(Clone, Copy)]
pub(crate) struct Headers<'a> {
    pub(crate) files: &'a [SubmittedFile],
    pub(crate) layout: &'a Layout,
}

impl<'a> Headers<'a> {
    /// Folders in which headers for a source are looked for, the nearest first. Those of another
    /// homework are not among them, and no copies.
    pub(crate) fn directories(&self, main: &str) -> Vec<&'a str> {
        let own = self.layout.homework(main);
        let most = copies(main);
        let is_for = |path: &str| {
            let other = self.layout.homework(path);
            (other == own || other.is_empty()) && copies(path) <= most
        };
        let headers = self
            .files
            .iter()
            .filter(|file| file.path.ends_with(".h") && is_for(&file.path));
        // A header may be named with its folder.
        let mut found: Vec<&str> = headers.flat_map(|file| folders(&file.path)).collect();
        let key = |directory: &str| {
            (
                distance(main, &format!("{directory}/x")),
                directory.to_owned(),
            )
        };
        found.sort_unstable();
        found.dedup();
        found.sort_by_cached_key(|directory| key(directory));
        found
    }

    /// The file that a source means, whatever the case of its letters.
    pub(crate) fn resolve(&self, from: &SubmittedFile, include: &str) -> Option<&'a SubmittedFile> {
        // Few files are called like it, and of those there is more to compare.
        let name = file_name(include);
        let is_like = |path: &str| {
            let other = file_name(path);
            other.eq_ignore_ascii_case(name) || !(other.is_ascii() && name.is_ascii())
        };
        let like: Vec<_> = (self.files.iter())
            .filter(|file| is_like(&file.path) || is_like(&file.shown))
            .collect();
        let exact = |name: &str| name.to_owned();
        let any_case = |name: &str| name.to_lowercase();
        self.resolve_as(&like, from, include, exact)
            .or_else(|| self.resolve_as(&like, from, include, any_case))
    }

    fn resolve_as(
        &self,
        like: &[&'a SubmittedFile],
        from: &SubmittedFile,
        include: &str,
        same: impl Fn(&str) -> String,
    ) -> Option<&'a SubmittedFile> {
        let wanted =
            [&from.path, &from.shown].map(|path| same(&relative(directory_of(path), include)));
        let is_beside = |file: &&SubmittedFile| {
            wanted.contains(&same(&file.path)) || wanted.contains(&same(&file.shown))
        };
        if let Some(file) = like.iter().copied().find(is_beside) {
            return Some(file);
        }
        let end = include.trim_start_matches("../").trim_start_matches("./");
        let end = same(&format!("/{end}"));
        let own = self.layout.homework(&from.path);
        let most = copies(&from.path);
        let is_named = |file: &&SubmittedFile| {
            let other = self.layout.homework(&file.path);
            let ends = |path: &str| format!("/{}", same(path)).ends_with(&end);
            let is_for = (other == own || other.is_empty()) && copies(&file.path) <= most;
            is_for && (ends(&file.path) || ends(&file.shown))
        };
        let key = |file: &&SubmittedFile| {
            (
                copies(&file.path),
                distance(&from.path, &file.path),
                file.path.clone(),
            )
        };
        like.iter().copied().filter(is_named).min_by_key(key)
    }

    /// The text of a source or header in which the names of included files are those of the sandbox,
    /// where compilers would not find them otherwise; and what there is to say. `None` if nothing
    /// changes.
    pub(crate) fn corrected(&self, from: &SubmittedFile) -> Option<(Vec<u8>, Vec<String>)> {
        if !has_ending(&from.path, &[".c", ".h"]) {
            return None;
        }
        let directories = LazyCell::new(|| self.directories(&from.path));
        let is_at = |directory: &str, include: &str| {
            let path = relative(directory, include);
            self.files.iter().any(|file| file.path == path)
        };
        let is_found = |include: &str| {
            is_at(directory_of(&from.path), include)
                || directories
                    .iter()
                    .any(|directory| is_at(directory, include))
        };
        // Byte for byte: comments may be in any encoding.
        let text: String = from.contents.iter().map(|&byte| char::from(byte)).collect();
        let mut remarks = Vec::new();
        let corrected = QUOTED.replace_all(&text, |found: &Captures<'_>| {
            let bytes: Vec<u8> = found[2].chars().map(|c| c as u8).collect();
            let include = String::from_utf8_lossy(&bytes).replace('\\', "/");
            let target = (!is_found(&include))
                .then(|| self.resolve(from, &include))
                .flatten();
            let Some(target) = target else {
                return found[0].to_owned();
            };
            if file_name(&include) != file_name(&target.shown) {
                remarks.push(format!(
                    "{} includes {include}, which is called {}; that is used",
                    from.shown, target.shown
                ));
            }
            let up = "../".repeat(folders(&from.path).count() - 1);
            format!("{}{up}{}{}", &found[1], target.path, &found[3])
        });
        let bytes: Vec<u8> = corrected.chars().map(|c| c as u8).collect();
        (bytes != from.contents).then_some((bytes, remarks))
    }
}

/// A path that is relative to a folder, without `.` and `..`.
fn relative(directory: &str, path: &str) -> String {
    let mut names: Vec<&str> = directory
        .split('/')
        .filter(|name| !name.is_empty())
        .collect();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<SubmittedFile> {
        let file = |&(shown, text): &(&str, &str)| SubmittedFile {
            shown: shown.to_owned(),
            path: shown.replace(
                |c: char| !c.is_ascii_alphanumeric() && !"./_".contains(c),
                "_",
            ),
            contents: text.into(),
        };
        files.iter().map(file).collect()
    }

    fn corrected(all: &[(&str, &str)]) -> Option<(String, Vec<String>)> {
        let files = files(all);
        let layout = Layout::of(files.iter().map(|file| &file.path[..]));
        let headers = Headers {
            files: &files,
            layout: &layout,
        };
        let (text, remarks) = headers.corrected(&files[0])?;
        Some((String::from_utf8(text).unwrap(), remarks))
    }

    #[test]
    fn a_header_in_other_letters_is_found_and_told() {
        let (text, remarks) = corrected(&[
            (
                "src/a.c",
                "int a;\n # include \"Message_Slot.H\" // x\n#include <Message_Slot.H>\n",
            ),
            ("include/message_slot.h", ""),
        ])
        .unwrap();
        assert_eq!(
            text,
            "int a;\n # include \"../include/message_slot.h\" // x\n#include <Message_Slot.H>\n"
        );
        assert_eq!(
            remarks,
            [
                "src/a.c includes Message_Slot.H, which is called include/message_slot.h; that is used"
            ]
        );
    }

    #[test]
    fn names_that_the_sandbox_has_changed_are_followed_silently() {
        for (include, header) in [
            ("my slot.h", "my slot.h"),
            ("../כותרת.h", "כותרת.h"),
            ("..\\x\\y z.h", "x/y z.h"),
        ] {
            let text = format!("#include \"{include}\"\n");
            let (text, remarks) = corrected(&[("my ex/a.c", &text[..]), (header, "")]).unwrap();
            let plain = files(&[(header, "")])[0].path.clone();
            assert_eq!(text, format!("#include \"../{plain}\"\n"));
            assert_eq!(remarks, [""; 0]);
        }
    }

    #[test]
    fn what_compilers_find_themselves_stays() {
        for (include, header) in [
            ("x.h", "src/x.h"),
            ("x.h", "include/x.h"),
            ("sub/x.h", "include/sub/x.h"),
            ("../x.h", "x.h"),
            ("nowhere.h", "x.h"),
        ] {
            let text = format!("#include \"{include}\"\n");
            assert_eq!(
                corrected(&[("src/a.c", &text[..]), (header, "")]),
                None,
                "{include}"
            );
        }
    }

    #[test]
    fn headers_of_another_homework_are_none_of_ours() {
        let files = files(&[
            ("hw3/src/a.c", ""),
            ("hw2/list.h", ""),
            ("hw3/include/list.h", ""),
            ("hw3/old/list.h", ""),
            ("common/u.h", ""),
        ]);
        let layout = Layout::of(files.iter().map(|file| &file.path[..]));
        let headers = Headers {
            files: &files,
            layout: &layout,
        };
        assert_eq!(
            headers.directories("hw3/src/a.c"),
            ["hw3", "", "hw3/include", "common"]
        );
        let found = headers
            .resolve(&files[0], "list.h")
            .map(|file| &file.path[..]);
        assert_eq!(found, Some("hw3/include/list.h"));
    }
}
