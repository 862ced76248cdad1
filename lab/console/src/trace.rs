// SPDX-License-Identifier: MIT OR Apache-2.0
//! The place that a report speaks of: a function of a module.

use std::{fmt, sync::LazyLock};

use lab_base::pattern;
use regex::Regex;

/// An instruction of a module's function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of the function, as the symbol table has it: what the compiler made of it may have a
    /// suffix like `.isra.0`.
    pub symbol: String,
    /// From the function's start, in bytes.
    pub offset: u64,
    /// Of the function with the padding behind it, in bytes.
    pub size: u64,
    /// The module.
    pub module: String,
    /// Whether the instruction is where a call comes back to; the call is before it.
    pub is_return: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.symbol.split('.').next().unwrap_or(&self.symbol);
        write!(f, "{function} [{}]", self.module)
    }
}

/// `function+0xoffset/0xsize [module]`. In front of what the unwinder is not sure of is a
/// question mark. Names that rustc has made can have a dollar sign.
static IN_MODULE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(\? )?([A-Za-z_$][\w.$]*)\+0x([0-9a-f]+)/0x([0-9a-f]+) \[(\w+)"));

/// Lines with the instruction itself, and no place to return to: of x86, also before 4.10; of
/// warnings; of arm, arm64 and riscv.
static INSTRUCTION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*(RIP: |E?IP: |EIP is at |WARNING: |PC is at |e?pc ?: )"));

/// A module that does not come with the kernel, in the list of those that are in.
static OUT_OF_TREE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\w+)\([A-Z]*O[A-Z]*\)"));

/// The first place in a module; one that does not come with the kernel is preferred, and one that
/// the unwinder is sure of.
pub(super) fn place(report: &[&str]) -> Option<Place> {
    let ours: Vec<&str> = report
        .iter()
        .filter(|line| line.starts_with("Modules linked in:"))
        .flat_map(|line| OUT_OF_TREE.captures_iter(line))
        .filter_map(|found| found.get(1))
        .map(|name| name.as_str())
        .collect();
    let mut places: Vec<(bool, Place)> = report
        .iter()
        // ODEBUG's hint is the function of a timer, and not where it was freed.
        .filter(|line| !line.contains(" hint: "))
        .flat_map(|line| {
            IN_MODULE
                .captures_iter(line)
                .map(move |found| (line, found))
        })
        .filter_map(|(line, found)| {
            let number = |at: usize| u64::from_str_radix(&found[at], 16).ok();
            let place = Place {
                symbol: found[2].to_owned(),
                offset: number(3)?,
                size: number(4)?,
                module: found[5].to_owned(),
                is_return: !INSTRUCTION.is_match(line),
            };
            Some((found.get(1).is_some(), place))
        })
        .collect();
    // Stable: the first of the best.
    places.sort_by_key(|(unsure, place)| (!ours.contains(&place.module.as_str()), *unsure));
    places.into_iter().next().map(|(_, place)| place)
}
