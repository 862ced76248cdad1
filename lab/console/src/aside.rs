// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that a kernel logs by itself, because its host is slow or because enough time has passed.
//!
//! They say nothing about a module, and they come at any moment. So nothing that is compared or
//! judged may contain them. Each pattern is the whole of a format in the sources of Linux 6.1
//! or 6.12: a module's line that only begins the same way stays.

use std::sync::LazyLock;

use regex::RegexSet;

/// The formats, by the file that has them.
const FORMATS: &[&str] = &[
    // kernel/time/clocksource.c
    r"clocksource: Long readout interval, skipping watchdog check: cs_nsec: -?\d+ wd_nsec: -?\d+",
    r"clocksource: timekeeping watchdog on CPU\d+: \S+ retried \d+ times before success",
    r"clocksource: timekeeping watchdog on CPU\d+: wd-\S+-wd excessive read-back delay of -?\d+ns vs\. limit of \d+ns, wd-wd read-back delay only -?\d+ns, attempt \d+, marking \S+ unstable",
    r"clocksource: timekeeping watchdog on CPU\d+: \S+ read-back delay of -?\d+ns, attempt \d+, marking unstable",
    r"clocksource: timekeeping watchdog on CPU\d+: \S+ wd-wd read-back delay of -?\d+ns",
    r"clocksource: wd-\S+-wd read-back delay of -?\d+ns, clock-skew test skipped!",
    r"clocksource: timekeeping watchdog on CPU\d+: Marking clocksource '\S+' as unstable because the skew is too large:",
    r"clocksource: +'\S+' (wd|cs)_nsec: -?\d+ (wd|cs)_now: [0-9a-f]+ (wd|cs)_last: [0-9a-f]+ mask: [0-9a-f]+",
    r"clocksource: +Clocksource '\S+' skewed -?\d+ ns \(-?\d+ ms\) over watchdog '\S+' interval of \d+ ns \(\d+ ms\)",
    r"clocksource: +('\S+' (\(not '\S+'\) )?is|No) current clocksource\.",
    r"clocksource: Not enough CPUs to check clocksource '\S+'\.",
    r"clocksource: Checking clocksource \S+ synchronization from CPU \d+ to CPUs [\d,-]+\.",
    r"clocksource: +CPUs [\d,-]+ (ahead of|behind) CPU \d+ for clocksource \S+\.",
    r"clocksource: +CPU \d+ check durations -?\d+ns - -?\d+ns for clocksource \S+\.",
    r"clocksource: Switched to clocksource \S+",
    r"clocksource: \S+: mask: 0x[0-9a-f]+ max_cycles: 0x[0-9a-f]+, max_idle_ns: \d+ ns",
    // arch/x86/kernel/tsc.c, tsc_sync.c
    r"tsc: Marking TSC unstable due to [\w .]+",
    r"tsc: Refined TSC clocksource calibration: \d+\.\d{3} MHz",
    r"tsc: Marking TSC async resets true due to [\w ]+",
    r"(tsc: )?TSC synchronization \[CPU#\d+ -> CPU#\d+\]:( passed)?",
    r"(tsc: )?Measured \d+ cycles TSC warp between CPUs, turning off TSC clock\.",
    r"(tsc: )?TSC warped randomly between CPUs",
    // kernel/sched/clock.c, rt.c, deadline.c
    r"TSC found unstable after boot, most likely due to broken BIOS\. Use 'tsc=unstable'\.",
    r"sched_clock: Marking (un)?stable \(-?\d+, -?\d+\)(->|<-)\(-?\d+, -?\d+\)",
    r"sched: RT throttling activated",
    r"sched: DL replenish lagged too much",
    // kernel/time/hrtimer.c, clockevents.c, tick-sched.c; arch/x86/kernel/hpet.c
    r"hrtimer: interrupt took \d+ ns",
    r"CE: Reprogramming failure\. Giving up",
    r"CE: \S+ increased min_delta_ns to \d+ nsec",
    r"NOHZ tick-stop error: local softirq work is pending, handler #[0-9a-f]+!!!",
    r"hpet: Lost \d+ RTC interrupts",
    // kernel/events/core.c, arch/x86/kernel/nmi.c; %ps may end with a module's name.
    r"perf: interrupt took too long \(\d+ > \d+\), lowering kernel\.perf_event_max_sample_rate to \d+",
    r"INFO: NMI handler \(\w\S*( \[\w+\])?\) took too long to run: \d+\.\d{3} msecs",
    // kernel/workqueue.c
    r"workqueue: \S+( \[\w+\])? hogged CPU for >\d+us \d+ times, consider switching to WQ_UNBOUND",
    // kernel/rcu/tasks.h
    r"(Switching|Starting switch|Completing switch) \w[\w -]* to (per-CPU|CPU-0) callback queuing\.",
    // drivers/char/random.c
    r"random: crng init done",
    r"random: \d+ urandom warning\(s\) missed due to ratelimiting",
    r"random: \S+: uninitialized urandom read \(\d+ bytes read\)",
    r"random: crng reseeded (on system resumption|due to virtual machine fork)",
    // kernel/printk/printk.c: a console that is too slow.
    r"\*\* \d+ printk messages dropped \*\*",
];

