// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names of the kernels.

use std::fmt;

/// A flavour of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// The distribution's own image.
    Stock,
    /// Built here from the distribution's source with a small configuration: boots faster.
    Lab,
    /// As `lab`, with everything that finds mistakes: KASAN, lockdep, kmemleak, fault injection.
    Debug,
}

/// A capability or property that not all kernels have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// It fails allocations and user copies on request (fault injection).
    Faults,
    /// It holds freed memory back (KASAN's quarantine).
    Quarantine,
    /// Its own checks make it slow. It ticks at 100 Hz, and tests ask less of it.
    Slow,
    /// Drivers that a machine needs are modules.
    Modules,
}

/// A row for each kernel: its name, the memory of its machines, its capabilities.
struct Flavour {
    which: Which,
    name: &'static str,
    /// Memory of a machine that boots it, in MiB. KASAN's shadow memory and the records of the
    /// debug kernel would fill a small machine.
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

    /// Whether it has this capability or property.
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
