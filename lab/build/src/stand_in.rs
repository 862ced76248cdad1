// SPDX-License-Identifier: MIT OR Apache-2.0
//! Redirects a module's calls of kernel functions to functions of another module, whose names
//! differ in the first letter only. Bytes in, bytes out.

use std::{collections::BTreeMap, ops::Range};

use object::{
    Endianness,
    elf::{FileHeader64, SHT_SYMTAB},
    read::elf::{FileHeader, SectionHeader, Sym},
};

/// The first letter of the replacement functions.
const LETTER: u8 = b'z';
/// The section with the checksums of symbols, on a kernel that compares them. Each entry has 64
/// bytes and begins with the checksum (`struct modversion_info`).
const VERSIONS: &str = "__versions";
const VERSION_LEN: usize = 64;
const SUM_LEN: usize = size_of::<u64>();

/// The symbols of an object file.
#[derive(Default)]
struct Object {
    /// Names of undefined symbols, and their offsets in the file.
    undefined: Vec<(Vec<u8>, usize)>,
    /// Offsets of the defined symbols in the file, by name.
    defined: BTreeMap<Vec<u8>, usize>,
    versions: Range<usize>,
}

/// Make a module call `other` for each function that has a replacement there. Input that is no
/// object file is returned unchanged.
pub fn lead(module: &mut [u8], other: &[u8]) {
    let theirs = parse(other).unwrap_or_default();
    let ours = parse(module).unwrap_or_default();
    for (name, at) in ours.undefined {
        let mut new = name.clone();
        let Some(first) = new.first_mut() else {
            continue;
        };
        *first = LETTER;
        if !theirs.defined.contains_key(&new) {
            continue;
        }
        if let Some(byte) = module.get_mut(at) {
            *byte = LETTER;
        }
        let sum = theirs.defined.get(&[b"__crc_", &new[..]].concat());
        let sum = sum.and_then(|&at| other.get(at..)?.first_chunk::<4>());
        let entries = module.get_mut(ours.versions.clone()).unwrap_or_default();
        for entry in entries.chunks_exact_mut(VERSION_LEN) {
            let (value, called) = entry.split_at_mut(SUM_LEN);
            if let Some(sum) = sum
                && called.split(|&byte| byte == 0).next() == Some(&name)
            {
                value.copy_from_slice(&u64::from(u32::from_le_bytes(*sum)).to_le_bytes());
                called[0] = LETTER;
            }
        }
    }
}

fn parse(file: &[u8]) -> object::Result<Object> {
    let header = FileHeader64::<Endianness>::parse(file)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, file)?;
    let table = sections.symbols(endian, file, SHT_SYMTAB)?;
    let names = sections.section(table.string_section())?.sh_offset(endian) as usize;
    let mut object = Object::default();
    for (index, symbol) in table.enumerate() {
        let name = symbol.name(endian, table.strings())?.to_vec();
        if symbol.is_undefined(endian) {
            let at = names.saturating_add(symbol.st_name(endian) as usize);
            object.undefined.push((name, at));
        } else if let Some(section) = table.symbol_section(endian, symbol, index)? {
            let start = sections.section(section)?.sh_offset(endian);
            let at = start.saturating_add(symbol.st_value(endian));
            object.defined.insert(name, at as usize);
        }
    }
    if let Some((_, section)) = sections.section_by_name(endian, VERSIONS.as_bytes())
        && let Some((at, len)) = section.file_range(endian)
    {
        object.versions = at as usize..at.saturating_add(len) as usize;
    }
    Ok(object)
}
