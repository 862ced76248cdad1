// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that a report is written to. Whether they can be written is known before grading.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use anyhow::Context;
use lab_grade::{
    render::Format,
    report::{Feedback, Report},
};

/// Files, and the format of each.
pub(crate) struct Outputs(Vec<(PathBuf, Format)>);

impl Outputs {
    /// Those that were named, and all formats in a directory, if one was named. Folders are made.
    ///
    /// # Errors
    /// A file that cannot be written; it names it.
    pub(crate) fn prepare(
        named: [(&Option<PathBuf>, Format); 4],
        directory: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let mut files: Vec<(PathBuf, Format)> = Vec::new();
        for (file, format) in named {
            files.extend(file.iter().map(|file| (file.clone(), format)));
        }
        if let Some(directory) = directory {
            let all = [
                ("report.txt", Format::Text),
                ("report.json", Format::Json),
                ("junit.xml", Format::Junit),
                ("report.ktap", Format::Ktap),
                ("gradescope.json", Format::Gradescope),
            ];
            files.extend(all.map(|(name, format)| (directory.join(name), format)));
        }
        for (file, _) in &files {
            try_to_write(file).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(Outputs(files))
    }

    /// Write the report into all files.
    ///
    /// # Errors
    /// Those that cannot be written; the others are.
    pub(crate) fn write(&self, report: &Report, readers: Feedback) -> anyhow::Result<()> {
        let mut result = Ok(());
        for (file, format) in &self.0 {
            let text = anstream::adapter::strip_str(&format.render(report, readers)?).to_string();
            let written = fs::write(file, text);
            result = result.and(written.with_context(|| format!("writing {}", file.display())));
        }
        result
    }
}

/// Make the folders of a file, and open it without a change to it.
pub(crate) fn try_to_write(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let is_new = !file.exists();
    OpenOptions::new().append(true).create(true).open(file)?;
    if is_new {
        fs::remove_file(file)?;
    }
    Ok(())
}
