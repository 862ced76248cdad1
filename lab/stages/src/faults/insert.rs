// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inserting a module without memory: clauses D2 and N7.

use lab_agent::{Call, Op};
use lab_scene::{LooksAt, Outcome, Program, Scenario, Scene, expect_eq, fail};
use nix::errno::Errno;

use super::{
    finish::finish_removed,
    inject::{Attempt, Fault, allocations, call, confine_to_modules, each, each_alone, everywhere},
};

/// A module, and the allocations of its insertion.
struct Module {
    name: &'static str,
    params: &'static str,
    /// The fewest allocations below its own code.
    sites: u32,
    /// Number of these without which the insertion still succeeds silently.
    spare: usize,
}

const fn scenario(id: &'static str, run: fn(&mut Scene<'_>) -> Outcome) -> Scenario {
    let title = "an insert without memory is an errno, and the next one succeeds";
    Scenario {
        id,
        title,
        looks_at: LooksAt::Module(&[]),
        run,
    }
}

pub(super) const SLOT: Scenario = scenario("message-slot/D2-no-memory", |scene| {
    let module = Module {
        sites: 3,
        // The name of an invisible kobject (__register_chrdev(), fs/char_dev.c).
        spare: 1,
        ..netlink("message_slot", "")
    };
    run(scene, &module)
});
pub(super) const HELLO: Scenario = scenario("part2/N7-hello-no-memory", |scene| {
    run(scene, &netlink("nl_hello", ""))
});
pub(super) const GREETING: Scenario = scenario("part2/N7-greeting-no-memory", |scene| {
    run(scene, &netlink("nl_greeting", "interval_ms=1000000"))
});
pub(super) const ROUTES: Scenario = scenario("part2/N7-routes-no-memory", |scene| {
    let module = Module {
        // And three entries.
        sites: SOCKET + 3,
        ..netlink("nl_routes", "")
    };
    run(scene, &module)
});
pub(super) const PUBSUB: Scenario = scenario("part2/N7-pubsub-no-memory", |scene| {
    run(scene, &netlink("nl_pubsub", ""))
});
pub(super) const ROUTER: Scenario = scenario("part3/N7-no-memory", |scene| {
    run(scene, &netlink("nl_router", ""))
});

const fn netlink(name: &'static str, params: &'static str) -> Module {
    Module {
        name,
        params,
        sites: SOCKET,
        spare: 0,
    }
}

/// The fewest allocations for the kernel's socket: an inode, a sock, a list of listeners.
const SOCKET: u32 = 3;

/// The fewest allocations for the insertion of any module, before its own code runs.
const LOADING: u32 = 20;

fn run(scene: &mut Scene<'_>, module: &Module) -> Outcome {
    let file = scene.workshop().module(module.name)?;
    let path = scene.machine.put(&file)?;
    let actor = scene.actor("actor", 0)?;
    let params = module.params.to_owned();
    let insert = Call::Insert { path, params };
    scene.watch_leaks()?;
    confine_to_modules(scene)?;
    scene.step(
        "allocations of the module's own code fail",
        "an errno, and the module is not inserted; without a fault it is",
        |scene| {
            let mut spared = 0;
            let sites = allocations(module.sites);
            each(scene, "insmod", sites, |scene, fault| {
                let attempt = attempt(scene, &actor, module.name, &insert, fault)?;
                spared += usize::from(attempt.hit && attempt.said == IN);
                Ok(attempt)
            })?;
            expect_eq("inserts that succeeded all the same", spared, module.spare)
        },
    )?;
    everywhere(scene)?;
    scene.step(
        "any allocation fails",
        "an errno, and the module is not inserted; or it is, if the kernel does not need the memory",
        |scene| {
            each_alone(scene, "insmod", LOADING, |scene, fault| {
                attempt(scene, &actor, module.name, &insert, fault)
            })
        },
    )?;
    finish_removed(scene)
}

const IN: &str = "the module is inserted and removed";

/// Insert it with a fault, and remove it if it is in.
fn attempt(
    scene: &mut Scene<'_>,
    actor: &Program,
    module: &str,
    insert: &Call,
    fault: Fault,
) -> Outcome<Attempt> {
    let (hit, observed) = call(scene, actor, insert, fault)?;
    let said = match observed {
        Ok(_) => {
            let name = module.to_owned();
            let removed = scene.machine.order("rmmod", Op::Remove { name })?;
            removed.map_err(|refusal| fail("the module can be removed", refusal.to_string()))?;
            IN.to_owned()
        }
        // netlink_kernel_create() does not report the reason.
        Err(refusal) if hit => match Errno::from_raw(refusal.errno) {
            errno @ (Errno::ENOMEM | Errno::EFAULT | Errno::EADDRINUSE) => format!("{errno:?}"),
            other => return Err(fail("ENOMEM, EFAULT or EADDRINUSE", format!("{other:?}"))),
        },
        Err(refusal) => return Err(fail("insmod succeeds without a fault", refusal.to_string())),
    };
    let modules = scene.read("/proc/modules")?;
    let there = modules
        .lines()
        .any(|line| line.starts_with(&format!("{module} ")));
    expect_eq("the module is still inserted", there, false)?;
    Ok(Attempt { hit, said })
}
