// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules that stop the machine, QEMU or the agent.

use crate::{
    base::Base::{Hello, Router, Slot},
    row::Row,
};

const INIT: &str = "\tint err;\n\n\t/* lab:begin mslot-init";
const HELLO_INIT: &str = "\thello_nlsk = nl_open(hello_protocol, &cfg);\n";
const ROUTER_INIT: &str = "\tint err;\n\n\tif (router_protocol >= MAX_LINKS) {";

/// Does something to the agent.
const AGENT: &str = "\
#include <linux/sched/signal.h>
static void hostile_signal(int number)
{
	struct task_struct *task;

	rcu_read_lock();
	for_each_process(task)
		if (strstr(task->comm, \"agent\") || task->pid == 1)
			send_sig(number, task, 1);
	rcu_read_unlock();
}
";

fn in_init(name: &str, code: &str, statement: &str) -> Row {
    let new = INIT.replace("\n\n", &format!("\n\n\t{statement}\n\n"));
    Row::new(name, Slot, "W1-replaces")
        .insert(code)
        .change(INIT, new)
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        in_init(
            "stops: ltr 0, which aborts some QEMUs",
            "",
            "asm volatile(\"ltr %w0\" : : \"r\" (0));",
        ),
        in_init(
            "stops: an interrupt without a table",
            "",
            "{ struct { u16 n; u64 at; } __packed none = {}; asm volatile(\"lidt %0; int3\" : : \"m\" (none)); }",
        ),
        in_init(
            "stops: writes to every I/O port",
            "#include <linux/io.h>\n",
            "{ u32 port; for (port = 0; port < 65536; port++) { outb(0, port); outl(~0, port); \
             outw(0x2000, port); } }",
        )
        .timeout(30),
        in_init(
            "stops: the machine is switched off by ACPI's port",
            "#include <linux/io.h>\n",
            "outw(0x2000, 0x604); outw(0x2000, 0xb004); outb(0, 0xf4); outb(0x6, 0xcf9);",
        ),
        in_init(
            "stops: the machine is restarted",
            "#include <linux/reboot.h>\n",
            "emergency_restart();",
        )
        .says("emergency_restart"),
        in_init(
            "stops: no interrupts, a busy loop in init",
            "",
            "local_irq_disable(); for (;;) cpu_relax();",
        )
        .timeout(20)
        .takes_long(),
        in_init("stops: a busy loop in init", "", "for (;;) cpu_relax();")
            .timeout(40)
            .takes_long(),
        in_init(
            "stops: init sleeps for ever",
            "#include <linux/delay.h>\n",
            "for (;;) msleep(1000);",
        )
        .timeout(20)
        .takes_long(),
        in_init(
            "stops: the agent is killed",
            AGENT,
            "hostile_signal(SIGKILL);",
        ),
        in_init(
            "stops: the agent is stopped",
            AGENT,
            "hostile_signal(SIGSTOP);",
        )
        .timeout(20)
        .takes_long(),
        in_init(
            "stops: all memory is taken",
            "",
            "for (;;) if (!alloc_pages(GFP_KERNEL | __GFP_NOFAIL, 0)) break;",
        )
        .timeout(30),
        Row::new("stops: nl_hello loops in init", Hello, "H1-bytes")
            .change(
                HELLO_INIT,
                format!("\tfor (;;)\n\t\tcpu_relax();\n{HELLO_INIT}"),
            )
            .timeout(20)
            .takes_long(),
        Row::new("stops: nl_router loops in init", Router, "L1-register")
            .change(
                ROUTER_INIT,
                ROUTER_INIT.replace("\n\n", "\n\n\tfor (;;)\n\t\tcpu_relax();\n"),
            )
            .timeout(20)
            .takes_long(),
        Row::new(
            "stops: nl_router panics in its exit",
            Router,
            "N7-in-and-out",
        )
        .change(
            "\tnetlink_kernel_release(router_nlsk);\n",
            "\tpanic(\"score: 100/100\");\n\tnetlink_kernel_release(router_nlsk);\n",
        ),
    ]
}