/// Whether a line of the kernel's log, without its time, is one of these.
pub fn is_aside(text: &str) -> bool {
    static ASIDES: LazyLock<RegexSet> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "constants that the tests use")]
        RegexSet::new(FORMATS.iter().map(|format| format!("^(?:{format})$")))
            .expect("valid patterns")
    });
    ASIDES.is_match(text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kernels have logged them here, or with the formats' own words where none has.
    const SEEN: &[&str] = &[
        "clocksource: Long readout interval, skipping watchdog check: cs_nsec: 1080192969 wd_nsec: 1080193460",
        "clocksource: Switched to clocksource tsc",
        "clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x256be19601f, max_idle_ns: 440795318120 ns",
        "clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable because the skew is too large:",
        "clocksource:                       'hpet' wd_nsec: 499938240 wd_now: 1e6a5a5c wd_last: 1b6f0e8a mask: ffffffff",
        "clocksource:                       'tsc' cs_nsec: 515929372 cs_now: 4ec08dd4f2 cs_last: 4e6a2b1dbe mask: ffffffffffffffff",
        "clocksource:                       Clocksource 'tsc' skewed 15991132 ns (15 ms) over watchdog 'hpet' interval of 499938240 ns (499 ms)",
        "clocksource:                       'tsc' is current clocksource.",
        "clocksource:                       'hpet' (not 'tsc') is current clocksource.",
        "clocksource:                       No current clocksource.",
        "clocksource: timekeeping watchdog on CPU0: hpet retried 2 times before success",
        "clocksource: timekeeping watchdog on CPU0: hpet read-back delay of 234285ns, attempt 4, marking unstable",
        "clocksource: timekeeping watchdog on CPU1: wd-tsc-wd excessive read-back delay of 300000ns vs. limit of 125000ns, wd-wd read-back delay only 70000ns, attempt 3, marking tsc unstable",
        "clocksource: timekeeping watchdog on CPU1: hpet wd-wd read-back delay of 187352ns",
        "clocksource: wd-tsc-wd read-back delay of 413866ns, clock-skew test skipped!",
        "clocksource: Checking clocksource tsc synchronization from CPU 1 to CPUs 0.",
        "clocksource:         CPUs 0 ahead of CPU 1 for clocksource tsc.",
        "clocksource:         CPU 1 check durations 24012ns - 1200417ns for clocksource tsc.",
        "tsc: Marking TSC unstable due to clocksource watchdog",
        "tsc: Marking TSC unstable due to TSCs unsynchronized",
        "tsc: Refined TSC clocksource calibration: 2596.110 MHz",
        "TSC found unstable after boot, most likely due to broken BIOS. Use 'tsc=unstable'.",
        "sched_clock: Marking stable (9332589794, 50309966)->(9530424705, -147524945)",
        "sched_clock: Marking unstable (20012345678, 1234)<-(20022345678, -9998766)",
        "sched: RT throttling activated",
        "hrtimer: interrupt took 93320103 ns",
        "CE: lapic increased min_delta_ns to 5000 nsec",
        "NOHZ tick-stop error: local softirq work is pending, handler #08!!!",
        "perf: interrupt took too long (2537 > 2500), lowering kernel.perf_event_max_sample_rate to 78750",
        "INFO: NMI handler (perf_event_nmi_handler) took too long to run: 1.204 msecs",
        "workqueue: drain_vmap_area_work hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
        "workqueue: late_work [nl_routes] hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
        "Switching RCU Tasks to per-CPU callback queuing.",
        "random: crng init done",
        "random: lab-agent: uninitialized urandom read (16 bytes read)",
        "** 12 printk messages dropped **",
    ];

    #[test]
    fn what_a_kernel_says_by_itself_is_known() {
        for line in SEEN {
            assert!(is_aside(line), "{line}");
        }
    }

    #[test]
    fn a_module_that_says_nearly_the_same_is_heard() {
        for line in [
            "hrtimer_demo: interrupt handler installed",
            "hrtimer: interrupt handler installed",
            "clocksource: registered",
            "nl_hello: portid 5 says: clocksource: Switched to clocksource tsc",
            "clocksource: Switched to clocksource tsc by nl_hello",
            "random: crng init done, says nl_hello",
            "workqueue: nl_routes is ready",
            "perf: interrupt took too long",
            "INFO: NMI handler installed",
            "sched: RT throttling activated by mod",
            "message_slot: sched: RT throttling activated",
            "** 12 messages dropped **",
        ] {
            assert!(!is_aside(line), "{line}");
        }
    }

    #[test]
    fn what_watchdogs_report_of_a_processor_is_no_aside() {
        for line in [
            "rcu: INFO: rcu_sched self-detected stall on CPU",
            "watchdog: BUG: soft lockup - CPU#0 stuck for 23s! [insmod:77]",
            "INFO: task insmod:77 blocked for more than 20 seconds.",
        ] {
            assert!(!is_aside(line), "{line}");
        }
    }
}
