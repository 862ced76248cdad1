// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a grader or a student says about which file is which part: `--map NAME=PATH`, or
//! `lab-submission.toml` in the submission.

use std::collections::BTreeMap;

use lab_base::catalogue;
use serde::Deserialize;

use crate::{
    class_export::is_source,
    layout::{directory_of, file_name, is_below},
    unpack::SubmittedFile,
};

/// The file in a submission that says which files its parts are.
pub const FILE: &str = "lab-submission.toml";

/// Files that are named where a path is none of them.
const NAMED_MAX: usize = 10;

/// The files of the parts of a submission, as a grader or the submission says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<&'static str, Said>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    /// Relative to the submission.
    paths: Vec<String>,
    /// Where it was said.
    origin: String,
}

/// The files that a mapping names for a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MappedTo {
    /// Its sources, by [`SubmittedFile::path`]; the first one has the entry.
    Files(Vec<String>),
    /// The folder that it is in.
    Folder(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    parts: BTreeMap<String, Paths>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Paths {
    One(String),
    Many(Vec<String>),
}

impl Mapping {
    /// From arguments `NAME=PATH`; the first path of a name is the source with the entry.
    ///
    /// # Errors
    /// An argument that says nothing, or a name of no part; why.
    pub fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        let mut mapping = Mapping::default();
        for argument in arguments {
            let origin = format!("--map {argument}");
            let said = argument
                .split_once('=')
                .filter(|(_, path)| !path.is_empty());
            let (name, path) = said.ok_or_else(|| format!("{origin}: expected NAME=PATH"))?;
            let name = part(name).map_err(|why| format!("{origin}: {why}"))?;
            let paths = Vec::new();
            let said = mapping.0.entry(name).or_insert(Said { paths, origin });
            said.paths.push(path.to_owned());
        }
        Ok(mapping)
    }

    /// What the submission's own [`FILE`] says, where these arguments do not.
    pub(crate) fn with_own(mut self, files: &[SubmittedFile]) -> Result<Self, String> {
        let own = files.iter().filter(|file| file_name(&file.shown) == FILE);
        let Some(file) = own.min_by_key(|file| file.shown.matches('/').count()) else {
            return Ok(self);
        };
        let text = String::from_utf8_lossy(&file.contents);
        let wrong = |line: Option<usize>, why: &str| match line {
            Some(line) => format!("{}, line {line}: {why}", file.shown),
            None => format!("{}: {why}", file.shown),
        };
        let written: Written = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start].matches('\n').count() + 1);
            wrong(line, error.message())
        })?;
        for (name, paths) in written.parts {
            let line = text
                .lines()
                .position(|line| line.trim_start().starts_with(&name));
            let line = line.map(|line| line + 1);
            let origin = wrong(line, &name);
            let part = part(&name).map_err(|why| wrong(line, &why))?;
            let paths = match paths {
                Paths::One(path) => vec![path],
                Paths::Many(paths) => paths,
            };
            let folder = directory_of(&file.shown);
            let below = |path: String| match folder {
                "" => path,
                folder => format!("{folder}/{path}"),
            };
            let paths = paths.into_iter().map(below).collect();
            self.0.entry(part).or_insert(Said { paths, origin });
        }
        Ok(self)
    }

    /// The files that are meant, by the names of the parts.
    pub(crate) fn resolved(
        &self,
        files: &[SubmittedFile],
    ) -> Result<BTreeMap<&'static str, MappedTo>, String> {
        let mut resolved = BTreeMap::new();
        for (name, Said { paths, origin }) in &self.0 {
            let absent = |why: String| format!("{origin}: {why}");
            let found = match &paths[..] {
                [] => return Err(absent("expected a path, or several".into())),
                [path] => meant(path, files).map_err(absent)?,
                paths => {
                    let mut sources = Vec::new();
                    for path in paths {
                        match meant(path, files).map_err(absent)? {
                            MappedTo::Files(found) => sources.extend(found),
                            MappedTo::Folder(_) => {
                                return Err(absent(format!(
                                    "expected files, found the folder {path}"
                                )));
                            }
                        }
                    }
                    MappedTo::Files(sources)
                }
            };
            resolved.insert(*name, found);
        }
        Ok(resolved)
    }
}

/// A part of the catalogue.
fn part(name: &str) -> Result<&'static str, String> {
    let all: Vec<_> = catalogue::modules().chain(catalogue::programs()).collect();
    let found = all.iter().find(|part| **part == name);
    found
        .copied()
        .ok_or_else(|| format!("there is no part {name}; the parts are {}", all.join(", ")))
}

