// SPDX-License-Identifier: MIT OR Apache-2.0
//! A batch that is interrupted or killed, a process of it that is killed, and submissions that change
//! meanwhile.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::batches::{Batch, CHEAP, Class};

/// Longest wait for something that happens.
const DEADLINE: Duration = Duration::from_secs(300);

#[track_caller]
fn wait_for<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = seen() {
            return seen;
        }
        assert!(Instant::now() < end, "waited too long for {what}");
        thread::yield_now();
    }
}

/// Six submissions of which nothing builds.
fn six(class: &Class) -> Vec<PathBuf> {
    let names = ["a", "b", "c", "d", "e", "f"];
    names.iter().map(|name| class.blocked(name)).collect()
}

/// The table of these submissions if nothing ends the batch.
fn undisturbed(class: &Class, submissions: &[PathBuf]) -> String {
    let arguments = [&CHEAP[..], &["--out", "undisturbed"]].concat();
    class
        .grade(submissions, &arguments)
        .ends(0, &["6 submissions: 6 points lost\n"]);
    class.table("undisturbed/grades.csv")
}

/// A batch that has begun, one submission at a time, with this many results.
fn begun(class: &Class, submissions: &[PathBuf], results: usize) -> Child {
    let arguments = [&CHEAP[..], &["--jobs", "1", "--resume"]].concat();
    let mut command = class.command(submissions, &arguments);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("results", || {
        let reports = fs::read_dir(class.path("grades/reports")).ok()?.count();
        (reports >= results).then_some(())
    });
    child
}

/// The process of a batch that grades.
fn worker(batch: &Child) -> Pid {
    wait_for("a process that grades", || {
        let tasks = fs::read_dir(format!("/proc/{}/task", batch.id())).ok()?;
        let children = tasks.flatten().filter_map(|task| {
            let children = fs::read_to_string(task.path().join("children")).ok()?;
            children.split_whitespace().next()?.parse().ok()
        });
        let grades = |pid: &i32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with("lab-grade\0grade\0")
        };
        children.into_iter().find(grades).map(Pid::from_raw)
    })
}

#[test]
fn a_batch_that_is_killed_twice_has_the_same_table_in_the_end() {
    let class = Class::new();
    let submissions = six(&class);
    for results in [1, 3] {
        let mut child = begun(&class, &submissions, results);
        let worker = worker(&child);
        child.kill().unwrap();
        child.wait().unwrap();
        let gone = || (!Path::new(&format!("/proc/{worker}")).exists()).then_some(());
        wait_for("the end of the process that graded", gone);
    }
    class
        .grade(&[], &["--resume"])
        .ends(0, &["6 submissions: 6 points lost\n"]);
    assert_eq!(
        class.table("grades/grades.csv"),
        undisturbed(&class, &submissions)
    );
    assert!(!class.path("grades/.attempts").exists());
}

#[test]
fn an_interrupt_keeps_what_was_graded() {
    let class = Class::new();
    let submissions = six(&class);
    let child = begun(&class, &submissions, 1);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let batch = Batch::of(&child.wait_with_output().unwrap());
    batch.ends(
        3,
        &[
            "interrupted: ",
            "not graded\n",
            "go on with: lab/grade.sh --resume --out ",
        ],
    );
    assert!(!class.path("grades/.attempts").exists());
    let rows = class.table("grades/grades.csv").lines().count();
    assert!((2..7).contains(&rows), "{rows} rows");
    class
        .grade(&submissions, &[&CHEAP[..], &["--resume"]].concat())
        .ends(0, &["6 points lost\n"]);
}

#[test]
fn a_process_that_is_killed_costs_nothing() {
    let class = Class::new();
    let submissions = six(&class);
    let child = begun(&class, &submissions, 1);
    kill(worker(&child), Signal::SIGKILL).unwrap();
    let batch = Batch::of(&child.wait_with_output().unwrap());
    batch.ends(
        0,
        &[
            "grading was ended by SIGKILL",
            "grading 1 once more that ended in an error or changed",
            "6 submissions: 6 points lost\n",
        ],
    );
    assert_eq!(
        class.table("grades/grades.csv"),
        undisturbed(&class, &submissions)
    );
}

#[test]
fn a_submission_that_changes_while_it_is_graded_is_told_as_that() {
    let class = Class::new();
    let changing = class.blocked("changing");
    let done = AtomicBool::new(false);
    let batch = thread::scope(|scope| {
        scope.spawn(|| {
            let notes = changing.join("notes.txt");
            let mut notes = fs::File::options()
                .append(true)
                .create(true)
                .open(notes)
                .unwrap();
            while !done.load(Ordering::Relaxed) {
                notes.write_all(b".").unwrap();
            }
        });
        let arguments = [&CHEAP[..], &["--jobs", "1"]].concat();
        let batch = class.grade(std::slice::from_ref(&changing), &arguments);
        done.store(true, Ordering::Relaxed);
        batch
    });
    batch.ends(1, &["once more", "1 submission: 1 changed\n"]);
    let row = "changing,,,,0,0,2,changed,reports/changing/report.txt,its files changed while it was graded\n";
    assert!(
        class.table("grades/grades.csv").ends_with(row),
        "{}",
        batch.said
    );
    class
        .grade(&[], &["--resume"])
        .ends(0, &["1 submission: 1 points lost\n"]);
}
