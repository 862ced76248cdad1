// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab doctor`: the part of `make doctor` that needs more than a shell. Packages, cargo and
//! virtme-ng are checked by `lab/setup.sh --check`, which comes first.

use std::{fmt::Display, path::Path, process::ExitCode};

use anstream::println;
use lab_base::paths::Paths;
use lab_build::kernels::{Kernel, Which};
use lab_cli::{green, red};
use lab_grade::sandbox::Sandbox;
use lab_machine::{confine, probe};
use lab_scene::workshop::{Start, Workshop};
use nix::sys::statvfs::statvfs;

/// Disk space that a lab kernel takes: source 1.6 GB, objects 0.4 GB, and some to spare.
const DISK_FOR_KERNEL: u64 = 3 << 30;
/// Disk space without one.
const DISK: u64 = 1 << 30;
/// Memory: a machine has 256 MB, the compiler wants more.
const MEMORY_KIB: u64 = 1 << 20;

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
        (Which::Lab, "make kernel: boots three times as fast"),
        (
            Which::Debug,
            "make kernel KERNEL=debug: finds what others hide",
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
    let built = own.iter().any(Result::is_ok);
    let needed = if built { DISK } else { DISK_FOR_KERNEL };
    for (name, place) in [
        ("disk for the cache", &paths.cache),
        ("disk for build/", &paths.checkout),
    ] {
        check(name, disk(place, needed));
    }
    check("memory", memory());
    // Both work; a teacher may want to know which.
    let user = match confine::is_apart() {
        Ok(()) => format!("runs as user {}, without privileges", confine::USER),
        Err(why) => format!("runs as the user who runs the lab ({why})"),
    };
    check("QEMU", Ok(format!("{user}, in its own sandbox")));
    if stock.is_ok() || built {
        // Nothing but trying shows that KVM, or emulation, and namespaces work.
        let workshop = Workshop::open(which, Start::Cold);
        check(
            "machine",
            said(&workshop, machine, "make shell shows where it stops"),
        );
        let sandbox = |workshop: &Workshop| {
            Sandbox::new(workshop).map(|_| "bubblewrap makes one, submissions can be graded".into())
        };
        check("sandbox", said(&workshop, sandbox, "lab/setup.sh"));
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

fn gib(bytes: u64) -> impl Display {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}

fn disk(place: &Path, needed: u64) -> Result<String, (String, String)> {
    let mend = || {
        format!(
            "free some space in {}, for example with make clean-cache",
            place.display()
        )
    };
    // The cache may not have been created yet.
    let existing = place
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    let stat = statvfs(existing).map_err(|errno| (format!("statvfs: {errno}"), mend()))?;
    let free = stat.blocks_available() * stat.fragment_size();
    if free >= needed {
        return Ok(format!("{} free in {}", gib(free), place.display()));
    }
    Err((
        format!(
            "expected {} free in {}, found {}",
            gib(needed),
            place.display(),
            gib(free)
        ),
        mend(),
    ))
}

fn memory() -> Result<String, (String, String)> {
    let mend = || "end some programs".to_owned();
    let text = std::fs::read_to_string("/proc/meminfo")
        .map_err(|error| (format!("/proc/meminfo: {error}"), mend()))?;
    let available = text
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemAvailable:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0_u64);
    let (found, needed) = (gib(available << 10), gib(MEMORY_KIB << 10));
    if available >= MEMORY_KIB {
        Ok(format!("{found} available"))
    } else {
        Err((
            format!("expected {needed} available, found {found}"),
            mend(),
        ))
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
    let probe::Finding {
        kvm,
        because,
        boot_effort_seconds,
    } = workshop.finding()?;
    Ok(format!(
        "{} boots in {boot_effort_seconds:.1} s {} ({because})",
        workshop.kernel,
        if kvm { "with KVM" } else { "emulated" }
    ))
}
