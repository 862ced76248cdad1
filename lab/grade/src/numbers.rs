// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of a message slot that is not the lab's own: its ioctl command and its major, as
//! its sources have them.

use std::fs;

use lab_base::{Error, Result};
use lab_machine::Site;
use protocol::slot::{CHANNEL, MAJOR};

use super::{
    build::{self, BuiltModule},
    code::{code_with_literals, names},
    commands::{CHANNEL_NAME, Command, Origin, commands},
    intake::{PartSource, Submission},
    kernel_commands::answered_by_kernel,
    layout::Layout,
    probe::{For, Probe},
    refused::Refused,
    safe_text::SafeText,
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
    /// Their differences from the contract: sentences for the report.
    pub deviations: Vec<String>,
}

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

/// An ioctl command: how the submission writes it, where that was found, and its value.
type Found = (Command, u64);

/// Find out a submission's numbers: from its module, and where that has none or does not compile,
/// from its programs, then from its header. The lab's own stand for what is nowhere.
///
/// # Errors
/// The machinery failed.
pub fn probe(site: &Site, submission: &Submission) -> Result<Numbers> {
    let mut channel: Option<Found> = None;
    let mut major = None;
    let commands = commands_of(submission);
    for (file, how) in contexts(submission, &commands) {
        if channel.is_some() && major.is_some() {
            break;
        }
        let mut probe = Probe::new(site, submission, &file.path, how)?;
        let called = source::major_expression(&file.contents);
        let names = called.iter().map(String::as_str).chain(MAJOR_NAMES);
        // Mostly both are there, and one compilation is enough.
        if let (None, None, Some(expression), Some(command)) =
            (&channel, major, names.clone().next(), commands.first())
            && let Some(values) = probe.evaluate(&[&command.expression, expression])?
        {
            channel = Some((command.clone(), values[0]));
            major = Some(values[1]);
            continue;
        }
        // In a context that does not compile, no expression does.
        if probe.evaluate(&["0"])?.is_some() {
            for command in &commands {
                if channel.is_none() {
                    let value = probe
                        .evaluate(&[&command.expression])?
                        .map(|values| values[0]);
                    channel = value.map(|value| (command.clone(), value));
                }
            }
            for name in names {
                if major.is_none() {
                    major = probe.evaluate(&[name])?.map(|values| values[0]);
                }
            }
        }
        // So would all others.
        if probe.late {
            break;
        }
    }
    Ok(judge(submission, channel, major))
}

/// The sources of a part in C, or nothing.
fn sources<'a>(submission: &'a Submission, name: &str) -> Vec<&'a SubmittedFile> {
    let part = submission
        .modules
        .get(name)
        .or_else(|| submission.programs.get(name));
    let Some(PartSource::C(sources)) = part else {
        return Vec::new();
    };
    let file = |path: &String| submission.files.iter().find(|file| file.path == *path);
    sources.iter().filter_map(file).collect()
}

const PROGRAMS: [&str; 2] = ["message_sender", "message_reader"];

/// The headers of the homework that the slot is part of.
fn headers(submission: &Submission) -> impl Iterator<Item = &SubmittedFile> {
    let layout = Layout::of(submission.files.iter().map(|file| &file.path[..]));
    let mut parts = std::iter::once("message_slot").chain(PROGRAMS);
    let main = parts.find_map(|name| sources(submission, name).first().copied());
    let own = main.map(|main| layout.homework(&main.path));
    submission.files.iter().filter(move |file| {
        file.path.ends_with(".h") && own.is_none_or(|own| layout.homework(&file.path) == own)
    })
}

/// The expressions that may be the ioctl command.
fn commands_of(submission: &Submission) -> Vec<Command> {
    let code = |file: &SubmittedFile| code_with_literals(&file.contents);
    let of = |name: &str| {
        sources(submission, name)
            .into_iter()
            .map(code)
            .collect::<Vec<_>>()
    };
    let headers: Vec<_> = headers(submission).map(code).collect();
    let mut module = of("message_slot");
    // Some have the code of a module in a header.
    if !module.is_empty() {
        module.extend(headers.iter().cloned());
    }
    commands(&module, &PROGRAMS.map(of).concat(), &headers)
}

fn judge(submission: &Submission, channel: Option<Found>, major: Option<u64>) -> Numbers {
    let mut deviations = Vec::new();
    let is_there = submission.modules.contains_key("message_slot");
    let mut name = CHANNEL_NAME;
    let mut channel_command = CHANNEL;
    match &channel {
        Some((Command { expression, origin }, value)) => {
            if expression != CHANNEL_NAME {
                name = expression;
                let why = match origin {
                    Origin::Handler => "the module's handler compares with it",
                    Origin::Programs => "the programs pass it",
                    Origin::Header | Origin::Contract => "it is the only one in the headers",
                };
                let text = SafeText::line(expression);
                deviations.push(format!(
                    "the ioctl command is {} and not called {CHANNEL_NAME}: {why}",
                    &*text
                ));
            }
            match command_of(*value) {
                Some(command) => channel_command = command,
                None => deviations.push(format!(
                    "{name} is longer than the 32 bits of an ioctl command; the lab's is used"
                )),
            }
        }
        None if is_there => {
            deviations.push(format!("{CHANNEL_NAME} is nowhere; the lab's is used"))
        }
        None => {}
    }
    if channel_command != CHANNEL {
        let name = SafeText::line(name);
        deviations.push(format!(
            "{} is {channel_command:#010x} and not {CHANNEL:#010x}, \
             _IOW({MAJOR}, 0, unsigned int); it is graded with its own",
            &*name
        ));
    }
    if let Some(own) = answered_by_kernel(channel_command) {
        deviations.push(format!(
            "the number {channel_command:#x} is {own}, which the kernel answers itself; it never \
             reaches a driver, so no channel can be chosen"
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

/// A command of 32 bits, which an `int` with its highest bit set is, too.
fn command_of(value: u64) -> Option<u32> {
    u32::try_from(value).ok().or_else(|| {
        i32::try_from(value.cast_signed())
            .ok()
            .map(i32::cast_unsigned)
    })
}

/// Files to look into, the ones that count most first.
fn contexts<'a>(submission: &'a Submission, commands: &[Command]) -> Vec<(&'a SubmittedFile, For)> {
    let main = |name| sources(submission, name).first().copied();
    let module = main("message_slot").map(|file| (file, For::Kernel));
    let programs = PROGRAMS
        .into_iter()
        .filter_map(main)
        .map(|file| (file, For::User));
    let header = headers(submission).find(|file| {
        let code = code_with_literals(&file.contents);
        let names = names(&code);
        commands
            .iter()
            .any(|command| names.contains(&command.expression[..]))
    });
    let header = header
        .into_iter()
        .flat_map(|file| [(file, For::Kernel), (file, For::User)]);
    module.into_iter().chain(programs).chain(header).collect()
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
