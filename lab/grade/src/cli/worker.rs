// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading one submission of a batch in a process of its own. So a crash, or a kill, costs one
//! submission.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::bail;
use lab_base::{Error, environment, paths::Paths, run_directory};
use lab_grade::batch::{
    ResultsFolder, fingerprint,
    plan::{BatchPlan, PlannedSubmission},
    result::{BatchResult, BatchStatus, WorkerEnd},
};
use lab_machine::confine::end_with;
use nix::sys::{signal::Signal, statvfs::statvfs};

use super::children::Children;

/// What the process writes to stderr, in the folder of the report.
const SAID: &str = "messages.txt";
/// What is read of it, in bytes.
const SAID_MAX: u64 = 64 << 10;
/// A disk with less free space is full, in MiB. A report takes less than one.
const FULL_MIB: u64 = 4;

/// Means to grade submissions of a batch.
pub(crate) struct Worker<'a> {
    pub(crate) folder: &'a ResultsFolder,
    pub(crate) plan: &'a BatchPlan,
    pub(crate) children: &'a Children,
    /// How many machines one submission may have at a time.
    pub(crate) machines: usize,
}

impl Worker<'_> {
    /// Grade a submission, and have its result in the folder. `None` if the batch was interrupted
    /// before the end. Call it in a thread that lives until it returns.
    ///
    /// # Errors
    /// The batch cannot go on, for example because the disk is full.
    pub(crate) fn grade(
        &self,
        submission: &PlannedSubmission,
    ) -> anyhow::Result<Option<BatchResult>> {
        let attempt = self.folder.attempt()?;
        let before = fingerprint(&submission.path);
        let begin = Instant::now();
        let said =
            File::create(attempt.path().join(SAID)).map_err(Error::io("writing messages"))?;
        let mut command = self.command(submission, attempt.path());
        command.stderr(said);
        let end = self.children.run(&mut command);
        let end = end.map_err(Error::io("starting a process that grades"))?;
        if let WorkerEnd::Killed(_) = end {
            // It could not remove its own.
            run_directory::sweep(&Paths::find()?.build.join("run"))?;
        }
        let report = fs::read(attempt.path().join("report.json")).ok();
        let mut result = BatchResult::of(&end, report.as_deref(), &said_in(attempt.path()));
        let failed = result.status == BatchStatus::Error;
        if failed && self.children.are_interrupted() {
            return Ok(None);
        }
        if failed {
            self.check_disks()?;
        }
        if result.total.is_some() {
            // The report says all.
            fs::remove_file(attempt.path().join(SAID)).map_err(Error::io("removing messages"))?;
        }
        result.seconds = begin.elapsed().as_secs_f64();
        if !failed && fingerprint(&submission.path) != before {
            result.has_changed();
        }
        result.fingerprint = before;
        self.folder.complete(attempt, &submission.id, &result)?;
        Ok(Some(result))
    }

    fn command(&self, submission: &PlannedSubmission, attempt: &Path) -> Command {
        let options = &self.plan.options;
        // This very program, also if another one was built since.
        let mut command = environment::command("/proc/self/exe");
        command
            .arg0("lab-grade")
            .args(["grade", "--no-build", "--kernel", &options.kernel])
            .args(["--machine", &options.machine])
            .args(["--seed", &options.seed.to_string()])
            .args(["--timeout", &options.timeout.to_string()])
            .args(["--feedback", &options.feedback])
            .args(["--machines", &self.machines.to_string(), "--out"])
            .arg(attempt);
        for stage in &options.stages {
            command.args(["--stage", stage]);
        }
        for step in &options.steps {
            command.args(["--step", step]);
        }
        if let Some(rubric) = &options.rubric {
            command.arg("--rubric").arg(rubric);
        }
        if !options.filter.is_empty() {
            command.args(["--check", &options.filter]);
        }
        command.arg("--").arg(&submission.path);
        // A terminal sends Ctrl-C to its group, and we decide what that means.
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let parent = nix::unistd::getpid();
        // SAFETY: system calls only, which are async-signal-safe.
        unsafe {
            command.pre_exec(move || Ok(end_with(parent, Signal::SIGTERM)?));
        }
        command
    }

    /// A full disk fails one submission after the other, so the batch ends.
    fn check_disks(&self) -> anyhow::Result<()> {
        let paths = Paths::find()?;
        for place in [self.folder.path(), &paths.build, &std::env::temp_dir()] {
            let Ok(disk) = statvfs(place) else { continue };
            let free = (disk.blocks_available() * disk.fragment_size()) >> 20;
            if free < FULL_MIB {
                bail!(
                    "the disk is full: {free} MiB are free in {}",
                    place.display()
                );
            }
        }
        Ok(())
    }
}

/// What the process wrote to stderr.
fn said_in(attempt: &Path) -> String {
    let mut said = Vec::new();
    if let Ok(file) = File::open(attempt.join(SAID)) {
        // What was read until an error is better than nothing.
        let _ = file.take(SAID_MAX).read_to_end(&mut said);
    }
    String::from_utf8_lossy(&said).into_owned()
}
