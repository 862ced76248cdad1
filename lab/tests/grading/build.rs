// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building submissions: what comes of good and bad ones, and what they see of the host: nothing.
//! Needs a kernel's headers, and no machine.

use std::{fs, path::Path};

use lab_base::environment::command;
use lab_grade::{
    build::{self, BuiltModule},
    intake::{self, Submission},
    numbers::{self, Numbers},
    refused::Refused,
};
use lab_scene::{test_machines::workshop, workshop::Workshop};
use protocol::slot::{CHANNEL, MAJOR};

const SENDER: &str = r#"
#include "message_slot.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc != 4)
		return 1;
	fd = open(argv[1], O_WRONLY);
	if (fd < 0 || ioctl(fd, MSG_SLOT_CHANNEL, strtoul(argv[2], NULL, 10)))
		return 1;
	return write(fd, argv[3], strlen(argv[3])) < 0;
}
"#;

pub(crate) fn shop() -> &'static Workshop {
    workshop().unwrap_or_else(|error| panic!("{error}"))
}

/// A submission of these files; nothing of it is left on the host.
pub(crate) fn submission(files: &[(&str, &str)]) -> Submission {
    let root = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    intake::open(root.path()).unwrap()
}

pub(crate) fn of_checkout(file: &str) -> String {
    fs::read_to_string(shop().paths.checkout.join(file)).unwrap()
}

/// Our own module, as it would be handed in flat.
fn flat_module() -> String {
    of_checkout("kernel/message_slot/message_slot.c")
        .replace("<ipclab/message_slot.h>", "\"message_slot.h\"")
        .replace("MSG_SLOT_MAJOR", "MAJOR_NUM")
}

/// Its header, with the command and the major of another edition.
fn flat_header(major: &str, command: &str) -> String {
    format!(
        "#include <linux/ioctl.h>\n#define MAJOR_NUM {major}\n#define MSG_SLOT_MINORS 256\n\
         #define MSG_SLOT_MESSAGE_MAX 128\n#define MSG_SLOT_CHANNEL {command}\n"
    )
}

