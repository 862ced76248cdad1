// SPDX-License-Identifier: MIT OR Apache-2.0
//! Constant expressions of a submission. The compiler computes them in a sandbox; what it has
//! computed is read from the object file and never run.

use std::fs;

use lab_base::{Error, Result};
use lab_machine::Site;
use object::{Object, ObjectSection, ObjectSymbol};

use super::{
    build,
    intake::Submission,
    sandbox::{self, INSIDE, PATIENCE, Sandbox},
    unpack::SubmittedFile,
};

/// How a probe is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    Kernel,
    User,
}

/// A file in whose context expressions are evaluated.
pub(crate) struct Probe<'a> {
    site: &'a Site,
    files: &'a [SubmittedFile],
    sandbox: Sandbox,
    file: &'a str,
    how: For,
    /// Compiling it takes longer than [`PATIENCE`], and is not begun again.
    pub(crate) late: bool,
}

impl<'a> Probe<'a> {
    pub(crate) fn new(
        site: &'a Site,
        submission: &'a Submission,
        file: &'a str,
        how: For,
    ) -> Result<Self> {
        let sandbox =
            build::kernel_sandbox(site, &submission.files)?.within(&submission.build_time);
        Ok(Probe {
            site,
            files: &submission.files,
            sandbox,
            file,
            how,
            late: false,
        })
    }

    /// The values of constant expressions; `None` if one of them is none, or has no meaning here.
    pub(crate) fn evaluate(&mut self, expressions: &[&str]) -> Result<Option<Vec<u64>>> {
        if self.late {
            return Ok(None);
        }
        // Beside the sources, so that what those include is found.
        let mut text = format!("#include \"{}\"\n", self.file);
        for (index, expression) in expressions.iter().enumerate() {
            // One line, whatever they have written.
            let expression = expression.replace(['\n', '\r'], " ");
            text += &format!(
                "extern const unsigned long long lab_probe_{index};\n\
                 const unsigned long long lab_probe_{index} __attribute__((used)) = ({expression});\n"
            );
        }
        self.sandbox
            .write("module/src/lab_probe.c", text.as_bytes())?;
        let object = self.sandbox.path().join("module/src/lab_probe.o");
        let _ = fs::remove_file(&object);
        let ended = match self.how {
            For::Kernel => {
                // Modules are not linked: the object is all that is wanted.
                let list = "obj-m := lab_probe_all.o\nlab_probe_all-y := src/lab_probe.o\n";
                build::make(self.site, &self.sandbox, list, self.files, self.file)?
            }
            For::User => {
                let mut gcc = sandbox::command("gcc");
                gcc.args(["-c", "-w", "-O1", "-std=gnu11", "-D_GNU_SOURCE"])
                    .args(build::include_path(
                        sandbox::MODULE_SOURCES,
                        self.files,
                        self.file,
                    ))
                    .arg(format!("-I{INSIDE}/module/src"))
                    .args(build::ALIKE)
                    .arg("-o")
                    .arg(format!("{INSIDE}/module/src/lab_probe.o"))
                    .arg(format!("{INSIDE}/module/src/lab_probe.c"));
                self.sandbox.run(&gcc, PATIENCE)?
            }
        };
        self.late = ended.late;
        if !build::is_file(&object) {
            return Ok(None);
        }
        let object = fs::read(&object).map_err(Error::io("reading a probe"))?;
        let values = (0..expressions.len())
            .map(|index| value_of(&object, &format!("lab_probe_{index}")))
            .collect();
        Ok(values)
    }
}

/// The value of a variable of 8 bytes, as the object file has it.
fn value_of(object: &[u8], name: &str) -> Option<u64> {
    let object = object::File::parse(object).ok()?;
    let symbol = object.symbols().find(|symbol| symbol.name() == Ok(name))?;
    let section = object.section_by_index(symbol.section_index()?).ok()?;
    let bytes = section
        .data_range(symbol.address(), size_of::<u64>() as u64)
        .ok()??;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
