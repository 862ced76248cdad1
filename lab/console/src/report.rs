// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding the kernel's report of a crash in what a machine's console said. Pure.
//!
//! [`first_report`] reads the whole console and names the first thing that the kernel complained
//! about: what comes first is the cause, the panic that follows it is not. `classes` is the table
//! of what there is to be found, `lines` takes off what printk puts in front, `locate` looks a
//! place up in a module's debug information. What kernels on a slow host log by themselves
//! (`aside`) is left out everywhere. `plain` and `prefix` know the forms in which logs are saved.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::Regex;

use crate::{
    aside::is_aside,
    class::Class,
    lines::{Line, lines},
    locate::Source,
    plain::plain,
    prefix::Speaker,
    trace::{self, Place},
};

/// Lines of a report that are shown at most; a call trace is about 40.
const EXCERPT_LINES: usize = 60;

/// Lines of a report that are searched for a function. Lockdep's are the longest: 150 lines, with
/// the trace at the end.
const REPORT_LINES: usize = 250;

/// Lines that the message of a warning has at most.
const WARNING_LINES: usize = 5;

/// The first thing that the kernel complained about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelReport {
    /// What kind of thing.
    pub class: Class,
    /// The line that says what happened, without time and caller.
    pub title: String,
    /// Where in a module, if the report says so.
    pub place: Option<Place>,
    /// From that line to the end of the trace, at most 60 lines.
    pub excerpt: String,
}

impl KernelReport {
    /// Class, title and, if it is known, the function. With the line of the source behind it, if
    /// that is known too.
    pub fn headline(&self, source: Option<&Source>) -> String {
        let mut text = format!("{}: {}", self.class, self.title.trim_end_matches('.'));
        if let Some(place) = &self.place
            // KASAN's titles have it.
            && !self.title.contains(&format!("{}+0x", place.symbol))
        {
            text += &format!(", in {place}");
        }
        if let Some(source) = source {
            text += &format!(", {source}");
        }
        text
    }
}

/// The first report in `console`, or `None` if the kernel did not complain.
pub fn first_report(console: &str) -> Option<KernelReport> {
    first_of(console, |_| true)
}

/// As [`first_report`], without what watchdogs say of something that takes too long
/// ([`Class::is_stall`]): where the host gives a machine no processor, a module cannot help it.
pub fn first_fault(console: &str) -> Option<KernelReport> {
    first_of(console, |class| !class.is_stall())
}

fn first_of(console: &str, wanted: impl Fn(Class) -> bool) -> Option<KernelReport> {
    let console = plain(console);
    let mut lines = lines(&console);
    lines.retain(|line| line.speaker != Speaker::Program && !is_aside(line.text));
    // Where the log says what the kernel has said, all other lines are of programs.
    let marked = lines.iter().any(Line::is_of_kernel);
    let found = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.is_of_kernel() || !marked || is_list_of_leaks(line.text))
        .filter_map(|(at, line)| Some((at, Class::of(line.text)?)))
        .find(|(_, class)| wanted(*class));
    let Some((start, class)) = found else {
        return reboot_at(&lines).map(|at| reboot(&lines, at));
    };
    let start = match class {
        Class::Warning => message_of_warning(&lines, start),
        _ => start,
    };
    let report = report_from(&lines[start..], class);
    let (class, title) = said_better(&report, class).unwrap_or((class, report[0].to_owned()));
    Some(KernelReport {
        class,
        title: title.trim_start().to_owned(),
        place: trace::place(&report),
        excerpt: report[..report.len().min(EXCERPT_LINES)].join("\n"),
    })
}

/// Whether the line begins what kmemleak lists in debugfs: a program prints it, and the kernel has
/// written it.
fn is_list_of_leaks(text: &str) -> bool {
    text.starts_with("unreferenced object 0x")
}

/// The lines of the report that starts with the first of `lines`, up to its end. What others say
/// in the meantime is left out, if the kernel tells who speaks.
fn report_from<'a>(lines: &[Line<'a>], class: Class) -> Vec<&'a str> {
    let caller = lines[0].caller;
    let mut report = vec![lines[0].text];
    let mut traced = false;
    let rest = lines[1..]
        .iter()
        // A watchdog speaks of others and has them speak for themselves.
        .filter(|line| class.is_stall() || line.caller == caller)
        .take(REPORT_LINES);
    for line in rest {
        if is_end(line.text, traced) {
            break;
        }
        traced |= CALL_TRACE.is_match(line.text);
        report.push(line.text);
    }
    report
}

