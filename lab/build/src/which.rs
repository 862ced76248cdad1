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

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Which::Stock => "stock",
            Which::Lab => "lab",
            Which::Debug => "debug",
        })
    }
}
