// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a compiler says of a crate that the lab does not have. It advises `cargo add`, which changes
//! nothing here: a submission is built with the lab's own manifests. Text in, text out.

use std::{collections::BTreeSet, sync::LazyLock};

use lab_base::pattern;
use regex::Regex;

static UNKNOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:unlinked crate|undeclared crate or module|undeclared type or module|missing crate|crate named|can't find crate for) `(\w+)`",
    )
});

/// What the compiler said of `package`, with a first line that names the crates which it may use, if a
/// crate is missing. `manifest` is the lab's own of that package.
pub(crate) fn explained(said: &str, package: &str, manifest: &str) -> String {
    let unknown: BTreeSet<&str> = UNKNOWN
        .captures_iter(said)
        .filter_map(|found| found.get(1))
        .map(|name| name.as_str())
        .collect();
    if unknown.is_empty() {
        return said.to_owned();
    }
    let unknown: Vec<_> = unknown.iter().map(|name| format!("`{name}`")).collect();
    let is = if unknown.len() == 1 {
        "is no crate"
    } else {
        "are no crates"
    };
    let advice = |line: &&str| !line.contains("cargo add");
    let said: Vec<_> = said.lines().filter(advice).collect();
    format!(
        "{} {is} of the lab; {package} may use the standard library and {}\n{}",
        unknown.join(", "),
        dependencies(manifest).join(", "),
        said.join("\n")
    )
}

/// The crates that a manifest names.
fn dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    dependencies
        .into_iter()
        .flat_map(toml::Table::keys)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[dependencies]\nclap.workspace = true\ncrossbeam-channel = \"1\"\n";

    #[test]
    fn a_crate_that_the_lab_does_not_have_is_named() {
        for said in [
            "error[E0432]: unresolved import `rand`\n  |     ^^^^ use of unresolved module or unlinked crate `rand`\n  = help: if you wanted to use a crate named `rand`, use `cargo add rand` to add it",
            "error[E0432]: unresolved import `rand`\n  |     ^^^^ you might be missing crate `rand`",
            "error[E0463]: can't find crate for `rand`",
            "error[E0433]: failed to resolve: use of undeclared crate or module `rand`",
        ] {
            let text = explained(said, "part1-threads", MANIFEST);
            let first = "`rand` is no crate of the lab; part1-threads may use the standard library and clap, crossbeam-channel\nerror[E04";
            assert!(text.starts_with(first), "{text}");
            assert!(!text.contains("cargo add"), "{text}");
        }
    }

    #[test]
    fn other_errors_stay() {
        let said = "error[E0432]: unresolved import `crate::x`\n  |  no `x` in the root";
        assert_eq!(explained(said, "part1-threads", MANIFEST), said);
    }
}
