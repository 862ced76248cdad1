// SPDX-License-Identifier: MIT OR Apache-2.0
//! What learning platforms make of submissions: archives in archives, and whole classes. Nothing is
//! compiled.

use std::{fs, io::Write};

use lab_grade::{
    intake::{self, Submission},
    unpack::{NESTED_MAX, Unreadable},
};

use crate::{
    intake::{MAIN, SLOT, c, directory, names, refused},
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
fn of_several_archives_of_one_student_one_can_be_graded() {
    let (inner, folder) = (slot_zip(), "A_1_assignsubmission_file_");
    let names = ["ex3.zip", "ex3 (1).zip"].map(|name| format!("{folder}/{name}"));
    let (_root, path) = archive_file(
        "a.zip",
        &zip_of(&[(&names[0], &inner), (&names[1], &inner)]),
    );
    let error = intake::open(&path).unwrap_err();
    assert_eq!(
        error.why,
        "there are several archives in it, and no sources; grade one of them:"
    );
    assert!(
        error.details[1].ends_with("ex3 (1).zip'"),
        "{:?}",
        error.details
    );
    let found = intake::open(&path.join(&names[1])).unwrap();
    assert_eq!(found.modules["message_slot"], c(&["ex3/message_slot.c"]));
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
