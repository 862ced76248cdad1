// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out one scenario on one machine. Afterwards its processes and modules are removed, and
//! the kernel must not have complained.

use std::{collections::HashMap, time::Duration};

use lab_agent::Op;
use lab_machine::{LogLine, Machine, PATIENCE, Trouble};
use nix::sys::signal::Signal;

use crate::{
    detail::Detail,
    halt::{Outcome, fail},
    scenario::{LooksAt, Scenario},
    scene::Scene,
    transcript::{Entry, Status, Transcript, Verdict},
    workshop::Workshop,
};

/// Taint bits that inserting any module of the lab sets: out of tree (12), unsigned (13).
const HARMLESS_TAINT: u64 = 1 << 12 | 1 << 13;

/// Taint bit that the soft lockup watchdog sets.
const LOCKUP_TAINT: u64 = 1 << 14;

/// If the threads of a machine wait for a processor longer than this, its watchdogs are ignored.
/// They complain after 20 s. On an idle host a scenario waits a fraction of a second.
const STARVED: Duration = Duration::from_secs(5);

/// Settings of each machine ([`lab_build::kernels`]) without which complaints of the kernel would not
/// be seen: the file, and the beginning of its contents.
const SETTINGS: [(&str, &str); 3] = [
    ("/proc/sys/kernel/panic_on_warn", "1"),
    ("/proc/sys/kernel/panic_on_oops", "1"),
    ("/proc/sys/kernel/printk", "7"),
];

/// The result of a scenario.
pub struct ScenarioResult {
    /// Its record.
    pub transcript: Transcript,
    /// Whether the machine can be used again: no process runs, no module is inserted, no taint is
    /// new.
    pub healthy: bool,
}

/// Carry out a scenario on a machine. `watch` gets each entry of the record as it is made.
pub fn perform(
    scenario: &Scenario,
    workshop: &Workshop,
    machine: &mut Machine,
    seed: u64,
    watch: &mut dyn FnMut(&Entry),
) -> ScenarioResult {
    let mut run = scenario.run;
    let details = match scenario.looks_at {
        LooksAt::Module(details) => details,
        LooksAt::Programs => &[],
    };
    improvise(
        scenario.id,
        details,
        &mut run,
        workshop,
        machine,
        seed,
        watch,
    )
}

