// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of several files is a part: the shallowest complete set of a stage counts. Where nothing
//! says which one is meant, none is chosen: that would be to guess.

use std::collections::{BTreeMap, BTreeSet};

use lab_base::catalogue::{ROWS, StageRow};

use crate::{
    layout::{Layout, copies, directory_of, distance, folders, is_below},
    part_source::PartSource,
    source::Evidence,
};

/// A file that may be a part, and how sure that is.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'static str,
    pub(crate) evidence: Evidence,
    pub(crate) part: PartSource,
    /// Of the file with the entry or with `main`.
    pub(crate) path: &'a str,
    pub(crate) shown: &'a str,
}

/// A part that several files may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Its name, one of the catalogue.
    pub name: &'static str,
    /// The files, by the paths that people know.
    pub found: Vec<String>,
}

/// The chosen candidates.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) parts: BTreeMap<&'static str, PartSource>,
    pub(crate) undecided: Vec<Undecided>,
    pub(crate) remarks: Vec<String>,
}

/// Choose the parts of all stages.
pub(crate) fn choose(candidates: Vec<Candidate<'_>>, layout: &Layout) -> Choice {
    let mut choice = Choice::default();
    for row in &ROWS {
        let of_stage = |candidate: &&Candidate<'_>| {
            row.modules.contains(&candidate.name) || row.programs.contains(&candidate.name)
        };
        let candidates: Vec<_> = candidates.iter().filter(of_stage).collect();
        if !candidates.is_empty() {
            choice.choose_stage(row, &candidates, layout);
        }
    }
    choice
}

impl Choice {
    fn choose_stage(&mut self, row: &StageRow, candidates: &[&Candidate<'_>], layout: &Layout) {
        let chosen_sets = complete_sets(candidates);
        let preferred: Vec<_> = match &chosen_sets[..] {
            [] => candidates.to_vec(),
            sets => sets.concat(),
        };
        let mut modules: Vec<&Candidate<'_>> = Vec::new();
        for name in row.modules.iter().chain(row.programs) {
            let is_module = row.modules.contains(name);
            let of_name = |candidate: &&Candidate<'_>| candidate.name == *name;
            let mut same: Vec<_> = preferred.iter().copied().filter(of_name).collect();
            let near = |candidate: &Candidate<'_>| {
                let distances = modules
                    .iter()
                    .map(|module| distance(module.path, candidate.path));
                distances.min().unwrap_or(0)
            };
            // A program of another homework is none of this module's.
            if !is_module && !modules.is_empty() {
                same.retain(|candidate| is_of(candidate, &modules, layout));
            }
            let key = |candidate: &Candidate<'_>| {
                let depth = candidate.path.matches('/').count();
                (
                    copies(candidate.path),
                    candidate.evidence,
                    near(candidate),
                    depth,
                )
            };
            same.sort_by_key(|candidate| (key(candidate), candidate.path));
            let Some(&first) = same.first() else {
                self.tell_others(name, None, candidates.iter().copied().filter(of_name));
                continue;
            };
            let equal: Vec<_> = same
                .iter()
                .filter(|other| key(other) == key(first))
                .collect();
            if equal.len() > 1 {
                // Which module is meant says which programs are.
                let is_of_row = |other: &Undecided| row.modules.contains(&other.name);
                if !is_module && self.undecided.iter().any(is_of_row) {
                    continue;
                }
                let found: Vec<_> = equal.iter().map(|one| one.shown.to_owned()).collect();
                self.remarks.push(format!(
                    "{name} is there more than once ({}); none of them is graded",
                    found.join(", ")
                ));
                self.undecided.push(Undecided { name, found });
                continue;
            }
            if is_module {
                modules.push(first);
            }
            let of_modules = modules.iter().map(|module| copies(module.path)).min();
            if of_modules.is_some_and(|copies_of| copies(first.path) > copies_of) {
                self.remarks
                    .push(format!("{name} is {}; there is no other", first.shown));
            }
            let others = candidates
                .iter()
                .copied()
                .filter(of_name)
                .filter(|other| other.path != first.path);
            self.tell_others(name, Some(first), others);
            self.parts.insert(name, first.part.clone());
        }
    }

    fn tell_others<'a>(
        &mut self,
        name: &str,
        chosen: Option<&Candidate<'_>>,
        others: impl Iterator<Item = &'a Candidate<'a>>,
    ) {
        let others: Vec<_> = others.map(|other| other.shown).collect();
        if others.is_empty() {
            return;
        }
        let others = others.join(", ");
        self.remarks.push(match chosen {
            Some(chosen) => format!(
                "{name} is {}; not graded, though like it: {others}",
                chosen.shown
            ),
            None => format!(
                "{name} was not found beside the module; not graded, though like it: {others}"
            ),
        });
    }
}

/// Whether a program may be of the same homework as one of these modules.
fn is_of(program: &Candidate<'_>, modules: &[&Candidate<'_>], layout: &Layout) -> bool {
    let own = layout.homework(program.path);
    let is_rust = matches!(program.part, PartSource::Rust { .. });
    is_rust
        || own.is_empty()
        || modules.iter().any(|module| {
            let other = layout.homework(module.path);
            other == own || other.is_empty()
        })
}

/// The shallowest folders that have everything which the submission has of a stage. Those in folders
/// of copies are none if there are others.
fn complete_sets<'c, 'a>(candidates: &[&'c Candidate<'a>]) -> Vec<Vec<&'c Candidate<'a>>> {
    let names = |some: &[&Candidate<'_>]| {
        some.iter()
            .map(|candidate| candidate.name)
            .collect::<BTreeSet<_>>()
    };
    let all = names(candidates);
    let least = candidates
        .iter()
        .map(|candidate| copies(directory_of(candidate.path)))
        .min();
    let mut directories: Vec<&str> = candidates
        .iter()
        .flat_map(|candidate| folders(candidate.path))
        .collect();
    // The deepest first.
    directories.sort_by_key(|directory| (std::cmp::Reverse(depth(directory)), *directory));
    directories.dedup();
    let mut left: Vec<_> = candidates.to_vec();
    let mut sets: Vec<(usize, Vec<_>)> = Vec::new();
    for directory in directories {
        let (inside, outside): (Vec<_>, Vec<_>) = left
            .iter()
            .copied()
            .partition(|candidate| is_below(candidate.path, directory));
        let is_original =
            |candidate: &&&Candidate<'_>| Some(copies(directory_of(candidate.path))) <= least;
        let originals: Vec<_> = inside
            .iter()
            .copied()
            .filter(|one| is_original(&one))
            .collect();
        if all.len() > 1 && names(&originals) == all {
            sets.push((depth(directory), inside));
            left = outside;
        }
    }
    let shallowest = sets.iter().map(|(depth, _)| *depth).min();
    sets.into_iter()
        .filter(|(depth, _)| Some(*depth) == shallowest)
        .map(|(_, set)| set)
        .collect()
}

/// How many folders a folder is below the submission's own.
fn depth(directory: &str) -> usize {
    directory.split('/').filter(|name| !name.is_empty()).count()
}
