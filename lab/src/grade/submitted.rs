// SPDX-License-Identifier: MIT OR Apache-2.0
//! A submission as checks find it: built, and spoken to as it wants to be.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use lab_agent::Memory;
use nix::errno::Errno;

use super::{
    build, crates,
    intake::{MODULES, PROGRAMS, Part as Source, Submission},
    numbers::{self, Numbers},
    report::{self, Finding},
};
use crate::{
    Error, Result,
    modules::Care,
    programs::DRIVERS,
    progress,
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
    slot_peer::{SlotFile, returned},
    stages::STAGES,
    subject::{Part, SlotEdition, Subject},
    transcript::{Entry, Kind, Status},
    workshop::Workshop,
};

/// The modules and programs of a submission, and the machines to try them on.
pub struct Submitted {
    /// Its modules, with programs of ours.
    pub modules: Workshop,
    /// Its programs, with modules of ours.
    pub programs: Workshop,
    /// What there is to say besides.
    pub remarks: Vec<Finding>,
    /// What was built is gone with it.
    _built: Built,
}

#[derive(Default)]
struct Built {
    _modules: Vec<build::Module>,
    _programs: Vec<build::Program>,
    _crates: Option<crates::Programs>,
}

/// Stage of a module.
fn stage_of_module(name: &str) -> Option<&'static str> {
    let has = |stage: &&crate::stages::Stage| {
        let mut steps = stage.steps.iter();
        steps.any(|step| step.modules.contains(&name))
    };
    STAGES.iter().find(has).map(|stage| stage.name)
}

/// Stage of a program.
fn stage_of_program(name: &str) -> &'static str {
    match name {
        "threads" => "part1",
        "router-client" => "part3",
        "message_sender" | "message_reader" => "message-slot",
        _ => "part2",
    }
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
        .map(|name| stage_of_program(name));
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
        workshop.all_modules(Care::Normal)?;
        let ours = workshop.trying(Subject::default(), consoles);
        Ok(Submitted {
            modules: ours.clone(),
            programs: ours,
            remarks: Vec::new(),
            _built: Built::default(),
        })
    }

    /// Build all of a submission that belongs to these stages. Consoles of crashes go to `consoles`.
    ///
    /// # Errors
    /// The machinery failed. What of the submission does not build is missing, and no error.
    pub fn build(
        workshop: &Workshop,
        submission: &Submission,
        stages: &[&str],
        consoles: &Path,
    ) -> Result<Self> {
        let mut remarks = Vec::new();
        let mut built = Built::default();
        let remark = |text: String| Finding::new(report::Kind::Remark, text);
        let mut modules = BTreeMap::new();
        for name in MODULES {
            if stage_of_module(name).is_none_or(|stage| !stages.contains(&stage)) {
                continue;
            }
            let part = if submission.modules.contains_key(name) {
                let what = format!("building {name}");
                match progress::while_busy(&what, || build::module(workshop, submission, name))? {
                    Ok(module) => {
                        let part = Part::Built {
                            file: module.stripped.clone(),
                            debug: Some(module.unstripped.clone()),
                        };
                        built._modules.push(module);
                        part
                    }
                    Err(refused) => {
                        remarks.push(remark(format!("{name} does not build:\n{refused}")));
                        Part::Missing("it does not build".into())
                    }
                }
            } else {
                Part::Missing("it was not handed in".into())
            };
            modules.insert(name.to_owned(), part);
        }
        let programs = programs(workshop, submission, stages, &mut built, &mut remarks)?;
        let mut slot = SlotEdition::default();
        let mut our_modules = BTreeMap::new();
        if stages.contains(&"message-slot") {
            // A probe would take as long once more.
            let late = remarks
                .iter()
                .any(|remark| remark.text.contains(build::LATE));
            let mut numbers = match late {
                true => Numbers::ours(),
                false => numbers::probe(workshop, submission)?,
            };
            slot = edition(submission, &numbers);
            if let Some(Part::Built { .. }) = modules.get("message_slot") {
                slot = find_edition(workshop, &modules, slot, consoles)?;
            } else {
                // Ours, which stands for it, has EFAULT.
                slot.einval_for_bad_buffer = false;
            }
            for text in &numbers.deviations {
                remarks.push(Finding::new(report::Kind::Deviation, text.as_str()));
            }
            if slot.major != numbers.major && numbers.major != 0 {
                let text = format!(
                    "the module registers major {}; it is graded with that",
                    slot.major
                );
                remarks.push(Finding::new(report::Kind::Deviation, text));
            }
            numbers.major = slot.major;
            if slot.by_pointer {
                let text = "the ioctl takes a pointer to the channel id and not the id itself; \
                    it is graded that way";
                remarks.push(Finding::new(report::Kind::Deviation, text));
            }
            if slot.einval_for_bad_buffer {
                let text = "a bad buffer is EINVAL, which other editions of the assignment have, \
                    where the contract has EFAULT; it costs nothing";
                remarks.push(remark(text.into()));
            }
            if slot != SlotEdition::default() {
                let ours = numbers::our_slot_with(workshop, &numbers, slot.by_pointer)?;
                let part = Part::Built {
                    file: ours.stripped.clone(),
                    debug: None,
                };
                our_modules.insert("message_slot".to_owned(), part);
                built._modules.push(ours);
            }
        }
        let subject = |modules, programs| Subject {
            modules,
            programs,
            slot,
            contract_only: true,
        };
        Ok(Submitted {
            modules: workshop.trying(subject(modules, BTreeMap::new()), consoles),
            programs: workshop.trying(subject(our_modules, programs), consoles),
            remarks,
            _built: built,
        })
    }
}

