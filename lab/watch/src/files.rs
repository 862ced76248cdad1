// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches the files of a checkout that a stage is built from.

use std::path::{Path, PathBuf};

use anyhow::Context;
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind},
};

/// What the kernel tells of files.
#[derive(Debug)]
pub(crate) enum Seen {
    /// These have changed, relative to the checkout.
    Changed(Vec<PathBuf>),
    /// Events were lost.
    Lost,
    /// Something cannot be watched.
    Blind(String),
}

/// The watched files. Watching ends with this value.
pub(crate) struct Files {
    watcher: RecommendedWatcher,
    checkout: PathBuf,
    /// Directories that are watched with all below them, relative to the checkout.
    parts: Vec<&'static str>,
}

impl Files {
    /// Watch the directories of a stage's package, the modules, the protocol and the lab, and the
    /// files beside them.
    ///
    /// # Errors
    /// The kernel has no watch left, or a directory is missing.
    pub(crate) fn watch(
        checkout: &Path,
        package: &'static str,
        mut see: impl FnMut(Seen) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let root = checkout.to_owned();
        let watcher = notify::recommended_watcher(move |told: notify::Result<Event>| {
            if let Some(seen) = seen(told, &root) {
                see(seen);
            }
        });
        let mut files = Files {
            watcher: watcher.context("watching files")?,
            checkout: checkout.to_owned(),
            parts: vec![package, "kernel", "protocol", "lab"],
        };
        files
            .watcher
            .watch(checkout, RecursiveMode::NonRecursive)
            .with_context(|| format!("watching {}", checkout.display()))?;
        for part in files.parts.clone() {
            files.watch_part(part)?;
        }
        Ok(files)
    }

    fn watch_part(&mut self, part: &str) -> anyhow::Result<()> {
        let directory = self.checkout.join(part);
        self.watcher
            .watch(&directory, RecursiveMode::Recursive)
            .with_context(|| {
                format!(
                    "watching {}; if there are too many watches, raise fs.inotify.max_user_watches",
                    directory.display()
                )
            })
    }

    /// Watch directories again that were renamed or removed, and are there again.
    ///
    /// # Errors
    /// They cannot be watched.
    pub(crate) fn again(&mut self, changed: &[PathBuf]) -> anyhow::Result<()> {
        for part in self.parts.clone() {
            let is_it = changed.iter().any(|path| path == Path::new(part));
            if is_it && self.checkout.join(part).is_dir() {
                // The old watch is of a directory that has another name now.
                let _ = self.watcher.unwatch(&self.checkout.join(part));
                self.watch_part(part)?;
            }
        }
        Ok(())
    }
}

/// What an event means. A build opens and reads the same files, which changes nothing.
fn seen(told: notify::Result<Event>, checkout: &Path) -> Option<Seen> {
    let event = match told {
        Ok(event) => event,
        Err(error) => return Some(Seen::Blind(format!("a file cannot be watched: {error}"))),
    };
    if event.need_rescan() {
        return Some(Seen::Lost);
    }
    let has_changed = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        _ => true,
    };
    let paths = event.paths.iter();
    let inside = paths.filter_map(|path| path.strip_prefix(checkout).ok());
    has_changed.then(|| Seen::Changed(inside.map(Path::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::mpsc::{Receiver, channel},
        time::Duration,
    };

    use super::*;

    /// Wait until a change of this path is seen.
    fn wait_for(seen: &Receiver<Seen>, wanted: &str) {
        loop {
            match seen.recv_timeout(Duration::from_secs(60)).unwrap() {
                Seen::Changed(paths) if paths.iter().any(|path| path == Path::new(wanted)) => {
                    return;
                }
                _ => {}
            }
        }
    }

    /// Save a file as many editors do.
    fn save(directory: &Path, name: &str) {
        let new = directory.join(".new");
        fs::write(&new, "x").unwrap();
        fs::rename(new, directory.join(name)).unwrap();
    }

    #[test]
    fn a_file_is_seen_whatever_happens_to_it_but_not_when_it_is_read() {
        let checkout = tempfile::tempdir().unwrap();
        let at = |path: &str| checkout.path().join(path);
        for part in ["package/src", "kernel", "protocol", "lab"] {
            fs::create_dir_all(at(part)).unwrap();
        }
        fs::write(at("package/src/a.rs"), "a").unwrap();
        let (send, receive) = channel();
        let see = move |seen| drop(send.send(seen));
        let mut files = Files::watch(checkout.path(), "package", see).unwrap();

        fs::read(at("package/src/a.rs")).unwrap();
        fs::write(at("kernel/after"), "").unwrap();
        let first = receive.recv_timeout(Duration::from_secs(60)).unwrap();
        let Seen::Changed(paths) = first else {
            panic!("{first:?}");
        };
        assert_eq!(paths, [PathBuf::from("kernel/after")]);

        fs::write(at("package/src/a.rs"), "b").unwrap();
        wait_for(&receive, "package/src/a.rs");
        save(&at("package/src"), "b.rs");
        wait_for(&receive, "package/src/b.rs");
        fs::remove_file(at("package/src/b.rs")).unwrap();
        wait_for(&receive, "package/src/b.rs");

        // As git does when it changes to another branch.
        fs::rename(at("package"), at("away")).unwrap();
        wait_for(&receive, "package");
        fs::create_dir_all(at("package/src")).unwrap();
        wait_for(&receive, "package");
        files.again(&["package".into()]).unwrap();
        save(&at("package/src"), "c.rs");
        wait_for(&receive, "package/src/c.rs");
    }
}
