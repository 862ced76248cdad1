// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab doctor`: the part of `make doctor` that needs more than a shell. `lab/doctor.sh` does the
//! rest, and comes first.

use std::process::ExitCode;

use anstream::println;
use lab_base::{paths::Paths, progress::while_busy};
use lab_build::kernels::{Kernel, Which};
use lab_cli::{green, red};
use lab_grade::sandbox::Sandbox;
use lab_machine::{confine, probe};
use lab_scene::workshop::{Start, Workshop};

pub(crate) fn run(which: Option<Which>) -> anyhow::Result<ExitCode> {
    let paths = Paths::find()?;
    let mut healthy = true;
    let mut check = |name: &str, result: Result<String, (String, String)>| match result {
        Ok(text) => println!("{}       {name}: {text}", green("ok")),
        Err((text, mend)) => {
            healthy = false;
            println!("{}  {name}: {text}; to mend it: {mend}", red("missing"));
        }
    };

    let stock = Kernel::find(&paths, Some(Which::Stock));
    check("stock kernel", there(&stock));
    // The lab's own kernels are worth having, and nothing depends on them.
    let own = [
        (
            Which::Lab,
            "make kernel: boots three times as fast, needs 3 GB of disk",
        ),
        (
            Which::Debug,
            "make kernel KERNEL=debug: finds what others hide, needs 3 GB of disk",
        ),
    ]
    .map(|(own, worth)| {
        let kernel = Kernel::find(&paths, Some(own));
        let name = format!("{own} kernel");
        if kernel.is_ok() || which == Some(own) {
            check(&name, there(&kernel));
        } else {
            println!("{}       {name}: not built ({worth})", green("ok"));
        }
        kernel
    });
    for kernel in std::iter::once(&stock).chain(&own).flatten() {
        let makefile = kernel.build.join("Makefile");
        let name = format!("headers of {}", kernel.which);
        check(
            &name,
            if makefile.exists() {
                Ok(kernel.build.display().to_string())
            } else {
                Err((
                    format!("expected {}", makefile.display()),
                    "lab/setup.sh".into(),
                ))
            },
        );
    }
    // Both work; a teacher may want to know which.
    let user = match confine::is_apart() {
        Ok(()) => format!("runs as user {}, without privileges", confine::USER),
        Err(why) => format!("runs as the user who runs the lab ({why})"),
    };
    check("QEMU", Ok(format!("{user}, in its own sandbox")));
    if stock.is_ok() || own.iter().any(Result::is_ok) {
        // Nothing but trying shows that KVM, or emulation, and namespaces work.
        let workshop = Workshop::open(which, Start::Cold);
        check(
            "machine",
            said(&workshop, machine, "make shell shows where it stops"),
        );
        let sandbox = |workshop: &Workshop| {
            Sandbox::new(workshop).map(|_| "bubblewrap makes one, submissions can be graded".into())
        };
        let tried = while_busy("trying the sandbox", || {
            said(&workshop, sandbox, "lab/setup.sh")
        });
        check("sandbox", tried);
    }
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn there(kernel: &lab_base::Result<Kernel>) -> Result<String, (String, String)> {
    match kernel {
        Ok(kernel) => Ok(format!("{} in {}", kernel.release, kernel.image.display())),
        Err(lab_base::Error::Missing { what, mend }) => Err((what.clone(), mend.clone())),
        Err(error) => Err((error.to_string(), "lab/setup.sh".into())),
    }
}

/// The result of trying something in a workshop, with what mends a failure that does not say so.
fn said(
    workshop: &lab_base::Result<Workshop>,
    attempt: impl FnOnce(&Workshop) -> lab_base::Result<String>,
    mend: &str,
) -> Result<String, (String, String)> {
    let split = |error: &lab_base::Error| match error {
        lab_base::Error::Missing { what, mend } => (what.clone(), mend.clone()),
        error => (error.to_string(), mend.into()),
    };
    match workshop {
        Ok(workshop) => attempt(workshop).map_err(|error| split(&error)),
        Err(error) => Err(split(error)),
    }
}

/// Boots one, if none has been booted yet.
fn machine(workshop: &Workshop) -> lab_base::Result<String> {
    let probe::ProbeResult {
        kvm,
        because,
        boot_effort_seconds,
    } = workshop.probed()?;
    Ok(format!(
        "{} boots in {boot_effort_seconds:.1} s {} ({because})",
        workshop.kernel,
        if kvm { "with KVM" } else { "emulated" }
    ))
}
