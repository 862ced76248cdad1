// SPDX-License-Identifier: MIT OR Apache-2.0
//! A submission as checks find it: built, and spoken to as it wants to be.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use lab_base::{
    Error, Result,
    catalogue::{self, stage_of_module, stage_of_program},
    progress,
};
use lab_build::{modules::Strictness, programs::DRIVERS};
use lab_scene::{
    subject::{self, Part, SlotEdition, Subject},
    workshop::Workshop,
};
use lab_stages::STAGES;

use super::{
    build, crates, edition,
    intake::{PartSource, Submission},
    numbers::{self, Numbers},
    report::{self, Finding},
    sandbox, suspects,
};

/// The modules and programs of a submission, and the machines to try them on.
pub struct Submitted {
    /// Its modules, with programs of ours.
    pub modules: Workshop,
    /// Its programs, with modules of ours.
    pub programs: Workshop,
    /// Remarks for the report.
    pub remarks: Vec<Finding>,
    /// Whether it is this checkout's tree, whose modules and programs a student writes together.
    pub(crate) is_ours: bool,
    /// The built files are removed with it.
    _built: Built,
}

#[derive(Default)]
struct Built {
    _modules: Vec<build::BuiltModule>,
    _programs: Vec<build::BuiltProgram>,
    _crates: Option<crates::CratePrograms>,
}

/// The stages of which a submission has something, in their order.
pub fn stages(submission: &Submission) -> Vec<&'static str> {
    let modules = submission
        .modules
        .keys()
        .filter_map(|name| stage_of_module(name));
    let programs = submission
        .programs
        .keys()
        .filter_map(|name| stage_of_program(name));
    let found: Vec<_> = modules.chain(programs).collect();
    let there = |name: &&str| found.contains(name);
    STAGES
        .iter()
        .map(|stage| stage.name)
        .filter(there)
        .collect()
}

impl Submitted {
    /// This very tree, as its own submission.
    ///
    /// # Errors
    /// A module does not compile.
    pub fn ours(workshop: &Workshop, consoles: &Path) -> Result<Self> {
        // Once, and not by several machines at the same time.
        workshop.all_modules(Strictness::Normal)?;
        let ours = workshop.trying(Subject::default(), consoles);
        Ok(Submitted {
            modules: ours.clone(),
            programs: ours,
            remarks: Vec::new(),
            is_ours: true,
            _built: Built::default(),
        })
    }

