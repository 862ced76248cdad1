// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of what kernels report: how a report starts, what it is called, what it means.
//! Titles are those of Linux 6.1 and 6.12 on x86-64.

use std::{fmt, sync::LazyLock};

use regex::RegexSet;

use crate::class::Class;

/// A row of the table.
struct Row {
    class: Class,
    name: &'static str,
    /// How a report of this class can start. A title belongs to the first row that has a match.
    starts: &'static [&'static str],
    /// What happened, and where to look first.
    meaning: &'static str,
}

/// From the particular to the general.
const TABLE: &[Row] = &[
    Row {
        class: Class::OutOfBounds,
        name: "out-of-bounds",
        starts: &[
            r"BUG: KASAN: \S*out-of-bounds",
            r"BUG: KFENCE: (out-of-bounds|memory corruption)",
            // CONFIG_FORTIFY_SOURCE, on 6.1 and on 6.12.
            r"detected buffer overflow in ",
            r"\w+: detected buffer overflow: ",
        ],
        meaning: "Memory beside an object was read or written: compare the index or length in the \
            named line with the size that was allocated.",
    },
    Row {
        class: Class::UseAfterFree,
        name: "use-after-free",
        starts: &[
            r"BUG: KASAN: (\S*use-after-free|use-after-scope|stack-use-after)",
            r"BUG: KFENCE: use-after-free",
        ],
        meaning: "Memory was used after it had been freed: find who freed it (\"Freed by task\") and \
            why the named line still had a pointer to it.",
    },
    Row {
        class: Class::InvalidFree,
        name: "invalid-free",
        starts: &[
            r"BUG: KASAN: (double-free|invalid-free)",
            r"BUG: KFENCE: invalid free",
            // The allocator's own cheap checks, on kernels without KASAN.
            r"kernel BUG at mm/slub\.c",
            r"BUG \S+ \(.*\): Object already free",
        ],
        meaning: "Something was freed twice, or its address was never allocated: look for the second \
            path that frees it, often an error path or the exit function.",
    },
    Row {
        class: Class::NullDereference,
        name: "null-dereference",
        starts: &[
            r"BUG: kernel NULL pointer dereference",
            r"BUG: KASAN: null-ptr-deref",
            r"KASAN: null-ptr-deref in range",
        ],
        meaning: "A pointer that is NULL was followed (the address is the offset of the field): look \
            for what was never set or never checked in the named line.",
    },
    Row {
        class: Class::PageFault,
        name: "page-fault",
        starts: &[
            r"BUG: unable to handle page fault",
            r"BUG: KASAN: (wild|user)-memory-access",
            r"BUG: KFENCE: invalid (read|write)",
            r"KASAN: probably (wild|user)-memory-access in range",
            r"kernel tried to execute NX-protected page",
            r"unable to execute userspace code",
        ],
        meaning: "An address was used where there is no memory: look at where the pointer in the \
            named line comes from; is it a user's address, freed or never initialised?",
    },
    Row {
        class: Class::GeneralProtection,
        name: "general-protection",
        starts: &[
            r"(Oops: )?general protection fault",
            r"KASAN: maybe wild-memory-access in range",
            r"(Oops: )?stack segment",
        ],
        meaning: "A pointer was followed that cannot be an address: dead000000000100 was taken off a \
            list, 6b6b6b6b was freed; look at where the named line has it from.",
    },
    Row {
        class: Class::StackOverflow,
        name: "stack-overflow",
        starts: &[
            r"BUG: (\w+ )?stack guard page was hit",
            r"(traps: )?PANIC: double fault",
            r"Kernel panic - not syncing: corrupted stack end detected",
        ],
        meaning: "The stack of 16 KiB is used up: look in the trace for functions that call each \
            other again and again, and for big local variables.",
    },
    Row {
        class: Class::StackCorruption,
        name: "stack-corruption",
        starts: &[r"Kernel panic - not syncing: stack-protector"],
        meaning: "A function wrote beyond one of its local variables: look at its arrays and at the \
            lengths that are copied into them.",
    },
    Row {
        class: Class::DivideError,
        name: "divide-error",
        starts: &[r"(Oops: )?divide error"],
        meaning: "A number was divided by zero: look for the divisor in the named line and who can \
            choose it.",
    },
    Row {
        class: Class::Refcount,
        name: "refcount",
        starts: &[r"refcount_t: "],
        meaning: "A reference counter was used after it had reached zero, or overflowed: look for a \
            get without a put, or a put too many.",
    },
    Row {
        class: Class::ListCorruption,
        name: "list-corruption",
        starts: &[r"list_(add|del) (corruption|double add)"],
        meaning: "A list's neighbours do not point to each other: an entry was added or removed twice, \
            freed while on the list, or changed without the list's lock.",
    },
    Row {
        class: Class::SkbOverrun,
        name: "skb-overrun",
        starts: &[r"skbuff: skb_(over|under)_panic"],
        meaning: "More was put into a message than it has room for: compare the length of the skb_put \
            with the size that the message was allocated with.",
    },
    Row {
        class: Class::UserCopy,
        name: "user-copy",
        starts: &[r"usercopy: Kernel memory (overwrite|exposure) attempt"],
        meaning: "More bytes were copied from or to a user than the kernel's object has: check the \
            user's length against the size of the object first.",
    },
    Row {
        class: Class::MemoryLeak,
        name: "memory-leak",
        starts: &[
            r"(kmemleak: )?unreferenced object 0x",
            r"kmemleak: \d+ new suspected memory leaks",
            r"BUG \S+ \(.*\): Objects remaining",
        ],
        meaning: "Memory was allocated, and nothing points to it any more: find the path on which the \
            function that allocated it does not free it.",
    },
    Row {
        class: Class::SlabCorruption,
        name: "slab-corruption",
        starts: &[r"BUG \S+ \([^)]*\): "],
        meaning: "The bytes around or inside a freed object were overwritten: look at who allocated \
            it (\"Allocated in\") and what writes to it after or beyond.",
    },
    Row {
        class: Class::RcuStall,
        name: "rcu-stall",
        starts: &[r"(rcu: )?INFO: rcu\w* (detected|self-detected)"],
        meaning: "A processor did not let the rest of the kernel go on for many seconds: look for a \
            loop that never ends in the named function.",
    },
    Row {
        class: Class::SoftLockup,
        name: "soft-lockup",
        starts: &[r"watchdog: BUG: soft lockup", r"BUG: workqueue lockup"],
        meaning: "A processor ran the same kernel code for many seconds without a pause: look for a \
            loop that never ends, or a spinlock that is never released.",
    },
    Row {
        class: Class::HardLockup,
        name: "hard-lockup",
        starts: &[
            r"(watchdog: |NMI watchdog: )?Watchdog detected hard LOCKUP",
            r"BUG: spinlock lockup suspected",
        ],
        meaning: "A processor was stuck with interrupts off: look for a spin_lock_irqsave that waits \
            for a lock which is never released.",
    },
    Row {
        class: Class::HungTask,
        name: "hung-task",
        starts: &[r"INFO: task \S.* blocked for more than"],
        meaning: "A process waits in the kernel for something that does not come: look in its trace for \
            what it waits for, and who was to release or wake it.",
    },
    Row {
        class: Class::CircularLocking,
        name: "circular-locking",
        starts: &[r"WARNING: possible circular locking dependency"],
        meaning: "Two locks are taken in one order here and in the other order elsewhere, which can \
            wait for each other for ever: choose one order.",
    },
    Row {
        class: Class::RecursiveLocking,
        name: "recursive-locking",
        starts: &[
            r"WARNING: possible recursive locking",
            r"BUG: spinlock recursion",
        ],
        meaning: "A lock is taken by who holds it already, and waits for itself for ever: look for the \
            caller that has taken it.",
    },
    Row {
        class: Class::InconsistentLock,
        name: "inconsistent-lock",
        starts: &[
            r"WARNING: inconsistent lock state",
            r"WARNING: (HARD|SOFT)IRQ-safe -> (HARD|SOFT)IRQ-unsafe lock order",
            r"WARNING: possible irq lock inversion",
        ],
        meaning: "An interrupt or timer takes a lock that is held elsewhere with interrupts on, and can \
            wait for what it has interrupted: use spin_lock_irqsave or spin_lock_bh.",
    },
    Row {
        class: Class::RcuUsage,
        name: "rcu-usage",
        starts: &[r"WARNING: suspicious RCU usage"],
        meaning: "A pointer that RCU protects was read without rcu_read_lock() and without the \
            writers' lock: look at what the named line is called under.",
    },
    Row {
        class: Class::LockMisuse,
        name: "lock-misuse",
        starts: &[
            r"WARNING: bad unlock balance",
            r"WARNING: held lock freed",
            r"WARNING: lock held when returning",
            r"WARNING: .*still has locks held",
            r"INFO: trying to register non-static key",
            r"BUG: (spin|rw)lock ",
            r"BUG: .* has not been registered!",
            r"BUG: workqueue leaked",
            r"DEBUG_LOCKS_WARN_ON",
        ],
        meaning: "A lock is used in a way that it cannot be: never initialised, released without being \
            held, freed or left behind while held.",
    },
    Row {
        class: Class::SleepInAtomic,
        name: "sleep-in-atomic",
        starts: &[
            r"BUG: sleeping function called from invalid context",
            r"BUG: scheduling while atomic",
            r"\[ BUG: Invalid wait context \]",
            r"Voluntary context switch within RCU",
        ],
        meaning: "Something that may sleep (a mutex, GFP_KERNEL, a copy from or to a user) was called \
            where sleeping is forbidden: look for the spinlock that is held around it.",
    },
    Row {
        class: Class::Ubsan,
        name: "undefined-behaviour",
        starts: &[r"UBSAN: "],
        meaning: "C leaves open what the named line does: an index beyond the array, a shift too far, a \
            number too big.",
    },
    Row {
        class: Class::Bug,
        name: "bug",
        starts: &[r"kernel BUG at ", r"(Oops: )?invalid opcode", r"BUG: "],
        meaning: "A check in the kernel's code found something impossible: read the condition at the \
            place that the title names, then look at who called it with such values.",
    },
    Row {
        class: Class::Warning,
        name: "warning",
        starts: &[r"WARNING: CPU: \d+ PID: ", r"WARNING: .* at \S+\+0x"],
        meaning: "A check in the kernel's code found something that should not be: read the condition \
            in the named line, then look at who called it with such values.",
    },
    Row {
        class: Class::Oops,
        name: "oops",
        starts: &[r"Oops: ", r"int3: "],
        meaning: "The processor could not go on with the kernel's code: look at the named function \
            first.",
    },
    Row {
        class: Class::Panic,
        name: "panic",
        starts: &[r"Kernel panic - not syncing"],
        meaning: "The kernel gave up on purpose, and the title has its reason: look for the call that \
            the trace shows.",
    },
    Row {
        class: Class::Reboot,
        name: "unexpected-reboot",
        // No line says so; reboot_at() in report.rs sees it.
        starts: &[],
        meaning: "The machine started again without a word: look for what destroys the kernel so \
            thoroughly that it cannot report it, like a wild write or a reset.",
    },
];

