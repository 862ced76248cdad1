// SPDX-License-Identifier: MIT OR Apache-2.0
//! What learning platforms, other systems and git leave of a submission: archives in archives, whole
//! classes, encodings, links. Nothing is compiled.

use std::{fs, io::Write, os::unix::fs::symlink, path::Path};

use lab_grade::{
    intake::{self, Submission, open_mapped},
    mapping::Mapping,
    unpack::{NESTED_MAX, Unreadable},
};

use crate::{
    intake::{MAIN, SLOT, c, directory, names, opened, refused},
    unpack::{archive_file, tar_gz_of, tar_of, zip_of},
};

/// A submission in an archive.
fn slot_zip() -> Vec<u8> {
    zip_of(&[
        ("ex3/message_slot.c", SLOT.as_bytes()),
        ("ex3/message_sender.c", MAIN.as_bytes()),
    ])
}

fn opened_zip(files: &[(&str, &[u8])]) -> Result<Submission, Unreadable> {
    let (_root, path) = archive_file("download.zip", &zip_of(files));
    intake::open(&path)
}

#[test]
fn an_archive_in_an_archive_is_unpacked() {
    let inner = slot_zip();
    let tar = tar_gz_of(&[(
        b"x/message_slot.c",
        tar::EntryType::Regular,
        SLOT.as_bytes(),
    )]);
    let twice = zip_of(&[("ex3.zip", &inner)]);
    for (name, bytes) in [
        ("Cohen Dana_12345_assignsubmission_file_/ex3.zip", &inner),
        ("doejane_12_345_ex3.zip", &inner),
        ("a/b/ex3.tar.gz", &tar),
        ("ex3 (1).zip", &twice),
    ] {
        let beside: &[u8] = b"typed online";
        let found = opened_zip(&[
            (name, bytes),
            ("__MACOSX/._ex3.zip", &inner),
            (
                "Cohen Dana_12345_assignsubmission_onlinetext_/onlinetext.html",
                beside,
            ),
        ]);
        let found = found.unwrap();
        assert_eq!(names(&found.modules), ["message_slot"], "{name}");
        assert!(
            found.remarks[0].ends_with(".zip was unpacked") || name.contains("tar"),
            "{:?}",
            found.remarks
        );
    }
}

#[test]
fn archives_beside_sources_are_left_out() {
    let inner = slot_zip();
    let found = opened_zip(&[
        ("message_slot.c", SLOT.as_bytes()),
        ("old.zip", &inner),
        ("report.docx", &inner),
    ])
    .unwrap();
    assert_eq!(found.modules["message_slot"], c(&["message_slot.c"]));
    assert_eq!(
        found.left_out.as_deref(),
        Some("left out: binary files (report.docx); archives beside the sources (old.zip)")
    );
}

#[test]
fn archives_without_end_are_refused() {
    let mut zip = slot_zip();
    for _ in 0..5 {
        zip = zip_of(&[("again.zip", &zip)]);
    }
    let (_root, path) = archive_file("a.zip", &zip);
    assert!(refused(&path).ends_with("expected at most 3 archives in each other"));
}

#[test]
fn a_class_is_listed_and_each_of_it_can_be_graded() {
    let inner = slot_zip();
    let (_root, path) = archive_file(
        "class.zip",
        &zip_of(&[
            ("Cohen Dana_12_assignsubmission_file_/ex3.zip", &inner),
            (
                "Levi Tal_13_assignsubmission_file_/message_slot.c",
                SLOT.as_bytes(),
            ),
            ("Levi Tal_13_assignsubmission_file_/message_slot.h", b""),
        ]),
    );
    let error = intake::open(&path).unwrap_err();
    assert_eq!(
        error.why,
        "these are 2 submissions of a class; grade each of them:"
    );
    let at = |name: &str| path.join(name);
    let (dana, tal) = (
        at("Cohen Dana_12_assignsubmission_file_"),
        at("Levi Tal_13_assignsubmission_file_"),
    );
    assert_eq!(
        error.details,
        [&dana, &tal].map(|path| format!("lab/grade.sh '{}'", path.display()))
    );
    let found = intake::open(&dana).unwrap();
    assert_eq!(found.modules["message_slot"], c(&["ex3/message_slot.c"]));
    let found = intake::open(&tal).unwrap();
    assert_eq!(found.modules["message_slot"], c(&["message_slot.c"]));
    assert_eq!(found.name, "Levi Tal_13_assignsubmission_file_");
    let error = intake::open(&at("Nobody_14")).unwrap_err();
    assert_eq!(error.why, "there is no Nobody_14 in the archive");
}

