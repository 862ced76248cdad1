// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deadlines that a busy host does not shorten.
//!
//! On a busy host a machine is slow because its threads wait for a processor. The kernel counts
//! this time for each thread (`/proc/PID/task/TID/schedstat`: computed, waited, both in
//! nanoseconds). A deadline leaves it out, but computed time always counts. So an endless loop is
//! found on any host, and a machine that sleeps for ever is found as soon as on an idle host.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Time that always counts. Most waits end earlier, so they never ask the kernel.
const FREE: Duration = Duration::from_secs(1);

/// Shortest time between two questions to the kernel.
const LOOK: Duration = Duration::from_millis(100);

/// The kernel's counters for the threads of some processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// By thread: computed, waited for a processor.
    threads: HashMap<String, (Duration, Duration)>,
}

impl Sample {
    /// The present counters. If the kernel does not count, no thread has waited.
    pub(crate) fn of(processes: &[u32]) -> Self {
        let mut threads = HashMap::new();
        for process in processes {
            let tasks = fs::read_dir(format!("/proc/{process}/task"));
            for task in tasks.into_iter().flatten().flatten() {
                let counted = fs::read_to_string(task.path().join("schedstat"));
                if let Some(counted) = counted.ok().and_then(|text| parse(&text)) {
                    threads.insert(task.file_name().to_string_lossy().into_owned(), counted);
                }
            }
        }
        Sample { threads }
    }

    /// The difference to `before`: the longest computing time of one thread, and the waiting time
    /// of all.
    fn since(&self, before: &Sample) -> (Duration, Duration) {
        let mut most = Duration::ZERO;
        let mut waited = Duration::ZERO;
        for (thread, now) in &self.threads {
            let then = before.threads.get(thread).copied().unwrap_or_default();
            most = most.max(now.0.saturating_sub(then.0));
            waited += now.1.saturating_sub(then.1);
        }
        (most, waited)
    }

    /// How long all threads have waited for a processor since their start.
    pub(crate) fn waited(&self) -> Duration {
        self.since(&Sample::default()).1
    }

    /// How much of the time since their start counts.
    pub(crate) fn counted(&self, wall: Duration) -> Duration {
        counted(wall, self.since(&Sample::default()))
    }
}

/// The first two numbers of a `schedstat`.
fn parse(text: &str) -> Option<(Duration, Duration)> {
    let mut numbers = text.split_whitespace().map(|word| word.parse().ok());
    let mut next = || numbers.next()?.map(Duration::from_nanos);
    Some((next()?, next()?))
}

/// How much of `wall` counts for a machine whose threads have computed and waited this long.
fn counted(wall: Duration, (computed, waited): (Duration, Duration)) -> Duration {
    wall.saturating_sub(waited).max(computed.min(wall))
}

/// A deadline that leaves out the time in which the host had no processor.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    processes: Vec<u32>,
    begin: Instant,
    /// End of [`FREE`], and the counters at that moment.
    before: Option<(Instant, Sample)>,
    /// The shortest remaining time. The kernel need not be asked before it is over.
    until: Instant,
}

impl Patience {
    /// For work of these processes. The lab's own process is always among them, because it must
    /// notice the result.
    pub(crate) fn new(processes: &[u32], limit: Duration) -> Self {
        let begin = Instant::now();
        let own = std::process::id();
        Patience {
            limit,
            processes: processes.iter().copied().chain([own]).collect(),
            begin,
            before: None,
            until: begin + limit.min(FREE),
        }
    }

    /// Time until the next check; zero when the deadline is over.
    pub fn left(&mut self) -> Duration {
        let now = Instant::now();
        if now < self.until {
            return self.until - now;
        }
        let rest = self.limit.saturating_sub(FREE);
        let counted = match &self.before {
            _ if rest.is_zero() => return Duration::ZERO,
            None => {
                self.before = Some((now, Sample::of(&self.processes)));
                Duration::ZERO
            }
            Some((since, before)) => {
                let sample = Sample::of(&self.processes);
                counted(now - *since, sample.since(before))
            }
        };
        let left = rest.saturating_sub(counted);
        if left.is_zero() {
            return left;
        }
        let left = left.max(LOOK);
        self.until = now + left;
        left
    }

    /// Whether the deadline is over.
    pub fn is_over(&mut self) -> bool {
        self.left().is_zero()
    }

    /// The elapsed time by the clock.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}

/// A deadline for all waits of a machine together. It is over at once when the flag is raised.
pub(crate) struct TotalPatience {
    patience: Mutex<Patience>,
    interrupted: Arc<AtomicBool>,
}

impl TotalPatience {
    pub(crate) fn new(patience: Patience, interrupted: Arc<AtomicBool>) -> Self {
        TotalPatience {
            patience: Mutex::new(patience),
            interrupted,
        }
    }

    /// Time until the next check, [`LOOK`] at most; zero when the deadline is over.
    pub(crate) fn left(&self) -> Duration {
        if self.interrupted.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let mut patience = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        patience.left().min(LOOK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn computed_and_waited_are_read_in_nanoseconds() {
        let parsed = parse("1500000000 343434379 262\n");
        assert_eq!(
            parsed,
            Some((
                Duration::from_millis(1500),
                Duration::from_nanos(343_434_379)
            ))
        );
        assert_eq!(parse("1500000000\n"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn what_counts_is_the_time_without_waiting_or_what_was_computed() {
        // A sleeping machine, and a machine with one computing thread.
        assert_eq!(counted(s(10), (s(0), s(0))), s(10));
        assert_eq!(counted(s(10), (s(10), s(0))), s(10));
        // Two processors that spin on a busy host and get a quarter each.
        assert_eq!(counted(s(40), (s(10), s(60))), s(10));
        // A machine that got hardly any processor time.
        assert_eq!(counted(s(40), (s(1), s(38))), s(2));
        assert_eq!(counted(s(40), (s(0), s(200))), s(0));
    }

    #[test]
    fn each_thread_is_compared_with_itself() {
        let sample = |threads: &[(&str, u64, u64)]| Sample {
            threads: threads
                .iter()
                .map(|&(thread, computed, waited)| (thread.to_owned(), (s(computed), s(waited))))
                .collect(),
        };
        let before = sample(&[("1", 100, 50), ("2", 7, 7), ("gone", 9, 9)]);
        let now = sample(&[("1", 101, 52), ("2", 10, 8), ("new", 1, 4)]);
        assert_eq!(now.since(&before), (s(3), s(7)));
        assert_eq!(before.waited(), s(66));
    }

    #[test]
    fn a_limit_that_is_no_more_than_a_look_is_over_at_once() {
        let mut patience = Patience::new(&[], Duration::ZERO);
        assert!(patience.is_over());
    }

    #[test]
    fn an_interruption_ends_a_deadline() {
        let interrupted = Arc::new(AtomicBool::new(false));
        let patience = Patience::new(&[], Duration::from_secs(3600));
        let total = TotalPatience::new(patience, interrupted.clone());
        assert_eq!(total.left(), LOOK);
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(total.left(), Duration::ZERO);
    }

    #[test]
    fn what_computes_runs_out_of_patience() {
        let mut patience = Patience::new(&[], FREE + Duration::from_millis(300));
        while !patience.is_over() {}
        assert!(patience.elapsed() >= FREE + Duration::from_millis(300));
    }
}
