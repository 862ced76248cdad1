// SPDX-License-Identifier: MIT OR Apache-2.0
//! What no recorded console shows. The recorded ones are in `lab/tests/harness/consoles.rs`.

use super::*;
use crate::lasting::lasting;

/// As 6.1 says it; the lines between are left out.
pub(super) const OOPS: &str = "\
[    4.100000] nl_bad: ready\r
[    4.200000] BUG: kernel NULL pointer dereference, address: 0000000000000008\r
[    4.200100] #PF: supervisor write access in kernel mode\r
[    4.200200] Oops: 0002 [#1] PREEMPT SMP NOPTI\r
[    4.200300] RIP: 0010:bad_input+0x5/0x10 [nl_bad]\r
[    4.200400] Call Trace:\r
[    4.200500]  netlink_unicast+0x1a0/0x250\r
[    4.300000] Kernel panic - not syncing: Fatal exception\r
";

pub(super) fn class_of(console: &str) -> Option<Class> {
    first_report(console).map(|report| report.class)
}

#[test]
fn the_cause_is_preferred_to_the_panic_that_follows() {
    let report = first_report(OOPS).unwrap();
    assert_eq!(report.class, Class::NullDereference);
    assert_eq!(
        report.headline(None),
        "null-dereference: BUG: kernel NULL pointer dereference, address: 0000000000000008, in \
         bad_input [nl_bad]"
    );
    assert!(report.excerpt.starts_with("BUG: ") && report.excerpt.ends_with("+0x1a0/0x250"));
    let place = report.place.unwrap();
    assert_eq!((place.offset, place.size, place.is_return), (5, 16, false));
}

/// Titles that none of our kernels can be made to say, from the kernel's source.
#[test]
fn what_only_sounds_like_a_report_is_none() {
    for line in [
        "student[80]: segfault at 0 ip 0000000000401136 sp 00007ffd error 6 in student[401000+1000]",
        "traps: student[80] general protection fault ip:401136 sp:7ffd error:0 in student[401000+1000]",
        "traps: student[80] trap divide error ip:401136 sp:7ffd error:0 in student[401000+1000]",
        "traps: student[80] trap invalid opcode ip:401136 sp:7ffd error:0",
        "Code: 00 00 <0f> 0b",
        "nl_pubsub: debugging: BUG is a word too",
        "nl_pubsub: BUG: WARNING: Oops: Kernel panic - not syncing",
        "warning: loading out-of-tree module taints kernel.",
        "warning: WARNING: CPU: 1 PID: 7 at its best",
        "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on",
        "kasan: KernelAddressSanitizer initialized (generic)",
        "kmemleak: Kernel memory leak detector initialized (mem pool available: 39000)",
        "rcu: INFO: everything is fine",
        "INFO: task force",
        "Out of memory: Killed process 80 (student) total-vm:1kB",
        "bug",
    ] {
        assert_eq!(first_report(line), None, "{line}");
        assert_eq!(
            first_report(&format!("[   12.000001] {line}")),
            None,
            "{line}"
        );
    }
    assert_eq!(first_report(""), None);
    // A program that speaks in between.
    let console = "[   12.000001] nl_hello: ready\nBUG: says a program\n";
    assert_eq!(first_report(console), None);
}

/// Two processors report at the same time; the kernel says who speaks.
#[test]
fn reports_of_two_processors_are_told_apart() {
    let console = "\
[    9.000001][   T70] BUG: KASAN: slab-use-after-free in one+0x10/0x20 [first]
[    9.000002][    C1] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [insmod:71]
[    9.000003][   T70] Read of size 8 at addr ffff888004a1b2c0 by task insmod/70
[    9.000004][    C1] RIP: 0010:two+0x9/0x10 [second]
[    9.000005][   T70] Call Trace:
[    9.000006][   T70]  <TASK>
[    9.000007][   T71] a line of no importance
[    9.000008][   T70] ==================================================================
[    9.000009][   T70] Kernel panic - not syncing: KASAN: panic_on_warn set ...
";
    let report = first_report(console).unwrap();
    assert_eq!(report.class, Class::UseAfterFree);
    assert_eq!(report.place.unwrap().to_string(), "one [first]");
    assert_eq!(
        report.excerpt,
        "BUG: KASAN: slab-use-after-free in one+0x10/0x20 [first]\n\
         Read of size 8 at addr ffff888004a1b2c0 by task insmod/70\n\
         Call Trace:\n <TASK>"
    );
}

/// The processor that is stuck speaks for itself, when another has complained about it.
#[test]
fn a_stall_is_told_by_who_is_stuck() {
    let report = first_report(
        "[   25.000001][    C0] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n\
         [   25.000002][    C0] Sending NMI from CPU 0 to CPUs 1:\n\
         [   25.000003][    C1] NMI backtrace for cpu 1\n\
         [   25.000004][    C1] RIP: 0010:bad_loop+0x9/0x10 [nl_bad]\n",
    );
    assert_eq!(
        report.unwrap().place.unwrap().to_string(),
        "bad_loop [nl_bad]"
    );
}

#[test]
fn what_follows_the_end_of_a_trace_is_of_another_report() {
    let report = first_report(
        "[    5.000001] kernel BUG at mm/x.c:1!\n\
         [    5.000002] ---[ end trace 0000000000000000 ]---\n\
         [    5.000003] RIP: 0010:later+0x9/0x10 [nl_bad]\n",
    )
    .unwrap();
    assert_eq!(report.place, None);
    assert_eq!(report.excerpt, "kernel BUG at mm/x.c:1!");
}

/// `scheduling while atomic` with panic_on_warn, on 6.1.
#[test]
fn a_panic_may_bring_the_trace() {
    let report = first_report(
        "[    5.000001] BUG: scheduling while atomic: insmod/77/0x00000002\n\
         [    5.000002] Kernel panic - not syncing: scheduling while atomic: panic_on_warn set ...\n\
         [    5.000003] Call Trace:\n\
         [    5.000004]  bad_sleep+0x1b/0x30 [nl_bad]\n",
    )
    .unwrap();
    assert_eq!(report.class, Class::SleepInAtomic);
    assert_eq!(report.place.unwrap().to_string(), "bad_sleep [nl_bad]");
}

/// What a warning has to say stands before the line that says that it is one.
#[test]
fn the_title_of_a_warning_is_its_message() {
    let warning = |message: &str| {
        format!(
            "[    5.000001][   T7] ------------[ cut here ]------------\n{message}\
             [    5.000003][   C1] something else\n\
             [    5.000004][   T7] WARNING: CPU: 0 PID: 7 at nl_bad/nl_bad.c:9 f+0x1/0x10 [nl_bad]\n"
        )
    };
    let report = first_report(&warning("[    5.000002][   T7] this cannot be\n")).unwrap();
    assert_eq!(
        (report.class, report.title.as_str()),
        (Class::Warning, "this cannot be")
    );
    assert_eq!(report.place.unwrap().to_string(), "f [nl_bad]");
    let report = first_report(&warning("")).unwrap();
    assert!(
        report.title.starts_with("WARNING: CPU: 0"),
        "{}",
        report.title
    );
}

/// Before 4.15 on x86, and on some processors, it stands behind that line.
#[test]
fn the_message_of_a_warning_can_follow_it() {
    let warning = |message: &str| {
        format!(
            "[    5.000001] ------------[ cut here ]------------\n\
             [    5.000002] WARNING: CPU: 0 PID: 7 at nl_bad/nl_bad.c:9 f+0x1/0x10 [nl_bad]\n\
             {message}[    5.000004] Modules linked in: nl_bad(O)\n"
        )
    };
    for (message, class, title) in [
        ("this cannot be", Class::Warning, "this cannot be"),
        (
            "refcount_t: underflow; use-after-free.",
            Class::Refcount,
            "refcount_t: underflow; use-after-free.",
        ),
    ] {
        let report = first_report(&warning(&format!("[    5.000003] {message}\n"))).unwrap();
        assert_eq!((report.class, report.title.as_str()), (class, title));
        assert_eq!(report.place.unwrap().to_string(), "f [nl_bad]");
    }
    let report = first_report(&warning("")).unwrap();
    assert!(
        report.title.starts_with("WARNING: CPU: 0"),
        "{}",
        report.title
    );
}

/// core::panic::PanicHookInfo has the place in the first line since Rust 1.73.
#[test]
fn the_title_of_a_panic_in_rust_has_its_message() {
    let log = "[    5.000001] rust_kernel: panicked at slot/rust_slot.rs:41:9:\n\
        [    5.000001] index out of bounds: the len is 3 but the index is 5\n\
        [    5.000002] ------------[ cut here ]------------\n\
        [    5.000003] kernel BUG at rust/helpers/bug.c:7!\n";
    let report = first_report(log).unwrap();
    assert_eq!(report.class, Class::Bug);
    assert_eq!(
        report.title,
        "rust_kernel: panicked at slot/rust_slot.rs:41:9: index out of bounds: the len is 3 but the index is 5"
    );
    let old = "rust_kernel: panicked at 'explicit panic', slot/rust_slot.rs:41:9";
    assert_eq!(
        first_report(&format!("[    5.000001] {old}\n"))
            .unwrap()
            .title,
        old
    );
}

/// A program prints what kmemleak lists.
#[test]
fn leaks_that_a_program_lists_are_the_kernels() {
    let log = "[    5.000001] kmemleak: Automatic memory scanning thread started\n\
        # cat /sys/kernel/debug/kmemleak\n\
        unreferenced object 0xffff888004a1b2c0 (size 64):\n  backtrace:\n    leak+0x1/0x10 [nl_bad]\n";
    let report = first_report(log).unwrap();
    assert_eq!(report.class, Class::MemoryLeak);
    assert_eq!(report.place.unwrap().to_string(), "leak [nl_bad]");
}

/// Without callers, what is cut in the middle of a line is put right all the same.
#[test]
fn a_report_may_begin_in_the_middle_of_a_line() {
    let console = "[    1.000001] Run /init\n\
         / # echo he[   30.000001] INFO: task cat:80 blocked for more than 20 seconds.\n\
         [   30.000002]  slot_read+0x41/0x90 [message_slot]\n";
    let report = first_report(console).unwrap();
    assert_eq!(
        report.title,
        "INFO: task cat:80 blocked for more than 20 seconds."
    );
    assert_eq!(
        report.place.unwrap().to_string(),
        "slot_read [message_slot]"
    );
    assert!(report.class.is_stall());
}

#[test]
fn a_module_of_ours_and_a_sure_frame_are_preferred() {
    let report = first_report(
        "BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
         RIP: 0010:p9_read+0x5/0x10 [9p]\n\
         Modules linked in: 9p nl_bad(OE) netfs\n\
         Call Trace:\n \
         ? old_frame+0x1/0x10 [nl_bad]\n \
         bad_input.isra.0+0x10/0x20 [nl_bad]\n",
    );
    let place = report.unwrap().place.unwrap();
    assert_eq!(place.to_string(), "bad_input [nl_bad]");
    assert_eq!(place.symbol, "bad_input.isra.0");
    assert!(place.is_return);
}

#[test]
fn an_excerpt_is_60_lines_at_most_and_the_trace_is_found_behind_it() {
    let chain = "[    9.000001] -> #0 (bad_mutex){+.+.}-{3:3}:\n".repeat(100);
    let report = first_report(&format!(
        "[    9.000000] WARNING: possible circular locking dependency detected\n{chain}\
         [    9.000002]  bad_lock+0x1/0x10 [nl_bad]\n"
    ))
    .unwrap();
    assert_eq!(report.excerpt.lines().count(), 60);
    assert_eq!(report.place.unwrap().to_string(), "bad_lock [nl_bad]");
}

#[test]
fn the_tail_is_the_last_lines() {
    assert_eq!(tail("a\r\nb\nc\n", 2), "b\nc");
    assert_eq!(tail("a\n", 2), "a");
}

#[test]
fn the_same_at_another_time_on_another_processor_lasts_as_the_same() {
    let report = |cpu, pid, stack| {
        format!(
            "BUG: kernel NULL pointer dereference, address: 0000000000000004\n\
             CPU: {cpu} UID: 0 PID: {pid} Comm: lab-agent Tainted: G           O       6.12.117 #1\n\
             RIP: 0010:device_ioctl+0x16/0x30 [message_slot]\n\
             RSP: 0018:{stack} EFLAGS: 00000202\n\
             Read of size 1 at addr {stack} by task lab-agent/{pid}\n\
             Allocated by task {pid}:"
        )
    };
    let first = lasting(&report(1, 62, "ffffc9000017bea8"));
    assert_eq!(first, lasting(&report(0, 61, "ffffc90000183ea8")));
    insta::assert_snapshot!(first, @"
    BUG: kernel NULL pointer dereference, address: 0000000000000004
    CPU (n) UID: 0 PID (n) Comm: lab-agent Tainted: G           O       6.12.117 #1
    RIP: 0010:device_ioctl+0x16/0x30 [message_slot]
    Read of size 1 at addr (address) by task lab-agent
    Allocated by task (n):
    ");
}

/// What a busy host made 6.12 say, between the lines of a module and of a report.
#[test]
fn what_the_kernel_says_by_itself_is_in_no_report_and_is_no_last_word() {
    let aside = "clocksource: Long readout interval, skipping watchdog check: cs_nsec: 1036805250 \
        wd_nsec: 1036791590";
    let between = format!("[    4.200250] {aside}\r\n[    4.200300] RIP");
    let console = OOPS.replace("[    4.200300] RIP", &between);
    assert_eq!(first_report(&console), first_report(OOPS));
    assert!(!first_report(&console).unwrap().excerpt.contains("readout"));
    let console = format!(
        "[    4.100000] nl_bad: ready\r\n[   21.491853][    C1] {aside}\r\n\
         [   26.098397] hrtimer: interrupt took 26897051 ns\n** 3 printk messages dropped **\n"
    );
    assert_eq!(tail(&console, 2), "[    4.100000] nl_bad: ready");
    assert_eq!(
        tail(
            "/ # hrtimer: interrupt took 26897051 ns, a program says\n\nlast\n",
            3
        ),
        "/ # hrtimer: interrupt took 26897051 ns, a program says\n\nlast"
    );
}

#[test]
fn a_fault_is_found_behind_what_a_watchdog_says() {
    let stall = "[    3.000000] rcu: INFO: rcu_sched self-detected stall on CPU\r\n";
    assert_eq!(first_fault(stall), None);
    let both = format!("{stall}{OOPS}");
    assert_eq!(class_of(&both), Some(Class::RcuStall));
    assert_eq!(first_fault(&both), first_report(OOPS));
}
