// SPDX-License-Identifier: MIT OR Apache-2.0
//! Submissions as people hand them in, good and bad: what is found in them. Nothing is compiled.

use std::{fs, path::Path};

use lab_grade::intake::{self, PartSource, Submission};

/// What a file has to have to be a slot, a pubsub module and a program.
pub(crate) const SLOT: &str =
    "register_chrdev(MAJOR, x, y); module_init(x); MODULE_LICENSE(\"GPL\");";
pub(crate) const PUBSUB: &str = "netlink_kernel_create(); NL_PUBSUB_DATA; module_init(x);";
pub(crate) const MAIN: &str = "#include <stdio.h>\nint main(void) { return 0; }";

/// A directory with files, by path.
pub(crate) fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    root
}

pub(crate) fn opened(files: &[(&str, &str)]) -> Submission {
    intake::open(directory(files).path()).unwrap_or_else(|error| panic!("{error}"))
}

/// Why there is nothing to grade.
pub(crate) fn refused(path: &Path) -> String {
    let error = intake::open(path).map(|found| found.files.len());
    let error = error.unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    error.why
}

pub(crate) fn names(
    parts: &std::collections::BTreeMap<&'static str, PartSource>,
) -> Vec<&'static str> {
    parts.keys().copied().collect()
}

pub(crate) fn c(sources: &[&str]) -> PartSource {
    PartSource::C(sources.iter().map(|&source| source.to_owned()).collect())
}

#[test]
fn flat_submission_has_a_module_and_two_programs() {
    let found = opened(&[
        ("message_slot.c", SLOT),
        ("message_slot.h", "#define MSG_SLOT_CHANNEL 1"),
        ("message_sender.c", MAIN),
        ("message_reader.c", MAIN),
        ("Makefile", "all:\n\ttouch /tmp/executed"),
    ]);
    assert_eq!(found.modules["message_slot"], c(&["message_slot.c"]));
    assert_eq!(names(&found.programs), ["message_reader", "message_sender"]);
    assert_eq!(found.remarks, [""; 0]);
}

#[test]
fn starter_layout_has_modules_and_crates() {
    let found = opened(&[
        ("kernel/nl_pubsub/nl_pubsub.c", PUBSUB),
        ("kernel/nl_routes/routes_main.c", "module_init(x);"),
        (
            "kernel/nl_routes/routes_watch.c",
            "#include <linux/slab.h>\nint w;",
        ),
        ("kernel/nl_routes/nl_routes.mod.c", "MODULE_LICENSE(x)"),
        ("message-slot/src/bin/message_sender.rs", "fn main() {}"),
        ("part2-netlink/src/bin/pubsub.rs", "fn main() {}"),
        ("part2-netlink/src/lib.rs", ""),
    ]);
    assert_eq!(names(&found.modules), ["nl_pubsub", "nl_routes"]);
    assert_eq!(
        found.modules["nl_routes"],
        c(&[
            "kernel/nl_routes/routes_main.c",
            "kernel/nl_routes/routes_watch.c"
        ])
    );
    assert_eq!(
        found.programs["pubsub"],
        PartSource::Rust {
            package: "part2-netlink",
            directory: "part2-netlink/".into()
        }
    );
    assert_eq!(names(&found.programs), ["message_sender", "pubsub"]);
    assert_eq!(found.remarks, [""; 0]);
}

#[test]
fn a_whole_checkout_does_not_bring_the_harness_along() {
    let found = opened(&[
        ("x/kernel/nl_pubsub/nl_pubsub.c", PUBSUB),
        ("x/lab/clauses.toml", ""),
        ("x/lab/fixtures/nl_pubsub/nl_pubsub.c", PUBSUB),
        ("x/lab/fixtures/odd/odd.c", SLOT),
    ]);
    assert_eq!(names(&found.modules), ["nl_pubsub"]);
    assert_eq!(found.remarks, [""; 0]);
}

#[test]
fn helpers_go_to_those_who_need_them() {
    let main = format!("{MAIN}\n#include \"args.h\"");
    let slot = format!("{SLOT}\n#include \"list.h\"\n#include \"ops.c\"");
    let found = opened(&[
        ("message_slot.c", &slot),
        ("list.c", "#include \"list.h\"\nint list;"),
        ("ops.c", "#include <linux/fs.h>\nint ops;"),
        ("args.c", "#include <string.h>\nint args;"),
        ("message_sender.c", &main),
        ("message_reader.c", MAIN),
    ]);
    assert_eq!(
        found.modules["message_slot"],
        c(&["message_slot.c", "list.c"])
    );
    assert_eq!(
        found.programs["message_sender"],
        c(&["message_sender.c", "args.c"])
    );
    assert_eq!(found.programs["message_reader"], c(&["message_reader.c"]));
}

