// SPDX-License-Identifier: MIT OR Apache-2.0
//! C that attacks while it is compiled.

use crate::{
    base::Base::{Hello, Slot, SlotPrograms},
    row::{Expect, Row},
};

const CHECK: &str = "R3-empty";

fn slot(name: &str, code: impl AsRef<str>) -> Row {
    Row::new(name, Slot, CHECK).insert(code)
}

/// Assembler that takes a file into the module, and words that would show its beginning.
fn includes(path: &str) -> String {
    format!("asm(\".incbin \\\"{path}\\\"\");\n")
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        slot(
            "compilers: words of bubblewrap",
            "#line 1 \"bwrap: x\"\n#error Creating new namespace failed\n",
        )
        .says("message_slot does not build"),
        slot(
            "compilers: controls in words of the compiler",
            "#error \x1b]0;owned\x07\x1b[2J\u{202e}ssap\u{2066} \u{9b}31m\n",
        )
        .says("message_slot does not build"),
        slot(
            "compilers: controls in a name of #line",
            "#line 1 \"\\033[2J\\007\u{202e}\"\nint x = nothing;\n",
        )
        .says("message_slot does not build"),
        slot(
            "compilers: the lines of our report",
            "#error message-slot/R3-empty ... pass (0.1 s) 3/3\n#error Score: 100/100\n",
        )
        .says("message_slot does not build"),
        slot("compilers: a secret is included", "#include \"@SECRET@\"\nint x = SECRET;\n")
            .says("message_slot does not build"),
        slot("compilers: a neighbour is included", "#include \"../../../neighbour.h\"\n#include \"@BESIDE@\"\n")
            .says("message_slot does not build"),
        slot(
            "compilers: files of processes are included",
            "#include \"/proc/1/environ\"\n#include \"/proc/self/environ\"\n#include \"/proc/self/fd/9\"\n\
             #include \"/proc/self/cmdline\"\nint x = SECRET;\n",
        )
        .says("message_slot does not build"),
        slot(
            "compilers: a secret is assembled in",
            includes("@SECRET@") + &includes("/proc/self/fd/9") + &includes("/etc/shadow"),
        )
        .says("message_slot does not build"),
        slot(
            "compilers: a million warnings",
            "#if __INCLUDE_LEVEL__ < 16\n#warning flood flood flood flood flood flood flood\n#include __FILE__\n\
             #include __FILE__\n#endif\n",
        )
        .says("message_slot does not build"),
        slot(
            "compilers: a source that includes itself for ever",
            "#if __INCLUDE_LEVEL__ < 190\n#include __FILE__\n#include __FILE__\n#endif\n",
        )
        .takes_long()
        .says("message_slot does not build"),
        Row::new("compilers: the same in programs, begun again", SlotPrograms, "S1-sender")
            .insert("#if __INCLUDE_LEVEL__ < 190\n#include __FILE__\n#include __FILE__\n#endif\n")
            .takes_long()
            .says("message_sender does not build"),
        Row::new("compilers: a header of the system is replaced", Slot, CHECK)
            .expects(Expect::AllPoints)
            .add("include/linux/module.h", "#error replaced\n")
            .add("kernel/message_slot/linux/fs.h", "#error replaced\n")
            .add("ipclab/message_slot.h", "#error replaced\n"),
        Row::new("compilers: options in a Kbuild of their own", Hello, "H1-bytes")
            .expects(Expect::AllPoints)
            .add("kernel/nl_hello/Kbuild", "obj-m := nl_hello.o\nccflags-y := -include /etc/passwd\n$(shell id > /tmp/x)\n")
            .add("kernel/nl_hello/Makefile", "all:\n\ttouch /tmp/hostile-was-here\n"),
        Row::new("compilers: nl_hello has no end of building", Hello, "H1-bytes")
            .insert("#line 1 \"/usr/include/linux/../../../../etc/passwd\"\nint x = nothing;\n")
            .says("nl_hello does not build"),
    ]
}
