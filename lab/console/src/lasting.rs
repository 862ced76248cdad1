// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the kernel's words is the same whenever the same thing happens.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::{Captures, Regex};

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

/// The address of a bad access.
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(address:? )((?:0x)?[0-9a-f]{6,16})\b"));

/// Whether an address says what went wrong: a small one is a field of NULL, some are patterns of
/// freed memory and of list entries that were removed (linux/poison.h).
fn tells(address: &str) -> bool {
    let digits = address.trim_start_matches("0x");
    let small = u64::from_str_radix(digits, 16).is_ok_and(|address| address < 0x1000);
    small
        || ["6b6b6b6b", "5a5a5a5a", "dead0000"]
            .iter()
            .any(|poison| digits.contains(poison))
}

/// These words without what depends on where things were and what else went on: registers,
/// memory, addresses, numbers of tasks and processors, times.
pub fn lasting(words: &str) -> String {
    let kept = words.lines().filter(|line| !PASSING.is_match(line));
    let one = |line: &str| {
        let differs = DIFFERS.iter();
        let line = differs.fold(line.to_owned(), |line, (what, instead)| {
            what.replace_all(&line, *instead).into_owned()
        });
        let address = |found: &Captures<'_>| match tells(&found[2]) {
            true => found[0].to_owned(),
            false => format!("{}(address)", &found[1]),
        };
        ADDRESS.replace_all(&line, address).into_owned()
    };
    kept.map(one).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_only_if_it_tells_something() {
        for (line, kept) in [
            (
                "fault, probably for non-canonical address 0x5e021bed7972ca6: 0000 [#1] SMP",
                "fault, probably for non-canonical address (address): 0000 [#1] SMP",
            ),
            (
                "BUG: unable to handle page fault for address: 00000000fffede47",
                "BUG: unable to handle page fault for address: (address)",
            ),
            (
                "BUG: kernel NULL pointer dereference, address: 0000000000000008",
                "BUG: kernel NULL pointer dereference, address: 0000000000000008",
            ),
            (
                "for non-canonical address 0x6b6b6b6b6b6b6b83: 0000",
                "for non-canonical address 0x6b6b6b6b6b6b6b83: 0000",
            ),
            (
                "for non-canonical address 0xdead000000000108: 0000",
                "for non-canonical address 0xdead000000000108: 0000",
            ),
        ] {
            assert_eq!(lasting(line), kept);
        }
    }
}
