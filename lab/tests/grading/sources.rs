// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources as other systems, editors and git leave them: encodings, names, links, what is beside them.
//! Nothing is compiled.

use std::{fs, os::unix::fs::symlink};

use lab_grade::intake;

use crate::{
    intake::{MAIN, SLOT, c, directory, names, opened},
    unpack::archive_file,
};

#[test]
fn a_single_source_is_a_submission() {
    for name in ["message_slot.c", "MESSAGE_SLOT.C"] {
        let (_root, path) = archive_file(name, SLOT.as_bytes());
        let found = intake::open(&path).unwrap();
        assert_eq!(names(&found.modules), ["message_slot"]);
        assert_eq!(found.name, name);
    }
}

#[test]
fn sources_are_read_in_every_encoding() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(root.path().join(name), bytes).unwrap();
    let utf16: Vec<u8> = SLOT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    write("message_slot.c", &[&[0xff, 0xfe][..], &utf16].concat());
    // Windows-1255, with its ends of lines.
    write(
        "Message_Sender.C",
        b"// \xf9\xec\xe5\xed\r\n#include <stdio.h>\r\nint main(void) { }\r\n",
    );
    write(
        "message_reader.c.txt",
        "\u{feff}#include <stdio.h>\nint main(void) { } // שלום".as_bytes(),
    );
    let found = intake::open(root.path()).unwrap();
    assert_eq!(names(&found.modules), ["message_slot"]);
    assert_eq!(found.programs["message_sender"], c(&["Message_Sender.c"]));
    assert_eq!(found.programs["message_reader"], c(&["message_reader.c"]));
    assert_eq!(
        found.remarks,
        [
            "Message_Sender.C is taken for a C source, as if its name ended with .c",
            "message_reader.c.txt is taken for a C source, as if its name ended with .c",
            "message_slot.c is UTF-16, which compilers do not read; it is graded as UTF-8",
        ]
    );
    let slot = found
        .files
        .iter()
        .find(|file| file.path == "message_slot.c")
        .unwrap();
    assert_eq!(slot.contents, SLOT.as_bytes());
}

#[test]
fn names_may_have_blanks_and_other_scripts() {
    let slot = format!("#include \"כותרת שלי.h\"\n{SLOT}");
    let found = opened(&[
        ("תרגיל 3/הקוד שלי.c", &slot),
        ("תרגיל 3/כותרת שלי.h", "#define MSG_SLOT_CHANNEL 1"),
        (
            "תרגיל 2/shell.c",
            "#include <unistd.h>\nint process(void) { return fork(); }",
        ),
    ]);
    let header = found
        .files
        .iter()
        .find(|file| file.shown.ends_with(".h"))
        .unwrap();
    let module = found
        .files
        .iter()
        .find(|file| file.shown.ends_with("שלי.c"))
        .unwrap();
    assert_eq!(found.modules["message_slot"], c(&[&module.path]));
    let text = String::from_utf8(module.contents.clone()).unwrap();
    assert!(
        text.starts_with(&format!("#include \"../{}\"\n", header.path)),
        "{text}"
    );
}

#[test]
fn a_header_in_other_letters_is_told() {
    let slot = format!("#include \"Message_Slot.h\"\n{SLOT}");
    let found = opened(&[("message_slot.c", &slot), ("message_slot.h", "")]);
    assert_eq!(
        found.remarks,
        ["message_slot.c includes Message_Slot.h, which is called message_slot.h; that is used"]
    );
}

#[test]
fn links_inside_a_submission_lead_to_their_files() {
    let root = directory(&[
        ("common/message_slot.h", "int x;"),
        ("driver/message_slot.c", SLOT),
    ]);
    fs::create_dir(root.path().join("user")).unwrap();
    symlink(
        "../common/message_slot.h",
        root.path().join("user/message_slot.h"),
    )
    .unwrap();
    symlink("../common", root.path().join("driver/include")).unwrap();
    let found = intake::open(root.path()).unwrap();
    let paths: Vec<_> = found.files.iter().map(|file| &file.path[..]).collect();
    assert_eq!(
        paths,
        [
            "common/message_slot.h",
            "driver/include/message_slot.h",
            "driver/message_slot.c",
            "user/message_slot.h"
        ]
    );
    assert_eq!(found.remarks, [""; 0]);
}

#[test]
fn what_is_left_out_is_said() {
    let root = directory(&[
        ("message_slot.c", SLOT),
        ("message_slot.o", ""),
        ("message_slot.ko", ""),
        (".message_slot.o.cmd", ""),
        ("build/x.c", MAIN),
    ]);
    let write = |name: &str, bytes: &[u8]| fs::write(root.path().join(name), bytes).unwrap();
    write("a.out", b"\x7fELF\0\0");
    write("notes.txt", &vec![b'x'; (1 << 20) + 1]);
    // Longer than all sources may be together.
    let disk = fs::File::create(root.path().join("disk.img")).unwrap();
    disk.set_len(100 << 20).unwrap();
    let found = intake::open(root.path()).unwrap();
    assert_eq!(names(&found.modules), ["message_slot"]);
    assert_eq!(
        found.left_out.as_deref(),
        Some(
            "left out: folders for what is built (build); products of a build (2, for example \
             message_slot.ko); binary files (2, for example a.out); files of more than 1 MiB (notes.txt)"
        )
    );
    let clean = opened(&[("message_slot.c", SLOT), (".gitignore", "*.o")]);
    assert_eq!(clean.left_out, None);
}

#[test]
fn a_submodule_without_files_is_told() {
    let modules =
        "[submodule \"slot\"]\n\tpath = slot\n\turl = x\n[submodule \"y\"]\n\tpath = lib/y\n";
    let found = opened(&[(".gitmodules", modules), ("lib/y/message_slot.c", SLOT)]);
    assert_eq!(
        found.remarks,
        [
            "slot is a git submodule without files, so it was not handed in; git clone --recurse-submodules brings it along"
        ]
    );
}
