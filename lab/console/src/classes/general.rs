// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports that say less: the kernel's own assertions, faults without a class of their own, panics.

use super::row::Row;
use crate::class::Class;

/// From the particular to the general.
pub(super) const ROWS: &[Row] = &[
    Row {
        class: Class::Ubsan,
        name: "undefined-behaviour",
        starts: &[r"(Internal error: )?UBSAN: "],
        meaning: "C leaves open what the named line does: an index beyond the array, a shift too far, a \
            number too big.",
    },
    Row {
        class: Class::Bug,
        name: "bug",
        starts: &[
            r"[Kk]ernel BUG at ",
            r"(Oops: )?invalid opcode: ",
            r"rust_kernel: panicked at ",
            r"BUG: ",
            // CONFIG_X86_KERNEL_IBT, CONFIG_CFI_CLANG.
            r"Missing ENDBR: ",
            r"CFI failure at ",
            // arm64, riscv, mips.
            r"Unexpected kernel BRK exception",
            r"(Internal error: Oops - BUG: |Kernel BUG \[#\d)",
            r"Kernel bug detected\[#\d",
        ],
        meaning: "A check in the kernel's code found something impossible: read the condition at the \
            place that the title names, then look at who called it with such values.",
    },
    Row {
        class: Class::Warning,
        name: "warning",
        starts: &[
            r"WARNING: CPU: \d+ PID: ",
            r"WARNING: .* at \S+\+0x",
            // Since 6.19.
            r"WARNING: (\S+ )?at \S+, CPU#\d+",
            // Up to 3.10.
            r"WARNING: at \S+:\d+ ",
        ],
        meaning: "A check in the kernel's code found something that should not be: read the condition \
            in the named line, then look at who called it with such values.",
    },
    Row {
        class: Class::Oops,
        name: "oops",
        starts: &[
            r"Oops( - [\w ]+)?: ([0-9a-f]{4}\b|.*\[#\d)",
            // x86's other traps, from exc_*() in arch/x86/kernel/traps.c.
            r"(int3|debug|overflow|bounds|segment not present|invalid TSS|alignment check|coprocessor segment overrun|(coprocessor|math|fpu) (error|exception)|simd exception|iret exception|control protection fault|unexpected #\w+ exception): [0-9a-f]{4} \[#\d",
            // arm and arm64; riscv; s390; mips.
            r"Internal error: .*\[#\d",
            r"Oops( - [\w ]+)? \[#\d",
            r"[a-z][a-z -]+: [0-9a-f]{4} ilc:\d \[#\d",
            r"(Oops|[A-Z][a-z]+ [a-z ]+)\[#\d+\]:$",
            r"PANIC: early exception ",
            r"Unrecoverable .*exception ",
            r"Bad mode in .* handler detected",
            r"SError Interrupt on CPU",
            r"Unhandled prefetch abort: ",
        ],
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
