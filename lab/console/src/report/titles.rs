// SPDX-License-Identifier: MIT OR Apache-2.0
//! Titles of reports that no recorded console has, each with its class.

use super::tests::class_of;
use crate::class::Class;

#[test]
fn titles_that_are_not_recorded_have_their_class() {
    for (title, class) in [
        (
            "BUG: KFENCE: out-of-bounds read in f+0x1/0x2",
            Class::OutOfBounds,
        ),
        (
            "memset: detected buffer overflow: 120 byte write of buffer size 40",
            Class::OutOfBounds,
        ),
        ("BUG: KFENCE: invalid free in f+0x1/0x2", Class::InvalidFree),
        (
            "BUG: KASAN: null-ptr-deref in f+0x1/0x2",
            Class::NullDereference,
        ),
        ("BUG: KFENCE: invalid read in f+0x1/0x2", Class::PageFault),
        (
            "KASAN: probably user-memory-access in range [0x1-0x8]",
            Class::PageFault,
        ),
        (
            "kernel tried to execute NX-protected page - exploit attempt? (uid: 0)",
            Class::PageFault,
        ),
        (
            "unable to execute userspace code (SMEP?) (uid: 0)",
            Class::PageFault,
        ),
        (
            "Oops: stack segment: 0000 [#1] SMP",
            Class::GeneralProtection,
        ),
        ("Oops: divide error: 0000 [#1] SMP", Class::DivideError),
        (
            "BUG: key ffff888004a1b2c0 has not been registered!",
            Class::LockMisuse,
        ),
        (
            "BUG: workqueue leaked atomic, lock or RCU: kworker/0:1[7]",
            Class::LockMisuse,
        ),
        (
            "DEBUG_LOCKS_WARN_ON(lock->magic != lock)",
            Class::LockMisuse,
        ),
        (
            "Voluntary context switch within RCU read-side critical section!",
            Class::SleepInAtomic,
        ),
        ("int3: 0000 [#1] SMP", Class::Oops),
        (
            "WARNING: kernel/x.c:1 at f+0x1/0x2, CPU#0: insmod/7",
            Class::Warning,
        ),
        (
            "BUG: KASAN: stack-out-of-bounds in f+0x1/0x2",
            Class::OutOfBounds,
        ),
        (
            "BUG: KASAN: use-after-free in f+0x1/0x2 [m]",
            Class::UseAfterFree,
        ),
        (
            "BUG: KASAN: user-memory-access in f+0x1/0x2",
            Class::PageFault,
        ),
        (
            "BUG: KFENCE: use-after-free read in f+0x1/0x2",
            Class::UseAfterFree,
        ),
        (
            "BUG kmalloc-64 (Tainted: G    B      O): Object already free",
            Class::InvalidFree,
        ),
        (
            "BUG kmalloc-64 (Not tainted): Right Redzone overwritten",
            Class::SlabCorruption,
        ),
        (
            "BUG slot (Not tainted): Objects remaining in slot on __kmem_cache_shutdown()",
            Class::MemoryLeak,
        ),
        (
            "unreferenced object 0xffff888004a1b2c0 (size 64):",
            Class::MemoryLeak,
        ),
        (
            "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
            Class::MemoryLeak,
        ),
        (
            "WARNING: possible irq lock inversion dependency detected",
            Class::InconsistentLock,
        ),
        (
            "WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected",
            Class::InconsistentLock,
        ),
        (
            "WARNING: lock held when returning to user space!",
            Class::LockMisuse,
        ),
        (
            "WARNING: insmod/77 still has locks held!",
            Class::LockMisuse,
        ),
        (
            "BUG: spinlock bad magic on CPU#0, insmod/77",
            Class::LockMisuse,
        ),
        (
            "BUG: spinlock lockup suspected on CPU#1, insmod/77",
            Class::HardLockup,
        ),
        (
            "BUG: spinlock recursion on CPU#1, insmod/77",
            Class::RecursiveLocking,
        ),
        ("[ BUG: Invalid wait context ]", Class::SleepInAtomic),
        (
            "rcu: INFO: rcu_preempt self-detected stall on CPU",
            Class::RcuStall,
        ),
        (
            "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
            Class::RcuStall,
        ),
        (
            "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0",
            Class::SoftLockup,
        ),
        (
            "watchdog: Watchdog detected hard LOCKUP on cpu 1",
            Class::HardLockup,
        ),
        (
            "list_del corruption, 0000 ->next is LIST_POISON1 (dead000000000100)",
            Class::ListCorruption,
        ),
        (
            "usercopy: Kernel memory exposure attempt detected from process stack",
            Class::UserCopy,
        ),
        ("skbuff: skb_under_panic: text:0 len:1", Class::SkbOverrun),
        (
            "traps: PANIC: double fault, error_code: 0x0",
            Class::StackOverflow,
        ),
        (
            "Kernel panic - not syncing: corrupted stack end detected inside scheduler",
            Class::StackOverflow,
        ),
        ("BUG: Bad page state in process insmod  pfn:1", Class::Bug),
        ("invalid opcode: 0000 [#1] PREEMPT SMP", Class::Bug),
        ("Oops: int3: 0000 [#1] SMP", Class::Oops),
        (
            "WARNING: CPU: 1 PID: 7 at mm/slub.c:1 f+0x1/0x2",
            Class::Warning,
        ),
        (
            "Kernel panic - not syncing: VFS: Unable to mount root fs",
            Class::Panic,
        ),
    ] {
        assert_eq!(class_of(title), Some(class), "{title}");
        assert_eq!(
            class_of(&format!("<1>[   12.000001][   T77] {title}\r\n")),
            Some(class),
            "{title}"
        );
    }
}
