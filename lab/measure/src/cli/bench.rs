// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab bench`: the costs of slot, router and buffer, compared with other mechanisms of the system.

use std::process::ExitCode;

use anstream::println;
use lab_base::{paths, progress};
use lab_build::{kernels::Which, programs};
use lab_measure::{measure, plot, table};
use lab_scene::workshop::{Start, Workshop};

/// Rounds for each buffer; the table shows medians.
const BUFFER_ROUNDS: usize = 7;

/// Rounds for all other tests.
const ROUNDS: usize = 101;

/// Items that pass through a buffer in each round: a quarter of a second or more.
const ITEMS: u64 = 5_000_000;

/// Threads of each kind.
const THREADS: [u64; 2] = [1, 2];

/// Measure everything, print a table, and write it with a plot to `build/bench/`.
pub(crate) fn run(which: Option<Which>) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(which, Start::Cold)?;
    let threads = programs::threads(&workshop.paths)?;
    let mut samples = Vec::new();
    let bar = progress::bar("measuring buffers", (BUFFER_ROUNDS * THREADS.len()) as u64);
    for _ in 0..BUFFER_ROUNDS {
        for count in THREADS {
            samples.extend(measure::buffers(&threads, ITEMS, count)?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let mut machine = workshop.boot_measured()?;
    let what = format!("measuring slot and router on {}", workshop.kernel);
    samples.extend(progress::while_busy(&what, || {
        measure::in_machine(&workshop, &mut machine, measure::Effort::Rounds(ROUNDS))
    })?);
    let rows = lab_measure::rows(&samples)?;
    let directory = workshop.paths.build.join("bench");
    let files = [
        ("bench.csv", table::csv(&rows)?),
        ("bench.svg", plot::svg(&rows)?),
    ];
    for (name, text) in &files {
        paths::write_if_changed(&directory.join(name), text.as_bytes(), 0o644)?;
    }
    println!(
        "Measured on {}; slot and router in a machine with kernel {}, {}; medians of {BUFFER_ROUNDS} for \
         buffers, of {ROUNDS} for other times, of 5 for memory.\n",
        lab_cli::host(),
        workshop.kernel,
        if workshop.probed()?.kvm {
            "KVM"
        } else {
            "emulated"
        },
    );
    print!("{}", table::markdown(&rows));
    println!(
        "\nThe figures are also in {0}/bench.csv, and a plot in {0}/bench.svg",
        directory.display()
    );
    Ok(ExitCode::SUCCESS)
}
