// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result of a run as text. Pure.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use crate::{Error, run::Plan};

/// The description of a run: `3 items in order, 1 producer, 1 consumer, capacity 1024`.
pub fn headline(plan: Plan, capacity: usize) -> String {
    let count = |count: u64, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    format!(
        "{} in order, {}, {}, capacity {capacity}",
        count(plan.items, "item"),
        count(plan.producers.get() as u64, "producer"),
        count(plan.consumers.get() as u64, "consumer"),
    )
}

/// The line after a single run: the headline, the buffer, seconds and items per second.
pub fn summary(plan: Plan, capacity: usize, buffer: &str, duration: Duration) -> String {
    format!(
        "{}, {buffer}: {:.3} s, {} items/s",
        headline(plan, capacity),
        duration.as_secs_f64(),
        per_second(plan.items, duration)
    )
}

/// Several buffers side by side: the headline, then a line for each.
pub fn table(plan: Plan, capacity: usize, runs: &[(&str, Duration)]) -> String {
    let mut text = headline(plan, capacity);
    text += &format!("\n{:<10} {:>9} {:>12}", "buffer", "s", "items/s");
    for &(buffer, duration) in runs {
        let seconds = duration.as_secs_f64();
        let rate = per_second(plan.items, duration);
        text += &format!("\n{buffer:<10} {seconds:>9.3} {rate:>12}");
    }
    text
}

/// Rounded; without items it is 0.
fn per_second(items: u64, duration: Duration) -> u64 {
    let seconds = duration.as_secs_f64();
    if seconds > 0.0 {
        (items as f64 / seconds).round() as u64
    } else {
        0
    }
}

/// Write the text to `out` and return exit status 0, or the error to `err` and exit status 1.
///
/// # Errors
/// If the text cannot be written.
pub fn finish(
    result: Result<String, Error>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<ExitCode> {
    match result {
        Ok(text) => {
            writeln!(out, "{text}")?;
            out.flush()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn plan(items: u64, producers: usize, consumers: usize) -> Plan {
        Plan {
            items,
            producers: NonZeroUsize::new(producers).unwrap(),
            consumers: NonZeroUsize::new(consumers).unwrap(),
        }
    }

    #[test]
    fn one_line_says_what_was_done_and_how_fast() {
        assert_eq!(
            summary(plan(1000, 1, 2), 16, "mutex", Duration::from_millis(250)),
            "1000 items in order, 1 producer, 2 consumers, capacity 16, mutex: 0.250 s, 4000 items/s"
        );
        assert_eq!(
            summary(plan(0, 1, 1), 1, "std", Duration::ZERO),
            "0 items in order, 1 producer, 1 consumer, capacity 1, std: 0.000 s, 0 items/s"
        );
    }

    #[test]
    fn buffers_stand_side_by_side() {
        let runs = [
            ("mutex", Duration::from_secs(2)),
            ("crossbeam", Duration::from_millis(500)),
        ];
        let expected = "\
10000000 items in order, 1 producer, 1 consumer, capacity 1024
buffer             s      items/s
mutex          2.000      5000000
crossbeam      0.500     20000000";
        assert_eq!(table(plan(10_000_000, 1, 1), 1024, &runs), expected);
    }
}
