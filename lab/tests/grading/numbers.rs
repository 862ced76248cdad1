// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of a slot, as the compiler computes them. Needs a kernel's headers, and no machine.

use lab_grade::{build, intake::Submission, kernel_commands::kernel_commands};
use protocol::slot::{CHANNEL, MAJOR};

use crate::build::{numbers_of, shop, submission};

#[test]
fn numbers_are_found_wherever_they_are() {
    // No header of user space includes this, and no macro has the major.
    let header = "#include <linux/module.h>\nenum { MSG_SLOT_CHANNEL = 77 };\n";
    let module = "#include \"h.h\"\n#include <linux/fs.h>\n#define MINE (100 + 21)\n\
                  static struct file_operations f;\nstatic int __init i(void)\n{\n\
                  \treturn register_chrdev(MINE, \"x,y\", &f);\n}\nmodule_init(i);\n\
                  MODULE_LICENSE(\"GPL\");\n";
    let found = numbers_of(&submission(&[("slot.c", module), ("h.h", header)]));
    assert_eq!((found.major, found.channel_command), (121, 77));

    // What is no constant is not guessed.
    let module = module.replace("MINE,", "strlen(f.owner->name),");
    let found = numbers_of(&submission(&[("slot.c", &module), ("h.h", "")]));
    assert_eq!((found.major, found.channel_command), (MAJOR, CHANNEL));
    assert_eq!(
        found.deviations,
        [
            "MSG_SLOT_CHANNEL is nowhere; the lab's is used",
            "the major cannot be found in the sources; the lab's is used"
        ]
    );
}

/// A module whose handler compares with `command`, and more lines of its header.
fn with_command(command: &str, header: &str) -> Submission {
    let module = format!(
        "#include <linux/module.h>\n#include <linux/fs.h>\n#include \"slot.h\"\n\
         static long s_ioctl(struct file *file, unsigned int cmd, unsigned long arg)\n{{\n\
         \tif (cmd != {command} || !arg)\n\t\treturn -EINVAL;\n\treturn 0;\n}}\n\
         static struct file_operations f = {{ .unlocked_ioctl = s_ioctl }};\n\
         static int __init i(void)\n{{\n\treturn register_chrdev(235, \"x\", &f);\n}}\n\
         module_init(i);\nMODULE_LICENSE(\"GPL\");\n"
    );
    submission(&[("slot.c", &module), ("slot.h", header)])
}

#[test]
fn a_command_of_another_name_is_found_and_told() {
    for (command, header, value) in [
        (
            "IOCTL_SET",
            "#define IOCTL_SET _IOW('k', 3, int)",
            0x4004_6b03,
        ),
        ("0x4004eb01", "", 0x4004_eb01),
        ("_IOR(235, 2, unsigned long)", "", 0x8008_eb02),
        (
            "SET_ID",
            "#define BASE (1 << 4)\nenum { RESET = BASE, SET_ID };",
            17,
        ),
        (
            "SET_ID",
            "#define TYPE 'm'\n#define SET_ID ((unsigned int)_IO(TYPE, (3 + 4) * 2))",
            0x6d0e,
        ),
        ("SET_ID", "#define SET_ID (int)0x80000001", 0x8000_0001),
    ] {
        let found = numbers_of(&with_command(command, header));
        assert_eq!(
            found.channel_command, value,
            "{command} {header}: {:?}",
            found.deviations
        );
        assert_eq!(
            found.deviations[0],
            format!(
                "the ioctl command is {command} and not called MSG_SLOT_CHANNEL: the module's handler \
                 compares with it"
            )
        );
    }
}

#[test]
fn a_command_that_the_kernel_answers_itself_is_told() {
    let found = numbers_of(&with_command(
        "MSG_SLOT_CHANNEL",
        "#define MSG_SLOT_CHANNEL 2",
    ));
    assert_eq!(found.channel_command, 2);
    assert_eq!(
        found.deviations[1],
        "the number 0x2 is FIGETBSZ, which the kernel answers itself; it never reaches a driver, so no \
         channel can be chosen"
    );
    // As user space has them.
    let asserts = kernel_commands()
        .iter()
        .map(|(name, number)| format!("_Static_assert({name} == {number}U, \"{name}\");\n"));
    let text = format!(
        "#include <sys/ioctl.h>\n#include <linux/fs.h>\n#include <linux/fiemap.h>\n{}int main(void) {{ }}\n",
        asserts.collect::<String>()
    );
    let submission = submission(&[("message_sender.c", &text)]);
    let sender = build::program(shop(), &submission, "message_sender").unwrap();
    assert!(sender.is_ok(), "{:?}", sender.unwrap_err());
}