    /// Build all of a submission that belongs to these stages. Consoles of crashes go to `consoles`.
    /// A trial takes `timeout` at most.
    ///
    /// # Errors
    /// The machinery failed. A part that does not build is missing, and is no error.
    pub fn build(
        workshop: &Workshop,
        submission: &Submission,
        stages: &[&str],
        consoles: &Path,
        timeout: Duration,
    ) -> Result<Self> {
        let mut built = Built::default();
        let remark = |text: String| Finding::new(report::FindingKind::Remark, text);
        // Most compilers keep one processor busy.
        let (built_modules, programs, numbers) = thread::scope(|scope| {
            let modules = scope.spawn(|| modules(workshop, submission, stages));
            let programs = programs(workshop, submission, stages, &mut built);
            let has_slot = stages.contains(&"message-slot");
            let numbers = has_slot.then(|| numbers::probe(workshop, submission));
            (joined(modules), programs, numbers)
        });
        let Modules {
            parts: modules,
            built: kept,
            mut remarks,
        } = built_modules?;
        built._modules = kept;
        let (programs, of_programs) = programs?;
        remarks.extend(of_programs);
        let mut slot = SlotEdition::default();
        let mut our_modules = BTreeMap::new();
        if let Some(numbers) = numbers.transpose()? {
            let assumed = edition::by_sources(submission, &numbers);
            let interrupted = submission.build_time.flag();
            let (found, ours) = thread::scope(|scope| {
                // Mostly it is spoken to as its sources say.
                let ours = scope.spawn(|| our_slot(workshop, &numbers, assumed));
                let found = match modules.get("message_slot") {
                    Some(Part::Built { .. }) => edition::by_trying(
                        workshop,
                        &modules,
                        assumed,
                        consoles,
                        timeout,
                        interrupted,
                    ),
                    // Ours, which stands for it, has EFAULT.
                    _ => Ok(SlotEdition {
                        einval_for_bad_buffer: false,
                        ..assumed
                    }),
                };
                (found, joined(ours))
            });
            slot = found?;
            for text in &numbers.deviations {
                remarks.push(Finding::new(report::FindingKind::Deviation, text.as_str()));
            }
            if slot.major != numbers.major && numbers.major != 0 {
                let text = format!(
                    "the module registers major {}; it is graded with that",
                    slot.major
                );
                remarks.push(Finding::new(report::FindingKind::Deviation, text));
            }
            if slot.by_pointer {
                let text = "the ioctl takes a pointer to the channel id and not the id itself; \
                    it is graded that way";
                remarks.push(Finding::new(report::FindingKind::Deviation, text));
            }
            if slot.einval_for_bad_buffer {
                let text = "a bad buffer is EINVAL, which other editions of the assignment have, \
                    where the contract has EFAULT; it costs nothing";
                remarks.push(remark(text.into()));
            }
            let as_assumed = (slot.major, slot.by_pointer) == (assumed.major, assumed.by_pointer);
            let ours = if as_assumed {
                ours?
            } else {
                our_slot(workshop, &numbers, slot)?
            };
            if let Some(ours) = ours {
                let part = Part::Built {
                    file: ours.stripped.clone(),
                    debug: None,
                };
                our_modules.insert("message_slot".to_owned(), part);
                built._modules.push(ours);
            }
        }
        let of_modules = Subject {
            modules,
            slot,
            contract_only: true,
            ..Subject::default()
        };
        let of_programs = Subject {
            modules: our_modules,
            programs,
            slot,
            ..Subject::default()
        };
        Ok(Submitted {
            modules: workshop.trying(of_modules, consoles),
            programs: workshop.trying(of_programs, consoles),
            remarks,
            is_ours: false,
            _built: built,
        })
    }
}

/// The result of a thread.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    let panicked = |_| Error::Unexpected("a thread that builds panicked".into());
    thread.join().map_err(panicked)?
}

/// Our own module as a slot of this edition is spoken to; `None` if that is as ours is.
fn our_slot(
    workshop: &Workshop,
    numbers: &Numbers,
    slot: SlotEdition,
) -> Result<Option<build::BuiltModule>> {
    let as_ours = SlotEdition {
        einval_for_bad_buffer: slot.einval_for_bad_buffer,
        ..SlotEdition::default()
    };
    if slot == as_ours {
        return Ok(None);
    }
    let numbers = Numbers {
        major: slot.major,
        ..numbers.clone()
    };
    numbers::our_slot_with(workshop, &numbers, slot.by_pointer).map(Some)
}

/// The modules of the stages.
struct Modules {
    /// Each built, or with the reason why it is not.
    parts: BTreeMap<String, Part>,
    built: Vec<build::BuiltModule>,
    remarks: Vec<Finding>,
}

