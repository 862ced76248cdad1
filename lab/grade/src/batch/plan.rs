// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a batch is: its submissions, and everything that scores depend on. It is written when the
//! batch begins, and a batch that goes on has to be the same.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::ids::ids;

/// Version of the format.
const SCHEMA: u32 = 1;

/// Everything besides the submissions that scores depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOptions {
    /// Name of the kernel.
    pub kernel: String,
    /// `warm` or `cold`.
    pub machine: String,
    /// Where inputs are drawn from.
    pub seed: u64,
    /// Names of stages; empty for those of which a submission has something.
    pub stages: Vec<String>,
    /// Names of steps; empty for all.
    #[serde(default)]
    pub steps: Vec<String>,
    /// What selects the checks: a part of their ids, or the name of a step.
    pub filter: String,
    /// An instructor's rubric, absolute.
    pub rubric: Option<PathBuf>,
    /// Digest of that file.
    pub rubric_digest: Option<String>,
    /// Readers of the reports: `student` or `staff`.
    pub feedback: String,
    /// How long one check may take, in seconds.
    pub timeout: u64,
}

impl BatchOptions {
    /// The first option that differs: its name, the value here and the value there.
    pub fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let stages = |options: &Self| match &options.stages[..] {
            [] => "those that are there".to_owned(),
            stages => stages.join(" and "),
        };
        let rubric = |options: &Self| match (&options.rubric, &options.rubric_digest) {
            (Some(file), Some(digest)) => format!("{} ({digest})", file.display()),
            _ => "lab/rubric.toml".to_owned(),
        };
        let pairs = [
            ("kernel", self.kernel.clone(), other.kernel.clone()),
            ("machine", self.machine.clone(), other.machine.clone()),
            ("seed", self.seed.to_string(), other.seed.to_string()),
            ("stage", stages(self), stages(other)),
            ("step", self.steps.join(" and "), other.steps.join(" and ")),
            (
                "filter",
                format!("'{}'", self.filter),
                format!("'{}'", other.filter),
            ),
            ("rubric", rubric(self), rubric(other)),
            ("feedback", self.feedback.clone(), other.feedback.clone()),
            (
                "timeout",
                self.timeout.to_string(),
                other.timeout.to_string(),
            ),
        ];
        pairs.into_iter().find(|(_, here, there)| here != there)
    }
}

/// A submission of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSubmission {
    /// Its name in the table, and the name of its folder.
    pub id: String,
    #[serde(with = "stored")]
    /// Its path, absolute.
    pub path: PathBuf,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPlan {
    schema: u32,
    /// What scores depend on.
    pub options: BatchOptions,
    #[serde(with = "stored")]
    /// Where the table is written, absolute.
    pub csv: PathBuf,
    /// In the order in which they were named.
    pub submissions: Vec<PlannedSubmission>,
}

impl BatchPlan {
    /// A batch without submissions.
    pub fn new(options: BatchOptions, csv: PathBuf) -> Self {
        BatchPlan {
            schema: SCHEMA,
            options,
            csv,
            submissions: Vec::new(),
        }
    }

    /// Add submissions by their absolute paths. Those that are there already stay as they are.
    pub fn add(&mut self, paths: &[PathBuf]) {
        let mut new: Vec<&Path> = Vec::new();
        for path in paths {
            let known = self.submissions.iter().any(|other| other.path == *path);
            if !known && !new.contains(&path.as_path()) {
                new.push(path);
            }
        }
        let taken: Vec<&str> = self.submissions.iter().map(|known| &known.id[..]).collect();
        let ids = ids(&new, &taken);
        let planned = ids.into_iter().zip(new).map(|(id, path)| {
            let path = path.to_owned();
            PlannedSubmission { id, path }
        });
        self.submissions.extend(planned.collect::<Vec<_>>());
    }

    /// A plan as it was written.
    ///
    /// # Errors
    /// It is none, or one of another version of the lab.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let plan: BatchPlan = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if plan.schema != SCHEMA {
            return Err(format!("expected version {SCHEMA}, found {}", plan.schema));
        }
        Ok(plan)
    }
}

/// Paths in JSON: text, or the bytes of a path that is none.
mod stored {
    use serde::{Deserializer, Serializer};

    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        let stored = match path.to_str() {
            Some(text) => Stored::Text(text.to_owned()),
            None => Stored::Bytes(path.as_os_str().as_bytes().to_owned()),
        };
        stored.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Ok(match Stored::deserialize(from)? {
            Stored::Text(text) => text.into(),
            Stored::Bytes(bytes) => OsString::from_vec(bytes).into(),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::batch) fn plan() -> BatchPlan {
        let options = BatchOptions {
            kernel: "lab".into(),
            machine: "warm".into(),
            seed: 1,
            stages: Vec::new(),
            steps: Vec::new(),
            filter: String::new(),
            rubric: None,
            rubric_digest: None,
            feedback: "student".into(),
            timeout: 300,
        };
        BatchPlan::new(options, "/grades/grades.csv".into())
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let mut plan = plan();
        let no_text = OsString::from_vec(b"/class/\xff".to_vec());
        plan.add(&["/class/jane".into(), no_text.into()]);
        let text = serde_json::to_vec(&plan).unwrap();
        assert_eq!(BatchPlan::parse(&text).unwrap(), plan);
        let other = String::from_utf8(text).unwrap();
        let other = other.replace("\"schema\":1", "\"schema\":7");
        let error = BatchPlan::parse(other.as_bytes()).unwrap_err();
        assert_eq!(error, "expected version 1, found 7");
        assert!(BatchPlan::parse(b"{\"schema\": 1,").is_err());
    }

    #[test]
    fn a_submission_that_is_known_keeps_its_id() {
        let mut plan = plan();
        plan.add(&["/a/jane".into(), "/a/jane".into()]);
        plan.add(&["/b/jane".into(), "/a/jane".into()]);
        let ids: Vec<_> = plan.submissions.iter().map(|known| &known.id[..]).collect();
        assert_eq!(ids, ["jane", "jane_2"]);
    }

    #[test]
    fn the_first_difference_is_named() {
        let here = plan().options;
        assert_eq!(here.difference(&here), None);
        let mut there = here.clone();
        there.stages = vec!["part2".into(), "part3".into()];
        let expected = (
            "stage",
            "those that are there".into(),
            "part2 and part3".into(),
        );
        assert_eq!(here.difference(&there), Some(expected));
    }
}
