// SPDX-License-Identifier: MIT OR Apache-2.0
//! Archives: names that no folder can hold together, paths that lead out, and bombs.

use std::io::Write;

use tar::{Builder, EntryType, Header};

use crate::{
    base::{Base::Slot, Files},
    row::{Expect, Row},
};

const CHECK: &str = "R3-empty";

fn header(kind: EntryType, len: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(len as u64);
    header.set_mode(0o644);
    header
}

fn add(tar: &mut Builder<Vec<u8>>, name: &str, contents: &[u8]) {
    let mut header = header(EntryType::Regular, contents.len());
    tar.append_data(&mut header, name, contents).unwrap();
}

/// Any name, which the library would refuse.
fn add_raw(tar: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, target: &str, contents: &[u8]) {
    let mut header = header(kind, contents.len());
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    tar.append(&header, contents).unwrap();
}

/// A tar with the honest files and others.
fn with(files: &Files, more: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, text) in files {
        add(&mut tar, name, text.as_bytes());
    }
    more(&mut tar);
    tar.into_inner().unwrap()
}

fn packed(name: &str, pack: fn(&Files) -> Vec<u8>) -> Row {
    Row::new(name, Slot, CHECK)
        .expects(Expect::AllPoints)
        .pack(".tar", pack)
}

fn zipped(contents: impl FnOnce(&mut zip::ZipWriter<std::io::Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    contents(&mut zip);
    zip.finish().unwrap().into_inner()
}

fn options() -> zip::write::SimpleFileOptions {
    zip::write::SimpleFileOptions::default()
}

fn add_to_zip(zip: &mut zip::ZipWriter<std::io::Cursor<Vec<u8>>>, files: &Files) {
    for (name, text) in files {
        zip.start_file(name, options()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        packed("archives: a and a/b.h", |files| {
            with(files, |tar| {
                add(tar, "a", b"int a;\n");
                add(tar, "a/b.h", b"int b;\n");
                add(tar, "kernel", b"int k;\n");
            })
        }),
        packed("archives: a name of 300 bytes", |files| {
            with(files, |tar| {
                add(tar, &format!("{}.c", "n".repeat(300)), b"int a;\n");
                add(tar, &format!("{}/x.h", "m".repeat(300)), b"int a;\n");
            })
        }),
        packed("archives: 19 900 symbolic links", |files| {
            with(files, |tar| {
                for number in 0..19_900 {
                    let mut header = header(EntryType::Symlink, 0);
                    tar.append_link(&mut header, format!("links/{number}.c"), "/etc/passwd")
                        .unwrap();
                }
            })
        }),
        packed("archives: paths that lead out", |files| {
            with(files, |tar| {
                add_raw(
                    tar,
                    EntryType::Regular,
                    "../../home/.ssh/id_canary",
                    "",
                    b"changed\n",
                );
                add_raw(tar, EntryType::Regular, "../neighbour.h", "", b"changed\n");
                add_raw(
                    tar,
                    EntryType::Regular,
                    "/tmp/hostile-was-here",
                    "",
                    b"changed\n",
                );
                add_raw(tar, EntryType::Link, "hard.h", "/etc/passwd", b"");
                add_raw(tar, EntryType::Symlink, "out", "../..", b"");
                add_raw(
                    tar,
                    EntryType::Regular,
                    "out/home/.ssh/id_canary",
                    "",
                    b"changed\n",
                );
                add_raw(tar, EntryType::Char, "device.c", "", b"");
                add_raw(tar, EntryType::Fifo, "pipe.c", "", b"");
            })
        }),
        Row::new("archives: a zip of 2 GB of zeros", Slot, CHECK)
            .expects(Expect::Noticed)
            .says("MiB|Score")
            .pack(".zip", |files| {
                zipped(|zip| {
                    add_to_zip(zip, files);
                    for number in 0..16 {
                        zip.start_file(format!("zeros{number}.c"), options())
                            .unwrap();
                        for _ in 0..128 {
                            zip.write_all(&[0; 1 << 20]).unwrap();
                        }
                    }
                })
            })
            .takes_long(),
        Row::new("archives: a zip in a zip in a zip", Slot, CHECK)
            .expects(Expect::Refused)
            .says("archive")
            .pack(".zip", |files| {
                let mut inner = zipped(|zip| add_to_zip(zip, files));
                for _ in 0..8 {
                    inner = zipped(|zip| {
                        zip.start_file("inner.zip", options()).unwrap();
                        zip.write_all(&inner).unwrap();
                    });
                }
                inner
            }),
        Row::new("archives: a tar that is cut off", Slot, CHECK)
            .expects(Expect::Refused)
            .says("expected a whole")
            .pack(".tar", |files| {
                let mut tar = with(files, |tar| add(tar, "x.c", &[b'x'; 5000]));
                tar.truncate(tar.len() - 4000);
                tar
            }),
    ]
}
