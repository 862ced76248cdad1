// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of a submission that are left out unread, and the sentence that says so.

use std::{collections::BTreeMap, os::unix::ffi::OsStrExt, path::Path};

/// Why something is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// A file of version control, of a system or of an editor. The report does not mention it.
    Hidden,
    /// A folder into which programs are built.
    BuildFolder,
    /// A product of a build.
    BuildProduct,
    /// A file that is neither text nor an archive.
    Binary,
    /// Longer than any source.
    Large,
    /// An archive beside sources.
    Archive,
}

impl Reason {
    /// For people.
    fn words(self) -> &'static str {
        match self {
            Reason::Hidden => "hidden files",
            Reason::BuildFolder => "folders for what is built",
            Reason::BuildProduct => "products of a build",
            Reason::Binary => "binary files",
            Reason::Large => "files of more than 1 MiB",
            Reason::Archive => "archives beside the sources",
        }
    }
}

/// Why a path is left out, whatever is in it. Directories with a dot are, except cargo's, which is
/// remarked on.
pub(crate) fn reason(path: &Path) -> Option<Reason> {
    const FOLDERS: [&str; 2] = ["build", "target"];
    const PRODUCTS: [&str; 11] = [
        ".a", ".cmd", ".dwo", ".gcno", ".ko", ".mod", ".mod.c", ".o", ".order", ".so", ".symvers",
    ];
    const EDITORS: [&str; 5] = [".bak", ".orig", ".rej", ".swp", "~"];
    let ends = |name: &[u8], ends: &[&str]| {
        let name = name.to_ascii_lowercase();
        ends.iter().any(|end| name.ends_with(end.as_bytes()))
    };
    let reasons = path.components().filter_map(|component| {
        let name = component.as_os_str().as_bytes();
        let hidden = name.starts_with(b".") && name != b".cargo";
        if hidden || name == b"__MACOSX" || ends(name, &EDITORS) {
            Some(Reason::Hidden)
        } else if FOLDERS.iter().any(|other| name == other.as_bytes()) {
            Some(Reason::BuildFolder)
        } else {
            ends(name, &PRODUCTS).then_some(Reason::BuildProduct)
        }
    });
    reasons.min()
}

/// The files that were left out, for the report.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(BTreeMap<Reason, (usize, String)>);

impl Leftovers {
    /// Note one more.
    pub(crate) fn note(&mut self, reason: Reason, shown: &str) {
        let (count, _) = self
            .0
            .entry(reason)
            .or_insert_with(|| (0, shown.to_owned()));
        *count += 1;
    }

    /// The sentence for the report, if there is anything to say.
    pub(crate) fn sentence(&self) -> Option<String> {
        let told = self
            .0
            .iter()
            .filter(|&(reason, _)| *reason != Reason::Hidden);
        let parts: Vec<_> = told
            .map(|(reason, (count, example))| match count {
                1 => format!("{} ({example})", reason.words()),
                count => format!("{} ({count}, for example {example})", reason.words()),
            })
            .collect();
        (!parts.is_empty()).then(|| format!("left out: {}", parts.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_wrote_is_left_out() {
        for (path, expected) in [
            (".git/config", Reason::Hidden),
            ("__MACOSX/._a.c", Reason::Hidden),
            ("x/.DS_Store", Reason::Hidden),
            ("x/message_slot.mod.c", Reason::BuildProduct),
            ("x/.message_slot.ko.cmd", Reason::Hidden),
            ("X.KO", Reason::BuildProduct),
            ("message_slot.c~", Reason::Hidden),
            ("build/a.c", Reason::BuildFolder),
        ] {
            assert_eq!(reason(Path::new(path)), Some(expected), "{path}");
        }
        for path in ["a/message_slot.c", ".cargo/config.toml", "builder.c"] {
            assert_eq!(reason(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn the_sentence_counts_and_names_one() {
        let mut left_out = Leftovers::default();
        left_out.note(Reason::Hidden, ".git");
        assert_eq!(left_out.sentence(), None);
        left_out.note(Reason::BuildProduct, "a.o");
        left_out.note(Reason::BuildProduct, "b.o");
        left_out.note(Reason::Binary, "a.out");
        assert_eq!(
            left_out.sentence().as_deref(),
            Some("left out: products of a build (2, for example a.o); binary files (a.out)")
        );
    }
}
