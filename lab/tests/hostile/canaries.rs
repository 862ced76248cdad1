// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secrets around a run: in files, in a variable, in an open descriptor. Afterwards none of them is
//! in a report, and the files and folders are as they were.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Names in texts of submissions, which stand for paths: of a file in the user's home, and of one
/// beside the submission.
pub(crate) const PLACES: [&str; 2] = ["@SECRET@", "@BESIDE@"];

/// The descriptor that is open when the grader starts, as a careless shell may leave it.
pub(crate) const DESCRIPTOR: i32 = 9;

/// The variable.
pub(crate) const VARIABLE: &str = "CANARY";

pub(crate) struct Canaries {
    root: tempfile::TempDir,
    /// What no report may contain.
    pub(crate) token: String,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Canaries {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("row").tempdir().unwrap();
        let token = lab_base::random::draw_key().unwrap();
        for folder in ["home/.ssh", "class", "class/submission", "out"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let mut canaries = Canaries {
            root,
            token,
            before: BTreeMap::new(),
        };
        // Includes of it compile, so that it could come further than into a message.
        let text = format!("#define SECRET \"{}\"\n", canaries.token);
        for place in [canaries.secret(), canaries.beside()] {
            fs::write(&place, &text).unwrap();
        }
        canaries.before = canaries.now();
        canaries
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The folder of the submission.
    pub(crate) fn submission(&self) -> PathBuf {
        self.root.path().join("class/submission")
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.home().join(".ssh/id_canary")
    }

    fn beside(&self) -> PathBuf {
        self.root.path().join("class/neighbour.h")
    }

    /// Where the reports go.
    pub(crate) fn out(&self) -> PathBuf {
        self.root.path().join("out")
    }

    /// A text with the paths that it names.
    pub(crate) fn with_places(&self, text: &str) -> String {
        let [secret, beside] = PLACES;
        let shown = |path: PathBuf| path.display().to_string();
        text.replace(secret, &shown(self.secret()))
            .replace(beside, &shown(self.beside()))
    }

    fn now(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for folder in ["home", "class"] {
            list(
                &self.root.path().join(folder),
                &self.submission(),
                &mut found,
            );
        }
        found
    }

    /// What differs from the beginning.
    pub(crate) fn changes(&self) -> Vec<PathBuf> {
        let now = self.now();
        let paths = self.before.keys().chain(now.keys());
        let differs = |path: &&PathBuf| self.before.get(*path) != now.get(*path);
        paths.filter(differs).cloned().collect()
    }
}

/// All files below a folder, but not those below `but`. A folder has no contents.
fn list(folder: &Path, but: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path == but {
            continue;
        }
        if path.is_dir() {
            list(&path, but, found);
            found.insert(path, Vec::new());
        } else {
            let contents = fs::read(&path).unwrap_or_default();
            found.insert(path, contents);
        }
    }
}
