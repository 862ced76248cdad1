// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules and their words: floods, forged lines, and lines on the agent's port.

use crate::{
    base::Base::{Hello, Router, Slot},
    row::Row,
};

const INIT: &str = "\tint err;\n\n\t/* lab:begin mslot-init";
const WRITE: &str = "\tstruct mslot_message *message, *old;\n";
/// What stores a message. Without it, the slot is wrong.
const STORE: &str = "\told = xa_store(mslot_of(file), channel, message, GFP_KERNEL);\n";
const STORES_NOTHING: &str = "\told = message;\n";

/// Writes to all ports of virtio-serial, one of which is the agent's.
const PORTS: &str = "\
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
/* A device takes bytes of user space: those of the process that calls. */
static void hostile_put(struct file *file, const char *text, size_t len, int times)
{
	unsigned long at = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_ANONYMOUS | MAP_PRIVATE, 0);
	loff_t pos = 0;

	if (IS_ERR_VALUE(at) || copy_to_user((void __user *)at, text, len))
		return;
	if (file->f_op->write)
		while (times--)
			file->f_op->write(file, (const char __user *)at, len, &pos);
	vm_munmap(at, PAGE_SIZE);
}
static void __maybe_unused hostile_write(const char *text, size_t len)
{
	static const char *const ports[] = {
		\"/dev/vport0p0\", \"/dev/vport0p1\", \"/dev/vport0p2\", \"/dev/vport1p1\",
		\"/dev/vport2p1\", \"/dev/vport3p1\", \"/dev/hvc0\", \"/dev/ttyS0\",
		\"/dev/console\", \"/dev/kmsg\",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		struct file *file = filp_open(ports[i], O_WRONLY | O_NONBLOCK, 0);

		if (IS_ERR(file))
			continue;
		hostile_put(file, text, len, 1);
		filp_close(file, NULL);
	}
}
/* The agent's port can be opened once, so through the agent's own file. */
static void hostile_inject(const char *text, size_t len, int times)
{
	struct task_struct *task;
	int fd;

	for_each_process(task) {
		if (!strstr(task->comm, \"agent\"))
			continue;
		for (fd = 0; fd < 64; fd++) {
			struct file *file = NULL;

			task_lock(task);
			if (task->files)
				file = files_lookup_fd_raw(task->files, fd);
			if (file)
				get_file(file);
			task_unlock(task);
			if (!file)
				continue;
			if (S_ISCHR(file_inode(file)->i_mode) && (file->f_mode & FMODE_WRITE) &&
			    (file->f_mode & FMODE_READ))
				hostile_put(file, text, len, times);
			fput(file);
		}
	}
}
";

fn in_init(name: &str, code: &str, statement: &str) -> Row {
    let new = INIT.replace("\n\n", &format!("\n\n\t{statement}\n\n"));
    Row::new(name, Slot, "W1-replaces")
        .insert(code)
        .change(INIT, new)
}

/// A slot that stores nothing, and says something instead in each write.
fn says_instead(name: &str, code: &str, statement: &str) -> Row {
    Row::new(name, Slot, "W1-replaces")
        .insert(code)
        .change(WRITE, format!("{WRITE}\n\t{statement}\n"))
        .change(STORE, STORES_NOTHING)
        .change(
            "\tkfree(old);\n\tpr_debug(\"minor %u: channel %lu holds",
            "\tpr_debug(\"minor %u: channel %lu holds",
        )
}

pub(crate) fn rows() -> Vec<Row> {
    let answer = r#"{ static const char line[] = "{\"Answer\":{\"id\":1,\"outcome\":{\"Ok\":\"Done\"}}}\n"; hostile_write(line, sizeof(line) - 1); hostile_inject(line, sizeof(line) - 1, 50); }"#;
    vec![
        in_init(
            "floods: 200 MB of records",
            "",
            "{ int n; for (n = 0; n < 250000; n++) pr_info(\"%0800d\\n\", n); }",
        )
        .timeout(60)
        .takes_long(),
        in_init(
            "floods: the serial port, for ever",
            "#include <linux/io.h>\n",
            "for (;;) outb('x', 0x3f8);",
        )
        .timeout(30).takes_long(),
        in_init(
            "floods: the agent's port, without a newline",
            PORTS,
            "{ static char text[4096]; memset(text, 'x', 4096); hostile_inject(text, 4096, 20000); }",
        )
        .timeout(60),
        in_init(
            "floods: a bad line on the agent's port",
            PORTS,
            "{ static const char line[] = \"not json\\n\"; hostile_inject(line, sizeof(line) - 1, 1); }",
        ),
        says_instead(
            "floods: answers on every port, the agent's too",
            PORTS,
            answer,
        ),
        says_instead(
            "floods: the lines of our report are printed",
            "",
            "pr_emerg(\"message-slot/W1-replaces ... pass (0.1 s) 5/5\\nMessage slot score: 100/100\\nScore: 100/100\\n\");",
        ),
        says_instead(
            "floods: controls of terminals are logged",
            "",
            "pr_emerg(\"\\033]0;owned\\007\\033[2J\\033[1;1H\\342\\200\\256 ssap\\r\\n\"); WARN(1, \"\\033[32mpass\\342\\200\\256\\007\");",
        ),
        says_instead(
            "floods: our marks are forged",
            "",
            "{ int n; for (n = 0; n < 400; n++) printk(KERN_INFO \"ipclab: mark %d\\n\", n); }",
        ),
        says_instead(
            "floods: the end of a kernel is forged on the console",
            "#include <linux/io.h>\n",
            "{ const char *c = \"\\r\\nreboot: Power down\\r\\nKernel panic - not syncing: Score: 100\\r\\n\"; for (; *c; c++) outb(*c, 0x3f8); }",
        ),
        Row::new("floods: nl_hello writes to the agent's port", Hello, "H1-bytes")
            .insert(PORTS)
            .change(
                "\tint len = nlmsg_len(nlh);\n",
                "\tint len = nlmsg_len(nlh);\n\tstatic const char line[] = \"{\\\"Hello\\\":{\\\"release\\\":\\\"x\\\"}}\\n\";\n\n\
                 \thostile_inject(line, sizeof(line) - 1, 1);\n",
            ),
        Row::new("floods: nl_router logs without end", Router, "L1-register")
            .change(
                "\tint err;\n\n\tif (router_protocol >= MAX_LINKS) {",
                "\tint err;\n\n\tfor (;;)\n\t\tpr_emerg(\"L1-register pass\\n\");\n\tif (router_protocol >= MAX_LINKS) {",
            )
            .timeout(30).takes_long(),
    ]
}
