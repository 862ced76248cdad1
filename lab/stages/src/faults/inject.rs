// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes allocations of a module fail, and no others
//! (Documentation/fault-injection/fault-injection.rst).

use std::collections::BTreeSet;

use lab_agent::{Answer, Bytes, Call, CallResult, Op, Stdin, Stream};
use lab_machine::{PATIENCE, Trouble};
use lab_scene::{Halt, Outcome, Program, Scene, fail, readable, transcript::LineKind};

/// The kernel's switches, one directory for each kind of fault.
const SWITCHES: &str = "/sys/kernel/debug";

/// Addresses at which modules are loaded, code and data, without KASLR
/// (arch/x86/include/asm/pgtable_64_types.h). Only the module under test is there.
const MODULES: [&str; 2] = ["0xffffffffa0000000", "0xffffffffff000000"];

/// A function of kmemleak's that allocates for every allocation of the kernel.
const KMEMLEAK: &str = "__alloc_object";

/// A function of the module loader that warns with a backtrace (WARN(), lib/dynamic_debug.c) if it
/// has no memory.
const DYNDBG: &str = "ddebug_module_notify";

/// Number of consecutive faults after which an operation is taken for endless.
const MOST: u32 = 1000;

/// Bytes by which [`Fault::After`] advances: fewer than most objects have.
const STEP: u32 = 64;

/// The largest number that the kernel accepts.
const NO_LIMIT: u32 = i32::MAX as u32;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Only the allocation or user copy with this number, from 1, fails.
    Nth(u32),
    /// All allocations fail after this many bytes.
    After(u32),
}

/// The fewest calls of an operation that can fail.
#[derive(Clone, Copy)]
pub(super) struct Sites {
    /// Allocations.
    pub(super) allocations: u32,
    /// Copies from and to user space.
    pub(super) copies: u32,
}

/// No call can fail.
pub(super) const NONE: Sites = allocations(0);

/// At least this many allocations, and no user copies.
pub(super) const fn allocations(allocations: u32) -> Sites {
    let copies = 0;
    Sites {
        allocations,
        copies,
    }
}

/// The result of an operation for which a fault was planned.
pub(super) struct Attempt {
    /// Whether the fault happened.
    pub(super) hit: bool,
    /// The result, for the transcript.
    pub(super) said: String,
}

/// Count only allocations and copies of modules, at any depth below their functions. Records of
/// kmemleak are left out: it has a reserve, so a failure there has no visible effect.
///
/// # Errors
/// [`Halt::Fail`] if the kernel cannot inject faults.
pub(super) fn confine_to_modules(scene: &mut Scene<'_>) -> Outcome {
    confine(scene, MODULES, KMEMLEAK)
}

/// Count all allocations and copies of the kernel. One place is left out: the kernel warns there
/// when it has no memory.
///
/// # Errors
/// [`Halt::Fail`] if the kernel cannot inject faults.
pub(super) fn everywhere(scene: &mut Scene<'_>) -> Outcome {
    confine(scene, ["0", "0xffffffffffffffff"], DYNDBG)
}

/// Count allocations and copies below functions at these addresses, and not below `except`.
fn confine(scene: &mut Scene<'_>, addresses: [&str; 2], except: &str) -> Outcome {
    let except = text_of(scene, except)?;
    for kind in ["failslab", "fail_usercopy"] {
        let switches = [
            ("probability", "0"),
            ("verbose", "0"),
            ("stacktrace-depth", "32"),
            ("require-start", addresses[0]),
            ("require-end", addresses[1]),
            ("reject-start", &except[0]),
            ("reject-end", &except[1]),
        ];
        for (name, value) in switches {
            switch(scene, kind, name, value)?;
        }
    }
    // Also allocations that may sleep, and those of every cache.
    switch(scene, "failslab", "ignore-gfp-wait", "N")?;
    switch(scene, "failslab", "cache-filter", "N")
}

