// SPDX-License-Identifier: MIT OR Apache-2.0
//! How each check of this tree ended when it was last graded: `build/progress.json`. Grading this
//! tree writes the file. Hints and `make progress` read it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use lab_base::{Error, Result, paths, paths::Paths};
use lab_scene::transcript::Status;
use serde::{Deserialize, Serialize};

/// Most characters that are kept of one text.
const TEXT_MAX: usize = 500;

/// The latest result of each check, by id. A check that was never graded is not in it.
pub type Progress = BTreeMap<String, CheckResult>;

/// The latest result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// How it ended.
    pub status: Status,
    /// Points that it has earned.
    pub points: u32,
    /// Points that there are.
    pub max: u32,
    /// Points that it had earned in the grading before; [`record`] sets it.
    #[serde(default)]
    pub before: u32,
    /// When it was graded, in seconds since 1970. All checks of one grading have the same.
    pub when: u64,
    /// Why it has not passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureText>,
}

/// The first words of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureText {
    /// The last action before it.
    pub done: String,
    /// The expectation.
    pub expected: String,
    /// The observation.
    pub got: String,
}

impl FailureText {
    /// A failure, with texts that are cut if they are long.
    pub fn new(done: &str, expected: &str, got: &str) -> Self {
        let cut = |text: &str| text.chars().take(TEXT_MAX).collect();
        FailureText {
            done: cut(done),
            expected: cut(expected),
            got: cut(got),
        }
    }
}

/// Now, as [`CheckResult::when`].
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn file(paths: &Paths) -> PathBuf {
    paths.build.join("progress.json")
}

/// The latest results of this tree. Empty before the first grading.
///
/// # Errors
/// [`Error::Missing`] if the file is damaged, [`Error::Io`].
pub fn read(paths: &Paths) -> Result<Progress> {
    let file = file(paths);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Progress::new()),
        Err(error) => return Err(Error::io(format!("reading {}", file.display()))(error)),
    };
    serde_json::from_slice(&text).map_err(|error| Error::Missing {
        what: format!("{} is damaged: {error}", file.display()),
        mend: format!("rm {}", file.display()),
    })
}

/// Add the results of a grading of this tree. They replace older results of the same checks, and a
/// damaged file is replaced as a whole.
///
/// # Errors
/// [`Error::Io`].
pub fn record(paths: &Paths, results: &Progress) -> Result<()> {
    let _lock = paths::lock(&paths.build.join("progress.lock"))?;
    let mut all = read(paths).unwrap_or_default();
    // Compared with this grading, a check that it left out has not changed.
    for old in all.values_mut() {
        old.before = old.points;
    }
    for (id, result) in results {
        let mut result = result.clone();
        let old = all.get(id);
        result.before = old.map_or(result.points, |old: &CheckResult| old.points);
        all.insert(id.clone(), result);
    }
    let text = serde_json::to_vec_pretty(&all).map_err(|e| Error::Unexpected(e.to_string()))?;
    paths::write_if_changed(&file(paths), &text, 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(status: Status, when: u64) -> CheckResult {
        CheckResult {
            status,
            points: 0,
            max: 6,
            before: 0,
            when,
            failure: Some(FailureText::new(
                "reads",
                &"x".repeat(TEXT_MAX + 1),
                "0 bytes",
            )),
        }
    }

    fn paths(build: &std::path::Path) -> Paths {
        Paths {
            checkout: build.to_owned(),
            build: build.to_owned(),
            cache: build.to_owned(),
        }
    }

    #[test]
    fn a_grading_replaces_its_own_checks_and_keeps_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let paths = paths(directory.path());
        assert_eq!(read(&paths).unwrap(), Progress::new());
        let first = [("a", 1), ("b", 1)];
        let first = first.map(|(id, when)| (id.to_owned(), result(Status::Fail, when)));
        record(&paths, &Progress::from(first)).unwrap();
        let second = [("b".to_owned(), result(Status::Timeout, 2))];
        record(&paths, &Progress::from(second)).unwrap();
        let all = read(&paths).unwrap();
        assert_eq!(all["a"], result(Status::Fail, 1));
        assert_eq!(all["b"], result(Status::Timeout, 2));
        let expected = &all["a"].failure.as_ref().unwrap().expected;
        assert_eq!(expected.len(), TEXT_MAX);
    }

    #[test]
    fn a_damaged_file_is_named_and_the_next_grading_replaces_it() {
        let directory = tempfile::tempdir().unwrap();
        let paths = paths(directory.path());
        fs::write(file(&paths), "{").unwrap();
        let error = read(&paths).unwrap_err().to_string();
        assert!(error.contains("progress.json is damaged"), "{error}");
        let results = Progress::from([("a".to_owned(), result(Status::Pass, 1))]);
        record(&paths, &results).unwrap();
        assert_eq!(read(&paths).unwrap(), results);
    }
}