/// The file or folder that a path of people means; its beginning may be missing, if no other file
/// ends like this.
fn meant(path: &str, files: &[SubmittedFile]) -> Result<MappedTo, String> {
    let wanted = path.trim_start_matches("./").trim_end_matches('/');
    let is = |file: &&SubmittedFile| file.shown == wanted || file.path == wanted;
    if let Some(file) = files.iter().find(is) {
        return Ok(MappedTo::Files(vec![file.path.clone()]));
    }
    let end = format!("/{wanted}");
    let mut ending = files.iter().filter(|file| file.shown.ends_with(&end));
    if let (Some(file), None) = (ending.next(), ending.next()) {
        return Ok(MappedTo::Files(vec![file.path.clone()]));
    }
    // The names of its folders are as many as those of the folders that people see.
    if let Some(file) = files.iter().find(|file| is_below(&file.shown, wanted)) {
        let depth = wanted.split('/').filter(|name| !name.is_empty()).count();
        let names: Vec<_> = file.path.split('/').take(depth).collect();
        return Ok(MappedTo::Folder(names.join("/")));
    }
    let mut sources: Vec<_> = files
        .iter()
        .filter(|file| is_source(&file.shown))
        .map(|file| &file.shown[..])
        .collect();
    let more = if sources.len() > NAMED_MAX {
        ", ..."
    } else {
        ""
    };
    sources.truncate(NAMED_MAX);
    Err(match sources.join(", ") {
        sources if sources.is_empty() => {
            format!("there is no {path} in the submission, and no source")
        }
        sources => format!("there is no {path} in the submission; its sources are {sources}{more}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(shown: &str, contents: &str) -> SubmittedFile {
        SubmittedFile {
            shown: shown.to_owned(),
            path: shown.replace(' ', "_"),
            contents: contents.into(),
        }
    }

    fn of(arguments: &[&str]) -> Result<Mapping, String> {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect();
        Mapping::from_arguments(&arguments)
    }

    #[test]
    fn paths_are_those_that_people_know() {
        let files = [
            file("my ex/drv/a b.c", ""),
            file("my ex/user/s.c", ""),
            file("my ex/user/u.c", ""),
        ];
        let resolved = |argument: &str| of(&[argument]).unwrap().resolved(&files).unwrap();
        let first = |argument: &str| resolved(argument).into_values().next().unwrap();
        assert_eq!(
            first("message_slot=./drv/a b.c"),
            MappedTo::Files(vec!["my_ex/drv/a_b.c".into()])
        );
        assert_eq!(
            first("message_slot=my ex/drv/"),
            MappedTo::Folder("my_ex/drv".into())
        );
        let both = of(&["message_sender=s.c", "message_sender=u.c"]).unwrap();
        assert_eq!(
            both.resolved(&files).unwrap()["message_sender"],
            MappedTo::Files(vec!["my_ex/user/s.c".into(), "my_ex/user/u.c".into()])
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let files = [file("x.c", ""), file("y.c", "")];
        for (argument, why) in [
            ("message_slot", "--map message_slot: expected NAME=PATH"),
            ("message_slot=", "--map message_slot=: expected NAME=PATH"),
        ] {
            assert_eq!(of(&[argument]).unwrap_err(), why);
        }
        assert!(
            of(&["slot=x.c"])
                .unwrap_err()
                .starts_with("--map slot=x.c: there is no part slot; the parts are nl_hello, ")
        );
        assert_eq!(
            of(&["message_slot=z.c"])
                .unwrap()
                .resolved(&files)
                .unwrap_err(),
            "--map message_slot=z.c: there is no z.c in the submission; its sources are x.c, y.c"
        );
        let own = |text: &str| Mapping::default().with_own(&[file("a/lab-submission.toml", text)]);
        assert_eq!(
            own("# parts\n[parts]\nslot = \"x.c\"\n")
                .unwrap_err()
                .split(';')
                .next(),
            Some("a/lab-submission.toml, line 3: there is no part slot")
        );
        assert!(
            own("[parts]\nmessage_slot = 3\n")
                .unwrap_err()
                .starts_with("a/lab-submission.toml, line 2: ")
        );
        assert!(
            own("[part]\n")
                .unwrap_err()
                .starts_with("a/lab-submission.toml, line 1: ")
        );
        let mapping = own("[parts]\nmessage_slot = \"z.c\"\n").unwrap();
        assert_eq!(
            mapping.resolved(&files).unwrap_err(),
            "a/lab-submission.toml, line 2: message_slot: there is no a/z.c in the submission; its sources are x.c, y.c"
        );
    }

    #[test]
    fn an_argument_counts_more_than_the_file() {
        let files = [
            file("x.c", ""),
            file("y.c", ""),
            file(
                FILE,
                "[parts]\nmessage_slot = \"x.c\"\nmessage_sender = [\"x.c\", \"y.c\"]\n",
            ),
        ];
        let mapping = of(&["message_slot=y.c"]).unwrap().with_own(&files).unwrap();
        let resolved = mapping.resolved(&files).unwrap();
        assert_eq!(
            resolved["message_slot"],
            MappedTo::Files(vec!["y.c".into()])
        );
        assert_eq!(
            resolved["message_sender"],
            MappedTo::Files(vec!["x.c".into(), "y.c".into()])
        );
    }
}