/// Make attempts, each with another fault, until an attempt ends before its fault. First each
/// allocation and each user copy fails alone. Then memory runs out for good, later in each attempt.
///
/// # Errors
/// The [`Halt`] of an attempt; [`Halt::Fail`] if fewer calls can fail than `sites` says, or if one
/// can fail although none should.
pub(super) fn each(
    scene: &mut Scene<'_>,
    what: &str,
    sites: Sites,
    mut attempt: impl FnMut(&mut Scene<'_>, Fault) -> Outcome<Attempt>,
) -> Outcome {
    let Sites {
        allocations,
        copies,
    } = sites;
    each_alone(scene, what, allocations + copies, &mut attempt)?;
    let at_least = allocations.min(1);
    let title = format!("{what}; no more memory");
    go_through(scene, &title, at_least, &mut attempt, |n| {
        Fault::After(n * STEP)
    })
}

/// The first half of [`each`].
///
/// # Errors
/// As [`each`].
pub(super) fn each_alone(
    scene: &mut Scene<'_>,
    what: &str,
    at_least: u32,
    attempt: impl FnMut(&mut Scene<'_>, Fault) -> Outcome<Attempt>,
) -> Outcome {
    let title = format!("{what}; one fails");
    go_through(scene, &title, at_least, attempt, |n| Fault::Nth(n + 1))
}

fn go_through(
    scene: &mut Scene<'_>,
    title: &str,
    at_least: u32,
    mut attempt: impl FnMut(&mut Scene<'_>, Fault) -> Outcome<Attempt>,
    fault: fn(u32) -> Fault,
) -> Outcome {
    let mut said = BTreeSet::new();
    let mut hits = 0;
    loop {
        let fault = fault(hits);
        let met = attempt(scene, fault).map_err(|halt| name(halt, title, fault))?;
        if !met.hit {
            said.insert(format!("without: {}", met.said));
            break;
        }
        said.insert(met.said);
        hits += 1;
        if hits > MOST {
            let got = format!("{hits} faults");
            return Err(fail(format!("{title}: ends"), got));
        }
    }
    // The exact number depends on the kernel's version.
    let said: Vec<_> = said.into_iter().collect();
    let text = format!("{title}: {}", said.join("; "));
    scene.note("host", LineKind::Does, text);
    if hits < at_least || (at_least == 0 && hits > 0) {
        let expected = format!("{title}: at least {at_least} calls that can fail, none if 0");
        return Err(fail(expected, hits.to_string()));
    }
    Ok(())
}

/// A failure, with the fault that caused it.
fn name(halt: Halt, what: &str, fault: Fault) -> Halt {
    match halt {
        Halt::Fail { expected, got } => fail(format!("{what} with {fault:?}: {expected}"), got),
        other => other,
    }
}

/// Make an actor carry out a call with a fault. Returns whether the fault happened, and the call's
/// result.
///
/// # Errors
/// [`Halt`].
pub(super) fn call(
    scene: &mut Scene<'_>,
    actor: &Program,
    call: &Call,
    fault: Fault,
) -> Outcome<(bool, CallResult)> {
    match fault {
        Fault::Nth(nth) => {
            let call = Call::WithFault {
                nth,
                call: Box::new(call.clone()),
            };
            match scene.call(actor, &call)? {
                Ok(Answer::Faulted { hit, outcome }) => Ok((hit, *outcome)),
                other => Err(Trouble::Lost(format!("{call:?} gave {other:?}")).into()),
            }
        }
        Fault::After(bytes) => {
            run_out(scene, bytes, NO_LIMIT)?;
            let observed = scene.call(actor, call)?;
            Ok((recover(scene, NO_LIMIT)? > 0, observed))
        }
    }
}

/// After this many bytes, the next `times` allocations fail, in the whole kernel.
///
/// # Errors
/// [`Halt::Fail`] if the kernel does not accept the order.
pub(super) fn run_out(scene: &mut Scene<'_>, bytes: u32, times: u32) -> Outcome {
    // The kernel lets smaller allocations than the remaining bytes succeed.
    switch(scene, "failslab", "space", &bytes.to_string())?;
    switch(scene, "failslab", "times", &times.to_string())?;
    switch(scene, "failslab", "probability", "100")
}

/// End the shortage. Returns how many of `times` allocations have failed.
///
/// # Errors
/// [`Halt::Fail`] if the kernel does not accept the order.
pub(super) fn recover(scene: &mut Scene<'_>, times: u32) -> Outcome<u32> {
    switch(scene, "failslab", "probability", "0")?;
    Ok(times - still_to_fail(scene)?)
}

/// How many of the allocations given to [`run_out`] have not failed yet.
///
/// # Errors
/// [`Halt::Fail`] if the number cannot be read.
pub(super) fn still_to_fail(scene: &mut Scene<'_>) -> Outcome<u32> {
    let text = scene.read(&format!("{SWITCHES}/failslab/times"))?;
    text.trim()
        .parse()
        .map_err(|_| fail("how many allocations are to fail", text))
}

fn switch(scene: &mut Scene<'_>, kind: &str, name: &str, value: &str) -> Outcome {
    let path = format!("{SWITCHES}/{kind}/{name}");
    let what = format!("writing {value} to {path}");
    let op = Op::Put {
        path,
        mode: 0o600,
        data: Bytes(value.as_bytes().to_vec()),
    };
    scene
        .machine
        .order(&what, op)?
        .map(drop)
        .map_err(|refusal| {
            fail(
                format!("{what}: faults can be injected"),
                refusal.to_string(),
            )
        })
}

/// Address range of a kernel function.
fn text_of(scene: &mut Scene<'_>, function: &str) -> Outcome<[String; 2]> {
    // The file is sorted by address, and has four megabytes.
    let pattern = format!(" {function}$");
    let arguments = ["grep", "-A1", &pattern, "/proc/kallsyms"];
    let grep = scene.spawn("grep", "/bin/busybox", &arguments, 0, Stdin::Closed)?;
    let mut found = Vec::new();
    while let Some(line) = scene.wait_line(&grep, Stream::Stdout, 6 * PATIENCE)? {
        let line = readable(&line);
        let address = line.split(' ').next().unwrap_or_default();
        found.push(format!("0x{address}"));
    }
    found.try_into().map_err(|found| {
        fail(
            format!("{function} in /proc/kallsyms"),
            format!("{found:?}"),
        )
    })
}
