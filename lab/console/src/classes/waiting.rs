// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports of lockdep, of watchdogs, and of sleeping where it is forbidden. Lockdep's titles were
//! `[ INFO: ... ]` and `[ BUG: ... ]` up to 4.11, and are `WARNING: ...` since then.

use super::row::Row;
use crate::class::Class;

/// From the particular to the general.
pub(super) const ROWS: &[Row] = &[
    Row {
        class: Class::RcuStall,
        name: "rcu-stall",
        starts: &[r"(\w+: )?INFO: s?rcu\w* (self-)?detected "],
        meaning: "A processor did not let the rest of the kernel go on for many seconds: look for a \
            loop that never ends in the named function.",
    },
    Row {
        class: Class::SoftLockup,
        name: "soft-lockup",
        starts: &[
            r"((NMI )?watchdog: )?BUG: soft lockup - CPU#",
            r"BUG: workqueue lockup",
        ],
        meaning: "A processor ran the same kernel code for many seconds without a pause: look for a \
            loop that never ends, or a spinlock that is never released.",
    },
    Row {
        class: Class::HardLockup,
        name: "hard-lockup",
        starts: &[
            r"((NMI )?watchdog: )?Watchdog detected hard LOCKUP",
            r"((NMI )?watchdog: )?(BUG: )?CPU \d+ (self-)?detected hard LOCKUP",
            r"Kernel panic - not syncing: (Hard LOCKUP|Watchdog detected hard LOCKUP)",
            r"BUG: (spin|rw)lock lockup",
        ],
        meaning: "A processor was stuck with interrupts off: look for a spin_lock_irqsave that waits \
            for a lock which is never released.",
    },
    Row {
        class: Class::HungTask,
        name: "hung-task",
        starts: &[
            r"INFO: task \S.* (blocked|can't die)( in .+)? for more than \d",
            r"INFO: task \S.* (is )?blocked on an? .+ (owned|held) by",
        ],
        meaning: "A process waits in the kernel for something that does not come: look in its trace for \
            what it waits for, and who was to release or wake it.",
    },
    Row {
        class: Class::CircularLocking,
        name: "circular-locking",
        starts: &[r"(WARNING|\[ INFO): possible circular locking dependency"],
        meaning: "Two locks are taken in one order here and in the other order elsewhere, which can \
            wait for each other for ever: choose one order.",
    },
    Row {
        class: Class::RecursiveLocking,
        name: "recursive-locking",
        starts: &[
            r"(WARNING|\[ INFO): possible recursive locking",
            r"BUG: (spin|rw)lock (cpu )?recursion",
        ],
        meaning: "A lock is taken by who holds it already, and waits for itself for ever: look for the \
            caller that has taken it.",
    },
    Row {
        class: Class::InconsistentLock,
        name: "inconsistent-lock",
        starts: &[
            r"(WARNING|\[ INFO): inconsistent lock state",
            r"(WARNING|\[ INFO): (HARD|SOFT)IRQ(-READ)?-safe -> (HARD|SOFT)IRQ(-READ)?-unsafe lock order",
            r"(WARNING|\[ INFO): possible irq lock inversion",
        ],
        meaning: "An interrupt or timer takes a lock that is held elsewhere with interrupts on, and can \
            wait for what it has interrupted: use spin_lock_irqsave or spin_lock_bh.",
    },
    Row {
        class: Class::RcuUsage,
        name: "rcu-usage",
        starts: &[r"(WARNING|INFO|\[ INFO): suspicious (RCU|rcu_dereference\w*\(\)) usage"],
        meaning: "A pointer that RCU protects was read without rcu_read_lock() and without the \
            writers' lock: look at what the named line is called under.",
    },
    Row {
        class: Class::SleepInAtomic,
        name: "sleep-in-atomic",
        starts: &[
            r"BUG: sleeping function called from (invalid|illegal) context",
            r"BUG: scheduling (while atomic|in a non-blocking section)",
            r"(WARNING: |\[ BUG: )[Ii]nvalid wait context",
            r"Voluntary context switch within RCU",
            r"do not call blocking ops when !TASK_RUNNING",
        ],
        meaning: "Something that may sleep (a mutex, GFP_KERNEL, a copy from or to a user) was called \
            where sleeping is forbidden: look for the spinlock that is held around it.",
    },
    Row {
        class: Class::LockMisuse,
        name: "lock-misuse",
        starts: &[
            r"(WARNING: |\[ BUG: )bad (unlock balance|contention) detected",
            r"(WARNING: |\[ BUG: )held lock freed",
            r"(WARNING: |\[ BUG: )lock held (when returning|at task exit)",
            r"(WARNING: |\[ BUG: )[Nn]ested lock was not taken",
            r"(WARNING: |\[ BUG: ).*still has locks held",
            r"INFO: trying to register non-static key",
            r"BUG: (spin|rw)lock ",
            r"BUG: .* has not been registered!",
            r"BUG: key \S+ not in \.data",
            r"BUG: workqueue leaked",
            r"DEBUG_(LOCKS|RWSEMS)_WARN_ON",
        ],
        meaning: "A lock is used in a way that it cannot be: never initialised, released without being \
            held, freed or left behind while held.",
    },
];
