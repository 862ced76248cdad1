// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules that let the kernel complain and hide it.

use crate::{
    base::Base::{Hello, Router, Slot},
    row::{Expect, Row},
};

/// Addresses of symbols that are not exported, as root kits find them.
const FIND: &str = "\
#include <linux/bug.h>
#include <linux/kprobes.h>
static void *hostile_find(const char *name)
{
	struct kprobe probe = { .symbol_name = name };
	void *found;

	if (register_kprobe(&probe))
		return NULL;
	found = probe.addr;
	unregister_kprobe(&probe);
	return found;
}
static unsigned long (*hostile_lookup)(const char *name);
static int *hostile_int(const char *name)
{
	if (!hostile_lookup)
		hostile_lookup = hostile_find(\"kallsyms_lookup_name\");
	return hostile_lookup ? (int *)hostile_lookup(name) : NULL;
}
";

const HELPER: &str = "\
#include <linux/bug.h>
#include <linux/umh.h>
static void hostile_shell(char *line)
{
	static char *env[] = { \"PATH=/bin:/sbin:/usr/bin\", NULL };
	char *argv[] = { \"/bin/sh\", \"-c\", line, NULL };

	call_usermodehelper(argv[0], argv, env, UMH_WAIT_PROC);
}
";

/// In the write of the slot, the first statement.
const WRITE: &str = "\tstruct mslot_message *message, *old;\n";

/// In the request of `nl_hello`.
const REQUEST: &str = "\tint len = nlmsg_len(nlh);\n";

/// In the registration of `nl_router`.
const REGISTER: &str = "\tint roles = router_roles(tb, extack);\n\tint err = 0, i;\n\n\tif (roles < 0)\n\t\treturn roles;\n\tif (from";

fn in_write(name: &str, code: &str, statement: &str) -> Row {
    Row::new(name, Slot, "W1-replaces")
        .insert(code)
        .change(WRITE, format!("{WRITE}\n\t{statement}\n"))
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        in_write("hidden: a plain WARN", "", "WARN_ON(1);").says("warning|WARNING"),
        in_write(
            "hidden: WARN behind a silent console",
            "",
            "console_printk[0] = 0; barrier(); WARN_ON(1); barrier();",
        ),
        in_write(
            "hidden: a silent console alone",
            "",
            "console_printk[0] = 0;",
        )
        .says("printk"),
        in_write(
            "hidden: a helper of the kernel clears panic_on_warn",
            HELPER,
            "hostile_shell(\"echo 0 > /proc/sys/kernel/panic_on_warn\"); barrier(); WARN_ON(1); barrier();",
        )
        .says("call_usermodehelper"),
        in_write(
            "hidden: a helper mounts another /proc",
            HELPER,
            "hostile_shell(\"mkdir /run/p; mount -t proc p /run/p; echo 0 > /run/p/sys/kernel/panic_on_warn; \
             echo 0 > /run/p/sys/kernel/printk\"); barrier(); WARN_ON(1); barrier();",
        )
        .says("call_usermodehelper"),
        in_write(
            "hidden: panic_on_warn, taint and console are set in memory",
            FIND,
            "{ int *on = hostile_int(\"panic_on_warn\"), *taint = hostile_int(\"tainted_mask\"); \
             if (on) { *on = 0; console_printk[0] = 0; barrier(); WARN_ON(1); barrier(); if (taint) *taint = 0; } }",
        )
        .says("register_kprobe"),
        in_write(
            "hidden: the same, and the console is restored",
            FIND,
            "{ int *on = hostile_int(\"panic_on_warn\"); \
             if (on) { int level = console_printk[0]; *on = 0; console_printk[0] = 0; \
             barrier(); WARN_ON(1); barrier(); console_printk[0] = level; *on = 1; } }",
        )
        .says("register_kprobe"),
        in_write(
            "hidden: printk itself is switched off, and all is restored",
            FIND,
            "{ int *on = hostile_int(\"panic_on_warn\"), *quiet = hostile_int(\"suppress_printk\"); \
             unsigned long *taint = (unsigned long *)hostile_int(\"tainted_mask\"); \
             if (on && quiet && taint) { unsigned long before = *taint; *on = 0; *quiet = 1; \
             barrier(); WARN_ON(1); barrier(); *quiet = 0; *on = 1; *taint = before; } }",
        )
        .expects(Expect::Noticed)
        .says("register_kprobe"),
        Row::new("hidden: nl_hello warns behind a helper", Hello, "H1-bytes")
            .insert(HELPER)
            .change(
                REQUEST,
                format!(
                    "{REQUEST}\n\thostile_shell(\"echo 0 > /proc/sys/kernel/panic_on_warn\");\n\
                     \tconsole_printk[0] = 0;\n\tbarrier();\n\tWARN_ON(1);\n"
                ),
            )
            .says("call_usermodehelper"),
        Row::new("hidden: nl_router warns in silence", Router, "L1-register").change(
            REGISTER,
            REGISTER.replace("\n\tif (from", "\n\tconsole_printk[0] = 0;\n\tbarrier();\n\tWARN_ON(1);\n\tif (from"),
        ),
    ]
}
