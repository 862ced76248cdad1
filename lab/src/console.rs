// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding the kernel's report of a crash in what a machine's console said. Pure.

use std::sync::LazyLock;

use regex::Regex;

/// Lines that a report takes up at most; a call trace is about 40.
const EXCERPT_LINES: usize = 60;

/// The first thing that the kernel complained about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The line that says what happened, without time and caller.
    pub title: String,
    /// The first function of a module in the trace, as `function [module]`.
    pub function: Option<String>,
    /// From that line to the end of the trace, at most 60 lines.
    pub excerpt: String,
}

impl Report {
    /// What happened and, if the trace says so, in which function.
    pub fn headline(&self) -> String {
        match &self.function {
            Some(function) => format!("{}, in {function}", self.title),
            None => self.title.clone(),
        }
    }

    /// Whether a watchdog reports that something takes too long, and nothing else is known.
    pub fn is_stall(&self) -> bool {
        ["watchdog: BUG: ", "rcu: INFO: ", "INFO: rcu", "INFO: task "]
            .iter()
            .any(|start| self.title.starts_with(start))
    }
}

/// How a report starts. What comes first is the cause; the panic that follows is not.
static START: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(BUG: |WARNING: (CPU|possible|suspicious|bad|inconsistent)|kernel BUG at |Oops: |general protection fault|INFO: (rcu|task|trying)|rcu: INFO: |watchdog: BUG: |Kernel panic - |UBSAN: |refcount_t: |list_(add|del) corruption|double fault|divide error|invalid opcode|stack segment|int3: |traps: PANIC)",
    )
});

/// Time stamps and caller ids that printk may put in front.
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(<\d+>)?(\[ *\d+\.\d+\])?(\[ *[TC]\d+\])? ?"));

/// A function of a module, in a trace or in RIP.
static IN_MODULE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+ \[(\w+)\]"));

/// A pattern of ours; the tests match every one, so a bad one cannot stay.
fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "a constant that the tests use")]
    Regex::new(text).expect("a valid pattern")
}

/// The first report in `console`, or `None` if the kernel did not complain.
pub fn first_report(console: &str) -> Option<Report> {
    let lines: Vec<&str> = console
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .map(|line| {
            PREFIX
                .find(line)
                .map_or(line, |prefix| &line[prefix.end()..])
        })
        .collect();
    let start = lines.iter().position(|line| START.is_match(line))?;
    // After its end come the registers once more, and a panic that says nothing new.
    let end = lines[start..]
        .iter()
        .position(|line| line.starts_with("---[ end trace"))
        .unwrap_or(EXCERPT_LINES)
        .min(EXCERPT_LINES)
        .min(lines.len() - start);
    let end = start + end;
    let excerpt = &lines[start..end];
    let function = excerpt
        .iter()
        .find_map(|line| IN_MODULE.captures(line))
        .map(|found| format!("{} [{}]", &found[1], &found[2]));
    Some(Report {
        title: lines[start].to_owned(),
        function,
        excerpt: excerpt.join("\n"),
    })
}

/// The last lines of a console that shows no report.
pub fn tail(console: &str, lines: usize) -> String {
    let all: Vec<&str> = console
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As recorded from a module with a null pointer in its input function, on 6.1.
    const OOPS: &str = "\
[    4.100000] nl_bad: ready\r
[    4.200000] BUG: kernel NULL pointer dereference, address: 0000000000000008\r
[    4.200100] #PF: supervisor write access in kernel mode\r
[    4.200200] Oops: 0002 [#1] PREEMPT SMP NOPTI\r
[    4.200300] RIP: 0010:bad_input+0x5/0x10 [nl_bad]\r
[    4.200400] Call Trace:\r
[    4.200500]  netlink_unicast+0x1a0/0x250\r
[    4.300000] Kernel panic - not syncing: Fatal exception\r
";

    #[test]
    fn the_cause_is_preferred_to_the_panic_that_follows() {
        let report = first_report(OOPS).unwrap();
        assert_eq!(
            report.title,
            "BUG: kernel NULL pointer dereference, address: 0000000000000008"
        );
        assert_eq!(report.function.as_deref(), Some("bad_input [nl_bad]"));
        assert!(report.excerpt.starts_with("BUG: ") && report.excerpt.contains("Call Trace:"));
    }

    #[test]
    fn caller_ids_are_stripped_and_a_bare_panic_is_found() {
        let report = first_report("[    1.0][    T1] Kernel panic - not syncing: on purpose\n");
        let report = report.unwrap();
        assert_eq!(report.title, "Kernel panic - not syncing: on purpose");
        assert_eq!(report.function, None);
    }

    #[test]
    fn a_watchdog_reports_a_stall_and_an_oops_is_none() {
        let console = "[ 9.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [order-9:127]\n\
            [ 9.1] RIP: 0010:bad_loop_init+0x9/0x10 [bad_loop]\n";
        let report = first_report(console).unwrap();
        assert!(report.is_stall());
        assert_eq!(
            report.headline(),
            "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [order-9:127], in bad_loop_init [bad_loop]"
        );
        assert!(!first_report(OOPS).unwrap().is_stall());
    }

    #[test]
    fn quiet_consoles_and_user_segfaults_are_no_reports() {
        let console = "[ 1.0] Run /init as init process\n\
            [ 2.0] student[80]: segfault at 0 ip 0000 sp 0000 error 4 in student[400000+1000]\n\
            nl_pubsub: debugging: BUG is a word too\n";
        assert_eq!(first_report(console), None);
        assert_eq!(tail(console, 1), "nl_pubsub: debugging: BUG is a word too");
    }
}
