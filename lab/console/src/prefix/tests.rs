// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each form once, and lines of other programs that look like one.

use super::*;

/// A line for each form, as the kernel or the tool writes it, with the text `say: it`.
const FORMS: &[&str] = &[
    // printk on a console, and recorded by another program.
    "[    1.234567] say: it",
    "[12345.123456] say: it",
    "<6>[    1.234567] say: it",
    "> [    1.234567] say: it",
    "2026-11-29T21:29:32.1234567Z [    1.234567] say: it",
    "2026-11-29T21:29:32.1234567Z [12345.123456] say: it",
    "[2026-11-29 21:29:32] [    1.234567] say: it",
    "Nov 29 21:29:32 [    1.234567] say: it",
    // dmesg: -d, -T, -T -d, --time-format=delta, -H, --time-format=iso.
    "[    1.234567 <    0.000012>] say: it",
    "[Sun Nov 29 21:29:32 2026] say: it",
    "[Sun May  3 21:29:32 2026] say: it",
    "[Sun Nov 29 21:29:32 2026 <    0.000012>] say: it",
    "[<    0.000012>] say: it",
    "[Nov29 21:29] say: it",
    "[May 3 21:29] say: it",
    "[  +0.000012] say: it",
    "[ +12.000012] say: it",
    "2026-11-29T21:29:32,123456+00:00 say: it",
    // dmesg -r -t, -x, -x -T, -x -t.
    "<6>say: it",
    "kern  :info  : [    1.234567] say: it",
    "kern  :warn  : [Sun Nov 29 21:29:32 2026] say: it",
    "kern  :emerg : say: it",
    // /dev/kmsg.
    "6,339,5140900,-;say: it",
    "4,339,5140900,c,caller=T12;say: it",
    // journalctl: short, without host, precise, iso, iso-precise, full, unix.
    "Nov 29 21:29:32 lab kernel: say: it",
    "Nov 29 21:29:32 kernel: say: it",
    "Nov 29 21:29:32.123456 lab kernel: say: it",
    "2026-11-29T21:29:32+0000 lab kernel: say: it",
    "2026-11-29T21:29:32+01:00 lab kernel: say: it",
    "2026-11-29T21:29:32.123456+0000 kernel: say: it",
    "Sun 2026-11-29 21:29:32 UTC lab kernel: say: it",
    "Sun 2026-11-29 21:29:32 UTC kernel: say: it",
    "So 2026-11-29 21:29:32 CET lab kernel: say: it",
    "1764451772.123456 lab kernel: say: it",
    "févr. 03 21:29:32 lab kernel: say: it",
    "11月 29 21:29:32 lab kernel: say: it",
    // rsyslog: RFC 3164 and 5424, with printk's time.
    "Nov  3 21:29:32 lab kernel: [    1.234567] say: it",
    "Nov  3 21:29:32 lab kernel: [    1.234567][    T1] say: it",
    "<6>Nov 29 21:29:32 lab kernel: [    1.234567] say: it",
    "2026-11-29T21:29:32.123456+02:00 lab kernel: [    1.234567] say: it",
    "<6>1 2026-11-29T21:29:32.123456+00:00 lab kernel - - - [    1.234567] say: it",
    "<4>1 2026-11-29T21:29:32Z lab kernel - - [meta sequenceId=\"1\"] say: it",
    // busybox, OpenWrt.
    "Jan  1 00:00:00 lab kern.info kernel: [    1.234567] say: it",
    "Sun Nov 29 21:29:32 2026 kern.info kernel: [    1.234567] say: it",
];

#[test]
fn every_form_is_the_kernels_and_is_taken_off() {
    for form in FORMS {
        let found = prefix(form).unwrap_or_else(|| panic!("no prefix: {form}"));
        assert_eq!(
            (found.speaker, found.text),
            (Speaker::Kernel, "say: it"),
            "{form}"
        );
    }
}

/// A trace is indented, and that must stay.
#[test]
fn blanks_of_the_text_are_kept() {
    for form in FORMS {
        let found = form.replace("say: it", " f+0x1/0x2");
        let found = prefix(&found).map(|found| found.text.to_owned());
        assert_eq!(found.as_deref(), Some(" f+0x1/0x2"), "{form}");
    }
}

#[test]
fn callers_are_read_where_they_are_written() {
    for form in [
        "[    1.234567][    T1] say: it",
        "[    1.234567] [    T1] say: it",
        "4,339,5140900,-,caller=T1;say: it",
        "Nov  3 21:29:32 lab kernel: [    1.234567][    T1] say: it",
    ] {
        assert_eq!(prefix(form).and_then(|it| it.caller), Some("T1"), "{form}");
    }
}

#[test]
fn what_programs_log_is_not_the_kernels() {
    for line in [
        "Nov 29 21:29:32 lab systemd[1]: say: it",
        "Nov 29 21:29:32 systemd[1]: kernel: BUG: it",
        "Nov 29 21:29:32 lab sshd[77]: kernel: BUG: it",
        "2026-11-29T21:29:32+0000 lab dockerd[1]: level=error",
        "<30>1 2026-11-29T21:29:32Z lab app 77 - - BUG: it",
        "daemon:info  : [    1.234567] systemd[1]: it",
        // Apache 2.2.
        "[Sun Nov 29 21:29:32 2026] [error] [client 127.0.0.1] it",
    ] {
        let found = prefix(line).map(|found| found.speaker);
        assert_eq!(found, Some(Speaker::Program), "{line}");
    }
}

#[test]
fn lines_that_only_look_like_a_form_have_no_prefix() {
    for line in [
        "",
        "say: it",
        "[1.5] it",
        // Xorg, with milliseconds.
        "[    12.345] (II) it",
        "[section]",
        "[1]: https://example.org",
        "2026/11/29 21:29:32 [error] 12#0: it",
        "11-29 21:29:32.123  12  45 I tag: it",
        "kernel: it",
        // A trace, with addresses that have decimal digits only.
        "[<0000000000401136>] f+0x1/0x2",
        "#include <linux/kernel.h>",
        "<b>it</b>",
        "1,2,3",
    ] {
        assert_eq!(prefix(line), None, "{line}");
    }
}
