// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports of the kernel that several checks met.
//!
//! The debug kernel stops at each wrong access. So one mistake on a path that every check takes
//! would cost them all. A report of one class at one place is charged once; the checks that met it
//! count as another kernel judges them, which goes on.

use std::sync::OnceLock;

use lab_base::Result;
use lab_build::kernels::{Capability, Kernel, Which};
use lab_scene::workshop::{Start, Workshop};

use crate::{
    report::{Finding, FindingKind, GradedCheck, Report},
    safe_text::SafeText,
    submitted::Submitted,
};

/// The submission on another kernel, built when it is first needed.
pub struct Elsewhere<'a> {
    kernel: String,
    build: Box<dyn Fn() -> Result<Submitted> + Send + Sync + 'a>,
    built: OnceLock<Option<Submitted>>,
}

impl<'a> Elsewhere<'a> {
    /// A kernel that goes on after a wrong access, if this one does not and another is there.
    /// `build` builds the submission for it.
    ///
    /// # Errors
    /// The kernel cannot be opened.
    pub fn than(
        workshop: &Workshop,
        start: Start,
        build: impl Fn(&Workshop) -> Result<Submitted> + Send + Sync + 'a,
    ) -> Result<Option<Self>> {
        let stops = |which: Which| which.has(Capability::Quarantine);
        let there =
            |which: &Which| !stops(*which) && Kernel::find(&workshop.paths, Some(*which)).is_ok();
        let other = Which::ALL.into_iter().rev().find(there);
        let Some(other) = other.filter(|_| stops(workshop.kernel.which)) else {
            return Ok(None);
        };
        let other = Workshop::open_built(Some(other), start)?;
        Ok(Some(Elsewhere {
            kernel: other.kernel.to_string(),
            build: Box::new(move || build(&other)),
            built: OnceLock::new(),
        }))
    }

    /// Its kernel.
    pub(crate) fn kernel(&self) -> &str {
        &self.kernel
    }

    /// The submission there; `None` if it could not be built there.
    pub(crate) fn submitted(&self) -> Option<&Submitted> {
        self.built.get_or_init(|| (self.build)().ok()).as_ref()
    }
}

impl Report {
    /// Charge each report of the kernel once in a stage: to the first check that does not pass on the
    /// other kernel either, or else to the first that met it. The others count as the other kernel,
    /// whose name is given, has judged them.
    pub fn charge_once(&mut self, kernel: &str) {
        for stage in &mut self.stages {
            while let Some(met) = stage.checks.iter().find_map(met) {
                let same = |check: &&mut GradedCheck| self::met(check).as_ref() == Some(&met);
                let mut group: Vec<_> = stage.checks.iter_mut().filter(same).collect();
                let fails = |check: &&mut GradedCheck| {
                    check.again.as_ref().is_some_and(|again| !again.passes())
                };
                let charged = group.iter().position(fails).unwrap_or(0);
                for (at, check) in group.iter_mut().enumerate() {
                    if let Some(again) = check.again.take().filter(|_| at != charged) {
                        check.outcome = again.outcome;
                    }
                }
                let others = group.len() - 1;
                let charged = &group[charged];
                if others > 0 {
                    let s = if others == 1 { "" } else { "s" };
                    let text = format!(
                        "{others} more check{s} met this report: {met}. It is charged once. They \
                         count as {kernel} has judged them"
                    );
                    self.remarks.push(Finding {
                        check: Some(charged.id.clone()),
                        ..Finding::new(FindingKind::Remark, text)
                    });
                }
            }
        }
    }
}

/// The report that a check met, if it was judged again.
fn met(check: &GradedCheck) -> Option<SafeText> {
    Some(check.again.as_ref()?.met.clone())
}
