// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab console`: the report in a saved log of a kernel.

use std::{fs, path::Path, process::ExitCode, time::SystemTime};

use anstream::println;
use anyhow::{Context, bail};
use clap::ValueEnum;
use lab_base::paths::Paths;
use lab_build::{
    kernels::{Kernel, Which},
    modules,
};
use lab_cli::{bold, green, red};
use lab_console::{KernelReport, Source, first_report, is_kernel_log};

/// Print the first report of the log: exit status 1. Without a report: 0.
pub(crate) fn run(file: &Path, which: Option<Which>) -> anyhow::Result<ExitCode> {
    let text = read(file)?;
    let Some(report) = first_report(&text) else {
        println!("{}: the kernel does not complain", green("clean"));
        return Ok(ExitCode::SUCCESS);
    };
    let seen = fs::metadata(file).and_then(|meta| meta.modified())?;
    let source = source_of(&report, &text, seen, which);
    println!("{}", red(report.headline(source.as_ref())));
    println!("{}\n", bold(report.class.meaning()));
    println!("{}", report.excerpt);
    Ok(ExitCode::FAILURE)
}

/// A log as text. Bytes that are not UTF-8 were garbled on the way and are replaced.
fn read(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let bytes = fs::read(file).with_context(|| format!("reading {name}"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.trim().is_empty() {
        bail!("{name} is empty; expected the log of a kernel");
    }
    if is_kernel_log(&text) {
        return Ok(text);
    }
    // As grep does. A crash leaves such bytes in a log, too.
    if bytes.contains(&0) {
        bail!("{name} is a binary file; expected the log of a kernel");
    }
    bail!(
        "{name} is not the log of a kernel; expected what dmesg, journalctl -k, syslog or a serial console shows"
    );
}

/// The source line of the report, if it is in a module of this checkout. The module must have been
/// built for the kernel in the log, have a function of this length, and not have been built again
/// since.
fn source_of(
    report: &KernelReport,
    text: &str,
    seen: SystemTime,
    which: Option<Which>,
) -> Option<Source> {
    let place = report.place.as_ref()?;
    let paths = Paths::find().ok()?;
    let kernels = match which {
        Some(which) => vec![which],
        None => Which::value_variants().to_vec(),
    };
    kernels
        .into_iter()
        .filter_map(|which| Kernel::find(&paths, Some(which)).ok())
        .filter(|kernel| text.contains(&kernel.release))
        .find_map(|kernel| modules::source_of(&paths, &kernel, place, seen))
}
