// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose modules and programs the scenarios try: this checkout's, unless something else is handed in.

use std::{collections::BTreeMap, path::PathBuf};

use nix::errno::Errno;
use protocol::slot;

/// A module or a program that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It was built.
    Built {
        /// What goes into the guest.
        file: PathBuf,
        /// Of a module, where the lines of its source are.
        debug: Option<Debug>,
    },
    /// It is not there, or does not compile: in one line, why.
    Missing(String),
}

/// What tells the lines of a module's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debug {
    /// What Kbuild has left behind, with debug information.
    pub object: PathBuf,
    /// The directory in which the compiler saw the submission's files.
    pub sources: PathBuf,
}

/// What is tried. A part that is not in the maps is this checkout's own.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// By the names of `kernel/`.
    pub modules: BTreeMap<String, Part>,
    /// By the names of the programs.
    pub programs: BTreeMap<String, Part>,
    /// How the message slot is spoken to.
    pub slot: SlotEdition,
    /// Whether the contract is all that counts: the modules were handed in. It leaves open with which
    /// errno a malformed netlink request is refused; of this checkout's own the lab knows more.
    pub contract_only: bool,
}

/// How a message slot is spoken to. The contract fixes it; what is handed in may have been written
/// for another edition of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotEdition {
    /// Major number of the device.
    pub major: u32,
    /// The ioctl that chooses a channel.
    pub command: u32,
    /// Whether its argument is a pointer to the channel id and not the id itself.
    pub by_pointer: bool,
    /// Whether a bad buffer may be `EINVAL`, too, as other editions had it.
    pub einval_for_bad_buffer: bool,
}

impl SlotEdition {
    /// Whether a call that is to fail with `wanted` may fail with `got`.
    pub fn accepts(&self, wanted: Errno, got: Errno) -> bool {
        let other = wanted == Errno::EFAULT && got == Errno::EINVAL;
        got == wanted || (other && self.einval_for_bad_buffer)
    }
}

impl Default for SlotEdition {
    fn default() -> Self {
        SlotEdition {
            major: slot::MAJOR,
            command: slot::CHANNEL,
            by_pointer: false,
            einval_for_bad_buffer: false,
        }
    }
}
