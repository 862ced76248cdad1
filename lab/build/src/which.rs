// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names of the kernels.

use std::fmt;

/// Which kernel to boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// The distribution's own image.
    Stock,
    /// Built here from the distribution's source with a small configuration: boots faster.
    Lab,
    /// As `lab`, and with everything that finds mistakes: KASAN, lockdep, kmemleak, faults on
    /// request.
    Debug,
}

/// What a kernel can do, or is like, that not all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// It fails allocations and user copies on request.
    Faults,
    /// It keeps memory back that has been freed (KASAN's quarantine).
    Quarantine,
    /// Its own checks slow it down: it ticks at 100 Hz, and has to be asked for less.
    Slow,
    /// What a machine needs of it is in modules.
    Modules,
}

/// A row for each kernel: what it is called, what its machines have, what it can do.
struct Flavour {
    which: Which,
    name: &'static str,
    /// Memory of a machine that boots it, in MiB. Shadow memory and the records of the debug kernel
    /// take what a small machine has.
    memory_mib: u64,
    has: &'static [Capability],
}

/// All kernels; each sees as much of a mistake as those before it, or more.
const FLAVOURS: [Flavour; 3] = [
    Flavour {
        which: Which::Stock,
        name: "stock",
        memory_mib: 256,
        has: &[Capability::Modules],
    },
    Flavour {
        which: Which::Lab,
        name: "lab",
        memory_mib: 256,
        has: &[],
    },
    Flavour {
        which: Which::Debug,
        name: "debug",
        memory_mib: 512,
        has: &[Capability::Faults, Capability::Quarantine, Capability::Slow],
    },
];

impl Which {
    /// All kernels; each sees as much of a mistake as those before it, or more.
    pub const ALL: [Which; 3] = [FLAVOURS[0].which, FLAVOURS[1].which, FLAVOURS[2].which];

    fn flavour(self) -> &'static Flavour {
        match self {
            Which::Stock => &FLAVOURS[0],
            Which::Lab => &FLAVOURS[1],
            Which::Debug => &FLAVOURS[2],
        }
    }

    /// Whether it can do this, or is like this.
    pub fn has(self, capability: Capability) -> bool {
        self.flavour().has.contains(&capability)
    }

    /// Memory of a machine that boots it, in MiB.
    pub fn memory_mib(self) -> u64 {
        self.flavour().memory_mib
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.flavour().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kernel_has_its_own_row() {
        for which in Which::ALL {
            assert_eq!(which.flavour().which, which);
        }
    }
}