fn module(submission: &Submission, name: &str) -> Result<BuiltModule, Refused> {
    build::module(shop(), submission, name).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal_of(files: &[(&str, &str)]) -> String {
    let submission = submission(files);
    let Refused(words) = module(&submission, "message_slot").unwrap_err();
    assert!(
        !words.contains(&shop().paths.build.display().to_string()),
        "{words}"
    );
    assert!(!words.contains("/w/"), "{words}");
    words
}

pub(crate) fn numbers_of(submission: &Submission) -> Numbers {
    numbers::probe(shop(), submission).unwrap_or_else(|error| panic!("{error}"))
}

/// A module that does nothing, with something at its end.
fn small(more: &str) -> String {
    format!(
        "#include <linux/module.h>\nstatic int __init s_init(void)\n{{\n\treturn 0;\n}}\n\
         module_init(s_init);\nMODULE_LICENSE(\"GPL\");\n{more}\n"
    )
}

/// What `modinfo -F FIELD` says.
fn modinfo(ko: &Path, field: &str) -> String {
    let output = command("/sbin/modinfo")
        .args(["-F", field])
        .arg(ko)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether a program starts without a loader (PT_INTERP in elf.h).
pub(crate) fn is_static(program: &Path) -> bool {
    let output = command("readelf")
        .arg("--segments")
        .arg(program)
        .output()
        .unwrap();
    output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("INTERP")
}

#[test]
fn flat_submission_is_built_with_its_own_header() {
    let command = "_IOW(MAJOR_NUM, 0, unsigned long)";
    let submission = submission(&[
        ("my ex3/message_slot.c", &flat_module()),
        ("my ex3/message_slot.h", &flat_header("240", command)),
        ("my ex3/message_sender.c", SENDER),
        ("my ex3/Makefile", "$(shell touch /w/executed)\n"),
    ]);
    let built = module(&submission, "message_slot").unwrap();
    assert_eq!(modinfo(&built.stripped, "name"), "message_slot");
    let release = &shop().kernel.release;
    assert!(modinfo(&built.stripped, "vermagic").starts_with(release));
    let len = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(len(&built.stripped) * 2 < len(&built.unstripped));
    // Lines of reports name the submission's files.
    let ko = fs::read(&built.unstripped).unwrap();
    let named = format!(
        "{}/my_ex3/message_slot.c",
        lab_grade::sandbox::MODULE_SOURCES
    );
    assert!(
        ko.windows(named.len())
            .any(|window| window == named.as_bytes())
    );

    let sender = build::program(shop(), &submission, "message_sender")
        .unwrap()
        .unwrap();
    assert!(sender.path.ends_with("message_sender"));
    assert_eq!(sender.remarks, [""; 0]);
    assert!(is_static(&sender.path));

    let found = numbers_of(&submission);
    assert_eq!((found.major, found.channel_command), (240, 0x4008_f000));
    assert_eq!(
        found.deviations,
        [
            "MSG_SLOT_CHANNEL is 0x4008f000 and not 0x4004eb00, _IOW(235, 0, unsigned int); \
             it is graded with its own",
            "the major is 240 and not 235; it is graded with its own",
        ]
    );
    // Nothing of theirs was executed, and nothing is left of it.
    let place = built
        .stripped
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .to_owned();
    assert!(place.exists() && !place.join("executed").exists());
    drop(built);
    assert!(!place.exists());
}

#[test]
fn a_module_of_the_starter_has_the_numbers_of_the_contract() {
    let module = of_checkout("kernel/message_slot/message_slot.c");
    let submission = submission(&[("kernel/message_slot/message_slot.c", &module)]);
    let found = numbers_of(&submission);
    let expected = Numbers {
        major: MAJOR,
        channel_command: CHANNEL,
        deviations: Vec::new(),
    };
    assert_eq!(found, expected);
}

#[test]
fn a_module_of_several_files_has_the_name_of_the_part() {
    let main = of_checkout("kernel/nl_routes/routes_main.c");
    let dump = of_checkout("kernel/nl_routes/routes_dump.c");
    let watch = of_checkout("kernel/nl_routes/routes_watch.c");
    let header = of_checkout("kernel/nl_routes/routes.h");
    // Beside everything, under other names.
    let submission = submission(&[
        ("table.c", &main.replace("\"routes.h\"", "\"mine.h\"")),
        ("list.c", &dump.replace("\"routes.h\"", "\"mine.h\"")),
        ("watchers.c", &watch.replace("\"routes.h\"", "\"mine.h\"")),
        ("mine.h", &header),
    ]);
    let built = module(&submission, "nl_routes").unwrap();
    assert_eq!(modinfo(&built.stripped, "name"), "nl_routes");
}

#[test]
fn what_does_not_compile_is_said_in_the_compilers_words() {
    let words = refusal_of(&[("sub/message_slot.c", &small("int x = nothing;"))]);
    assert!(words.starts_with("sub/message_slot.c:8:"), "{words}");
    assert!(words.contains("nothing"), "{words}");

    let words = refusal_of(&[
        ("message_slot.c", &small("#include \"message_slot.h\"")),
        ("message_slot.h", "struct {{{\n"),
    ]);
    assert!(words.contains("message_slot.h:1:"), "{words}");

    let text = small("void absent(void);\nvoid now(void);\nvoid now(void)\n{\n\tabsent();\n}");
    let words = refusal_of(&[("message_slot.c", &text)]);
    assert!(
        words.contains("\"absent\" [message_slot.ko] undefined!"),
        "{words}"
    );

    // More words than anybody reads, and none that drives a terminal.
    let text = small(&"int \x1b[2J = 1;\n".repeat(100));
    let words = refusal_of(&[("message_slot.c", &text)]);
    assert!(
        words.lines().count() <= 21 && !words.contains('\x1b'),
        "{words}"
    );
}

#[test]
fn one_part_that_does_not_build_does_not_take_the_others_along() {
    let submission = submission(&[
        ("message_slot.c", "module_init(broken"),
        ("message_slot.h", &flat_header("235", "_IOR(235, 7, int)")),
        ("message_sender.c", SENDER),
        ("message_reader.c", "int main(void) { return nothing; }"),
    ]);
    assert!(module(&submission, "message_slot").is_err());
    let program = |name| build::program(shop(), &submission, name).unwrap();
    assert!(program("message_sender").is_ok());
    let Refused(words) = program("message_reader").unwrap_err();
    assert!(words.starts_with("message_reader.c:"), "{words}");
    // Their programs meet our module, which speaks their numbers.
    let found = numbers_of(&submission);
    assert_eq!((found.major, found.channel_command), (235, 0x8004_eb07));
    for by_pointer in [false, true] {
        let ours = numbers::our_slot_with(shop(), &found, by_pointer).unwrap();
        let ko = fs::read(&ours.stripped).unwrap();
        let command = found.channel_command.to_le_bytes();
        assert!(ko.windows(4).any(|window| window == command));
    }
}

#[test]
fn headers_are_those_of_the_same_homework() {
    let slot = small("#include \"list.h\"\n#include <own.h>\nint x = LIST + OWN;");
    let submission = submission(&[
        ("hw1/list.h", "#error of another homework\n"),
        ("hw3/old/list.h", "#error old\n"),
        ("hw3/include/List.h", "#define LIST 1\n"),
        ("hw3/include/sub dir/own.h", "#define OWN 2\n"),
        // It hides none of the system's.
        ("hw3/include/linux/module.h", "#error hidden\n"),
        ("hw3/src/message_slot.c", &slot),
    ]);
    let built = module(&submission, "message_slot");
    assert!(built.is_ok(), "{:?}", built.unwrap_err());
}

#[test]
fn what_c11_hides_is_found_and_remarked_on() {
    let text = "#include <signal.h>\nint main(void)\n{\n\tstruct sigaction a;\n\n\
                \treturn sigaction(1, 0, &a);\n}\n";
    let submission = submission(&[("message_sender.c", text)]);
    let sender = build::program(shop(), &submission, "message_sender")
        .unwrap()
        .unwrap();
    assert_eq!(
        sender.remarks,
        [
            "message_sender does not compile with -std=c11; it was compiled with -std=gnu11 -D_GNU_SOURCE"
        ]
    );
}

#[test]
fn a_compiler_sees_nothing_of_the_host() {
    // Readable by everybody, so that only the sandbox is in the way.
    let canary = tempfile::Builder::new()
        .prefix("canary")
        .suffix(".h")
        .tempfile()
        .unwrap();
    fs::write(canary.path(), "#error the canary was read\n").unwrap();
    let canary = canary.path().display().to_string();
    let inside = shop()
        .paths
        .checkout
        .join("lab/clauses.toml")
        .display()
        .to_string();
    for path in [
        &canary[..],
        "/etc/passwd",
        "/etc/hostname",
        "/proc/1/environ",
        &inside,
    ] {
        for reading in [
            format!("#include \"{path}\""),
            format!("asm(\".incbin \\\"{path}\\\"\");"),
        ] {
            let words = refusal_of(&[("message_slot.c", &small(&reading))]);
            let nothing = [
                "No such file",
                "file not found",
                "Could not find",
                "not found",
            ]
            .iter()
            .any(|text| words.contains(text));
            // That of the sandbox's own first process is there, and says nothing.
            assert!(nothing || path == "/proc/1/environ", "{path}: {words}");
            assert!(
                !words.contains("canary was read") && !words.contains("root:"),
                "{words}"
            );
        }
    }
}
