// SPDX-License-Identifier: MIT OR Apache-2.0
//! A scenario: an id, a title, and its actions.

use crate::{
    halt::Outcome,
    scene::{Scene, clause},
};

/// A clause, and the function that observes it.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// `stage/CLAUSE-what`.
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// The judged side.
    pub looks_at: LooksAt,
    /// The actions.
    pub run: fn(&mut Scene<'_>) -> Outcome,
}

/// A detail of the contract. A submission is held to it only in the scenarios that name it, so that
/// one mistake does not cost the points of all checks. This checkout's own modules are held to all
/// details everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A netlink refusal gives its reason in words (extended acknowledgement).
    Reasons,
    /// A request whose `nlmsg_pid` is 0 is answered, too.
    Unsigned,
    /// A message for a subscriber has `nlmsg_pid` 0.
    KernelHeader,
    /// Messages for a subscriber are numbered in `nlmsg_seq` from 1, without a gap.
    Numbers,
    /// A message for a subscriber has no padding in its body.
    Bytes,
    /// A message for a subscriber begins after the publisher's role byte.
    RoleByte,
    /// The ioctl returns 0, and no other value that is not an error.
    IoctlZero,
    /// A read returns the length of the message.
    ReadLength,
    /// A read does not change the rest of the buffer, and returns the length of the message.
    RestOfBuffer,
    /// A read of an empty channel fails with EWOULDBLOCK.
    EmptyErrno,
    /// A read fails with EINVAL if no channel was chosen.
    NoChannelErrno,
}

/// The judged side: module or programs. The other side of each exchange is the lab's own, so that a
/// mistake costs the points of one side only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksAt {
    /// A module, with programs of the lab or system calls, and the details that are judged.
    Module(&'static [Detail]),
    /// Programs, with modules of the lab.
    Programs,
}

impl Scenario {
    /// The clause that it observes.
    pub fn clause(&self) -> &'static str {
        clause(self.id)
    }
}
