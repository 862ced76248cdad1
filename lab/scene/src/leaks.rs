// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds memory that a module leaves behind.

use std::time::{Duration, Instant};

use lab_agent::Op;
use lab_console::leaks::{self, Leak, Listed};
use lab_machine::Trouble;

use crate::transcript::LineKind;
use crate::{
    halt::{Halt, Outcome, fail},
    leak_watch::LeakWatch,
    scene::Scene,
};

/// kmemleak's file (Documentation/dev-tools/kmemleak.rst); the debug kernel has it.
const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";

/// kmemleak reports no younger object (`MSECS_MIN_AGE` in mm/kmemleak.c). A margin is added.
const MIN_AGE: Duration = Duration::from_millis(5500);

/// Number of scans. An old pointer in memory that has another owner now hides a leak until it is
/// overwritten.
const SCANS: usize = 2;

/// Within this time of the guest, the kernel frees delayed objects. `kfree_rcu()` collects for five
/// seconds (`KFREE_DRAIN_JIFFIES` in kernel/rcu/tree.c) unless memory is requested.
const GRACE_SECONDS: f64 = 8.0;

/// Writing 2 there makes the kernel free memory (Documentation/admin-guide/sysctl/vm.rst).
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";

impl Scene<'_> {
    /// Start to watch for leaks of modules. Call it before the first module is inserted.
    ///
    /// # Errors
    /// [`Halt`].
    pub fn watch_leaks(&mut self) -> Outcome {
        let has_kmemleak = self.control(KMEMLEAK, "clear")?.is_ok();
        self.leak_watch = Some(LeakWatch {
            slab: self.slab()?,
            vmalloc: self.vmalloc()?,
            symbols: Vec::new(),
            has_kmemleak,
        });
        Ok(())
    }

    /// Remember the functions of a module that is about to be removed.
    pub(crate) fn note_symbols(&mut self, module: &str) -> Outcome {
        if self.leak_watch.is_none() {
            return Ok(());
        }
        let place = self.lines("/proc/modules", module)?;
        let watch = self.leak_watch.as_ref();
        // Listing all functions of a kernel takes time.
        let symbols = match watch.and_then(|it| leaks::moved(&it.symbols, &place, module)) {
            Some(symbols) => symbols,
            None => {
                let kallsyms = self.lines("/proc/kallsyms", &format!("[{module}]"))?;
                leaks::symbols(&kallsyms, &place, module)
            }
        };
        if let Some(watch) = &mut self.leak_watch {
            watch.symbols.extend(symbols);
            watch.symbols.sort();
            watch.symbols.dedup();
        }
        Ok(())
    }

    /// Expect that the modules removed since [`Scene::watch_leaks`] have left nothing in the
    /// caches, and continue to watch.
    ///
    /// Waits long enough for objects that are freed after an RCU grace period.
    ///
    /// # Errors
    /// [`Halt::Fail`] with the functions that have allocated the remaining memory.
    pub fn expect_caches_clean(&mut self) -> Outcome {
        self.judge_caches()?;
        self.note_clean();
        Ok(())
    }

    fn note_clean(&mut self) {
        self.note(
            "host",
            LineKind::Does,
            "looks for memory that was left: none",
        );
    }

    fn judge_caches(&mut self) -> Outcome {
        let begin = self.uptime()?;
        loop {
            let late = self.uptime()? - begin > GRACE_SECONDS;
            self.free_delayed()?;
            let (slab, vmalloc) = (self.slab()?, self.vmalloc()?);
            let Some(watch) = &self.leak_watch else {
                return Err(lab_base::Error::Unexpected("leaks are not watched".into()).into());
            };
            let mut left = slab.since(&watch.slab, &watch.symbols);
            left.extend(vmalloc.since(&watch.vmalloc, &watch.symbols));
            if left.is_empty() {
                return Ok(());
            }
            if late {
                return Err(leaked(&left));
            }
        }
    }

    /// Make the kernel free the objects that kfree_rcu() collects. Without this request it collects
    /// for 5 s (`KFREE_DRAIN_JIFFIES` and `kfree_rcu_shrink_scan()` in kernel/rcu/tree.c).
    ///
    /// # Errors
    /// [`Halt`].
    pub fn free_delayed(&mut self) -> Outcome {
        self.control(DROP_CACHES, "2")?
            .map_err(|refusal| fail("the kernel frees memory on request", refusal.to_string()))
    }

    /// Expect that the modules removed since [`Scene::watch_leaks`] have left nothing allocated.
    /// With kmemleak this takes about ten seconds.
    ///
    /// # Errors
    /// [`Halt::Fail`] with the functions that have allocated the remaining memory.
    pub fn expect_no_leaks(&mut self) -> Outcome {
        self.judge_caches()?;
        if let Some(watch) = self.leak_watch.take().filter(|watch| watch.has_kmemleak) {
            let left = self.scan()?.since(&Listed::default(), &watch.symbols);
            if !left.is_empty() {
                return Err(leaked(&left));
            }
        }
        self.note_clean();
        Ok(())
    }

    /// The report of kmemleak. The first scan notes all objects. Later scans, when these are old
    /// enough, report the objects that have not changed.
    fn scan(&mut self) -> Outcome<Listed> {
        let old_enough = Instant::now() + MIN_AGE;
        // An old pointer on a stack must not hide a leak.
        self.kmemleak("stack=off")?;
        self.kmemleak("scan")?;
        let left = old_enough.saturating_duration_since(Instant::now());
        self.machine.wait(left, |_| None::<()>)?;
        for _ in 0..SCANS {
            self.kmemleak("scan")?;
        }
        let text = self.read(KMEMLEAK)?;
        Ok(leaks::kmemleak(&text))
    }

    fn kmemleak(&mut self, word: &str) -> Outcome {
        self.control(KMEMLEAK, word)?
            .map_err(|refusal| fail(format!("kmemleak accepts {word:?}"), refusal.to_string()))
    }

    /// Seconds since the machine was booted (proc(5)).
    fn uptime(&mut self) -> Outcome<f64> {
        let text = self.read("/proc/uptime")?;
        let seconds = text
            .split_whitespace()
            .next()
            .and_then(|first| first.parse().ok());
        seconds.ok_or_else(|| Trouble::Lost(format!("the uptime is {text:?}")).into())
    }

    fn slab(&mut self) -> Outcome<Listed> {
        let op = Op::AllocTraces {
            text: "0xffffffff".into(),
        };
        Ok(leaks::slab(
            &self.text_of("reading the list of allocations", op)?,
        ))
    }

    fn vmalloc(&mut self) -> Outcome<Listed> {
        Ok(leaks::vmalloc(
            &self.lines("/proc/vmallocinfo", " 0xffffffff")?,
        ))
    }

    fn lines(&mut self, path: &str, text: &str) -> Outcome<String> {
        let op = Op::Lines {
            path: path.into(),
            text: text.into(),
        };
        self.text_of(&format!("reading {path}"), op)
    }

    /// The text that an order returns.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it is refused.
    pub fn text_of(&mut self, what: &str, op: Op) -> Outcome<String> {
        self.try_text(what, op)?
            .map_err(|refusal| fail(what, refusal.to_string()))
    }

    /// Write to a file of the guest's kernel.
    pub fn control(&mut self, path: &str, text: &str) -> Outcome<Result<(), lab_agent::Refusal>> {
        let op = Op::Control {
            path: path.into(),
            text: text.into(),
        };
        let outcome = self.machine.order(&format!("writing {path}"), op)?;
        Ok(outcome.map(drop))
    }
}

fn leaked(left: &[Leak]) -> Halt {
    let left: Vec<String> = left.iter().map(ToString::to_string).collect();
    fail(leaks::ALL_FREED, left.join("; "))
}
