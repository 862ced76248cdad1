// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports of memory that is used wrongly, and of the checks that find it.

use super::row::Row;
use crate::class::Class;

/// From the particular to the general.
pub(super) const ROWS: &[Row] = &[
    Row {
        class: Class::OutOfBounds,
        name: "out-of-bounds",
        starts: &[
            r"BUG: KASAN: \S*out-of-bounds",
            // Up to 4.4.
            r"BUG: KAS[Aa][Nn]: (out of bounds access|\S*out-of-bounds)",
            r"BUG: KFENCE: (out-of-bounds|memory corruption)",
            // CONFIG_FORTIFY_SOURCE, on 6.1 and on 6.12.
            r"detected buffer overflow in ",
            r"\w+: detected buffer overflow: ",
            r"\w+: detected field-spanning write ",
            // copy_from_user() with a size that is known.
            r"Buffer overflow detected \(\d+ < \d+\)",
        ],
        meaning: "Memory beside an object was read or written: compare the index or length in the \
            named line with the size that was allocated.",
    },
    Row {
        class: Class::UseAfterFree,
        name: "use-after-free",
        starts: &[
            r"BUG: KASAN: (\S*use-after-free|use-after-scope|stack-use-after)",
            // Up to 4.4.
            r"BUG: KAS[Aa][Nn]: use[ -]after[ -]free",
            r"BUG: KFENCE: use-after-free",
            r"BUG: KMSAN: use-after-free",
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
            r"kernel BUG at mm/sl[au]b\.c",
            r"BUG \S+ \(.*\): Object already free",
            r"BUG \S+ \(.*\): Slab has \d+ allocated objects but \d+ are to be freed",
            r"BUG \S+ \(.*\): (Invalid object pointer|Attempt to free object)",
        ],
        meaning: "Something was freed twice, or its address was never allocated: look for the second \
            path that frees it, often an error path or the exit function. If the trace has no function of a \
            module, the kernel freed it the second time, as it does with each sk_buff that it was given.",
    },
    Row {
        class: Class::UninitialisedMemory,
        name: "uninitialised-memory",
        starts: &[r"BUG: KMSAN: "],
        meaning: "Memory was used, or given to a user, before anything was written to it: look for \
            the field or buffer in the named line that nothing has set.",
    },
    Row {
        class: Class::DataRace,
        name: "data-race",
        starts: &[r"BUG: KCSAN: "],
        meaning: "Two tasks or interrupts used the same memory at the same time, and one of them wrote: \
            protect it with one lock, or use READ_ONCE() and WRITE_ONCE().",
    },
    Row {
        class: Class::ActiveObject,
        name: "active-object",
        // lib/debugobjects.c, debug_print_object().
        starts: &[r"ODEBUG: \w+ [a-z -]+ \(active state \d+\)"],
        meaning: "A timer, a work or another object was freed, started or initialised in a state that \
            forbids it: cancel it first, for example with timer_delete_sync() or cancel_work_sync().",
    },
    Row {
        class: Class::Refcount,
        name: "refcount",
        starts: &[
            r"refcount_t: ",
            r"percpu ref \(.*\) <= 0 ",
            r"unregister_netdevice: waiting for \S+ to become free",
            r"VFS: (Busy inodes after unmount of|Close: file count is 0)",
        ],
        meaning: "A reference counter was used after it had reached zero, overflowed, or never reaches \
            zero: look for a get without a put, or a put too many.",
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
        starts: &[r"(skbuff: )?skb_(over|under)_panic: "],
        meaning: "More was put into a message than it has room for: compare the length of the skb_put \
            with the size that the message was allocated with.",
    },
    Row {
        class: Class::UserCopy,
        name: "user-copy",
        starts: &[
            r"(usercopy: )?(Bad or missing usercopy whitelist\? )?[Kk]ernel memory (overwrite|exposure) attempt",
        ],
        meaning: "More bytes were copied from or to a user than the kernel's object has: check the \
            user's length against the size of the object first.",
    },
    Row {
        class: Class::MemoryLeak,
        name: "memory-leak",
        starts: &[
            r"(kmemleak: )?unreferenced object 0x",
            r"kmemleak: \d+ new suspected memory leaks",
            r"BUG: memory leak",
            r"BUG \S+ \(.*\): Objects remaining",
            r"(kmem_cache_destroy|slab) \S+: (Slab )?cache still has objects",
        ],
        meaning: "Memory was allocated, and nothing points to it any more: find the path on which the \
            function that allocated it does not free it.",
    },
    Row {
        class: Class::SlabCorruption,
        name: "slab-corruption",
        starts: &[
            r"BUG \S+ \([^)]*\): ",
            // mm/slab.c, up to 6.4.
            r"Slab corruption( \([^)]*\))?: ",
            r"slab error in \w+\(\): ",
        ],
        meaning: "The bytes around or inside a freed object were overwritten: look at who allocated \
            it (\"Allocated in\") and what writes to it after or beyond.",
    },
];
