// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building crates of submissions: one that does not compile takes no other along. Needs no machine.

use lab_grade::{crates, refused::Refused};

use crate::build::{is_static, of_checkout, shop, submission};

#[test]
fn one_crate_that_does_not_compile_loses_its_own_programs() {
    let lib = of_checkout("message-slot/src/lib.rs");
    let reader = of_checkout("message-slot/src/bin/message_reader.rs");
    let sender = of_checkout("message-slot/src/bin/message_sender.rs");
    let submission = submission(&[
        ("message-slot/src/lib.rs", &lib),
        ("message-slot/src/bin/message_reader.rs", &reader),
        ("message-slot/src/bin/message_sender.rs", &sender),
        ("message-slot/build.rs", "compile_error!(\"built\");"),
        ("message-slot/Cargo.toml", "[package]\nname = \"other\"\n"),
        (
            "part3-lists/src/lib.rs",
            "const X: &str = include_str!(\"/etc/passwd\");",
        ),
        ("part3-lists/src/bin/router-client.rs", "fn main() {}"),
    ]);
    let found = crates::build(shop(), &submission).unwrap();
    let names: Vec<_> = found.built.keys().copied().collect();
    assert_eq!(names, ["message_reader", "message_sender", "router-client"]);
    assert!(is_static(found.built["message_sender"].as_ref().unwrap()));
    let Refused(words) = found.built["router-client"].as_ref().unwrap_err();
    assert!(words.contains("couldn't read `/etc/passwd`"), "{words}");
    assert_eq!(
        found.remarks,
        ["Cargo.toml", "build.rs"].map(|file| format!(
            "message-slot/{file} is not part of what is handed in; the lab's own is used"
        ))
    );
}

#[test]
fn a_library_with_another_interface_loses_what_links_it() {
    let program = ("part1-threads/src/bin/threads.rs", "fn main() {}");
    let other = submission(&[program, ("part1-threads/src/lib.rs", "pub struct Mine;")]);
    let found = crates::build(shop(), &other).unwrap();
    assert!(is_static(found.built["threads"].as_ref().unwrap()));
    for name in ["lab-threads", "lab-model"] {
        let Refused(words) = found.built[name].as_ref().unwrap_err();
        assert!(words.contains("unresolved import"), "{words}");
    }

    // One that uses a crate which the lab does not have.
    let other = submission(&[program, ("part1-threads/src/lib.rs", "pub use rand::Rng;")]);
    let found = crates::build(shop(), &other).unwrap();
    let Refused(words) = found.built["threads"].as_ref().unwrap_err();
    assert!(
        words.starts_with(
            "`rand` is no crate of the lab; part1-threads may use the standard library and "
        ),
        "{words}"
    );
    assert!(
        words.contains("crossbeam-channel") && !words.contains("cargo add"),
        "{words}"
    );

    // One that is right, but whose buffer does not stand alone.
    let names = [
        "bin/threads.rs",
        "buffer/crossbeam.rs",
        "buffer/mod.rs",
        "buffer/mpsc.rs",
        "buffer/mutex.rs",
        "buffer/own.rs",
        "check.rs",
        "lib.rs",
        "report.rs",
        "run.rs",
        "shares.rs",
        "sync.rs",
    ];
    let mut files = names.map(|name| {
        let file = format!("part1-threads/src/{name}");
        let text = of_checkout(&file);
        (file, text)
    });
    files[4].1 += "use crate::shares as _;\n";
    let files: Vec<_> = files
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    let found = crates::build(shop(), &submission(&files)).unwrap();
    assert!(is_static(found.built["lab-threads"].as_ref().unwrap()));
    let Refused(words) = found.built["lab-model"].as_ref().unwrap_err();
    assert!(
        words.contains("part1-threads/src/buffer/mutex.rs"),
        "{words}"
    );
}
