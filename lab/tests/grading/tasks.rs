// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tasks of a starter: what it remembers, and giving back the text of one.

use std::{fs, path::Path};

use lab_course::{
    reset::reset,
    starter::{Starter, cut},
    tasks::{Task, Tasks},
};
use lab_stages::STAGES;

use crate::starter::checkout;

/// A starter without any solution, as it is written, and its tasks.
fn written(directory: &Path) -> Tasks {
    let starter = Starter::of(&checkout(), &STAGES[0]).unwrap();
    starter.write(directory).unwrap();
    Tasks::of(directory).unwrap().unwrap()
}

/// The tasks of a file.
fn of_file<'a>(tasks: &'a Tasks, file: &Path) -> Vec<&'a Task> {
    let all = tasks.tasks.iter();
    all.filter(|task| task.file == file).collect()
}

/// The text of a file of this checkout, as a student has it that has written everything.
fn solved(file: &Path) -> String {
    let text = fs::read_to_string(checkout().join(file)).unwrap();
    cut(file, &text, true).unwrap().0
}

#[test]
fn a_starter_remembers_each_task_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("starter");
    let tasks = written(&directory);
    assert!(tasks.tasks.iter().all(|task| task.solution.is_none()));
    for task in &tasks.tasks {
        let line = task.line_now(&directory).unwrap();
        let text = fs::read_to_string(directory.join(&task.file)).unwrap();
        let found = text.lines().nth(line - 1).unwrap();
        assert!(found.contains(&format!("TODO {}: {}", task.name, task.task)));
        assert_eq!(tasks.files[&task.file], text);
    }
    // The TODO is gone, and a file that is gone has no code.
    let task = &tasks.tasks[0];
    fs::write(directory.join(&task.file), solved(&task.file)).unwrap();
    assert_eq!(task.line_now(&directory), None);
    fs::remove_file(directory.join(&task.file)).unwrap();
    assert_eq!(task.line_now(&directory), Some(0));
}

#[test]
fn solutions_are_there_only_if_a_teacher_wants_it() {
    let mut starter = Starter::of(&checkout(), &STAGES[0]).unwrap();
    starter.hand_out_solutions().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("starter");
    starter.write(&directory).unwrap();
    let tasks = Tasks::of(&directory).unwrap().unwrap();
    for (task, region) in tasks.tasks.iter().zip(&starter.cut) {
        assert_eq!(task.solution.as_ref(), Some(&region.lines));
    }
    assert_eq!(Tasks::of(&checkout()).unwrap(), None);
}

#[test]
fn all_tasks_of_a_file_are_given_back_and_no_line_of_its_first_text_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = written(&directory.path().join("starter"));
    for (file, first) in &tasks.files {
        let all = of_file(&tasks, file);
        let text = reset(first, &solved(file), &all, &all).unwrap();
        // Lines that a student has added in another place may stay.
        let mut lines = text.lines();
        for line in first.lines() {
            assert!(
                lines.any(|found| found == line),
                "{}: {line}",
                file.display()
            );
        }
        assert!(all.iter().all(|task| task.place_in(&text).is_some()));
    }
}

/// A student that keeps the names of the tasks in comments, as the solutions do, can give back each.
#[test]
fn one_task_is_given_back_and_every_other_stays_written() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = written(&directory.path().join("starter"));
    for task in &tasks.tasks {
        let all = of_file(&tasks, &task.file);
        let written = fs::read_to_string(checkout().join(&task.file)).unwrap();
        let text = reset(&tasks.files[&task.file], &written, &[task], &all).unwrap();
        for other in all {
            let open = other.place_in(&text).is_some();
            assert_eq!(
                open,
                other.name == task.name,
                "{} of {}",
                other.name,
                task.name
            );
        }
    }
}

/// Without such comments it is given back as a whole, or with those that stand beside it.
#[test]
fn code_is_never_cut_in_the_middle() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = written(&directory.path().join("starter"));
    for task in &tasks.tasks {
        let all = of_file(&tasks, &task.file);
        let first = &tasks.files[&task.file];
        match reset(first, &solved(&task.file), &[task], &all) {
            Ok(text) => {
                let lines = |text: &str| text.matches(['{', '(']).count();
                let closed = text.matches(['}', ')']).count();
                assert_eq!(lines(&text), closed, "{}", task.name);
            }
            Err(error) => assert!(error.to_string().contains("stands together")),
        }
    }
}
