// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a changed file means for a stage. Pure.

use std::path::Path;

use lab_stages::Stage;

/// The part of the tree that a changed file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A module of the stage.
    Module(&'static str),
    /// The headers of all modules.
    Headers,
    /// The programs of the stage, and what they are built from.
    Programs,
    /// The lab, which this program belongs to.
    Lab,
}

impl Change {
    /// The meaning of a path, relative to the checkout; `None` if the stage does not need it.
    pub(crate) fn of(stage: &Stage, path: &Path) -> Option<Self> {
        if !is_source(path) {
            return None;
        }
        let mut modules = stage.steps.iter().flat_map(|step| step.modules);
        if let Some(module) =
            modules.find(|module| path.starts_with(Path::new("kernel").join(module)))
        {
            return Some(Change::Module(module));
        }
        if path.starts_with("kernel/include") {
            return Some(Change::Headers);
        }
        // cargo also reads the files of the workspace.
        let of_programs = [stage.package, "protocol", "Cargo.toml", "Cargo.lock"];
        if of_programs.iter().any(|part| path.starts_with(part)) {
            return Some(Change::Programs);
        }
        (path.starts_with("lab") && path.extension().is_some()).then_some(Change::Lab)
    }
}

/// Whether a compiler or the lab reads a file of this name. Editors write others: `.x.c.swp`, `x.c~`,
/// `#x.c#`. A name without an extension may be a directory, or a `Kbuild`.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(['.', '#']) || name.ends_with(['~', '#']) {
        return false;
    }
    match path.extension() {
        None => !name.chars().all(|c| c.is_ascii_digit()),
        Some(extension) => ["c", "h", "S", "rs", "toml", "lock", "sh"]
            .iter()
            .any(|known| extension == *known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stage: &str, path: &str) -> Option<Change> {
        Change::of(lab_stages::stage(stage).unwrap(), Path::new(path))
    }

    #[test]
    fn each_part_of_the_tree_has_its_meaning() {
        let routes = Some(Change::Module("nl_routes"));
        assert_eq!(of("part2", "kernel/nl_routes/routes.h"), routes);
        assert_eq!(of("part2", "kernel/nl_routes/Kbuild"), routes);
        // The directory was renamed.
        assert_eq!(of("part2", "kernel/nl_routes"), routes);
        let headers = "kernel/include/uapi/ipclab/netlink.h";
        assert_eq!(of("part2", headers), Some(Change::Headers));
        for file in [
            "part2-netlink/src/bin/pubsub.rs",
            "part2-netlink/src",
            "part2-netlink/Cargo.toml",
            "protocol/src/lib.rs",
            "protocol/netlink-client/src/socket.rs",
            "Cargo.toml",
            "Cargo.lock",
        ] {
            assert_eq!(of("part2", file), Some(Change::Programs), "{file}");
        }
        assert_eq!(of("part2", "lab/src/demo.rs"), Some(Change::Lab));
        assert_eq!(of("part2", "lab/lab.sh"), Some(Change::Lab));
    }

    #[test]
    fn what_the_stage_does_not_need_means_nothing() {
        for file in [
            "kernel/nl_router/nl_router.c",
            "kernel/nl_router2/nl_router.c",
            "part3-lists/src/lib.rs",
            "README.md",
            "lab/walkthrough/part2.md",
            "lab/docs",
            "build/modules/x.c",
        ] {
            assert_eq!(of("part2", file), None, "{file}");
        }
        assert_eq!(of("part1", "kernel/nl_hello/nl_hello.c"), None);
    }

    #[test]
    fn files_of_editors_mean_nothing() {
        for name in [
            ".pubsub.rs.swp",
            ".#pubsub.rs",
            "#pubsub.rs#",
            "pubsub.rs~",
            "pubsub.rs.tmp",
            "pubsub.rs.orig",
            "4913",
        ] {
            let file = format!("part2-netlink/src/bin/{name}");
            assert_eq!(of("part2", &file), None, "{file}");
        }
    }
}
