// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of what kernels report: how a report starts, what it is called, what it means.
//! Titles are those of Linux 4.9 to 6.12, and of what later kernels have changed.

mod faults;
mod general;
mod memory;
mod row;
mod waiting;

use std::{fmt, sync::LazyLock};

use regex::RegexSet;

use self::row::Row;
use crate::class::Class;

/// From the particular to the general.
const TABLE: [&[Row]; 4] = [memory::ROWS, faults::ROWS, waiting::ROWS, general::ROWS];

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.into_iter().flatten()
}

/// All starts, in the table's order, and the row of each.
static STARTS: LazyLock<(RegexSet, Vec<&'static Row>)> = LazyLock::new(|| {
    let starts = || rows().flat_map(|row| row.starts.iter().map(move |start| (start, row)));
    #[expect(clippy::expect_used, reason = "constants that the tests use")]
    let set = RegexSet::new(starts().map(|(start, _)| format!(r"^\s*(?:{start})")))
        .expect("valid patterns");
    (set, starts().map(|(_, row)| row).collect())
});

impl Class {
    /// Every class, in the order of the table.
    pub fn all() -> impl Iterator<Item = Class> {
        rows().map(|row| row.class)
    }

    /// Whether memory may have been overwritten before the kernel noticed. Then another run may meet
    /// another report.
    pub fn is_by_chance(self) -> bool {
        matches!(
            self,
            Class::PageFault
                | Class::GeneralProtection
                | Class::SlabCorruption
                | Class::ListCorruption
                | Class::StackCorruption
        )
    }

    /// The class of the report that starts with the line `title`, or `None` if none does.
    pub(super) fn of(title: &str) -> Option<Class> {
        let (set, rows) = &*STARTS;
        // In the order in which they were given.
        let first = set.matches(title).into_iter().next()?;
        Some(rows[first].class)
    }

    fn row(self) -> &'static Row {
        #[expect(clippy::expect_used, reason = "a test looks every class up")]
        rows()
            .find(|row| row.class == self)
            .expect("a row for each class")
    }

    /// One sentence: what happened, and where to look first.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Whether a watchdog complains that something takes too long, and nothing else is known.
    pub fn is_stall(self) -> bool {
        matches!(
            self,
            Class::RcuStall | Class::SoftLockup | Class::HardLockup | Class::HungTask
        )
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_class_has_one_row_and_one_sentence() {
        let names: HashSet<_> = rows().map(|row| row.name).collect();
        let classes: HashSet<_> = Class::all().collect();
        // The last of the enum: they are numbered from 0.
        let all = Class::Reboot as usize + 1;
        assert_eq!(
            (rows().count(), names.len(), classes.len()),
            (all, all, all)
        );
        for row in rows() {
            assert_eq!(row.class.to_string(), row.name);
            let meaning = row.class.meaning();
            assert!(
                meaning.ends_with(['.', '?']) && !meaning.contains("  "),
                "{meaning}"
            );
        }
    }

    #[test]
    fn a_title_belongs_to_the_first_row_that_matches() {
        assert_eq!(
            Class::of("BUG: KASAN: double-free in f"),
            Some(Class::InvalidFree)
        );
        assert_eq!(Class::of("BUG: something new"), Some(Class::Bug));
        assert_eq!(Class::of("a BUG: in the middle"), None);
    }
}
