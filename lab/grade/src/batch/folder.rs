// SPDX-License-Identifier: MIT OR Apache-2.0
//! The folder of a batch: its plan, and a folder with report and result for each submission.
//!
//! A submission is graded into a folder of its own below `.attempts/`. The folder gets its name when
//! everything in it is on the disk, so a result is complete or not there.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use lab_base::{Error, Result, paths};
use tempfile::TempDir;

use super::{
    plan::{BatchPlan, PlannedSubmission},
    result::BatchResult,
};

const PLAN: &str = "batch.json";
const RESULT: &str = "result.json";
const REPORTS: &str = "reports";
const ATTEMPTS: &str = ".attempts";

/// The folder of a batch.
pub struct ResultsFolder {
    path: PathBuf,
    /// Held by the process that alone may start gradings.
    _lock: Option<File>,
}

impl ResultsFolder {
    /// Make or open a folder for one process alone. What an earlier process has begun and not
    /// completed is removed.
    ///
    /// # Errors
    /// [`Error::Io`]; also if another process has it.
    pub fn alone(path: &Path) -> Result<Self> {
        let failed = |what: &str| Error::io(format!("{what} {}", path.display()));
        fs::create_dir_all(path).map_err(failed("creating"))?;
        let lock = File::create(path.join(".lock")).map_err(failed("writing into"))?;
        if let Err(error) = lock.try_lock() {
            return Err(failed("locking")(match error {
                fs::TryLockError::WouldBlock => {
                    io::Error::other("another batch is writing into this folder")
                }
                fs::TryLockError::Error(error) => error,
            }));
        }
        let attempts = path.join(ATTEMPTS);
        if attempts.exists() {
            fs::remove_dir_all(&attempts).map_err(failed("clearing"))?;
        }
        Ok(ResultsFolder {
            path: path.to_owned(),
            _lock: Some(lock),
        })
    }

    /// The same, beside other processes that grade other submissions of the batch.
    pub fn beside_others(path: &Path) -> Self {
        ResultsFolder {
            path: path.to_owned(),
            _lock: None,
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The plan; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Unexpected`] if it cannot be parsed.
    pub fn plan(&self) -> Result<Option<BatchPlan>> {
        let file = self.path.join(PLAN);
        match fs::read(&file) {
            Ok(text) => match BatchPlan::parse(&text) {
                Ok(plan) => Ok(Some(plan)),
                Err(why) => Err(Error::Unexpected(format!("{}: {why}", file.display()))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(format!("reading {}", file.display()))(error)),
        }
    }

    /// Whether there are reports.
    pub fn has_reports(&self) -> bool {
        fs::read_dir(self.path.join(REPORTS)).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Write the plan.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_plan(&self, plan: &BatchPlan) -> Result<()> {
        let text = serde_json::to_vec_pretty(plan).map_err(io::Error::from);
        let text = text.map_err(Error::io("writing a plan"))?;
        paths::write_if_changed(&self.path.join(PLAN), &text, 0o644)
    }

    /// The folder of a submission's report, relative to this folder.
    pub fn report_of(id: &str) -> PathBuf {
        Path::new(REPORTS).join(id)
    }

    /// The complete results, by the ids of their submissions.
    pub fn results(&self, plan: &BatchPlan) -> BTreeMap<String, BatchResult> {
        let all = plan.submissions.iter();
        all.filter_map(|submission| Some((submission.id.clone(), self.result(submission)?)))
            .collect()
    }

    /// The result of a submission; `None` if it is not complete.
    pub fn result(&self, submission: &PlannedSubmission) -> Option<BatchResult> {
        let folder = self.path.join(Self::report_of(&submission.id));
        serde_json::from_slice(&fs::read(folder.join(RESULT)).ok()?).ok()
    }

    /// A folder for an attempt. It is removed if it is not completed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn attempt(&self) -> Result<TempDir> {
        let attempts = self.path.join(ATTEMPTS);
        paths::create_dir(&attempts)?;
        // Web servers and other users may read reports, as any file of the batch.
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        tempfile::Builder::new()
            .permissions(permissions)
            .tempdir_in(&attempts)
            .map_err(Error::io(format!("writing into {}", attempts.display())))
    }

    /// Make an attempt the result of a submission.
    ///
    /// # Errors
    /// [`Error::Io`], for example if the disk is full. Then an earlier result stays.
    pub fn complete(&self, attempt: TempDir, id: &str, result: &BatchResult) -> Result<()> {
        let to = self.path.join(Self::report_of(id));
        let write = || {
            fs::create_dir_all(self.path.join(REPORTS))?;
            fs::write(attempt.path().join(RESULT), serde_json::to_vec(result)?)?;
            sync(attempt.path())?;
            if to.exists() {
                let old = tempfile::Builder::new().tempdir_in(self.path.join(ATTEMPTS))?;
                fs::rename(&to, old.path().join("report"))?;
            }
            fs::rename(attempt.path(), &to)?;
            File::open(self.path.join(REPORTS))?.sync_all()
        };
        write().map_err(Error::io(format!("writing {}", to.display())))?;
        // It has another name now.
        let _ = attempt.keep();
        Ok(())
    }

    /// Remove what attempts need. Call it when none is going on.
    pub fn tidy(&self) {
        let _ = fs::remove_dir(self.path.join(ATTEMPTS));
    }
}

/// Have all files of a directory on the disk.
fn sync(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::result::WorkerEnd;

    #[test]
    fn a_result_is_complete_or_not_there() {
        let root = tempfile::tempdir().unwrap();
        let folder = ResultsFolder::alone(&root.path().join("grades")).unwrap();
        let jane = PlannedSubmission {
            id: "jane".into(),
            path: "/jane".into(),
        };
        let attempt = folder.attempt().unwrap();
        let begun = attempt.path().to_owned();
        fs::write(begun.join("report.txt"), "one").unwrap();
        drop(attempt);
        assert!(!begun.exists() && folder.result(&jane).is_none());

        for said in ["first", "second"] {
            let attempt = folder.attempt().unwrap();
            let result = BatchResult::of(&WorkerEnd::Exited(2), None, said);
            folder.complete(attempt, &jane.id, &result).unwrap();
            assert_eq!(folder.result(&jane), Some(result));
        }
        folder.tidy();
        assert!(!folder.path().join(ATTEMPTS).exists());
        let file = folder.path().join("reports/jane/result.json");
        fs::write(file, "{\"status\": ").unwrap();
        assert_eq!(folder.result(&jane), None);
    }

    #[test]
    fn two_batches_do_not_share_a_folder() {
        let root = tempfile::tempdir().unwrap();
        let first = ResultsFolder::alone(root.path()).unwrap();
        let error = ResultsFolder::alone(root.path()).err().unwrap();
        let error = error.to_string();
        assert!(error.ends_with("another batch is writing into this folder"));
        drop(first);
        assert!(ResultsFolder::alone(root.path()).is_ok());
    }
}
