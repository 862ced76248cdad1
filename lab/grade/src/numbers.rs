// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of a message slot that is not the lab's own: its ioctl command and its major, as
//! its sources have them. The compiler computes them; what it has computed is read from the
//! object file and never run.

use std::fs;

use lab_base::{Error, Result};
use lab_machine::Site;
use object::{Object, ObjectSection, ObjectSymbol};
use protocol::slot::{CHANNEL, MAJOR};

use super::{
    build::{self, BuiltModule},
    intake::{PartSource, Submission},
    refused::Refused,
    sandbox::{self, INSIDE, PATIENCE, Sandbox},
    source,
    unpack::SubmittedFile,
};

/// How user space reaches a message slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Major number of the device; 0 lets the kernel choose one.
    pub major: u32,
    /// The ioctl command that chooses a channel.
    pub channel_command: u32,
    /// In what they differ from the contract: sentences for the report.
    pub deviations: Vec<String>,
}

/// The channel's macro; all editions of the assignment call it so.
const CHANNEL_NAME: &str = "MSG_SLOT_CHANNEL";
/// Macros of the major, where no call says which one it is.
const MAJOR_NAMES: [&str; 5] = [
    "MSG_SLOT_MAJOR",
    "MAJOR_NUM",
    "MAJOR_NUMBER",
    "MAJOR_NR",
    "DEVICE_MAJOR",
];
/// Majors are 12 bits (MINORBITS in linux/kdev_t.h).
const MAJOR_MAX: u64 = (1 << 12) - 1;

/// How a probe is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Kernel,
    User,
}

/// Find out a submission's numbers: from its module, and where that has none or does not compile,
/// from its programs, then from its header. The lab's own stand for what is nowhere.
///
/// # Errors
/// The machinery failed.
pub fn probe(site: &Site, submission: &Submission) -> Result<Numbers> {
    let mut channel = None;
    let mut major = None;
    for (file, how) in contexts(submission) {
        if channel.is_some() && major.is_some() {
            break;
        }
        let mut probe = Probe::new(site, submission, &file.path, how)?;
        let called = source::major_expression(&file.contents);
        let names = called.iter().map(String::as_str).chain(MAJOR_NAMES);
        // Mostly both are there, and one compilation is enough.
        if let (None, None, Some(expression)) = (channel, major, names.clone().next())
            && let Some(values) = probe.evaluate(&[CHANNEL_NAME, expression])?
        {
            (channel, major) = (Some(values[0]), Some(values[1]));
            continue;
        }
        if channel.is_none() {
            channel = probe.evaluate(&[CHANNEL_NAME])?.map(|values| values[0]);
        }
        for name in names {
            if major.is_some() {
                break;
            }
            major = probe.evaluate(&[name])?.map(|values| values[0]);
        }
        // So would all others.
        if probe.late {
            break;
        }
    }
    Ok(judge(submission, channel, major))
}

fn judge(submission: &Submission, channel: Option<u64>, major: Option<u64>) -> Numbers {
    let mut deviations = Vec::new();
    let is_there = submission.modules.contains_key("message_slot");
    let channel_command = match channel.map(u32::try_from) {
        Some(Ok(found)) => found,
        Some(Err(_)) => {
            deviations.push(format!(
                "{CHANNEL_NAME} is longer than the 32 bits of an ioctl command; the lab's is used"
            ));
            CHANNEL
        }
        None if is_there => {
            deviations.push(format!("{CHANNEL_NAME} is nowhere; the lab's is used"));
            CHANNEL
        }
        None => CHANNEL,
    };
    if channel_command != CHANNEL {
        deviations.push(format!(
            "{CHANNEL_NAME} is {channel_command:#010x} and not {CHANNEL:#010x}, \
             _IOW({MAJOR}, 0, unsigned int); it is graded with its own"
        ));
    }
    let major = match major {
        Some(found @ 0..=MAJOR_MAX) => found as u32,
        Some(found) => {
            deviations.push(format!(
                "the major, {found}, is above {MAJOR_MAX}; the lab's is used"
            ));
            MAJOR
        }
        None if is_there => {
            deviations.push("the major cannot be found in the sources; the lab's is used".into());
            MAJOR
        }
        None => MAJOR,
    };
    match major {
        MAJOR => {}
        0 => deviations.push(format!(
            "the kernel chooses the major, which is to be {MAJOR}"
        )),
        other => deviations.push(format!(
            "the major is {other} and not {MAJOR}; it is graded with its own"
        )),
    }
    Numbers {
        major,
        channel_command,
        deviations,
    }
}

