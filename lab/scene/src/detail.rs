// SPDX-License-Identifier: MIT OR Apache-2.0
//! Details of the contract that a submission is held to in some scenarios only.

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
