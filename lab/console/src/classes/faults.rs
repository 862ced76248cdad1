// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports of what a processor could not carry out. Titles of other processors than x86 are those
//! of the same functions below `arch/` in Linux 4.9 to 6.12.

use super::row::Row;
use crate::class::Class;

/// From the particular to the general.
pub(super) const ROWS: &[Row] = &[
    Row {
        class: Class::NullDereference,
        name: "null-dereference",
        starts: &[
            r"BUG: (unable to handle )?kernel NULL pointer dereference",
            r"BUG: KAS[Aa][Nn]: null-ptr-deref",
            r"KASAN: null-ptr-deref in range",
            // arm, arm64, riscv.
            r"Unable to handle kernel NULL pointer dereference",
            // powerpc.
            r"BUG: Kernel NULL pointer dereference",
        ],
        meaning: "A pointer that is NULL was followed (the address is the offset of the field): look \
            for what was never set or never checked in the named line.",
    },
    Row {
        class: Class::StackOverflow,
        name: "stack-overflow",
        starts: &[
            r"BUG: (\S+ )?stack guard page was hit",
            r"(Oops: )?stack guard page: ",
            r"((traps: )?PANIC: )?double fault[:,] ",
            r"Oops: double fault: ",
            r"kernel stack overflow \(",
            r"Kernel panic - not syncing: (corrupted stack end detected|[Kk]ernel stack overflow)",
            // arm64, riscv.
            r"Insufficient stack space to handle exception",
        ],
        meaning: "The stack of 16 KiB is used up: look in the trace for functions that call each \
            other again and again, and for big local variables.",
    },
    Row {
        class: Class::PageFault,
        name: "page-fault",
        starts: &[
            r"BUG: [Uu]nable to handle ",
            r"BUG: KAS[Aa][Nn]: (wild|user)-memory-access",
            r"BUG: KFENCE: invalid (read|write)",
            r"KASAN: probably (wild|user)-memory-access in range",
            r"kernel tried to execute NX-protected page",
            r"unable to execute userspace code",
            // arm, arm64, riscv, s390, mips, loongarch.
            r"(CPU \d+ )?Unable to handle kernel ",
            r"Unhandled fault: .* at 0x",
            // powerpc.
            r"Kernel attempted to (read|write|execute|access) user page",
        ],
        meaning: "An address was used where there is no memory: look at where the pointer in the \
            named line comes from; is it a user's address, freed or never initialised?",
    },
    Row {
        class: Class::GeneralProtection,
        name: "general-protection",
        starts: &[
            r"(Oops: )?general protection fault(:|, )",
            r"KASAN: maybe wild-memory-access in range",
            r"(Oops: )?stack segment: ",
        ],
        meaning: "A pointer was followed that cannot be an address: dead000000000100 was taken off a \
            list, 6b6b6b6b was freed; look at where the named line has it from.",
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
        starts: &[r"(Oops: )?divide[ _]error: "],
        meaning: "A number was divided by zero: look for the divisor in the named line and who can \
            choose it.",
    },
];
