// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a place in a module to the line of its source, with the debug information of its `.ko`.

use std::{fmt, path::PathBuf};

use addr2line::{Context, gimli};
use object::{
    Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex, SectionKind, SymbolKind,
    read::elf::{ElfFile64, ElfSymbol64},
};

use crate::trace::Place;

/// A line of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As the compiler saw it.
    pub file: PathBuf,
    /// From 1.
    pub line: u32,
    /// Whether it is the last line before the place: the compiler has made the instruction
    /// itself out of several lines, or of none.
    pub is_near: bool,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let near = if self.is_near { "near " } else { "" };
        write!(f, "{near}{}:{}", self.file.display(), self.line)
    }
}

/// How many bytes there may be between a function and the next; the kernel counts them to the
/// first. Behind the last function of a section, it counts to the end of the page.
const PADDING: u64 = 64;
const PAGE: u64 = 4096;

/// The line of a place, in the module whose file contains `ko`.
///
/// What is inlined from elsewhere is of no interest: the line is in the first file that `is_ours`,
/// from the inside to the outside. `None` if there is no debug information, or if the function is
/// not as long as the kernel says: then it is another build of the module.
pub fn locate(place: &Place, ko: &[u8], is_ours: impl Fn(&str) -> bool) -> Option<Source> {
    let ko = ElfFile64::<object::Endianness>::parse(ko).ok()?;
    let is_last = |symbol: &ElfSymbol64<'_, '_>| {
        !ko.symbols().any(|other| {
            other.section_index() == symbol.section_index() && other.address() > symbol.address()
        })
    };
    let mut functions = ko.symbols().filter(|symbol| {
        let padding = if is_last(symbol) { PAGE } else { PADDING };
        symbol.kind() == SymbolKind::Text
            && symbol.name() == Ok(place.symbol.as_str())
            && (symbol.size()..symbol.size() + padding).contains(&place.size)
    });
    let (Some(function), None) = (functions.next(), functions.next()) else {
        return None;
    };
    let offset = place.offset.checked_sub(u64::from(place.is_return))?;
    let begin = base(function.section_index()?) + function.address();

    let sections = gimli::DwarfSections::load(|id| relocated(&ko, id.name())).ok()?;
    let dwarf = sections.borrow(|bytes| gimli::EndianSlice::new(bytes, gimli::LittleEndian));
    let context = Context::from_dwarf(dwarf).ok()?;
    let line_of = |offset| {
        let mut frames = context.find_frames(begin + offset).skip_all_loads().ok()?;
        while let Some(frame) = frames.next().ok()? {
            if let Some(location) = frame.location
                && let (Some(file), Some(line @ 1..)) = (location.file, location.line)
                && is_ours(file)
            {
                return Some(Source {
                    file: file.into(),
                    line,
                    is_near: false,
                });
            }
        }
        None
    };
    line_of(offset).or_else(|| {
        let before = (0..offset).rev().find_map(line_of)?;
        Some(Source {
            is_near: true,
            ..before
        })
    })
}

/// A `.ko` is not linked: each of its sections begins at 0. We put them far apart.
fn base(section: SectionIndex) -> u64 {
    (section.0 as u64) << 32
}