/// As [`perform`], for actions that are generated while they run.
pub fn improvise(
    id: &'static str,
    details: &'static [Detail],
    run: &mut dyn FnMut(&mut Scene<'_>) -> Outcome,
    workshop: &Workshop,
    machine: &mut Machine,
    seed: u64,
    watch: &mut dyn FnMut(&Entry),
) -> ScenarioResult {
    let console_before = machine.look(|observed| observed.console.len());
    let log_before = machine.look(|observed| observed.log.len());
    let starved_before = machine.starved();
    let mut scene = Scene {
        machine,
        workshop,
        transcript: Transcript::default(),
        watch,
        rng: fastrand::Rng::with_seed(seed),
        step: 0,
        programs: Vec::new(),
        peers: 0,
        muted: Vec::new(),
        modules: Vec::new(),
        early_acks: Vec::new(),
        leak_watch: None,
        theirs_has_run: false,
        logged: 0,
        log_muted: false,
        used: HashMap::new(),
        shown: HashMap::new(),
        id,
        details,
    };
    let outcome = scene.begin().and_then(|taint| {
        run(&mut scene)?;
        Ok(taint)
    });
    let cleaned = match outcome {
        Ok(taint) => scene
            .clean_up()
            .and_then(|()| scene.check_taint(taint, console_before, starved_before))
            .and_then(|()| scene.check_settings(console_before, log_before)),
        Err(halt) => {
            // A halt inside a step has its verdict already; a halt outside of steps has none.
            scene.conclude(halt);
            scene.clean_up()
        }
    };
    let healthy = match cleaned {
        Ok(()) => true,
        Err(halt) => {
            scene.conclude(halt);
            false
        }
    };
    let healthy = healthy
        && !workshop.subject.contract_only
        && !matches!(
            scene.transcript.status(),
            Status::Crash | Status::Timeout | Status::Error
        );
    ScenarioResult {
        transcript: scene.transcript,
        healthy,
    }
}

impl Scene<'_> {
    fn begin(&mut self) -> Outcome<u64> {
        self.logged = self.machine.sync_log()?;
        self.taint()
    }

    fn taint(&mut self) -> Outcome<u64> {
        let text = self.read("/proc/sys/kernel/tainted")?;
        text.trim()
            .parse()
            .map_err(|_| Trouble::Lost(format!("the taint mask is {text:?}")).into())
    }

    /// The kernel must not have complained unnoticed. If the host had no processor for the machine,
    /// complaints of a watchdog are ignored: the slow action has ended.
    fn check_taint(
        &mut self,
        before: u64,
        console_before: usize,
        starved_before: Duration,
    ) -> Outcome {
        let after = self.taint()?;
        let starved = self.machine.starved().saturating_sub(starved_before) >= STARVED;
        let harmless = if starved {
            HARMLESS_TAINT | LOCKUP_TAINT
        } else {
            HARMLESS_TAINT
        };
        let new = (after & !before) & !harmless;
        let console = self.machine.look(|observed| {
            String::from_utf8_lossy(&observed.console[console_before..]).into_owned()
        });
        let report = if starved {
            lab_console::first_fault(&console)
        } else {
            lab_console::first_report(&console)
        };
        if new == 0 && report.is_none() {
            return Ok(());
        }
        let got = report.map_or_else(
            || format!("taint mask {new:#x}"),
            |report| self.headline(&report),
        );
        let failure = self.failure("the kernel does not complain".into(), got, true);
        self.record(Entry::Verdict(Verdict {
            status: Status::Crash,
            got: Some(failure),
        }));
        Ok(())
    }

    /// Nobody may have switched off what makes the kernel's complaints seen. A module that hides a
    /// complaint from one reader must hide it from all: the taint mask, the console, the log.
    fn check_settings(&mut self, console_before: usize, log_before: usize) -> Outcome {
        for (file, expected) in SETTINGS {
            let found = self.read(file)?;
            if !found.starts_with(expected) {
                return Err(fail(
                    format!("{file} is {expected}, as when the machine started"),
                    format!("it is {}", found.trim()),
                ));
            }
        }
        let mark = self.machine.sync_log()?;
        let (mark, log) = self.machine.look(|observed| {
            let text = |line: &LogLine| line.text.clone();
            let log: Vec<_> = observed.log[log_before..mark].iter().map(text).collect();
            (observed.log[mark].text.clone(), log.join("\n"))
        });
        if let Some(report) = lab_console::first_fault(&log) {
            let got = self.headline(&report);
            return Err(fail("the kernel does not complain", got));
        }
        let limit = self.machine.scaled(PATIENCE);
        let is_shown = self.machine.wait(limit, |observed| {
            let console = &observed.console[console_before..];
            let mut found = console.windows(mark.len());
            found.any(|part| part == mark.as_bytes()).then_some(())
        })?;
        is_shown.ok_or_else(|| {
            fail(
                "the kernel's log is shown on its console, as when the machine started",
                "the console is silent",
            )
        })
    }

    /// Kill all processes, remove all modules. Submitted modules stay: other checks judge their
    /// removal, and the machine is not used again.
    fn clean_up(&mut self) -> Outcome {
        for program in std::mem::take(&mut self.programs) {
            if self.exit_of(&program).is_none() {
                // The process may have ended meanwhile.
                let _ = self.order_signal(&program, Signal::SIGKILL)?;
                let limit = self.machine.scaled(PATIENCE);
                self.machine
                    .wait(limit, |observed| observed.processes.get(&program.id)?.exit)?
                    .ok_or(Trouble::Hung {
                        what: format!("killing {}", program.name),
                        after: limit,
                    })?;
            }
        }
        if self.contract_only() {
            return Ok(());
        }
        // One after the other: a module that never lets itself be removed is still in the list.
        while let Some(name) = self.modules.last().cloned() {
            let removed = self
                .machine
                .order(&format!("rmmod {name}"), Op::Remove { name: name.clone() })?;
            self.modules.pop();
            if let Err(refusal) = removed {
                return Err(fail(format!("{name} can be removed"), refusal.to_string()));
            }
        }
        Ok(())
    }
}
