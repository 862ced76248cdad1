// SPDX-License-Identifier: MIT OR Apache-2.0
//! Archives and directories, good and bad: what is read of them, and what is refused.

use std::{
    fs,
    io::{Cursor, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, fs::symlink},
    path::{Path, PathBuf},
};

use lab_grade::{
    intake::{self},
    unpack::{ARCHIVE_MAX, BYTES_MAX, FILES_MAX},
};
use nix::unistd::{Uid, setfsuid};
use zip::write::SimpleFileOptions;

use crate::intake::{MAIN, PUBSUB, SLOT, c, directory, names, refused};

pub(crate) fn archive_file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(name);
    fs::write(&path, bytes).unwrap();
    (root, path)
}

pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(contents).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Names are taken as they are: the crate itself would refuse those that lead out.
pub(crate) fn tar_of(files: &[(&[u8], tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, kind, contents) in files {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*kind);
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        if *kind == tar::EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, *contents).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(crate) fn tar_gz_of(files: &[(&[u8], tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&tar_of(files)).unwrap();
    packed.finish().unwrap()
}

#[test]
fn what_is_no_submission_is_refused() {
    let (_root, path) = archive_file("a.zip", b"PK\x03\x04 and no more");
    assert!(refused(&path).starts_with("expected a whole .zip: "));
    let (_root, path) = archive_file("a.tar.gz", b"\x1f\x8b and no more");
    assert!(refused(&path).starts_with("expected a whole .tar.gz"));
    let expected = "expected a directory, a .zip, a .tar.gz or a .c file";
    let (_root, path) = archive_file("message_slot.rs", SLOT.as_bytes());
    assert_eq!(refused(&path), expected);
    assert_eq!(refused(Path::new("/dev/zero")), expected);
    let directory = tempfile::tempdir().unwrap();
    let error = intake::open(&directory.path().join("such\x1b[2Jthing")).unwrap_err();
    let end = "/such\\x1b[2Jthing: No such file or directory (os error 2)";
    assert!(error.to_string().ends_with(end), "{error}");
}

#[test]
fn archives_are_read_like_directories() {
    let files = [
        ("ex3/message_slot.c", SLOT),
        ("ex3/message_sender.c", MAIN),
        ("__MACOSX/ex3/._message_slot.c", SLOT),
    ];
    let zip: Vec<_> = files.map(|(name, text)| (name, text.as_bytes())).to_vec();
    let tar: Vec<_> = files
        .map(|(name, text)| (name.as_bytes(), tar::EntryType::Regular, text.as_bytes()))
        .to_vec();
    for (name, bytes) in [
        ("Jane Doe.zip", zip_of(&zip)),
        ("Jane Doe.tar.gz", tar_gz_of(&tar)),
        // By what is in it.
        ("Jane Doe", zip_of(&zip)),
    ] {
        let (_root, path) = archive_file(name, &bytes);
        let found = intake::open(&path).unwrap();
        assert_eq!(found.name, "Jane Doe");
        assert_eq!(found.modules["message_slot"], c(&["ex3/message_slot.c"]));
        assert_eq!(names(&found.programs), ["message_sender"]);
        assert_eq!(found.remarks, [""; 0]);
    }
}

#[test]
fn archives_of_windows_have_backslashes() {
    let (_root, path) = archive_file(
        "a.zip",
        &zip_of(&[("ex3\\message_slot.c", SLOT.as_bytes())]),
    );
    let found = intake::open(&path).unwrap();
    assert_eq!(found.modules["message_slot"], c(&["ex3/message_slot.c"]));
}

#[test]
fn an_archive_leads_nowhere_else() {
    use tar::EntryType;
    let slot = SLOT.as_bytes();
    let (_root, path) = archive_file(
        "a.tar.gz",
        &tar_gz_of(&[
            (b"../message_slot.c", EntryType::Regular, slot),
            (b"/tmp/message_sender.c", EntryType::Regular, b"main("),
            (b"a/../../x.c", EntryType::Regular, slot),
            (b"message_reader.c", EntryType::Symlink, b""),
            (b"disk", EntryType::Block, b""),
            (b"nl_pubsub.c", EntryType::Regular, PUBSUB.as_bytes()),
        ]),
    );
    let found = intake::open(&path).unwrap();
    assert_eq!(names(&found.modules), ["nl_pubsub"]);
    assert_eq!(names(&found.programs), [""; 0]);
    assert_eq!(
        found.remarks,
        [
            "../message_slot.c leads out of the archive, and is passed over",
            "/tmp/message_sender.c leads out of the archive, and is passed over",
            "a/../../x.c leads out of the archive, and is passed over",
            "message_reader.c is no regular file, and is passed over",
            "disk is no regular file, and is passed over",
        ]
    );
    let (_root, path) = archive_file("a.zip", &zip_of(&[("../../message_slot.c", slot)]));
    assert_eq!(names(&intake::open(&path).unwrap().modules), [""; 0]);
}

#[test]
fn a_directory_leads_nowhere_else() {
    let outside = directory(&[("message_slot.c", SLOT)]);
    let root = directory(&[("nl_pubsub.c", PUBSUB)]);
    let at = |name: &str| root.path().join(name);
    symlink(outside.path(), at("folder")).unwrap();
    symlink(outside.path().join("message_slot.c"), at("message_slot.c")).unwrap();
    symlink(".", at("loop")).unwrap();
    // Nobody ever writes into it: to open it would block.
    nix::unistd::mkfifo(&at("message_sender.c"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let found = intake::open(root.path()).unwrap();
    assert_eq!(names(&found.modules), ["nl_pubsub"]);
    assert_eq!(
        found.remarks,
        ["folder", "loop", "message_sender.c", "message_slot.c"]
            .map(|name| format!("{name} is no regular file, and is passed over"))
    );
}

#[test]
fn what_is_too_large_is_refused() {
    let (_root, path) = archive_file("a.zip", b"PK\x03\x04");
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(300 << 20).unwrap();
    let max = ARCHIVE_MAX >> 20;
    assert_eq!(
        refused(&path),
        format!("expected an archive of at most {max} MiB, found 300 MiB")
    );

    // A bomb: a thousandth of that length, packed.
    let spaces = vec![b' '; 1 << 20];
    let many: Vec<_> = (0..=BYTES_MAX >> 20).map(|i| format!("{i}.txt")).collect();
    let bomb: Vec<_> = many.iter().map(|name| (&name[..], &spaces[..])).collect();
    let (_root, path) = archive_file("bomb.zip", &zip_of(&bomb));
    let too_long = format!(
        "expected at most {} MiB of files, found more",
        BYTES_MAX >> 20
    );
    assert_eq!(refused(&path), too_long);
    let bomb: Vec<_> = many
        .iter()
        .map(|name| (name.as_bytes(), tar::EntryType::Regular, &spaces[..]))
        .collect();
    let (_root, path) = archive_file("bomb.tar.gz", &tar_gz_of(&bomb));
    assert_eq!(refused(&path), too_long);

    let many: Vec<_> = (0..=FILES_MAX).map(|i| (format!("{i}.txt"), "")).collect();
    let many: Vec<_> = many.iter().map(|(name, text)| (&name[..], *text)).collect();
    let root = directory(&many);
    assert_eq!(
        refused(root.path()),
        format!("expected at most {FILES_MAX} files, found more")
    );

    let root = tempfile::tempdir().unwrap();
    let deep: PathBuf = std::iter::repeat_n("a".repeat(100), 5).collect();
    fs::create_dir_all(root.path().join(deep)).unwrap();
    assert_eq!(
        refused(root.path()),
        "expected paths of at most 400 bytes, found one of 403"
    );
}

#[test]
fn odd_names_are_shown_and_kept_apart() {
    let root = tempfile::tempdir().unwrap();
    for name in [
        &b"a \"b\" 'c' $(touch x).c"[..],
        b"new\nline.c",
        b"\xff\xfe.c",
        b"-o.c",
        b"esc\x1b[2J.c",
    ] {
        let path = root.path().join(std::ffi::OsStr::from_bytes(name));
        fs::write(path, SLOT).unwrap();
    }
    let found = intake::open(root.path()).unwrap();
    let shown: Vec<_> = found.files.iter().map(|file| &file.shown[..]).collect();
    assert_eq!(
        shown,
        [
            "\\xff\\xfe.c",
            "-o.c",
            "a \"b\" 'c' $(touch x).c",
            "esc\\x1b[2J.c",
            "new\\nline.c",
        ]
    );
    for file in &found.files {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._[".contains(c);
        assert!(file.path.chars().all(plain), "{}", file.path);
    }
    for remark in &found.remarks {
        assert!(!remark.chars().any(char::is_control), "{remark:?}");
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let root = directory(&[("message_slot.c", SLOT), ("nl_pubsub.c", PUBSUB)]);
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(root.path(), 0o755);
    mode(&root.path().join("message_slot.c"), 0o000);
    // Root may read everything; this thread then no longer.
    setfsuid(Uid::from_raw(65534));
    let found = intake::open(root.path());
    setfsuid(Uid::current());
    let found = found.unwrap();
    assert_eq!(names(&found.modules), ["nl_pubsub"]);
    assert_eq!(
        found.remarks,
        ["message_slot.c cannot be read: Permission denied (os error 13)"]
    );

    mode(root.path(), 0o000);
    setfsuid(Uid::from_raw(65534));
    let error = intake::open(root.path());
    setfsuid(Uid::current());
    mode(root.path(), 0o755);
    assert_eq!(error.unwrap_err().why, "Permission denied (os error 13)");
}
