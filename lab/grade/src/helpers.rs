// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which sources without a `main` or an entry are linked to which parts. One of another folder is
//! linked only to a part that includes its header, or a header that names what it defines.

use std::collections::{BTreeMap, HashSet};

use crate::{
    code::{Globals, code_of, globals, includes, names},
    headers::Headers,
    layout::{copies, directory_of, distance, file_name},
    part_source::PartSource,
    source::SourceKind,
    unpack::SubmittedFile,
};

/// The parts that were chosen, by their names.
type Parts = BTreeMap<&'static str, PartSource>;

/// A source for others.
struct Helper<'a> {
    file: &'a SubmittedFile,
    kernel: bool,
    user: bool,
    defines: Globals,
}

/// The sources of a part so far.
#[derive(Default)]
struct Closure<'a> {
    /// Its sources and the headers that those include.
    files: Vec<&'a SubmittedFile>,
    /// All names in its sources.
    uses: HashSet<String>,
    /// All names in its headers.
    declares: HashSet<String>,
    defines: HashSet<String>,
    /// Headers that are nowhere.
    absent: HashSet<String>,
}

impl<'a> Closure<'a> {
    fn add(&mut self, source: &'a SubmittedFile, headers: &Headers<'a>) {
        let mut new = vec![source];
        while let Some(file) = new.pop() {
            if self.files.iter().any(|other| other.path == file.path) {
                continue;
            }
            self.files.push(file);
            let code = code_of(&file.contents);
            let all = names(&code).into_iter().map(str::to_owned);
            if file.path.ends_with(".c") {
                self.defines.extend(globals(&code).all().cloned());
                self.uses.extend(all);
            } else {
                self.declares.extend(all);
            }
            for include in includes(&file.contents) {
                match headers.resolve(file, &include) {
                    Some(file) => new.push(file),
                    None => drop(self.absent.insert(file_name(&include).to_owned())),
                }
            }
        }
    }

    /// Whether the part includes the header of a source, which is called like it.
    fn has_header_of(&self, source: &str, headers: &Headers<'a>) -> bool {
        let beside = format!("{}.h", source.trim_end_matches(".c"));
        if headers.files.iter().any(|file| file.path == beside) {
            return self.files.iter().any(|file| file.path == beside);
        }
        // The headers have a folder of their own, or are missing.
        let name = file_name(&beside);
        let homework = headers.layout.homework(source);
        let is_of_homework = |file: &SubmittedFile| headers.layout.homework(&file.path) == homework;
        let is_like = |file: &&SubmittedFile| file_name(&file.path) == name && is_of_homework(file);
        let is_absent = self.absent.contains(name)
            && self.files.first().is_some_and(|main| is_of_homework(main));
        is_absent || self.files.iter().any(is_like)
    }

    /// Whether the part needs a source; with `claimed`, the source is for those who have its header.
    fn needs(&self, helper: &Helper<'_>, claimed: bool, main: &str, headers: &Headers<'a>) -> bool {
        let path = &helper.file.path;
        if self.has_header_of(path, headers) {
            return true;
        }
        let of_homework = headers.layout.homework(path) == headers.layout.homework(main);
        if claimed || !of_homework || copies(path) > copies(main) {
            return false;
        }
        let any = |names: &HashSet<String>| helper.defines.all().any(|name| names.contains(name));
        if directory_of(path) == directory_of(main) {
            return helper.defines.functions.is_empty() || any(&self.uses);
        }
        any(&self.declares) && any(&self.uses)
    }
}

