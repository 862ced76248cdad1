// SPDX-License-Identifier: MIT OR Apache-2.0
//! Repositories as people hand them in: several assignments, copies, sources in several folders, names
//! of their own. What is found in them; nothing is compiled.

use lab_grade::intake::Undecided;

use crate::intake::{MAIN, SLOT, c, names, opened};

/// Programs as they speak to a slot.
const SENDER: &str = "#include \"message_slot.h\"\nint main(void) { ioctl(3, MSG_SLOT_CHANNEL, 2); write(3, t, 2); }";
const READER: &str =
    "#include \"message_slot.h\"\nint main(void) { ioctl(3, MSG_SLOT_CHANNEL, 2); read(3, t, 2); }";

/// A slot in a folder, as it is handed in.
fn slot_in(folder: &str) -> Vec<(String, &'static str)> {
    let files = [
        ("message_slot.c", SLOT),
        ("message_slot.h", "#define MSG_SLOT_CHANNEL 1"),
        ("message_sender.c", SENDER),
        ("message_reader.c", READER),
    ];
    files
        .map(|(name, text)| (format!("{folder}{name}"), text))
        .to_vec()
}

fn with<'a>(
    own: &'a [(String, &'static str)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let own = own.iter().map(|(path, text)| (&path[..], *text));
    own.chain(more.iter().copied()).collect()
}

#[test]
fn of_several_assignments_that_with_the_slot_is_graded() {
    let slot = slot_in("HW3 - chardev/");
    let found = opened(&with(
        &slot,
        &[
            ("hw1/main.c", MAIN),
            (
                "hw1/list.c",
                "#include \"list.h\"\nint list_add(int x) { return x; }",
            ),
            ("hw1/list.h", "int list_add(int);"),
            (
                "hw2/shell.c",
                "#include <unistd.h>\nint process(void) { return fork(); }",
            ),
            (
                "hw2/reader.c",
                "#include <unistd.h>\nint main(void) { read(0, b, 1); }",
            ),
            (
                "hw2/message_reader.c",
                "#include <unistd.h>\nint main(void) { return 7; }",
            ),
            (
                "hw4/threads.c",
                "#include <pthread.h>\nint main(void) { return 1; }",
            ),
            (
                "hw5/firewall.c",
                "register_chrdev(0, x, y); module_init(x);",
            ),
            (
                "hw5/nf_hook.c",
                "#include <linux/slab.h>\nint hook(void) { return 0; }",
            ),
        ],
    ));
    assert_eq!(names(&found.modules), ["message_slot"]);
    assert_eq!(
        found.modules["message_slot"],
        c(&["HW3_-_chardev/message_slot.c"])
    );
    assert_eq!(names(&found.programs), ["message_reader", "message_sender"]);
    assert_eq!(
        found.programs["message_reader"],
        c(&["HW3_-_chardev/message_reader.c"])
    );
    assert_eq!(
        found.programs["message_sender"],
        c(&["HW3_-_chardev/message_sender.c"])
    );
    for told in [
        "message_reader is HW3 - chardev/message_reader.c; not graded, though like it: hw2/message_reader.c",
        "message_slot is HW3 - chardev/message_slot.c; not graded, though like it: hw5/firewall.c",
        "hw1/list.c belongs to nothing that is graded",
        "hw4/threads.c is a program, but none of the lab's; it is not graded",
    ] {
        assert!(
            found.remarks.iter().any(|remark| remark == told),
            "{told}: {:#?}",
            found.remarks
        );
    }
}

#[test]
fn a_part_that_is_missing_is_not_taken_from_another_homework() {
    let mut slot = slot_in("ex3/");
    slot.truncate(3);
    let reader = "#include <unistd.h>\nint main(void) { ioctl(0, TCGETS, &t); read(0, b, 1); }";
    let found = opened(&with(
        &slot,
        &[("ex2/message_reader.c", reader), ("ex1/read.c", reader)],
    ));
    assert_eq!(names(&found.programs), ["message_sender"]);
    assert_eq!(
        found.remarks,
        [
            "message_reader was not found beside the module; not graded, though like it: ex1/read.c, ex2/message_reader.c"
        ]
    );
    // Neither from a folder without a number, if it does not speak to the slot.
    let found = opened(&with(
        &slot,
        &[(
            "shell/reader.c",
            "#include <unistd.h>\nint main(void) { read(0, b, 1); }",
        )],
    ));
    assert_eq!(names(&found.programs), ["message_sender"]);
}