#[test]
fn what_a_platform_puts_in_front_of_names_goes() {
    let files: &[(&str, &[u8])] = &[
        ("doejane_12_345_message_slot.c", SLOT.as_bytes()),
        (
            "doejane_12_346_message_sender.c",
            b"#include \"message_slot.h\"\nint main(void) { }",
        ),
        ("doejane_12_347_message_slot.h", b""),
        ("roebob_LATE_13_348_message_slot.c", SLOT.as_bytes()),
        ("roebob_LATE_13_349_message_slot.c.txt", b"int x;"),
    ];
    let (_root, path) = archive_file("class.zip", &zip_of(files));
    let error = intake::open(&path).unwrap_err();
    assert!(
        error.details[1].ends_with("/class.zip/roebob_LATE_13"),
        "{:?}",
        error.details
    );
    for found in [
        intake::open(&path.join("doejane_12")).unwrap(),
        // Alone, too.
        opened_zip(&files[..3]).unwrap(),
    ] {
        assert_eq!(found.modules["message_slot"], c(&["message_slot.c"]));
        assert_eq!(found.programs["message_sender"], c(&["message_sender.c"]));
    }
}

#[test]
fn a_class_in_a_directory_is_listed_with_what_cannot_be_graded() {
    let root = directory(&[("Levi Tal_13_assignsubmission_file_/message_slot.c", SLOT)]);
    let folder = |name: &str| {
        let folder = root.path().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    };
    folder("A_1_assignsubmission_file_");
    let long = folder("B_2_assignsubmission_file_").join("ex3.zip");
    let file = fs::File::create(&long).unwrap();
    (&file).write_all(b"PK\x03\x04").unwrap();
    file.set_len(2 << 30).unwrap();
    for name in ["C_3_assignsubmission_file_", "D_3_assignsubmission_file_"] {
        fs::write(folder(name).join("ex3.zip"), slot_zip()).unwrap();
    }
    let error = intake::open(root.path()).unwrap_err();
    let notes: Vec<_> = error
        .details
        .iter()
        .map(|line| line.split_once("   # ").map_or("", |(_, note)| note))
        .collect();
    let max = NESTED_MAX >> 20;
    assert_eq!(
        notes,
        [
            "it is empty".to_owned(),
            format!("its archive has 2048 MiB, and the lab opens at most {max} MiB"),
            "there is another one of the same student, 3".to_owned(),
            "there is another one of the same student, 3".to_owned(),
            String::new(),
        ]
    );
    let why = refused(long.parent().unwrap());
    assert_eq!(
        why,
        format!("ex3.zip: expected an archive of at most {max} MiB, found 2048 MiB")
    );
}

#[test]
fn archives_that_are_not_unpacked_are_named() {
    for (name, bytes) in [
        ("a.rar", &b"Rar!\x1a\x07\x00more"[..]),
        ("a.7z", b"7z\xbc\xaf\x27\x1cmore"),
    ] {
        let (root, path) = archive_file(name, bytes);
        let end = &name[1..];
        let words = format!(
            "it is a {end} archive, which the lab does not unpack; unpack it, and grade the directory"
        );
        assert_eq!(refused(&path), words);
        assert_eq!(refused(root.path()), format!("{name}: {words}"));
    }
}

#[test]
fn every_compression_of_tar_is_read() {
    let tar = tar_of(&[(
        b"ex3/message_slot.c",
        tar::EntryType::Regular,
        SLOT.as_bytes(),
    )]);
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz2.write_all(&tar).unwrap();
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(&tar).unwrap();
    let zst =
        ruzstd::encoding::compress_to_vec(&tar[..], ruzstd::encoding::CompressionLevel::Fastest);
    for (name, bytes) in [
        ("Jane.tar", tar),
        ("Jane.tar.bz2", bz2.finish().unwrap()),
        ("Jane.tar.xz", xz.finish().unwrap()),
        ("Jane.tar.zst", zst),
    ] {
        let (_root, path) = archive_file(name, &bytes);
        let found = intake::open(&path).unwrap();
        assert_eq!(
            (names(&found.modules), &found.name[..]),
            (vec!["message_slot"], "Jane"),
            "{name}"
        );
        let (_root, path) = archive_file(name, &bytes[..bytes.len().min(1000) / 2]);
        assert!(intake::open(&path).is_err(), "{name}");
    }
}

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
