// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading as a grader does it: what is handed in in unusual forms, and what is not graded.

use std::fs;

use crate::whole::{changed, grade, right};

#[test]
fn parts_that_cannot_be_told_apart_are_not_graded_until_somebody_says_so() {
    let root = changed(&[]);
    let at = |name: &str| root.path().join(name);
    for folder in ["one", "two"] {
        fs::create_dir(at(folder)).unwrap();
        fs::copy(at("message_slot.c"), at(folder).join("message_slot.c")).unwrap();
    }
    fs::remove_file(at("message_slot.c")).unwrap();
    let graded = grade(root.path(), &["I2-unknown"]);
    assert_eq!(graded.status, Some(2), "{}{}", graded.text, graded.said);
    assert!(
        graded
            .said
            .contains("message_slot may be one/message_slot.c or two/message_slot.c"),
        "{}",
        graded.said
    );
    assert!(
        graded
            .said
            .contains(" --map 'message_slot=one/message_slot.c'"),
        "{}",
        graded.said
    );
    let map = ["I2-unknown", "--map", "message_slot=two/message_slot.c"];
    let graded = grade(root.path(), &map);
    assert_eq!(graded.status, Some(0), "{}{}", graded.text, graded.said);
    let graded = grade(root.path(), &["--map", "message_slot=three.c"]);
    assert_eq!(graded.status, Some(2), "{}{}", graded.text, graded.said);
    assert!(
        graded
            .said
            .contains("there is no three.c in the submission"),
        "{}",
        graded.said
    );
}

#[test]
fn where_a_report_cannot_be_written_is_known_before_grading() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("results.json").display().to_string();
    let graded = grade(&right(), &["--gradescope", &below]);
    assert_eq!(graded.status, Some(2), "{}{}", graded.text, graded.said);
    assert!(
        graded.said.contains("results.json cannot be written"),
        "{}",
        graded.said
    );
    let folder = root.path().display().to_string();
    let graded = grade(&right(), &["--ktap", &folder]);
    assert_eq!(graded.status, Some(2), "{}{}", graded.text, graded.said);

    // Folders are made, and nothing is left where nothing is graded.
    let new = root.path().join("no/such/results.json");
    let graded = grade(
        &right(),
        &["no-such-check", "--gradescope", &new.display().to_string()],
    );
    assert_eq!(graded.status, Some(2), "{}{}", graded.text, graded.said);
    assert!(!new.exists());
    let graded = grade(
        &right(),
        &["I2-unknown", "--gradescope", &new.display().to_string()],
    );
    assert_eq!(graded.status, Some(0), "{}{}", graded.text, graded.said);
    assert!(new.exists());
}

#[test]
fn a_class_has_no_single_report() {
    let class = tempfile::tempdir().unwrap();
    for name in ["A_1_assignsubmission_file_", "B_2_assignsubmission_file_"] {
        let folder = class.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("message_slot.c"), "module_init(x);").unwrap();
    }
    let graded = grade(class.path(), &[]);
    assert_eq!(graded.status, Some(2), "{}{}", graded.text, graded.said);
    assert!(
        graded.said.contains("--json names one file"),
        "{}",
        graded.said
    );
}

#[test]
fn a_repository_of_several_assignments_has_the_score_of_its_slot() {
    let repository = tempfile::tempdir().unwrap();
    let at = |path: &str| {
        let path = repository.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    let text = |name: &str| fs::read_to_string(right().join(name)).unwrap();
    let slot = "HW3 - character device/";
    // Split by kind, under names of their own, with another name of the command.
    for (name, path) in [
        ("message_slot.c", "src/driver.c"),
        ("message_slot.h", "include/Slot Numbers.h"),
        ("message_sender.c", "user_apps/message_write.c"),
        ("message_reader.c", "user_apps/message_read.c"),
    ] {
        let text = text(name)
            .replace("message_slot.h", "slot numbers.h")
            .replace("MSG_SLOT_CHANNEL", "IOCTL_SET_CHANNEL");
        fs::write(at(&format!("{slot}{path}")), &text).unwrap();
        fs::write(
            at(&format!("{slot}old/{path}")),
            text.replace("int", "int broken"),
        )
        .unwrap();
    }
    fs::write(at("hw1/slot numbers.h"), "#error another homework\n").unwrap();
    fs::write(at("hw1/main.c"), "int main(void) { return nothing; }\n").unwrap();
    fs::write(
        at("hw2/myshell.c"),
        "#include <unistd.h>\nint run(void) { return nothing; }\n",
    )
    .unwrap();
    fs::write(at("hw4/threads.c"), "int main(void) { return nothing; }\n").unwrap();
    let graded = grade(repository.path(), &["message-slot/S"]);
    assert_eq!(graded.status, Some(0), "{}{}", graded.text, graded.said);
    let deviations = graded.findings("deviation");
    assert!(
        deviations[0].contains("the ioctl command is IOCTL_SET_CHANNEL"),
        "{deviations:?}"
    );
}