/// All starts, in the table's order, and the row of each.
static STARTS: LazyLock<(RegexSet, Vec<&'static Row>)> = LazyLock::new(|| {
    let starts = || {
        TABLE
            .iter()
            .flat_map(|row| row.starts.iter().map(move |start| (start, row)))
    };
    #[expect(clippy::expect_used, reason = "constants that the tests use")]
    let set =
        RegexSet::new(starts().map(|(start, _)| format!("^(?:{start})"))).expect("valid patterns");
    (set, starts().map(|(_, row)| row).collect())
});

impl Class {
    /// The class of the report that starts with the line `title`, or `None` if none does.
    pub(super) fn of(title: &str) -> Option<Class> {
        let (set, rows) = &*STARTS;
        // In the order in which they were given.
        let first = set.matches(title).into_iter().next()?;
        Some(rows[first].class)
    }

    fn row(self) -> &'static Row {
        #[expect(clippy::expect_used, reason = "a test looks every class up")]
        TABLE
            .iter()
            .find(|row| row.class == self)
            .expect("a row for each class")
    }

    /// One sentence: what happened, and where to look first.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether a watchdog complains that something takes too long, and nothing else is known.
    pub fn is_stall(self) -> bool {
        matches!(
            self,
            Class::RcuStall | Class::SoftLockup | Class::HardLockup | Class::HungTask
        )
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_class_has_one_row_and_one_sentence() {
        let names: HashSet<_> = TABLE.iter().map(|row| row.name).collect();
        let classes: HashSet<_> = TABLE.iter().map(|row| row.class).collect();
        // The last of the enum: they are numbered from 0.
        let all = Class::Reboot as usize + 1;
        assert_eq!((TABLE.len(), names.len(), classes.len()), (all, all, all));
        for row in TABLE {
            assert_eq!(row.class.to_string(), row.name);
            let meaning = row.class.meaning();
            assert!(
                meaning.ends_with(['.', '?']) && !meaning.contains("  "),
                "{meaning}"
            );
        }
    }

    #[test]
    fn a_title_belongs_to_the_first_row_that_matches() {
        assert_eq!(
            Class::of("BUG: KASAN: double-free in f"),
            Some(Class::InvalidFree)
        );
        assert_eq!(Class::of("BUG: something new"), Some(Class::Bug));
        assert_eq!(Class::of("a BUG: in the middle"), None);
    }
}
