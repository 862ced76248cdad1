// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab grade`: a verdict on a submission.

use std::{
    io::Write,
    path::Path,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anstream::{eprintln, print};
use anyhow::Context;
use lab_base::{paths::Paths, progress::bar};
use lab_build::kernels::{Capability, Which};
use lab_cli::{on_interrupt, processor, processors, red};
use lab_console::Class;
use lab_course::progress;
use lab_grade::{
    again::Elsewhere,
    build_time::BuildTime,
    compilers::Compilers,
    intake::Submission,
    render::Format,
    report::{Finding, FindingKind, GradedCheck, MachineInfo, Report},
    rubric::Rubric,
    run::Runner,
    safe_text::SafeText,
    selection::stages_of,
    submitted::Submitted,
};
use lab_scene::workshop::{Start, Workshop};
use lab_stages::STAGES;

use super::{
    arguments::Arguments,
    best_kernel::best,
    ending::{BROKEN, refuse},
    outputs::Outputs,
    remember::results,
    submission::{self, NotGraded},
};

/// Grade a submission, or without one this tree, by the checks that `filter` selects.
pub(crate) fn run(
    arguments: &Arguments,
    submission: Option<&Path>,
    filter: &str,
    mut rubric: Rubric,
    which: Option<Which>,
    start: Start,
) -> anyhow::Result<ExitCode> {
    // Before anything that takes long.
    let named = [
        (&arguments.json, Format::Json),
        (&arguments.junit, Format::Junit),
        (&arguments.ktap, Format::Ktap),
        (&arguments.gradescope, Format::Gradescope),
    ];
    let outputs = match Outputs::prepare(named, arguments.out.as_deref()) {
        Ok(outputs) => outputs,
        Err(error) => {
            let code = refuse(&format!("{error:#}"));
            // The batch has chosen the files, and not the user.
            return Ok(if arguments.machines.is_some() {
                ExitCode::from(BROKEN)
            } else {
                code
            });
        }
    };
    let wanted = match &arguments.stage[..] {
        [] => &stages_of(&arguments.step)[..],
        stages => stages,
    };
    let opened = submission.map(|path| submission::open(path, &arguments.map, wanted));
    let (mut submission, stages) = match opened {
        Some(Ok((submission, stages))) => (Some(submission), stages),
        Some(Err(NotGraded { why, details })) => {
            let code = refuse(&why);
            for line in details {
                eprintln!("{}", SafeText::from(line));
            }
            return Ok(code);
        }
        None if !wanted.is_empty() => {
            let is_wanted = |name: &&str| wanted.iter().any(|stage| stage == name);
            let all = STAGES.iter().map(|stage| stage.name);
            (None, all.filter(is_wanted).collect())
        }
        None => (
            None,
            STAGES.iter().map(|stage| stage.name).collect::<Vec<_>>(),
        ),
    };
    if let Err(why) = rubric.select(&stages, &arguments.step, filter) {
        return Ok(refuse(&why));
    }
    let is_this_tree = submission.is_none();
    let graded = grade(
        arguments,
        which,
        start,
        &rubric,
        submission.as_mut(),
        &stages,
    );
    let graded = graded.and_then(|report| {
        // People see it whatever becomes of the files.
        print!("{}", Format::Text.render(&report, arguments.readers())?);
        std::io::stdout().flush().context("writing the report")?;
        if is_this_tree {
            progress::record(&Paths::find()?, &results(&report))?;
        }
        Ok(report)
    });
    match graded {
        Ok(report) => match outputs.write(&report, arguments.readers()) {
            Ok(()) => Ok(ExitCode::from(report.exit_status())),
            Err(error) => Ok(broken("the report is not in all files:", &error)),
        },
        Err(error) => match error.downcast_ref() {
            Some(lab_base::Error::Interrupted) => {
                eprintln!("ended before anything was checked, so there is no report");
                Ok(ExitCode::from(BROKEN))
            }
            _ => Ok(broken("the machinery failed, no score:", &error)),
        },
    }
}

/// An error may contain names and words of a submission.
fn broken(what: &str, error: &anyhow::Error) -> ExitCode {
    eprintln!("{} {}", red(what), SafeText::from(format!("{error:#}")));
    ExitCode::from(BROKEN)
}

fn grade(
    arguments: &Arguments,
    which: Option<Which>,
    start: Start,
    rubric: &Rubric,
    submission: Option<&mut Submission>,
    stages: &[&str],
) -> anyhow::Result<Report> {
    let interrupted = interrupts()?;
    let submission = submission.map(|submission| {
        submission.build_time = BuildTime::until(interrupted.clone());
        &*submission
    });
    let workshop = if arguments.no_build {
        Workshop::open_built(Some(best(which)?), start)
    } else {
        Workshop::open(Some(best(which)?), start)
    }?;
    let consoles = match &arguments.out {
        Some(directory) => directory.join("consoles"),
        None => workshop.paths.build.join("consoles"),
    };
    let timeout = Duration::from_secs(arguments.seconds());
    let build = |workshop: &Workshop| match submission {
        Some(submission) => Submitted::build(workshop, submission, stages, &consoles, timeout),
        None => Submitted::ours(workshop, &consoles),
    };
    let mut submitted = build(&workshop)?;
    let probed = workshop.probed()?;
    let machine = MachineInfo {
        accelerator: if probed.kvm { "kvm" } else { "emulation" },
        cpu: SafeText::line(&processor()),
        start: match start {
            Start::Warm => "warm",
            Start::Cold => "cold",
        },
        compilers: Compilers::of(&workshop.kernel)?,
    };
    let name = submission.map_or("this tree", |submission| &submission.name);
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let kernel = workshop.kernel.to_string();
    let mut report = Report::new(name, seed, &kernel, machine, rubric);
    let remarks = submission.map_or(&[][..], |submission| &submission.remarks);
    let remark = |text: &String| Finding::new(FindingKind::Remark, text.as_str());
    report.remarks = remarks.iter().map(remark).collect();
    let left_out = submission.and_then(|submission| submission.left_out.as_ref());
    report.remarks.extend(left_out.map(remark));
    report.remarks.append(&mut submitted.remarks);
    let report = Mutex::new(report);
    let lock = || report.lock().unwrap_or_else(PoisonError::into_inner);
    let bar = bar("grading", rubric.checks().count() as u64);
    let runner = Runner {
        submitted,
        elsewhere: Elsewhere::than(&workshop, start, build)?,
        timeout,
        interrupted,
        machines: arguments.machines.unwrap_or_else(processors),
    };
    runner.carry_out(rubric, &report, |check| {
        if arguments.verbose {
            let report = lock();
            if let Some(check) = report.checks().find(|other| other.id == check.id) {
                bar.suspend(|| eprintln!("{} {}", check.outcome.status, check.id));
            }
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    let by_chance = |check: &GradedCheck| check.outcome.class.is_some_and(Class::is_by_chance);
    let sees_first = workshop.kernel.which.has(Capability::Quarantine);
    if !sees_first && report.checks().any(by_chance) {
        report.remarks.push(Finding::new(
            FindingKind::Remark,
            "memory was overwritten, and each run may hit another check: the score may differ. \
             The debug kernel reports the first wrong access (--kernel debug)",
        ));
    }
    Ok(report)
}

/// A flag that is raised by Ctrl-C, or when make ends. What has not been carried out by then is told
/// as that.
fn interrupts() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = flag.clone();
    on_interrupt(move || {
        if raised.swap(true, Ordering::Relaxed) {
            // Somebody means it. The machines end with us.
            std::process::exit(i32::from(BROKEN));
        }
        eprintln!("interrupted: building and checks end now; a report of the others follows");
    })?;
    Ok(flag)
}
