// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that attack in the machine, as root too, or that do not use the device.

use crate::{
    base::Base::{Netlink, SlotPrograms},
    row::Row,
};

const OPEN: &str = "\tfd = open(argv[1], O_RDWR);\n";
const WRITE: &str = "\tif (write(fd, argv[3], strlen(argv[3])) != (ssize_t)strlen(argv[3])) {\n";

/// What an attack needs, and a way to find the agent.
const INCLUDES: &str = "\
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
static bool is_agent(int pid)
{
	char path[64], name[64] = \"\";
	int fd;

	snprintf(path, sizeof(path), \"/proc/%d/comm\", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = 0;
	close(fd);
	return strstr(name, \"agent\");
}
static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0 && write(fd, text, strlen(text)) >= 0)
		close(fd);
}
";

/// A sender that attacks and writes nothing to the slot.
fn sender(name: &str, attack: &str) -> Row {
    Row::new(name, SlotPrograms, "S1-sender")
        .insert(INCLUDES)
        .change(OPEN, format!("\t{attack}\n{OPEN}"))
        .change(WRITE, "\tif (0) {\n")
}

pub(crate) fn rows() -> Vec<Row> {
    let stolen = r#"
	for (int pid = 1; pid < 400; pid++) {
		int process = is_agent(pid) ? syscall(434, pid, 0) : -1;

		for (int number = 0; process >= 0 && number < 64; number++) {
			int stolen = syscall(438, process, number, 0);
			char path[64];

			for (int i = 0; stolen >= 0 && i < 3; i++)
				if (write(stolen, "{\"Hello\":{\"release\":\"x\"}}\nxxxx", 30) < 0)
					break;
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, number);
			put(path, "not json\n");
		}
		if (is_agent(pid))
			ptrace(PTRACE_ATTACH, pid, 0, 0);
	}"#;
    let ports = r#"
	for (int i = 0; i < 16; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/dev/vport%dp%d", i / 4, i % 4);
		put(path, "{\"Answer\":{\"id\":1,\"outcome\":{\"Ok\":\"Done\"}}}\n");
	}
	put("/dev/kmsg", "<0>ipclab: mark 1\n");
	put("/dev/kmsg", "<0>Score: 100/100\n");
	put("/dev/ttyS0", "reboot: Power down\r\n");
	put("/dev/hvc0", "Score: 100/100\r\n");"#;
    let device = r#"
	unlink(argv[1]);
	close(open(argv[1], O_CREAT | O_RDWR, 0666));
	put(argv[1], argv[3]);
	return 0;"#;
    vec![
        sender("programs: a file instead of the device", "{ int m = open(\"/dev/shm/m\", O_CREAT | O_RDWR, 0666); if (write(m, argv[3], strlen(argv[3])) >= 0) return 0; }"),
        sender("programs: the device becomes a file", device),
        sender("programs: descriptors of the agent are stolen", stolen),
        sender("programs: lines on every port and console", ports),
        sender("programs: every process is killed", "kill(-1, SIGKILL); kill(1, SIGKILL); kill(getppid(), SIGKILL);"),
        sender("programs: every process is stopped", "for (int pid = 1; pid < 400; pid++) if (is_agent(pid)) kill(pid, SIGSTOP);")
            .timeout(30).takes_long(),
        sender("programs: the machine crashes by sysrq", "put(\"/proc/sysrq-trigger\", \"c\");"),
        sender("programs: the machine restarts", "put(\"/proc/sysrq-trigger\", \"b\"); reboot(RB_AUTOBOOT); reboot(RB_POWER_OFF);"),
        sender("programs: settings of the kernel are changed", "put(\"/proc/sys/kernel/panic_on_warn\", \"0\"); put(\"/proc/sys/kernel/printk\", \"0\"); put(\"/proc/sys/kernel/core_pattern\", \"|/bin/sh -c reboot\"); put(\"/proc/sys/kernel/modprobe\", \"/lab/x\"); abort();"),
        sender("programs: it forks without end", "for (;;) fork();").timeout(30).takes_long(),
        sender("programs: it takes all memory", "for (;;) { char *all = malloc(1 << 20); if (all) memset(all, 1, 1 << 20); }")
            .timeout(30).takes_long(),
        sender("programs: it prints without end", "for (;;) puts(\"message-slot/S1-sender ... pass\");").timeout(30).takes_long(),
        sender("programs: it never ends", "signal(SIGTERM, SIG_IGN); signal(SIGINT, SIG_IGN); for (;;) pause();").timeout(30).takes_long(),
        sender("programs: it says what is expected", "puts(\"exit status 0, exactly these bytes in the channel\"); return 0;"),
        Row::new("programs: nl-hello answers itself", Netlink, "H1-program").change_in(
            "part2-netlink/src/bin/nl-hello.rs",
            "    let mut connection = Connection::open()?;\n",
            "    if !text.is_empty() {\n        \
             return print_line(&[b\"Hello from kernel: \", text].concat());\n    }\n    \
             let mut connection = Connection::open()?;\n",
        ),
        Row::new("programs: lines go through a file, not through the module", Netlink, "B4-prompt")
            .change(
                "        connection.request(\"publish\", REQUEST, &Request::Publish(&line).payload())?;\n",
                "        let file = std::fs::OpenOptions::new().create(true).append(true).open(\"/dev/shm/m\");\n        \
                 let line = [&line[..], b\"\\n\"].concat();\n        \
                 file.and_then(|mut file| file.write_all(&line)).map_err(|error| Error::io(\"write\", &error))?;\n",
            )
            .change(
                "    let mut expected = 1_u32;\n",
                "    std::thread::spawn(|| {\n        let mut shown = std::fs::read(\"/dev/shm/m\").map_or(0, |all| all.len());\n        loop {\n            \
                 let all = std::fs::read(\"/dev/shm/m\").unwrap_or_default();\n            \
                 for line in all[shown.min(all.len())..].split_inclusive(|byte| *byte == b'\\n') {\n                \
                 shown += line.len();\n                let _ = print_line(&line[..line.len() - 1]);\n            }\n            \
                 std::thread::sleep(std::time::Duration::from_millis(5));\n        }\n    });\n    let mut expected = 1_u32;\n",
            ),
    ]
}
