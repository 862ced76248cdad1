// SPDX-License-Identifier: MIT OR Apache-2.0
//! A row: one hostile submission, the checks that it is graded with, and what must come of it.

use std::path::Path;

use crate::base::{Base, Files};

/// Packs the files of a submission.
pub(crate) type Pack = fn(&Files) -> Vec<u8>;

/// What must come of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// None of the checks gives a point.
    NoPoint,
    /// All checks pass: the attack changes nothing.
    AllPoints,
    /// The host cannot see the attack in what the checks observe. If it gains points, a remark tells
    /// people to read the code.
    Noticed,
    /// Nothing is graded, and the reason is said.
    Refused,
}

/// One hostile submission.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) base: Base,
    /// The checks: those whose ids contain this.
    pub(crate) checks: &'static str,
    pub(crate) expect: Expect,
    /// What the report, or the refusal, says. Of words separated by `|` one is enough.
    pub(crate) says: Vec<&'static str>,
    /// Seconds for `--timeout`, if they are not the usual ones.
    pub(crate) timeout: Option<u32>,
    /// Whether it takes minutes even on an idle machine, so that it is never drawn.
    pub(crate) takes_long: bool,
    /// Texts that are replaced: file, old, new.
    changes: Vec<(&'static str, &'static str, String)>,
    added: Vec<(&'static str, String)>,
    /// What else is done in the folder of the submission.
    pub(crate) prepare: Option<fn(&Path)>,
    /// An archive that is handed in instead of the folder, with the ending of its name.
    pub(crate) pack: Option<(&'static str, Pack)>,
}

impl Row {
    pub(crate) fn new(name: &str, base: Base, checks: &'static str) -> Self {
        Row {
            name: name.to_owned(),
            base,
            checks,
            expect: Expect::NoPoint,
            says: Vec::new(),
            timeout: None,
            takes_long: false,
            changes: Vec::new(),
            added: Vec::new(),
            prepare: None,
            pack: None,
        }
    }

    /// The sources as they are, which pass the checks.
    pub(crate) fn honest(base: Base, checks: &'static str) -> Self {
        let name = format!("honest: {base:?} {checks}");
        Row::new(&name, base, checks).expects(Expect::AllPoints)
    }

    pub(crate) fn is_honest(&self) -> bool {
        self.name.starts_with("honest: ")
    }

    pub(crate) fn expects(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }

    pub(crate) fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    pub(crate) fn timeout(mut self, seconds: u32) -> Self {
        self.timeout = Some(seconds);
        self
    }

    pub(crate) fn takes_long(mut self) -> Self {
        self.takes_long = true;
        self
    }

    /// Replace a text of the base's main file, which is there exactly once.
    pub(crate) fn change(self, old: &'static str, new: impl Into<String>) -> Self {
        let file = self.base.main();
        self.change_in(file, old, new)
    }

    pub(crate) fn change_in(
        mut self,
        file: &'static str,
        old: &'static str,
        new: impl Into<String>,
    ) -> Self {
        self.changes.push((file, old, new.into()));
        self
    }

    /// Put code behind the includes of the base's main file.
    pub(crate) fn insert(self, code: impl AsRef<str>) -> Self {
        let anchor = self.base.anchor();
        self.change(anchor, format!("{anchor}\n{}\n", code.as_ref()))
    }

    pub(crate) fn add(mut self, file: &'static str, text: impl Into<String>) -> Self {
        self.added.push((file, text.into()));
        self
    }

    pub(crate) fn prepare(mut self, prepare: fn(&Path)) -> Self {
        self.prepare = Some(prepare);
        self
    }

    pub(crate) fn pack(mut self, ending: &'static str, pack: Pack) -> Self {
        self.pack = Some((ending, pack));
        self
    }

    /// The files of the submission.
    pub(crate) fn files(&self) -> Files {
        let mut files = self.base.files();
        for (file, old, new) in &self.changes {
            let text = files.get_mut(*file).unwrap();
            let count = text.matches(old).count();
            assert_eq!(count, 1, "{}: {old:?} in {file}", self.name);
            *text = text.replace(old, new);
        }
        for (file, text) in &self.added {
            files.insert((*file).to_owned(), text.clone());
        }
        files
    }
}