/// A section of debug information whose references to other sections are filled in. Empty if there
/// is no such section.
fn relocated(ko: &ElfFile64<'_>, name: &str) -> object::Result<Vec<u8>> {
    let Some(section) = ko.section_by_name(name) else {
        return Ok(Vec::new());
    };
    let mut bytes = section.uncompressed_data()?.into_owned();
    for (offset, relocation) in section.relocations() {
        let RelocationTarget::Symbol(index) = relocation.target() else {
            continue;
        };
        let symbol = ko.symbol_by_index(index)?;
        let mut value = symbol.address().wrapping_add_signed(relocation.addend());
        if let Some(target) = symbol.section_index()
            // Offsets into debug information stay what they are.
            && ko.section_by_index(target)?.kind() == SectionKind::Text
        {
            value += base(target);
        }
        let width = usize::from(relocation.size() / 8);
        let place = bytes
            .get_mut(offset as usize..)
            .and_then(|rest| rest.get_mut(..width));
        if let Some(place) = place {
            place.copy_from_slice(&value.to_le_bytes()[..width]);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use lab_base::environment;

    use super::*;

    /// What a student's file includes; its functions are inlined.
    const HEADER: &str = "\
static inline __attribute__((always_inline)) void pull(volatile int *at)
{
	*at = 1;
}
";

    /// Two sections, in both of which the first function is at 0.
    const SOURCE: &str = "\
#include \"header.h\"
volatile int there;
__attribute__((noinline)) void first(void)
{
	there = 5;
}
void second(void)
{
	pull(&there);
}
__attribute__((section(\".init.text\"))) void start(void)
{
	there = 13;
	first();
	there = 15;
}
";

    fn compiled(directory: &Path) -> Vec<u8> {
        fs::write(directory.join("header.h"), HEADER).unwrap();
        fs::write(directory.join("ours.c"), SOURCE).unwrap();
        let status = environment::command("gcc")
            .args(["-std=gnu11", "-g", "-O1", "-c", "ours.c"])
            .current_dir(directory)
            .status();
        assert!(status.unwrap().success());
        fs::read(directory.join("ours.o")).unwrap()
    }

    /// The lines of all of a function's instructions, by what traces could say of it.
    fn lines_of(ko: &[u8], symbol: &str) -> Vec<u32> {
        let parsed = ElfFile64::<object::Endianness>::parse(ko).unwrap();
        let function = parsed.symbol_by_name(symbol).unwrap();
        let mut lines = Vec::new();
        for offset in 0..function.size() {
            let place = Place {
                symbol: symbol.to_owned(),
                offset,
                size: function.size() + 7,
                module: "ours".to_owned(),
                is_return: false,
            };
            let source = locate(&place, ko, |file| file.ends_with("ours.c"));
            lines.extend(source.map(|source| source.line));
            let another = Place {
                size: function.size() - 1,
                ..place
            };
            assert_eq!(locate(&another, ko, |_| true), None);
        }
        lines.dedup();
        lines
    }

    #[test]
    fn a_place_is_a_line_of_ours_in_whatever_section() {
        let directory = tempfile::tempdir().unwrap();
        let ko = compiled(directory.path());
        for (symbol, statement) in [("first", 5), ("second", 9), ("start", 13)] {
            let lines = lines_of(&ko, symbol);
            assert!(lines.contains(&statement), "{symbol}: {lines:?}");
            assert!(
                lines.iter().all(|line| line.abs_diff(statement) < 4),
                "{symbol}: {lines:?}"
            );
        }
    }

    #[test]
    fn where_a_call_comes_back_to_the_call_is_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let ko = compiled(directory.path());
        let parsed = ElfFile64::<object::Endianness>::parse(&*ko).unwrap();
        let function = parsed.symbol_by_name("start").unwrap();
        let place = |offset, is_return| Place {
            symbol: "start".to_owned(),
            offset,
            size: function.size(),
            module: "ours".to_owned(),
            is_return,
        };
        let line = |place| locate(&place, &ko, |_| true).unwrap().line;
        // The first byte that belongs to the line behind the call.
        let behind = (0..function.size())
            .find(|offset| line(place(*offset, false)) == 15)
            .unwrap();
        assert_eq!(line(place(behind, true)), 14);
    }

    /// As if the compiler had given them no line: here, none in the header.
    #[test]
    fn instructions_without_a_line_are_near_the_one_before_them() {
        let directory = tempfile::tempdir().unwrap();
        let ko = compiled(directory.path());
        let parsed = ElfFile64::<object::Endianness>::parse(&*ko).unwrap();
        let size = parsed.symbol_by_name("second").unwrap().size();
        let last = Place {
            symbol: "second".to_owned(),
            offset: size - 1,
            size,
            module: "ours".to_owned(),
            is_return: false,
        };
        let source = locate(&last, &ko, |file| file.ends_with("header.h")).unwrap();
        assert!(source.is_near);
        assert!(source.to_string().ends_with("header.h:3"), "{source}");
        let own = locate(&last, &ko, |file| file.ends_with("ours.c")).unwrap();
        assert!(!own.is_near);
    }

    #[test]
    fn what_is_no_module_or_has_no_such_function_has_no_line() {
        let place = Place {
            symbol: "nobody".to_owned(),
            offset: 0,
            size: 16,
            module: "ours".to_owned(),
            is_return: false,
        };
        assert_eq!(locate(&place, b"not an ELF file", |_| true), None);
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(locate(&place, &compiled(directory.path()), |_| true), None);
    }
}
