// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recogniser of crashes against the recorded consoles in every form in which a log is saved,
//! and against text that is no log of a kernel.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lab_base::paths::Paths;
use lab_console::{first_report, is_kernel_log};

use crate::{
    consoles::{HARMLESS, expected, found, recorded},
    log_forms::{Record, all, records},
};

/// What a program says in between: nothing that the kernel has said.
fn with_a_program(mut records: Vec<Record>) -> Vec<Record> {
    for at in (0..records.len()).step_by(7).rev() {
        let time = records[at.saturating_sub(1)].time;
        let program = Record {
            level: 6,
            time,
            caller: None,
            message: "BUG: kernel NULL pointer dereference, says a program".to_owned(),
            by_program: true,
        };
        records.insert(at, program);
    }
    records
}

/// Every recorded console in every form: the class and the function are the same as on the console,
/// and a clean log is clean. What only a console shows (a machine that starts again) is left out.
#[test]
fn every_form_has_the_report_of_the_console() {
    let (mut logs, mut clean) = (0, 0);
    let mut wrong = Vec::new();
    for ((kernel, way), console) in recorded() {
        if way == "reboot" {
            continue;
        }
        let expected = (!HARMLESS.contains(&way.as_str())).then(|| expected(&way));
        for (form, log) in all(&with_a_program(records(&console))) {
            logs += 1;
            clean += usize::from(expected.is_none());
            let report = first_report(&log);
            if report.as_ref().map(found) != expected || !is_kernel_log(&log) {
                let title = report.map_or("no report".to_owned(), |report| report.headline(None));
                wrong.push(format!("{kernel}-{way}, {form}: {title}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {logs}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        logs > 3000 && clean > 150,
        "{logs} logs, {clean} of them clean"
    );
}

/// Titled excerpts of other kernels and processors: `consoles/titled/NAME.log`, as they are and in
/// every form. Their first two lines have the class and the function that are right, or a dash.
#[test]
fn reports_of_other_kernels_have_their_class_and_their_function() {
    let directory = Paths::find()
        .unwrap()
        .checkout
        .join("lab/tests/consoles/titled");
    let mut classes = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (class, rest) = text.split_once('\n').unwrap();
        let (function, log) = rest.split_once('\n').unwrap();
        let class = class.strip_prefix("class: ").unwrap();
        let function = function.strip_prefix("function: ").unwrap();
        let mut judge = |form: &str, log: &str| {
            let report = first_report(log).as_ref().map(found);
            let class_is_right = report
                .as_ref()
                .map_or("-".to_owned(), |it| it.0.to_string())
                == class;
            let function_found = report.and_then(|it| it.1).unwrap_or("-".to_owned());
            if !class_is_right || function_found != function || !is_kernel_log(log) {
                wrong.push(format!("{name}, {form}: {:?}", first_report(log)));
            }
        };
        judge("as it is", log);
        for (form, log) in all(&records(log)) {
            judge(form, &log);
        }
        classes.insert(class.to_owned());
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(classes.len() > 15, "{classes:?}");
}

/// The files below a directory.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn no_source_and_no_page_is_a_log_of_a_kernel() {
    let checkout = Paths::find().unwrap().checkout;
    let mut found = ["README.md", "Cargo.lock"]
        .map(|it| checkout.join(it))
        .to_vec();
    for directory in ["kernel", "lab", "protocol"] {
        files(&checkout.join(directory), &mut found);
    }
    found.retain(|file| !file.starts_with(checkout.join("lab/tests/consoles")));
    assert!(found.len() > 300, "{} files", found.len());
    for file in found {
        let text = fs::read(&file).unwrap();
        let is_log = is_kernel_log(&String::from_utf8_lossy(&text));
        assert!(!is_log, "{}", file.display());
    }
}
