// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kinds of reports.

use serde::{Deserialize, Serialize};

/// What kind of thing has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the table in classes/ says what each means")]
pub enum Class {
    OutOfBounds,
    UseAfterFree,
    InvalidFree,
    UninitialisedMemory,
    DataRace,
    ActiveObject,
    NullDereference,
    PageFault,
    GeneralProtection,
    StackOverflow,
    StackCorruption,
    DivideError,
    Refcount,
    ListCorruption,
    SkbOverrun,
    UserCopy,
    MemoryLeak,
    SlabCorruption,
    CircularLocking,
    RecursiveLocking,
    InconsistentLock,
    RcuUsage,
    LockMisuse,
    SleepInAtomic,
    RcuStall,
    SoftLockup,
    HardLockup,
    HungTask,
    Ubsan,
    Bug,
    Warning,
    Oops,
    Panic,
    Reboot,
}