/// Give each source that is neither a module nor a program to the parts that need it.
pub(crate) fn give(
    kinds: &[(&SubmittedFile, SourceKind)],
    headers: Headers<'_>,
    modules: &mut Parts,
    programs: &mut Parts,
    remarks: &mut Vec<String>,
) {
    let mut helpers: Vec<Helper<'_>> = Vec::new();
    for (file, kind) in kinds {
        if let SourceKind::Helper { kernel, user } = *kind {
            let defines = globals(&code_of(&file.contents));
            helpers.push(Helper {
                file,
                kernel,
                user,
                defines,
            });
        }
    }
    // A file that includes a source has it already.
    let included: HashSet<&str> = (kinds.iter().map(|(file, _)| *file))
        .flat_map(|file| {
            includes(&file.contents)
                .into_iter()
                .map(move |include| (file, include))
        })
        .filter(|(_, include)| include.to_lowercase().ends_with(".c"))
        .filter_map(|(file, include)| Some(&headers.resolve(file, &include)?.path[..]))
        .collect();
    helpers.retain(|helper| !included.contains(&helper.file.path[..]));
    let mut owners: Vec<Owner<'_>> = Vec::new();
    for (parts, kernel) in [(modules, true), (programs, false)] {
        for (&name, part) in parts {
            if let PartSource::C(sources) = part {
                owners.push(Owner::new(name, kernel, sources, &headers));
            }
        }
    }
    let is_claimed = |helper: &&Helper<'_>| {
        let has_header =
            |owner: &Owner<'_>| owner.closure.has_header_of(&helper.file.path, &headers);
        owners
            .iter()
            .any(|owner| owner.may_have(helper) && has_header(owner))
    };
    let claimed: HashSet<&str> = helpers
        .iter()
        .filter(is_claimed)
        .map(|helper| &helper.file.path[..])
        .collect();
    let mut given: HashSet<&str> = HashSet::new();
    for owner in &mut owners {
        owner.link(&helpers, &claimed, &headers, &mut given, remarks);
    }
    for helper in helpers
        .iter()
        .filter(|helper| !given.contains(&helper.file.path[..]))
    {
        remarks.push(format!(
            "{} belongs to nothing that is graded",
            helper.file.shown
        ));
    }
}

/// A part that sources may be linked to.
struct Owner<'a> {
    name: &'static str,
    kernel: bool,
    sources: &'a mut Vec<String>,
    closure: Closure<'a>,
}

impl<'a> Owner<'a> {
    fn new(
        name: &'static str,
        kernel: bool,
        sources: &'a mut Vec<String>,
        headers: &Headers<'a>,
    ) -> Self {
        let mut closure = Closure::default();
        for source in &*sources {
            if let Some(file) = headers.files.iter().find(|file| file.path == *source) {
                closure.add(file, headers);
            }
        }
        Owner {
            name,
            kernel,
            sources,
            closure,
        }
    }

    fn may_have(&self, helper: &Helper<'_>) -> bool {
        if self.kernel {
            helper.kernel
        } else {
            helper.user
        }
    }

    /// Link what the part needs, in the order in which it comes to need it. A source with a name that
    /// it has already is not linked.
    fn link<'h>(
        &mut self,
        helpers: &'h [Helper<'a>],
        claimed: &HashSet<&str>,
        headers: &Headers<'a>,
        given: &mut HashSet<&'h str>,
        remarks: &mut Vec<String>,
    ) {
        let Some(main) = self.sources.first().cloned() else {
            return;
        };
        let is_for = |helper: &&Helper<'a>| {
            self.may_have(helper) && !self.sources.contains(&helper.file.path)
        };
        let mut waiting: Vec<_> = helpers.iter().filter(is_for).collect();
        // Of two that define the same, the one that is more likely to be meant comes first.
        waiting.sort_by_cached_key(|helper| {
            let path = &helper.file.path;
            let has_header = self.closure.has_header_of(path, headers);
            (
                !has_header,
                copies(path),
                distance(&main, path),
                path.clone(),
            )
        });
        let needs = |closure: &Closure<'a>, helper: &Helper<'_>| {
            closure.needs(
                helper,
                claimed.contains(&helper.file.path[..]),
                &main,
                headers,
            )
        };
        while let Some(at) = waiting
            .iter()
            .position(|helper| needs(&self.closure, helper))
        {
            let helper = waiting.remove(at);
            given.insert(&helper.file.path);
            let twin = helper
                .defines
                .all()
                .filter(|name| self.closure.defines.contains(*name))
                .min();
            if let Some(twin) = twin {
                remarks.push(format!(
                    "{} defines {twin}, which {} has already; it is not linked",
                    helper.file.shown, self.name
                ));
                continue;
            }
            self.closure.add(helper.file, headers);
            self.sources.push(helper.file.path.clone());
        }
    }
}