/// Files to look into, the ones that count most first.
fn contexts(submission: &Submission) -> Vec<(&SubmittedFile, For)> {
    let mains = |parts: &std::collections::BTreeMap<_, PartSource>, names: &[&str]| {
        let found = names.iter().filter_map(|name| match parts.get(name) {
            Some(PartSource::C(sources)) => {
                submission.files.iter().find(|file| file.path == sources[0])
            }
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    let module = mains(&submission.modules, &["message_slot"]);
    let programs = mains(&submission.programs, &["message_sender", "message_reader"]);
    let is_header = |file: &&SubmittedFile| {
        file.path.ends_with(".h") && String::from_utf8_lossy(&file.contents).contains(CHANNEL_NAME)
    };
    let header = submission.files.iter().find(is_header);
    module
        .into_iter()
        .map(|file| (file, For::Kernel))
        .chain(programs.into_iter().map(|file| (file, For::User)))
        .chain(
            header
                .into_iter()
                .flat_map(|file| [(file, For::Kernel), (file, For::User)]),
        )
        .collect()
}

/// A file in whose context expressions are evaluated.
struct Probe<'a> {
    site: &'a Site,
    files: &'a [SubmittedFile],
    sandbox: Sandbox,
    file: &'a str,
    how: For,
    /// Compiling it takes longer than [`PATIENCE`], and is not begun again.
    late: bool,
}

impl<'a> Probe<'a> {
    fn new(site: &'a Site, submission: &'a Submission, file: &'a str, how: For) -> Result<Self> {
        let sandbox = build::kernel_sandbox(site, &submission.files)?;
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
    fn evaluate(&mut self, expressions: &[&str]) -> Result<Option<Vec<u64>>> {
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
                build::make(self.site, &self.sandbox, list, self.files)?
            }
            For::User => {
                let mut gcc = sandbox::command("gcc");
                gcc.args(["-c", "-w", "-O1", "-std=gnu11", "-D_GNU_SOURCE"])
                    .args(
                        ["include", "include/uapi", "module/src"]
                            .map(|directory| format!("-I{INSIDE}/{directory}")),
                    )
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

/// The lab's own module with a submission's numbers: what its programs are graded with when its
/// module is missing. With `by_pointer` the ioctl takes a pointer to the channel id.
///
/// # Errors
/// The machinery failed; the module's source is not what it used to be.
pub fn our_slot_with(site: &Site, numbers: &Numbers, by_pointer: bool) -> Result<BuiltModule> {
    let kernel = site.paths.checkout.join("kernel");
    let read = |file: &str| {
        let file = kernel.join(file);
        fs::read_to_string(&file).map_err(Error::io(format!("reading {}", file.display())))
    };
    let replace = |text: String, old: &str, new: &str| match text.matches(old).count() {
        1 => Ok(text.replace(old, new)),
        count => Err(Error::Unexpected(format!(
            "expected {old:?} once in the source of message_slot, found it {count} times"
        ))),
    };
    // Where the kernel was to choose, any will do for the programs.
    let major = match numbers.major {
        0 => MAJOR,
        major => major,
    };
    let header = read("include/uapi/ipclab/message_slot.h")?;
    let header = replace(
        header,
        "#define MSG_SLOT_MAJOR\t\t235",
        &format!("#define MSG_SLOT_MAJOR\t\t{major}"),
    )?;
    let header = replace(
        header,
        "_IOW(MSG_SLOT_MAJOR, 0, unsigned int)",
        &format!("{:#x}U", numbers.channel_command),
    )?;
    let mut module = read("message_slot/message_slot.c")?;
    module = replace(module, "<ipclab/message_slot.h>", "\"message_slot.h\"")?;
    if by_pointer {
        module = replace(
            module,
            "\tunsigned int channel = arg;\n",
            "\tunsigned int channel;\n\n\
             \tif (get_user(channel, (unsigned int __user *)arg))\n\t\treturn -EFAULT;\n",
        )?;
    }
    let files = [("message_slot.c", module), ("message_slot.h", header)].map(|(name, text)| {
        SubmittedFile {
            shown: name.to_owned(),
            path: name.to_owned(),
            contents: text.into_bytes(),
        }
    });
    let sandbox = build::kernel_sandbox(site, &files)?;
    let sources = ["message_slot.c".to_owned()];
    build::build_module(site, sandbox, "message_slot", &sources, &files)?.map_err(
        |Refused(output)| Error::Compile {
            what: "our message_slot with other numbers".into(),
            output,
        },
    )
}