/// Where the message of the warning at `start` begins: after the line that says where to cut. There
/// need be none.
fn message_of_warning(lines: &[Line<'_>], start: usize) -> usize {
    let mut before = (0..start)
        .rev()
        .filter(|at| lines[*at].caller == lines[start].caller)
        .take(WARNING_LINES);
    let mut message = start;
    before
        .find_map(|at| {
            let cut = lines[at].text.starts_with("------------[ cut here ]");
            let found = cut.then_some(message);
            message = at;
            found
        })
        .unwrap_or(start)
}

/// The line in front of a trace: of x86 and most others, of arm64, and of arm.
static CALL_TRACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*(Call [Tt]race|Backtrace):"));

/// After a report come the registers once more, and a panic that says nothing new; but some
/// reports leave the trace to the panic.
fn is_end(text: &str, traced: bool) -> bool {
    let next = ["Kernel panic - not syncing", "------------[ cut here ]"];
    text.starts_with("---[ end ")
        || (traced && next.iter().any(|start| text.starts_with(start)))
        // KASAN's last line.
        || text.starts_with("==========================")
}

/// A title that says more than the first line of the report, with its class.
fn said_better(report: &[&str], class: Class) -> Option<(Class, String)> {
    match class {
        // What KASAN adds to a fault that its own look at memory has caused: the fault's address
        // means nothing then.
        Class::GeneralProtection | Class::PageFault => {
            let title = report.iter().find(|text| text.starts_with("KASAN: "))?;
            Some((Class::of(title)?, (*title).to_owned()))
        }
        // Before 6.1, and on some processors, the message follows the line that says WARNING.
        Class::Warning if report[0].trim_start().starts_with("WARNING: ") => {
            let message = report.get(1)?;
            let is_message = !message.trim().is_empty() && !AFTER_WARNING.is_match(message);
            is_message.then(|| (Class::of(message).unwrap_or(class), (*message).to_owned()))
        }
        // Rust's own message follows the place of the panic.
        Class::Bug if report[0].contains(": panicked at ") && report[0].ends_with(':') => Some((
            class,
            format!("{} {}", report[0], report.get(1)?.trim_start()),
        )),
        _ => None,
    }
}

/// What stands behind a warning that has no message.
static AFTER_WARNING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(Modules linked in|CPU|Tainted|Hardware name|Workqueue|Call [Tt]race|RIP|NIP|pc|pstate|Kernel panic)\b|^ |^-",
    )
});

/// The first line of a kernel or a firmware that starts after a kernel has run, unless that has
/// said that it ends. Only a console has all that a kernel says before it ends.
fn reboot_at(lines: &[Line<'_>]) -> Option<usize> {
    let first = lines.iter().position(|line| line.is_printk)?;
    let mut expected = false;
    for (at, line) in lines.iter().enumerate().skip(first + 1) {
        let starts = if line.is_printk {
            line.text.starts_with("Linux version ")
        } else {
            line.text.contains("SeaBIOS (version ")
        };
        if starts && !expected {
            return Some(at);
        }
        if line.is_printk {
            // The kernel's first line comes after the firmware's and is explained by the same.
            expected = !starts && (expected || IS_END_OF_KERNEL.is_match(line.text));
        }
    }
    None
}

/// The last words of a kernel that was asked to end: kernel/reboot.c, kernel/kexec_core.c,
/// drivers/tty/sysrq.c.
static IS_END_OF_KERNEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(reboot: (Restarting system|Power down|System halted)|(kexec_core: )?Starting new kernel|sysrq: Resetting|Bye!)",
    )
});

/// The report of a start at the line `at` that nothing explains: the last words before it.
fn reboot(lines: &[Line<'_>], at: usize) -> KernelReport {
    let last: Vec<_> = lines[at.saturating_sub(10)..at]
        .iter()
        .map(|line| line.text)
        .collect();
    KernelReport {
        class: Class::Reboot,
        title: "the machine started again, and no report says why".to_owned(),
        place: None,
        excerpt: last.join("\n"),
    }
}

/// The last lines of a console that shows no report.
pub fn tail(console: &str, lines: usize) -> String {
    let all: Vec<&str> = console
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !says_asides_only(line))
        .collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Whether a line of a console has nothing but what the kernel says by itself.
fn says_asides_only(line: &str) -> bool {
    let parts = lines(line);
    !parts.is_empty() && parts.iter().all(|part| is_aside(part.text))
}

#[cfg(test)]
mod starts;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod titles;
