// SPDX-License-Identifier: MIT OR Apache-2.0
//! Having the kernel's allocations fail (Documentation/fault-injection/fault-injection.rst), those
//! that a module makes and no others.

use std::collections::BTreeSet;

use lab_agent::{Answer, Bytes, Call, CallResult, Op, Stdin, Stream};
use lab_machine::{PATIENCE, Trouble};
use lab_scene::{Halt, Outcome, Program, Scene, fail, readable, transcript::LineKind};

/// Where the kernel's switches are, one directory for each kind of fault.
const SWITCHES: &str = "/sys/kernel/debug";

/// Where modules are loaded, code and all, without KASLR (arch/x86/include/asm/
/// pgtable_64_types.h). Nothing but the module under test is there.
const MODULES: [&str; 2] = ["0xffffffffa0000000", "0xffffffffff000000"];

/// A function of kmemleak's that allocates, below every allocation of anybody.
const KMEMLEAK: &str = "__alloc_object";

/// Where the loader warns (WARN(), lib/dynamic_debug.c), with a backtrace, that it has no memory.
const DYNDBG: &str = "ddebug_module_notify";

/// Faults that are asked for one after the other before an operation is taken to have no end.
const MOST: u32 = 1000;

/// In how many bytes [`Fault::After`] advances: fewer than most objects have.
const STEP: u32 = 64;

/// As large as the kernel can count.
const NO_LIMIT: u32 = i32::MAX as u32;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This one of the allocations and user copies, from 1, fails, and no other.
    Nth(u32),
    /// When so many bytes have been allocated there is no more memory.
    After(u32),
}

/// How much there is in an operation that can fail, at least.
#[derive(Clone, Copy)]
pub(super) struct Sites {
    /// Allocations.
    pub(super) allocations: u32,
    /// Copies from and to user space.
    pub(super) copies: u32,
}

/// Nothing in it can fail.
pub(super) const NONE: Sites = allocations(0);

/// At least so many allocations, and nothing is copied from or to user space.
pub(super) const fn allocations(allocations: u32) -> Sites {
    let copies = 0;
    Sites {
        allocations,
        copies,
    }
}

/// What came of an operation that a fault was planned for.
pub(super) struct Attempt {
    /// Whether it came to the fault.
    pub(super) hit: bool,
    /// What it came to, for the transcript.
    pub(super) said: String,
}

/// From now on only what modules allocate and copy is counted, at any depth below their functions.
/// What kmemleak allocates for its own records is not: it has a reserve, and nobody would notice.
///
/// # Errors
/// [`Halt::Fail`] if the kernel cannot inject faults.
pub(super) fn confine_to_modules(scene: &mut Scene<'_>) -> Outcome {
    confine(scene, MODULES, KMEMLEAK)
}

/// From now on all that is allocated and copied is counted, whoever does it, the one place left
/// out where the kernel is known to take a failure for a fault of its own, and says so.
///
/// # Errors
/// [`Halt::Fail`] if the kernel cannot inject faults.
pub(super) fn everywhere(scene: &mut Scene<'_>) -> Outcome {
    confine(scene, ["0", "0xffffffffffffffff"], DYNDBG)
}

/// Count what is allocated or copied below what is in these addresses, and not below `except`.
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
    // Allocations that may sleep, too, and those of every cache.
    switch(scene, "failslab", "ignore-gfp-wait", "N")?;
    switch(scene, "failslab", "cache-filter", "N")
}

/// Make attempts, each with another fault, until one does not come to its fault. First each
/// allocation and user copy alone fails, then memory runs out for good, ever later.
///
/// # Errors
/// The [`Halt`] of an attempt; [`Halt::Fail`] if there is less that fails than there are `sites`,
/// or something where there are none.
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
            return Err(fail(format!("{title}: it has an end"), got));
        }
    }
    // Not how many: that is the kernel's business, and changes with it.
    let said: Vec<_> = said.into_iter().collect();
    let text = format!("{title}: {}", said.join("; "));
    scene.note("host", LineKind::Does, text);
    if hits < at_least || (at_least == 0 && hits > 0) {
        let expected = format!("{title}: at least {at_least} that can fail, none if 0");
        return Err(fail(expected, hits.to_string()));
    }
    Ok(())
}

/// A failure, with the fault that led to it.
fn name(halt: Halt, what: &str, fault: Fault) -> Halt {
    match halt {
        Halt::Fail { expected, got } => fail(format!("{what} with {fault:?}: {expected}"), got),
        other => other,
    }
}

/// Have an actor make a call with a fault: whether it came to it, and what the call gave.
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

/// When so many bytes have been allocated, the next `times` allocations fail, whoever makes them.
///
/// # Errors
/// [`Halt::Fail`] if the kernel does not take the order.
pub(super) fn run_out(scene: &mut Scene<'_>, bytes: u32, times: u32) -> Outcome {
    // The kernel lets pass what is smaller than what is left.
    switch(scene, "failslab", "space", &bytes.to_string())?;
    switch(scene, "failslab", "times", &times.to_string())?;
    switch(scene, "failslab", "probability", "100")
}

/// Memory is there again: how many allocations have failed, of `times`.
///
/// # Errors
/// [`Halt::Fail`] if the kernel does not take the order.
pub(super) fn recover(scene: &mut Scene<'_>, times: u32) -> Outcome<u32> {
    switch(scene, "failslab", "probability", "0")?;
    Ok(times - still_to_fail(scene)?)
}

/// How many allocations are still to fail, of those that [`run_out`] was told.
///
/// # Errors
/// [`Halt::Fail`] if the kernel does not say.
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

/// First address of a function of the kernel's, and the one behind its last.
fn text_of(scene: &mut Scene<'_>, function: &str) -> Outcome<[String; 2]> {
    // In order of addresses; the whole file has four megabytes.
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
