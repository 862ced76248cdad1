// SPDX-License-Identifier: MIT OR Apache-2.0
//! A scenario: an id, a title, and what is done.

use crate::{
    halt::Outcome,
    scene::{Scene, clause},
};

/// Something to be observed: a clause, and the function that observes it.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// `stage/CLAUSE-what`.
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// Whose work it judges.
    pub looks_at: LooksAt,
    /// What is done.
    pub run: fn(&mut Scene<'_>) -> Outcome,
}

/// A detail of the contract. A submission is held to it in the scenarios that name it, and in no
/// others, so that one mistake does not cost the points of all checks. This checkout's own modules
/// are held to all details everywhere.
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
    /// A message for a subscriber begins behind the publisher's role byte.
    RoleByte,
    /// The ioctl returns 0, not another value that is no error.
    IoctlZero,
    /// A read returns the length of the message.
    ReadLength,
    /// A read leaves the rest of the buffer as it was, and returns the length of the message.
    RestOfBuffer,
    /// A read of an empty channel fails with EWOULDBLOCK.
    EmptyErrno,
    /// A read fails with EINVAL where no channel was chosen.
    NoChannelErrno,
}

/// Whose work a scenario judges. The other side of each exchange is the lab's own, so that a mistake
/// costs the points of one side only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksAt {
    /// A module, with programs of the lab or system calls; and the details that it judges.
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
