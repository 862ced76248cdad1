// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which C compilers judge a submission. Its report names them.

use lab_base::{Result, environment, output_of};
use lab_build::{kernels::Kernel, modules};
use serde::Serialize;

use super::safe_text::SafeText;

/// In the words of each: `gcc (Debian 12.2.0-14+deb12u1) 12.2.0`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compilers {
    /// Of modules: the one that has compiled the kernel.
    pub modules: SafeText,
    /// Of programs.
    pub programs: SafeText,
}

impl Compilers {
    /// Ask the compilers for a kernel for their versions.
    ///
    /// # Errors
    /// One is not installed.
    pub fn of(kernel: &Kernel) -> Result<Self> {
        Ok(Compilers {
            modules: version(modules::compiler(kernel))?,
            programs: version("gcc")?,
        })
    }
}

/// The first line of a compiler's `--version`. The sandbox takes compilers from `/usr/bin`, too.
fn version(program: &str) -> Result<SafeText> {
    let mut command = environment::command(format!("/usr/bin/{program}"));
    let said = output_of("asking a compiler its version", command.arg("--version"))?;
    Ok(SafeText::line(said.lines().next().unwrap_or_default()))
}