fn modules(workshop: &Workshop, submission: &Submission, stages: &[&str]) -> Result<Modules> {
    let mut modules = Modules {
        parts: BTreeMap::new(),
        built: Vec::new(),
        remarks: Vec::new(),
    };
    for name in catalogue::modules() {
        if stage_of_module(name).is_none_or(|stage| !stages.contains(&stage)) {
            continue;
        }
        let part = if submission.modules.contains_key(name) {
            let what = format!("building {name}");
            match progress::while_busy(&what, || build::module(workshop, submission, name))? {
                Ok(module) => {
                    let told = module.remarks.iter();
                    modules.remarks.extend(
                        told.map(|text| Finding::new(report::FindingKind::Remark, text.as_str())),
                    );
                    let object = fs::read(&module.unstripped).unwrap_or_default();
                    if let Some(text) = suspects::of_module(name, &object) {
                        modules
                            .remarks
                            .push(Finding::new(report::FindingKind::Remark, text));
                    }
                    let part = Part::Built {
                        file: module.stripped.clone(),
                        debug: Some(subject::Debug {
                            object: module.unstripped.clone(),
                            sources: sandbox::MODULE_SOURCES.into(),
                        }),
                    };
                    modules.built.push(module);
                    part
                }
                Err(refused) => {
                    let text = format!("{name} does not build:\n{refused}");
                    modules
                        .remarks
                        .push(Finding::new(report::FindingKind::Remark, text));
                    Part::Missing("it does not build".into())
                }
            }
        } else {
            Part::Missing("it was not handed in".into())
        };
        modules.parts.insert(name.to_owned(), part);
    }
    Ok(modules)
}

/// The programs of the stages, each built or with the reason why it is not, and remarks on them.
fn programs(
    workshop: &Workshop,
    submission: &Submission,
    stages: &[&str],
    built: &mut Built,
) -> Result<(BTreeMap<String, Part>, Vec<Finding>)> {
    let part = |file: &PathBuf| Part::Built {
        file: file.clone(),
        debug: None,
    };
    let remark = |text: &str| Finding::new(report::FindingKind::Remark, text);
    let mut remarks = Vec::new();
    let crates = progress::while_busy("building the crates", || {
        crates::build(workshop, submission)
    })?;
    remarks.extend(crates.remarks.iter().map(|text| remark(text)));
    let mut programs = BTreeMap::new();
    // The fault of a crate is told once, and not for each of its programs.
    let mut said = Vec::new();
    for name in catalogue::programs() {
        if stage_of_program(name).is_none_or(|stage| !stages.contains(&stage)) {
            continue;
        }
        let refused = |remarks: &mut Vec<Finding>, said: &mut Vec<String>, why: String| {
            if !said.contains(&why) {
                remarks.push(remark(&format!("{name} does not build:\n{why}")));
                said.push(why);
            }
            Part::Missing("it does not build".into())
        };
        let found = match submission.programs.get(name) {
            None => Part::Missing("it was not handed in".into()),
            Some(PartSource::C(_)) => match build::program(workshop, submission, name)? {
                Ok(program) => {
                    remarks.extend(program.remarks.iter().map(|text| remark(text)));
                    let part = part(&program.path);
                    built._programs.push(program);
                    part
                }
                Err(why) => refused(&mut remarks, &mut said, why.to_string()),
            },
            Some(PartSource::Rust { .. }) => match crates.built.get(name) {
                Some(Ok(file)) => part(file),
                Some(Err(why)) => refused(&mut remarks, &mut said, why.to_string()),
                None => Part::Missing("it was not handed in".into()),
            },
        };
        programs.insert(name.to_owned(), found);
    }
    if stages.contains(&"part1") {
        let library = submission.programs.values().find_map(|part| match part {
            PartSource::Rust { package, directory } if *package == crates::DRIVEN => {
                Some(directory)
            }
            _ => None,
        });
        let found =
            library.and_then(|directory| suspects::of_library(directory, &submission.files));
        remarks.extend(found.map(|text| remark(&text)));
        for name in DRIVERS {
            let found = match crates.built.get(name) {
                Some(Ok(file)) => part(file),
                Some(Err(why)) => {
                    let why = why.to_string();
                    if !said.contains(&why) {
                        remarks.push(remark(&format!(
                            "{name} does not build: it links the library of part 1 as the starter \
                             has it\n{why}"
                        )));
                        said.push(why);
                    }
                    Part::Missing("it does not build with the library that was handed in".into())
                }
                None => Part::Missing("the library that it links was not handed in".into()),
            };
            programs.insert(name.to_owned(), found);
        }
    }
    built._crates = Some(crates);
    Ok((programs, remarks))
}
