// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules and programs that scenarios try: this checkout's, or those of a submission.

use std::{collections::BTreeMap, path::PathBuf};

use nix::errno::Errno;
use protocol::slot;

/// A submitted module or program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It was built.
    Built {
        /// The file for the guest.
        file: PathBuf,
        /// For a module: how to find the lines of its source.
        debug: Option<Debug>,
    },
    /// It is missing, or does not compile: the reason in one line.
    Missing(String),
}

/// Files that map a module's code to lines of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debug {
    /// The output of Kbuild, with debug information.
    pub object: PathBuf,
    /// Directory of the submission's files during compilation.
    pub sources: PathBuf,
}

/// The parts that are tried. A part that is not in the maps is this checkout's own.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// By the names of `kernel/`.
    pub modules: BTreeMap<String, Part>,
    /// By the names of the programs.
    pub programs: BTreeMap<String, Part>,
    /// How the message slot is addressed.
    pub slot: SlotEdition,
    /// Whether only the contract counts, because the modules were submitted. The contract does not
    /// fix the errno for malformed netlink requests; for its own modules the lab knows it.
    pub contract_only: bool,
}

/// How a message slot is addressed. The contract fixes it, but a submission may be written for
/// another edition of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotEdition {
    /// Major number of the device.
    pub major: u32,
    /// The ioctl that chooses a channel.
    pub command: u32,
    /// Whether its argument is a pointer to the channel id instead of the id itself.
    pub by_pointer: bool,
    /// Whether a bad buffer may also be `EINVAL`, as in other editions.
    pub einval_for_bad_buffer: bool,
}

impl SlotEdition {
    /// Whether a call that must fail with `wanted` may fail with `got`.
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
