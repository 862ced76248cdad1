// SPDX-License-Identifier: MIT OR Apache-2.0
//! What somebody says about which file is which part. Nothing is compiled.

use std::path::Path;

use lab_grade::{
    intake::{self, PartSource, Submission, open_mapped},
    mapping::Mapping,
    unpack::Unreadable,
};

use crate::intake::{MAIN, SLOT, c, directory, opened, refused};

/// Two slots, of which nobody can know which one is meant.
const TWO: [(&str, &str); 3] = [
    ("a/slot.c", SLOT),
    ("b/slot.c", "register_chrdev(0, x, y); module_init(other);"),
    ("b/impl.c", "#include <linux/slab.h>\nint implementation;"),
];

fn mapped(root: &Path, arguments: &[&str]) -> Result<Submission, Unreadable> {
    let arguments: Vec<_> = arguments
        .iter()
        .map(|&argument| argument.to_owned())
        .collect();
    open_mapped(root, Mapping::from_arguments(&arguments).unwrap())
}

#[test]
fn somebody_can_say_which_file_is_meant() {
    let root = directory(&TWO);
    assert_eq!(intake::open(root.path()).unwrap().undecided.len(), 1);
    for (argument, sources) in [
        ("message_slot=a/slot.c", &["a/slot.c"][..]),
        ("message_slot=b/slot.c", &["b/slot.c", "b/impl.c"]),
        ("message_slot=b", &["b/slot.c", "b/impl.c"]),
    ] {
        let found = mapped(root.path(), &[argument]).unwrap();
        assert_eq!(found.modules["message_slot"], c(sources), "{argument}");
        assert_eq!(found.undecided, []);
    }
    // A program that nothing would tell.
    let files = [
        ("slot.c", SLOT),
        ("x.c", MAIN),
        ("lab-submission.toml", "[parts]\nmessage_sender = \"x.c\"\n"),
    ];
    let found = opened(&files);
    assert_eq!(found.programs["message_sender"], c(&["x.c"]));
    // One of several crates.
    let rust = [
        "one/message-slot/src/bin/message_sender.rs",
        "two/message-slot/src/bin/message_sender.rs",
    ];
    let root = directory(&rust.map(|path| (path, "fn main() {}")));
    assert_eq!(intake::open(root.path()).unwrap().undecided.len(), 1);
    let argument = format!("message_sender={}", rust[1]);
    let chosen = mapped(root.path(), &[&argument]).unwrap();
    assert_eq!(
        chosen.programs["message_sender"],
        PartSource::Rust {
            package: "message-slot",
            directory: "two/message-slot/".into()
        }
    );
    assert_eq!(found.remarks, [""; 0]);
}

#[test]
fn a_map_that_names_absent_files_is_told() {
    let root = directory(&TWO);
    let why = |argument: &str| mapped(root.path(), &[argument]).unwrap_err().why;
    assert_eq!(
        why("message_slot=c/slot.c"),
        "--map message_slot=c/slot.c: there is no c/slot.c in the submission; its sources are a/slot.c, b/impl.c, b/slot.c"
    );
    assert_eq!(
        why("message_sender=a"),
        "there is no message_sender below a; name its file: --map message_sender=a/FILE.c"
    );
    let root = directory(&[
        ("slot.c", SLOT),
        ("lab-submission.toml", "[parts]\nmessage_slot = \"s.c\"\n"),
    ]);
    assert_eq!(
        refused(root.path()),
        "lab-submission.toml, line 2: message_slot: there is no s.c in the submission; its sources are slot.c"
    );
}