#[test]
fn other_names_are_recognised_by_content() {
    let found = opened(&[
        ("ex3 (1)/my driver.c", SLOT),
        ("ex3 (1)/bcast.c", PUBSUB),
        ("ex3 (1)/Sender-final.c", MAIN),
        ("ex3 (1)/tester.c", MAIN),
    ]);
    assert_eq!(found.modules["message_slot"], c(&["ex3__1_/my_driver.c"]));
    assert_eq!(found.modules["nl_pubsub"], c(&["ex3__1_/bcast.c"]));
    assert_eq!(
        found.programs["message_sender"],
        c(&["ex3__1_/Sender-final.c"])
    );
    assert_eq!(
        found.remarks,
        ["ex3 (1)/tester.c is a program, but none of the lab's; it is not graded"]
    );
}

#[test]
fn beside_a_slot_its_programs_are_recognised_by_what_they_call() {
    let writes = "int main(void) { ioctl(3, 1, 2); write(3, text, 2); }";
    let reads = "int main(void) { ioctl(3, 1, 2); read(3, text, 2); write(1, text, 2); }";
    let found = opened(&[("dev.c", SLOT), ("put.c", writes), ("get.c", reads)]);
    assert_eq!(found.programs["message_sender"], c(&["put.c"]));
    assert_eq!(found.programs["message_reader"], c(&["get.c"]));
    assert_eq!(found.remarks, [""; 0]);

    let found = opened(&[("nl_pubsub.c", PUBSUB), ("put.c", writes)]);
    assert_eq!(names(&found.programs), [""; 0]);
}

#[test]
fn a_crate_in_another_directory_is_known_by_its_manifest() {
    let manifest = "[package]\nname = \"part2-netlink\"\n";
    let rust = |directory: &str| PartSource::Rust {
        package: "part2-netlink",
        directory: directory.into(),
    };
    let found = opened(&[
        ("Cargo.toml", manifest),
        ("src/bin/pubsub.rs", "fn main() {}"),
    ]);
    assert_eq!(found.programs["pubsub"], rust(""));

    for bad in [
        "[".repeat(60_000),
        "[package]\nname = 2\n".into(),
        "\n".repeat(100_000) + manifest,
    ] {
        let found = opened(&[
            ("Cargo.toml", &bad[..]),
            ("src/bin/pubsub.rs", "fn main() {}"),
        ]);
        assert_eq!(names(&found.programs), [""; 0]);
    }

    let found = opened(&[
        ("part2-netlink/src/bin/pubsub.rs", "fn main() {}"),
        ("part2-netlink (old)/Cargo.toml", manifest),
        ("part2-netlink (old)/src/bin/pubsub.rs", "fn main() {}"),
        ("other/Cargo.toml", "[package]\nname = \"other\"\n"),
        ("other/src/bin/nl-hello.rs", "fn main() {}"),
    ]);
    assert_eq!(found.programs["pubsub"], rust("part2-netlink/"));
    assert_eq!(names(&found.programs), ["pubsub"]);
}

#[test]
fn of_two_modules_of_one_name_neither_is_graded() {
    let found = opened(&[
        ("a/message_slot.c", SLOT),
        ("b/message_slot.c", SLOT),
        ("message_sender.c", MAIN),
    ]);
    assert_eq!(names(&found.modules), [""; 0]);
    assert_eq!(names(&found.programs), ["message_sender"]);
    assert_eq!(
        found.remarks,
        [
            "message_slot is there more than once (a/message_slot.c, b/message_slot.c); \
             none of them is graded"
        ]
    );
}

#[test]
fn the_name_counts_more_than_what_is_like_it() {
    let found = opened(&[
        ("message_slot.c", SLOT),
        ("message_slot (1).c", SLOT),
        ("first_try.c", SLOT),
    ]);
    assert_eq!(found.modules["message_slot"], c(&["message_slot.c"]));
    assert_eq!(found.remarks.len(), 1, "{:?}", found.remarks);
}

#[test]
fn nothing_is_there_or_nothing_is_known() {
    let found = opened(&[]);
    assert_eq!(
        found.remarks,
        ["no module and no program was found in a submission without files"]
    );
    let found = opened(&[("message_slot.c", "\x7fELF\0\0module_init"), ("x.txt", "")]);
    assert_eq!(
        found.remarks,
        [
            "message_slot.c is no text, and is passed over",
            "no module and no program was found in 2 files"
        ]
    );
}
