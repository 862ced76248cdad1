// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a program begins and ends.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use lab_build::kernels::Which;
use lab_machine::Start;

use crate::{signals::die_with_parent, style::red};

/// Which machines are asked for.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Wish {
    /// Which kernel; without it `lab` if it is built, else `stock`.
    #[arg(long = "kernel", env = "KERNEL", global = true, value_enum)]
    pub kernel: Option<Which>,
    /// How machines come to life: `warm` goes on from a saved one, `cold` boots each.
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

/// Parse the command line, do what it says, and tell what went wrong.
pub fn main<A: Parser>(run: impl FnOnce(A) -> anyhow::Result<ExitCode>) -> ExitCode {
    let arguments = A::parse();
    let tied = die_with_parent().context("asking to be told when make ends");
    match tied.and_then(|()| run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("{}: {error:#}", red("lab"));
            ExitCode::FAILURE
        }
    }
}
