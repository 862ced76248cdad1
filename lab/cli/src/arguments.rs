// SPDX-License-Identifier: MIT OR Apache-2.0
//! The beginning and the end of a program.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use lab_build::kernels::Which;
use lab_machine::Start;

use crate::{signals::die_with_parent, style::red};

/// The requested machines.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Wish {
    /// Kernel of the machines; by default `lab` if it is built, otherwise `stock`.
    #[arg(long = "kernel", env = "KERNEL", global = true, value_enum)]
    pub kernel: Option<Which>,
    /// How machines start: `warm` restores a saved one, `cold` boots each.
    #[arg(
        long = "machine",
        value_name = "MACHINE",
        env = "MACHINE",
        global = true,
        value_enum,
        default_value = "warm"
    )]
    pub start: Start,
}

/// Parse the command line, carry it out, and print errors.
pub fn main<A: Parser>(run: impl FnOnce(A) -> anyhow::Result<ExitCode>) -> ExitCode {
    let arguments = A::parse();
    let tied = die_with_parent().context("asking for a signal at the end of make");
    match tied.and_then(|()| run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("{}: {error:#}", red("lab"));
            ExitCode::FAILURE
        }
    }
}