#[test]
fn the_shallowest_complete_set_counts() {
    for folder in ["test/", "tester/run/", "old/", "final/backup/", "x/y/"] {
        let (slot, copy) = (slot_in(""), slot_in(folder));
        let found = opened(&with(&slot, &with(&copy, &[])));
        assert_eq!(
            found.modules["message_slot"],
            c(&["message_slot.c"]),
            "{folder}"
        );
        assert_eq!(
            found.programs["message_sender"],
            c(&["message_sender.c"]),
            "{folder}"
        );
        assert_eq!(found.undecided, []);
        let told = format!(
            "message_slot is message_slot.c; not graded, though like it: {folder}message_slot.c"
        );
        assert!(found.remarks.contains(&told), "{:?}", found.remarks);
    }
    // Deeper than a copy of it.
    let (slot, copy) = (slot_in("a/b/c/"), slot_in("old/"));
    let found = opened(&with(&slot, &with(&copy, &[])));
    assert_eq!(found.modules["message_slot"], c(&["a/b/c/message_slot.c"]));
    // A set counts more than a part that is alone above it.
    let slot = slot_in("ex3/");
    let found = opened(&with(&slot, &[("message_slot.c", "module_init(stub);")]));
    assert_eq!(found.modules["message_slot"], c(&["ex3/message_slot.c"]));
}

#[test]
fn an_old_source_beside_the_new_one_does_not_count() {
    let slot = slot_in("");
    for old in [
        "message_slot.old.c",
        "message_slot_backup.c",
        "old_message_slot.c",
        "message_slot (1).c",
    ] {
        let found = opened(&with(
            &slot,
            &[(old, "module_init(old); register_chrdev();")],
        ));
        assert_eq!(
            found.modules["message_slot"],
            c(&["message_slot.c"]),
            "{old}"
        );
    }
    // Of two that are called otherwise, too.
    let found = opened(&[
        ("slot.c", SLOT),
        ("slot.old.c", "module_init(old); register_chrdev();"),
    ]);
    assert_eq!(found.modules["message_slot"], c(&["slot.c"]));
}

#[test]
fn sources_may_be_in_folders_by_kind() {
    let found = opened(&[
        (
            "src/module/message_slot.c",
            "#include \"../../include/message_slot.h\"\n#include \"channels.h\"\nregister_chrdev(M, x, y); ioctl; channel_find(1); module_init(x);",
        ),
        (
            "src/module/impl/table.c",
            "#include \"channels.h\"\nint channel_find(int id) { return id; }",
        ),
        ("include/channels.h", "int channel_find(int id);"),
        ("include/message_slot.h", "#define MSG_SLOT_CHANNEL 1"),
        ("user_apps/message_sender.c", SENDER),
        ("user_apps/message_reader.c", READER),
        (
            "user_apps/args.c",
            "#include <string.h>\nint parse(char **v) { return 0; }",
        ),
        ("Makefile", "obj-m := other.o\nother-objs := nowhere.o\n"),
    ]);
    assert_eq!(
        found.modules["message_slot"],
        c(&["src/module/message_slot.c", "src/module/impl/table.c"])
    );
    assert_eq!(names(&found.programs), ["message_reader", "message_sender"]);
    assert_eq!(
        found.programs["message_sender"],
        c(&["user_apps/message_sender.c"])
    );
    assert_eq!(
        found.remarks,
        ["user_apps/args.c belongs to nothing that is graded"]
    );
}

#[test]
fn programs_are_known_by_what_they_do() {
    for (sender, reader) in [
        ("message_write.c", "message_read.c"),
        ("send.c", "recv.c"),
        ("writer.c", "receiver.c"),
        ("user/a.c", "user/b.c"),
    ] {
        // A tester calls what they call.
        let found = opened(&[
            ("drv.c", SLOT),
            (sender, SENDER),
            (reader, READER),
            ("tester.c", READER),
            ("my_test.c", SENDER),
        ]);
        assert_eq!(found.programs["message_sender"], c(&[sender]));
        assert_eq!(found.programs["message_reader"], c(&[reader]));
    }
}

#[test]
fn sources_that_define_the_same_are_not_linked_twice() {
    let slot = format!("{SLOT}\n#include \"list.h\"\nvoid f(void) {{ list_find(1); }}");
    let found = opened(&[
        ("message_slot.c", &slot),
        ("list.h", "int list_find(int);"),
        (
            "list.c",
            "#include \"list.h\"\nint list_find(int x) { return x; }",
        ),
        (
            "list_v2.c",
            "#include \"list.h\"\nint list_find(int x) { return x + 1; }",
        ),
    ]);
    assert_eq!(
        found.modules["message_slot"],
        c(&["message_slot.c", "list.c"])
    );
}

#[test]
fn parts_that_cannot_be_told_apart_are_undecided() {
    let (one, two) = (slot_in("a/"), slot_in("b/"));
    let mut files = with(&one, &with(&two, &[]));
    files[4].1 = "register_chrdev(0, x, y); module_init(y);";
    let found = opened(&files);
    assert_eq!(
        found.undecided,
        [Undecided {
            name: "message_slot",
            found: vec!["a/message_slot.c".into(), "b/message_slot.c".into()]
        }]
    );
    // Where one of them lies beside the programs, it is the one.
    let found = opened(&files[1..]);
    assert_eq!(found.undecided, []);
    assert_eq!(found.modules["message_slot"], c(&["b/message_slot.c"]));
    assert_eq!(found.programs["message_sender"], c(&["b/message_sender.c"]));
}
