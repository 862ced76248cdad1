// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab`: what the Makefile's targets call.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("{}: {error:#}", cli::red("lab"));
            ExitCode::FAILURE
        }
    }
}
