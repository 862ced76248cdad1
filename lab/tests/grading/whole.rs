// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading as a grader does it: the program `lab grade` on submissions that are right in another
//! way, wrong, incomplete or none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use lab_base::environment::command;
use serde_json::Value;

use crate::program::program;

/// A submission that is right: everything beside everything, a linked list, a major of its own.
pub(crate) fn right() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/submissions/flat_list")
}

/// That with its files changed.
pub(crate) fn changed(changes: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(right()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let mut text = fs::read_to_string(entry.path()).unwrap();
        for (_, old, new) in changes.iter().filter(|(file, ..)| *file == name) {
            assert!(text.contains(old), "{old} in {name}");
            text = text.replace(old, new);
        }
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// What became of grading.
pub(crate) struct Graded {
    pub(crate) status: Option<i32>,
    pub(crate) text: String,
    pub(crate) said: String,
    json: Value,
}

impl Graded {
    fn check(&self, id: &str) -> &Value {
        let stages = self.json["stages"].as_array().unwrap();
        let mut checks = stages
            .iter()
            .flat_map(|stage| stage["checks"].as_array().unwrap());
        let found = checks.find(|check| check["id"] == id);
        found.unwrap_or_else(|| panic!("{id} in {}", self.text))
    }

    pub(crate) fn findings(&self, kind: &str) -> Vec<&str> {
        let findings = self.json["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["kind"] == kind)
            .map(|finding| finding["text"].as_str().unwrap())
            .collect()
    }
}

pub(crate) fn grade(submission: &Path, arguments: &[&str]) -> Graded {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("report.json");
    let output = command(program())
        .args(["grade", "--seed", "1", "--json"])
        .args([&json, submission])
        .args(arguments)
        .output()
        .unwrap();
    Graded {
        status: output.status.code(),
        text: String::from_utf8(output.stdout).unwrap(),
        said: String::from_utf8(output.stderr).unwrap(),
        json: fs::read(&json)
            .map(|text| serde_json::from_slice(&text).unwrap())
            .unwrap_or_default(),
    }
}

#[test]
fn what_is_right_in_another_way_has_full_score() {
    let graded = grade(&right(), &["message-slot/R"]);
    assert_eq!(graded.status, Some(0), "{}{}", graded.text, graded.said);
    assert!(graded.text.ends_with("\nScore: 18/18\n"), "{}", graded.text);
    let deviations = graded.findings("deviation");
    assert_eq!(deviations.len(), 2, "{deviations:?}");
    assert!(deviations[1].contains("the major is 240"), "{deviations:?}");
}

#[test]
fn an_argument_by_pointer_and_a_major_in_a_variable_are_found_out() {
    let by_pointer = "unsigned int id;\n\n\tif (command != MSG_SLOT_CHANNEL)\n\t\treturn -EINVAL;\n\t\
        if (get_user(id, (unsigned int __user *)parameter))\n\t\treturn -EINVAL;\n";
    let choose = "ioctl(fd, MSG_SLOT_CHANNEL, id)";
    let submission = changed(&[
        (
            "message_slot.c",
            "unsigned int id = parameter;\n",
            by_pointer,
        ),
        (
            "message_slot.c",
            "register_chrdev(MAJOR_NUM",
            "register_chrdev(major",
        ),
        (
            "message_slot.c",
            "struct open_file {",
            "static int major = 242;\n\nstruct open_file {",
        ),
        ("message_slot.c", "return -EFAULT", "return -EINVAL"),
        (
            "message_sender.c",
            choose,
            "ioctl(fd, MSG_SLOT_CHANNEL, &id)",
        ),
        (
            "message_reader.c",
            choose,
            "ioctl(fd, MSG_SLOT_CHANNEL, &id)",
        ),
    ]);
    let graded = grade(submission.path(), &["1-"]);
    assert_eq!(graded.status, Some(0), "{}{}", graded.text, graded.said);
    assert_eq!(graded.check("message-slot/S1-sender")["status"], "pass");
    let deviations = graded.findings("deviation").join("\n");
    assert!(deviations.contains("registers major 242"), "{deviations}");
    assert!(deviations.contains("takes a pointer"), "{deviations}");
    let remarks = graded.findings("remark").join("\n");
    assert!(remarks.contains("a bad buffer is EINVAL"), "{remarks}");
}

#[test]
fn each_fault_costs_its_own_clause_and_a_crash_some_more() {
    let submission = changed(&[
        // The old message is gone before it is known whether there is a new one.
        (
            "message_slot.c",
            "\tif (copy_from_user(text, buffer, length))\n\t\treturn -EFAULT;\n",
            "",
        ),
        (
            "message_slot.c",
            "\tmemcpy(c->text, text, length);\n\tc->len = length;\n",
            "\tc->len = length;\n\tif (copy_from_user(c->text, buffer, length)) {\n\
             \t\tmutex_unlock(&slots_lock);\n\t\treturn -EFAULT;\n\t}\n",
        ),
        (
            "message_slot.c",
            "|| id == 0)\n",
            "|| (id == 0 && *(volatile int *)8))\n",
        ),
    ]);
    fs::remove_file(submission.path().join("message_reader.c")).unwrap();
    let graded = grade(submission.path(), &["-"]);
    assert_eq!(graded.status, Some(1), "{}{}", graded.text, graded.said);
    for (id, status) in [
        ("message-slot/W5-intact", "fail"),
        ("message-slot/W5-fuzz", "blocked"),
        ("message-slot/W4-unreadable", "pass"),
        ("message-slot/W1-replaces", "pass"),
        ("message-slot/I3-zero", "crash"),
        ("message-slot/S1-sender", "pass"),
        ("message-slot/P1-reader", "blocked"),
    ] {
        assert_eq!(
            graded.check(id)["status"],
            status,
            "{id} in {}",
            graded.text
        );
    }
    let crashes = graded.findings("crash");
    assert_eq!(crashes.len(), 1, "{crashes:?}");
    assert!(
        crashes[0].contains("device_ioctl [message_slot], message_slot.c:"),
        "{crashes:?}"
    );
    let missing = graded.check("message-slot/P1-reader")["got"]
        .as_str()
        .unwrap();
    assert!(
        missing.contains("message_reader: it was not handed in"),
        "{missing}"
    );
    let lost = graded.json["max"].as_u64().unwrap() - graded.json["score"].as_u64().unwrap();
    // W5-intact 7, W5-fuzz 2, I3-zero 2, D5-refusals 1, P1 3, P2 2, and 5 for the crash.
    assert_eq!(lost, 22, "{}", graded.text);
}

#[test]
fn a_fault_that_many_checks_meet_costs_its_own_clause() {
    let submission = changed(&[
        (
            "message_slot.c",
            "state->id = id;\n\treturn SUCCESS;",
            "state->id = id;\n\treturn 1;",
        ),
        ("message_slot.c", "|| id == 0)", "|| (int)id <= 0)"),
        ("message_slot.c", "return -EWOULDBLOCK;", "return -ENOENT;"),
    ]);
    let graded = grade(submission.path(), &["message-slot/R"]);
    assert_eq!(graded.status, Some(1), "{}{}", graded.text, graded.said);
    assert_eq!(graded.check("message-slot/R3-empty")["status"], "fail");
    assert!(graded.text.ends_with("\nScore: 15/18\n"), "{}", graded.text);
    let graded = grade(submission.path(), &["message-slot/I"]);
    for (id, status) in [
        ("message-slot/I1-chosen", "fail"),
        ("message-slot/I2-unknown", "pass"),
        ("message-slot/I3-zero", "pass"),
        ("message-slot/I4-ids", "fail"),
    ] {
        assert_eq!(
            graded.check(id)["status"],
            status,
            "{id} in {}",
            graded.text
        );
    }
}

#[test]
fn a_leak_is_named_among_the_findings() {
    let free = "\tkfree(file->private_data);\n";
    let submission = changed(&[("message_slot.c", free, "")]);
    let graded = grade(submission.path(), &["D4-freed"]);
    assert_eq!(graded.status, Some(1), "{}{}", graded.text, graded.said);
    let leaks = graded.findings("leak");
    assert_eq!(leaks.len(), 1, "{}", graded.text);
    assert!(leaks[0].contains("device_open [message_slot]"), "{leaks:?}");
}

#[test]
fn a_module_that_the_contract_allows_loses_nothing() {
    let submission = right().with_file_name("pubsub_loop");
    let graded = grade(&submission, &["part2/N3-"]);
    for id in ["part2/N3-lengths", "part2/N3-body-lengths", "part2/N3-fuzz"] {
        assert_eq!(
            graded.check(id)["status"],
            "pass",
            "{id} in {}",
            graded.text
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let [first, second] = [(); 2].map(|()| {
        let mut json = grade(&right(), &["D2-"]).json;
        for stage in json["stages"].as_array_mut().unwrap() {
            for check in stage["checks"].as_array_mut().unwrap() {
                check["seconds"].take();
            }
        }
        json
    });
    assert_eq!(first, second);
    assert_eq!(first["seed"], 1);
    let gcc = command("gcc").arg("--version").output().unwrap();
    let gcc = String::from_utf8(gcc.stdout).unwrap();
    let compilers = &first["machine"]["compilers"];
    assert_eq!(compilers["programs"].as_str(), gcc.lines().next());
    let modules = compilers["modules"].as_str().unwrap();
    assert!(modules.contains("gcc") || modules.contains("clang"));
}

#[test]
fn what_cannot_be_graded_ends_with_status_2() {
    let empty = tempfile::tempdir().unwrap();
    let binary = tempfile::tempdir().unwrap();
    fs::write(binary.path().join("message_slot.c"), [0, 159, 146, 150, 0]).unwrap();
    let nowhere = empty.path().join("nowhere");
    let rubric = binary.path().join("rubric");
    fs::write(&rubric, "off = [\"part9/X1\"]\n").unwrap();
    let rubric = rubric.display().to_string();
    for (submission, arguments, said) in [
        (nowhere.as_path(), &[][..], nowhere.to_str().unwrap()),
        (empty.path(), &[], "nothing in it can be graded"),
        (binary.path(), &[], "message_slot.c is no text"),
        (&right(), &["--stage", "part9"], "part9"),
        (&right(), &["no-such-check"], "no check"),
        (&right(), &["--rubric", &rubric], "line 1"),
        (&right(), &["--timeout", "0"], "timeout"),
    ] {
        let graded = grade(submission, arguments);
        assert_eq!(graded.status, Some(2), "{}{}", graded.text, graded.said);
        assert!(graded.said.contains(said), "{said:?} in {}", graded.said);
        assert!(!graded.text.contains("Score"), "{}", graded.text);
    }
}
