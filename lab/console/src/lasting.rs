// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the kernel's words is the same whenever the same thing happens.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::Regex;

/// Lines that say where things were this time: registers, the caller's side of a system call,
/// memory, what was on the stack, how long it took.
static PASSING: LazyLock<Regex> = LazyLock::new(|| {
    let lines = [
        r"^R(?:[A-DS][XIP]|BP|\d\d): ",
        r"^(?:CR\d|[CDF]S|DR\d|PKRU|EFLAGS|PGD|Code|page|flags|raw|head):? ",
        r"^RIP: 0033:",
        r"^ \? ",
        r"(?:\b[0-9a-f]{2} ){8}",
        r"^ *\^$",
        r"^(?:kmemleak:)? *hex dump ",
        r"^(?:rcu: \t|\t\(t=|irq event stamp: |Kernel Offset: )",
    ];
    pattern(&lines.join("|"))
});

/// What differs within a line, and what is written in its place.
static DIFFERS: LazyLock<[(Regex, &str); 6]> = LazyLock::new(|| {
    [
        (pattern(r"\b(?:0x)?ff[0-9a-f]{14}\b"), "(address)"),
        (
            pattern(r"\b(CPU|PID|cpu|pid|task|age)(?:: ?|#|=| )\d+\b"),
            "$1 (n)",
        ),
        (pattern(r"\b([A-Za-z][\w-]*)/\d+(?:/0x[0-9a-f]+)?\b"), "$1"),
        (pattern(r"\b([A-Za-z][\w-]*):\d+(\]| blocked)"), "$1$2"),
        (
            pattern(r"\b(jiffies|at|stuck for|more than) \(?\d[\d.]*s?\b\)?"),
            "$1 (n)",
        ),
        (pattern(r"\b(crc|pfn)[ :](?:0x)?[0-9a-f]+"), "$1 (n)"),
    ]
});

/// These words without what depends on where things were and what else went on: registers,
/// memory, addresses, numbers of tasks and processors, times.
pub fn lasting(words: &str) -> String {
    let kept = words.lines().filter(|line| !PASSING.is_match(line));
    let one = |line: &str| {
        let differs = DIFFERS.iter();
        differs.fold(line.to_owned(), |line, (what, instead)| {
            what.replace_all(&line, *instead).into_owned()
        })
    };
    kept.map(one).collect::<Vec<_>>().join("\n")
}
