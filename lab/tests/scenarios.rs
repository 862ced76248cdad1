// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every scenario of the catalogue as a test of its own: in a real kernel, its record compared with
//! its snapshot. The snapshots are the same on every kernel. What only the debug kernel can show is
//! ignored on the others; `make test KERNEL=debug` carries it out.

use std::process::ExitCode;

use lab_build::kernels::Capability;
use lab_scene::{
    Scenario,
    test_machines::{carry_out, workshop},
    transcript::Status,
};
use lab_stages::faults;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let of_any_kernel =
        lab_stages::all().map(|scenario| Trial::test(scenario.id, || compared(scenario)));
    let of_debug_kernel = faults::SCENARIOS.iter().map(|scenario| {
        Trial::test(scenario.id, || on_debug_kernel(scenario)).with_ignored_flag(true)
    });
    let trials = of_any_kernel.chain(of_debug_kernel).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Carry out one scenario, which has to pass, and return its record.
fn record_of(scenario: &Scenario) -> Result<String, Failed> {
    let ended = carry_out(scenario)?;
    let record = ended.transcript.normalised();
    match ended.transcript.status() {
        Status::Pass if ended.healthy => Ok(record),
        Status::Pass => Err(format!("it has left something behind\n{record}").into()),
        status => Err(format!("{status:?}\n{record}").into()),
    }
}

fn compared(scenario: &Scenario) -> Result<(), Failed> {
    let record = record_of(scenario)?;
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_description(scenario.title);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(scenario.id.replace('/', "-"), record));
    Ok(())
}

fn on_debug_kernel(scenario: &Scenario) -> Result<(), Failed> {
    if !workshop()?.kernel.which.has(Capability::Faults) {
        return Err("faults can be injected into the debug kernel only: KERNEL=debug".into());
    }
    record_of(scenario).map(drop)
}
