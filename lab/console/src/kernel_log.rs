// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a text is the log of a kernel at all.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::Regex;

use crate::{
    class::Class,
    lines::{Line, lines},
    plain::plain,
    prefix::Speaker,
};

/// Of this many lines of a text, one must be a kernel's. Pages and sources quote fewer; on a console
/// there can be programs that say more than the kernel.
const ONE_OF: usize = 8;

/// So many lines of a kernel are a log, whatever stands between them.
const MANY: usize = 100;

/// How lines of a kernel begin, where a log was saved without times and names: what it says while it
/// starts, of devices and modules, and in a report.
static WITHOUT_TIME: LazyLock<Regex> = LazyLock::new(|| {
    let starts = [
        r"Linux version \d",
        r"(Kernel c|C)ommand line: \S+=",
        r"BIOS-(provided|e820)",
        r"(ACPI|PCI|DMI|NET|SCSI|SMP|smp|smpboot|PM|x86/\w+|e820|efi|tsc|rcu|RCU|LSM|Memory|Zone|Calibrating|Mount-cache|Mountpoint-cache|Dentry cache|Inode-cache|Freeing|Unpacking|Trying to unpack|Spectre V\d|printk|random|clocksource|hpet\d*|audit|pci|pcieport|pci_bus|pnp|serial\w*|usb|usbcore|hub|input|i8042|rtc\w*|ata\d|sd|scsi|loop|EXT4-fs|XFS|BTRFS|TCP|UDP|workingset|virtio\w*|9pnet|fuse|kvm-\w+|kmemleak|watchdog|workqueue|hrtimer|sched_clock|signal|devtmpfs|thermal_sys|cpuidle|iommu|vgaarb|Console|console)\b[^:]{0,20}: ",
        r"\w+: (loading out-of-tree module taints kernel|module verification failed)",
        r"CPU: \d+ (UID: \d+ )?PID: \d+ Comm: ",
        r"(Hardware name|Modules linked in|Call [Tt]race|Tainted|Workqueue): ?",
        r"(RIP: 0010|Code|Kernel Offset|RSP: 0018|R[A-D]X|RBP|R\d\d|[FC]S|CR2): ",
        r"\s*</?(TASK|IRQ|NMI)>$",
        r"\s*(\[<[0-9a-f]+>\] )?(\? )?[A-Za-z_][\w.]*\+0x[0-9a-f]+/0x[0-9a-f]+( \[\w+\])?$",
        r"---\[ end (trace|Kernel panic)",
        r"-+\[ cut here \]",
        r"Run /\S+ as init process",
    ];
    pattern(&format!("^(?:{})", starts.join("|")))
});

fn is_known(line: &Line<'_>) -> bool {
    // A program can say "BUG: ", too.
    let is_report = || Class::of(line.text).is_some_and(|class| class != Class::Bug);
    WITHOUT_TIME.is_match(line.text) || is_report()
}

/// Whether enough lines of `text` are a kernel's, in a form that printk, dmesg, journalctl or syslog
/// write.
pub fn is_kernel_log(text: &str) -> bool {
    let text = plain(text);
    let mut lines = lines(&text);
    lines.retain(|line| line.speaker != Speaker::Program && !line.text.trim().is_empty());
    let said = |line: &&Line<'_>| line.is_of_kernel() && line.is_first;
    let mut of_kernel = lines.iter().filter(said).count();
    if of_kernel == 0 {
        of_kernel = lines.iter().filter(|line| is_known(line)).count();
    }
    of_kernel > 0 && (of_kernel >= MANY || of_kernel * ONE_OF >= lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_of_a_kernel_are_a_log() {
        for text in [
            "[    1.000000] nl_hello: ready\n",
            "/ # insmod x.ko\n[    1.000000] x: ready\n/ # \n",
            "Nov 29 21:29:32 lab kernel: nl_hello: ready\n",
            "-- Boot 0123 --\nNov 29 21:29:32 lab app[1]: a\nNov 29 21:29:32 lab kernel: b\n",
            "nl_hello: loading out-of-tree module taints kernel.\nnl_hello: ready\n",
            "Oops: 0002 [#1] SMP\n",
            "BUG: something new\nCall Trace:\n f+0x1/0x2\n",
        ] {
            assert!(is_kernel_log(text), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_log_of_a_kernel() {
        let page = "A page.\n\n```\n[    4.812345] nl_hello: ready\n```\n".to_owned()
            + &"More words of it.\n".repeat(20);
        for text in [
            "",
            "\n \n",
            "BUG: says a program\n",
            "# Title\n\nThe kernel says BUG: and WARNING:, and Oops.\n",
            "Nov 29 21:29:32 lab sshd[77]: Accepted publickey\n",
            "[   12.345678] lab sshd[77]: Accepted publickey\n",
            "[Sun Nov 29 21:29:32 2026] [error] [client 127.0.0.1] no file\n",
            "2026-11-29 21:29:32 INFO server started\n",
            "[    12.345] (II) Module fb: vendor=\"X.Org Foundation\"\n",
            "error: could not compile `x`\nwarning: unused\n",
            &page,
        ] {
            assert!(!is_kernel_log(text), "{text}");
        }
    }
}