/// The programs of the stages, each built or with the reason why it is not.
fn programs(
    workshop: &Workshop,
    submission: &Submission,
    stages: &[&str],
    built: &mut Built,
    remarks: &mut Vec<Finding>,
) -> Result<BTreeMap<String, Part>> {
    let part = |file: &PathBuf| Part::Built {
        file: file.clone(),
        debug: None,
    };
    let remark = |text: &str| Finding::new(report::Kind::Remark, text);
    let crates = progress::while_busy("building the crates", || {
        crates::build(workshop, submission)
    })?;
    remarks.extend(crates.remarks.iter().map(|text| remark(text)));
    let mut programs = BTreeMap::new();
    // What is wrong with a crate is said once, and not for each of its programs.
    let mut said = Vec::new();
    for name in PROGRAMS {
        if !stages.contains(&stage_of_program(name)) {
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
            Some(Source::C(_)) => match build::program(workshop, submission, name)? {
                Ok(program) => {
                    remarks.extend(program.remarks.iter().map(|text| remark(text)));
                    let part = part(&program.path);
                    built._programs.push(program);
                    part
                }
                Err(why) => refused(remarks, &mut said, why.to_string()),
            },
            Some(Source::Rust { .. }) => match crates.built.get(name) {
                Some(Ok(file)) => part(file),
                Some(Err(why)) => refused(remarks, &mut said, why.to_string()),
                None => Part::Missing("it was not handed in".into()),
            },
        };
        programs.insert(name.to_owned(), found);
    }
    if stages.contains(&"part1") {
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
    Ok(programs)
}

/// Where the starter has the module of the slot. What lies elsewhere may have been written for
/// another edition of the assignment.
const STARTER: &str = "kernel/message_slot/";

fn edition(submission: &Submission, numbers: &Numbers) -> SlotEdition {
    let of_starter = submission
        .modules
        .get("message_slot")
        .is_some_and(|part| matches!(part, Source::C(sources) if sources[0].contains(STARTER)));
    SlotEdition {
        major: numbers.major,
        command: numbers.channel_command,
        by_pointer: false,
        einval_for_bad_buffer: !of_starter,
    }
}

/// How the note begins that says which major number a module has registered.
const MAJOR: &str = "registers major ";

const REGISTERS: Scenario = Scenario {
    id: "message-slot/edition-major",
    title: "which major number is registered",
    run: |scene| {
        scene.step("insert the module", "a number more is taken", |scene| {
            let before = scene.character_devices()?;
            scene.insert("message_slot", "")?;
            let now = scene.character_devices()?;
            let major = now.iter().find(|device| !before.contains(device));
            let (major, _) = major.ok_or_else(|| fail("a new character device", "none"))?;
            scene.note("message_slot", Kind::Does, format!("{MAJOR}{major}"));
            Ok(())
        })
    },
};

const CHOOSES: Scenario = Scenario {
    id: "message-slot/edition-argument",
    title: "which way the ioctl takes its argument",
    run: |scene| {
        let file = open(scene)?;
        scene.step("choose, write, choose others, read", "works", |scene| {
            scene.choose(&file, 7)?;
            scene.put(&file, b"x")?;
            scene.choose(&file, 8)?;
            scene.choose(&file, 7)?;
            scene.expect_message(&file, b"x")
        })
    },
};

const EINVAL: Scenario = Scenario {
    id: "message-slot/edition-bad-buffer",
    title: "whether a bad buffer is EINVAL",
    run: |scene| {
        let file = open(scene)?;
        scene.step("write from where nothing is", "EINVAL", |scene| {
            scene.choose(&file, 7)?;
            let write = file.write_from(Memory::Unmapped, b"x");
            let observed = scene.call(&file.program, &write)?;
            expect_eq("write", returned(&observed), Err(Errno::EINVAL))
        })
    },
};

fn open(scene: &mut Scene<'_>) -> Outcome<SlotFile> {
    scene.insert("message_slot", "")?;
    let path = scene.make_slot(1, 0o600)?;
    let actor = scene.actor("root", 0)?;
    scene.open_slot(&actor, &path)
}

/// Try out what sources do not say for sure. Where nothing works, the checks will tell.
fn find_edition(
    workshop: &Workshop,
    modules: &BTreeMap<String, Part>,
    slot: SlotEdition,
    consoles: &Path,
) -> Result<SlotEdition> {
    let carry_out = |slot, scenario| {
        let subject = Subject {
            modules: modules.clone(),
            slot,
            ..Subject::default()
        };
        let workshop = workshop.trying(subject, consoles);
        let ended = workshop.carry_out(scenario, 1, &mut |_| ())?;
        Ok::<_, Error>(ended.transcript)
    };
    let works = |slot, scenario| {
        let transcript = carry_out(slot, scenario)?;
        Ok::<_, Error>(transcript.status() == Status::Pass)
    };
    let mut slot = slot;
    // The kernel knows better than any reading of the source.
    let registered = carry_out(slot, &REGISTERS)?;
    let major = registered.entries.iter().find_map(|entry| match entry {
        Entry::Line { text, .. } => text.strip_prefix(MAJOR)?.parse().ok(),
        _ => None,
    });
    slot.major = major.unwrap_or(slot.major);
    let pointer = SlotEdition {
        by_pointer: true,
        ..slot
    };
    if !works(slot, &CHOOSES)? && works(pointer, &CHOOSES)? {
        slot = pointer;
    }
    slot.einval_for_bad_buffer = slot.einval_for_bad_buffer && works(slot, &EINVAL)?;
    Ok(slot)
}
