// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab bench-machines`: start times of machines, side by side.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anstream::println;
use anyhow::{Context, ensure};
use lab_base::progress;
use lab_build::kernels::Which;
use lab_machine::vng;
use lab_scene::{
    LooksAt, Scenario, ScenarioResult,
    peer::request,
    perform,
    transcript::Status,
    workshop::{Start, Workshop},
};

/// Rounds; the table shows medians.
const ROUNDS: usize = 10;

/// The smallest work of a check.
const EXCHANGE: Scenario = Scenario {
    id: "bench/exchange",
    title: "insert a module and exchange a message",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.step("insert and exchange a message", "acknowledged", |scene| {
            scene.insert("nl_hello", "")?;
            let peer = scene.peer("A", 0)?;
            scene.send(&peer, request(0x10, b"hello"))?;
            scene.receive(&peer, Duration::from_secs(10)).map(drop)
        })
    },
};

/// One row of the table.
struct Row {
    which: Which,
    cold: Duration,
    warm: Duration,
    checked: Duration,
    bare: Duration,
    bytes: u64,
}

/// Measure each available kernel, or only `wanted`, and restore each machine `restores` times in a
/// row.
pub(crate) fn run(restores: usize, wanted: Option<Which>) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    let mut failures = 0;
    for which in Which::ALL {
        if wanted.is_some_and(|wanted| wanted != which) {
            continue;
        }
        let cold = match Workshop::open(Some(which), Start::Cold) {
            Ok(workshop) => workshop,
            Err(error) => {
                eprintln!("{which} is left out: {error}");
                continue;
            }
        };
        let warm = Workshop::open(Some(which), Start::Warm)?;
        warm.module("nl_hello")?;
        // The saved machine is made once and not measured.
        drop(warm.machine()?);
        let bar = progress::bar(&format!("measuring {which}"), (4 * ROUNDS) as u64);
        let kvm = warm.probed()?.kvm;
        let mut times = [const { Vec::new() }; 4];
        // In turns, so that a busy moment of the host does not affect one of them only.
        for _ in 0..ROUNDS {
            times[0].push(cold.machine()?.start_time);
            bar.inc(1);
            times[1].push(warm.machine()?.start_time);
            bar.inc(1);
            let begin = Instant::now();
            let ScenarioResult { transcript, .. } =
                perform(&EXCHANGE, &warm, &mut warm.machine()?, 1, &mut |_| ());
            ensure!(
                transcript.status() == Status::Pass,
                "{}",
                transcript.normalised()
            );
            times[2].push(begin.elapsed());
            bar.inc(1);
            let begin = Instant::now();
            vng::run_bare(&warm.paths, &warm.kernel, kvm).context("a bare vng")?;
            times[3].push(begin.elapsed());
            bar.inc(1);
        }
        bar.finish_and_clear();
        let bar = progress::bar(&format!("restoring {which}"), restores as u64);
        for _ in 0..restores {
            if let Err(error) = warm.restore_once() {
                eprintln!("{which}: {error}");
                failures += 1;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        let [cold, restored, checked, bare] = times.map(median);
        rows.push(Row {
            which,
            cold,
            warm: restored,
            checked,
            bare,
            bytes: warm.saved_bytes()?,
        });
    }
    show(&rows);
    println!("\n{restores} restores of each in a row: {failures} failed");
    Ok(if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(rows: &[Row]) {
    println!("Measured on {}; medians of {ROUNDS}.\n", lab_cli::host());
    println!(
        "| kernel | cold start | warm start | cold/warm | warm start, insert, exchange, verdict | saved state | bare `vng -- true` |"
    );
    println!("|---|---|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {:.2} s | {:.2} s | {:.0} | {:.2} s | {} MiB | {:.1} s |",
            row.which,
            row.cold.as_secs_f64(),
            row.warm.as_secs_f64(),
            row.cold.as_secs_f64() / row.warm.as_secs_f64(),
            row.checked.as_secs_f64(),
            row.bytes >> 20,
            row.bare.as_secs_f64(),
        );
    }
}

/// The median of an odd number of values; otherwise the upper of the two middle ones.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
