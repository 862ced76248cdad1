// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names, links and special files in folders that are handed in. A bad file costs at most its own
//! part, so the honest module beside it has its points.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::{
    base::Base::Slot,
    row::{Expect, Row},
};

const CHECK: &str = "R3-empty";

fn beside(name: &str, prepare: fn(&Path)) -> Row {
    Row::new(name, Slot, CHECK)
        .expects(Expect::AllPoints)
        .prepare(prepare)
}

fn write(folder: &Path, name: &[u8], text: &str) {
    let path = folder.join(OsStr::from_bytes(name));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        beside("names: x y beside x_y/", |folder| {
            write(folder, b"x y", "int x;\n");
            write(folder, b"x_y/z.c", "int z;\n");
        }),
        beside("names: a folder lab_probe.c/", |folder| {
            write(folder, b"kernel/message_slot/lab_probe.c/x.h", "int x;\n");
            write(folder, b"lab_probe.c/x.c", "int x;\n");
            write(folder, b"lab_probe.o/x.c", "int x;\n");
        }),
        beside("names: controls and turned directions", |folder| {
            let name = "\x1b]0;owned\x07\x1b[2J\u{202e}c.\n\r\u{9b}31m.c";
            write(folder, name.as_bytes(), "int main(void) { return 0; }\n");
            write(
                folder,
                b"\xff\xfe\x1b[1m.c",
                "#include <linux/module.h>\nmodule_init(x);\n",
            );
            symlink(
                "nowhere",
                folder.join(OsStr::from_bytes(b"\x1b[3;4H\xe2\x80\xae")),
            )
            .unwrap();
        }),
        beside("names: words of shell and make", |folder| {
            write(folder, b"$(touch @pwned).c", "int x;\n");
            write(folder, b"`id`;x.c", "int x;\n");
            write(folder, b"-include.c", "int x;\n");
            write(
                folder,
                b"kernel/message_slot/Kbuild",
                "$(shell touch /w/pwned)\nobj-m := evil.o\n",
            );
            write(folder, b"Makefile", "$(error pwned)\n");
        }),
        beside("names: a pipe and a link to itself", |folder| {
            mkfifo(&folder.join("pipe.c"), Mode::S_IRWXU).unwrap();
            symlink("loop.h", folder.join("loop.h")).unwrap();
            symlink("..", folder.join("up")).unwrap();
            symlink("/dev/zero", folder.join("zero.c")).unwrap();
        }),
        beside("names: 1900 links to one file", |folder| {
            fs::create_dir(folder.join("links")).unwrap();
            for number in 0..1900 {
                symlink("/etc/passwd", folder.join(format!("links/{number}.c"))).unwrap();
            }
        }),
        Row::new("names: a header is a link to a secret", Slot, CHECK)
            .says("message_slot does not build")
            .insert(
                "#include \"notes.h\"\nstatic const char hostile[] = SECRET; int y = hostile;\n",
            )
            .prepare(|folder| {
                let secret = folder.join("../../home/.ssh/id_canary");
                symlink(
                    secret.canonicalize().unwrap(),
                    folder.join("kernel/message_slot/notes.h"),
                )
                .unwrap();
            }),
        Row::new(
            "names: the module itself is a link to a secret",
            Slot,
            CHECK,
        )
        .says("passed over")
        .prepare(|folder| {
            let module = folder.join("kernel/message_slot/message_slot.c");
            fs::remove_file(&module).unwrap();
            symlink("../../../neighbour.h", module).unwrap();
        }),
        beside("names: folders 300 deep", |folder| {
            let mut path = folder.to_owned();
            for _ in 0..300 {
                path.push("d");
            }
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("x.c"), "int x;\n").unwrap();
        })
        .expects(Expect::Refused)
        .says("expected paths of at most"),
    ]
}
