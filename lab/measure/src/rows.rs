// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measured costs of the lab's mechanisms and of the system's: each as a ratio to a reference of
//! the same run.
//!
//! `measure` gets the figures. This file makes [`BenchRow`]s of them, which is pure. `table` and
//! `plot` show these.

use lab_base::{Error, Result};
use lab_bench::{Sample, Spent, Test, Way};

/// The quantity of a ratio, and its reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    /// Time, compared with this way.
    Time(Way),
    /// Time, compared with the fastest of the other ways.
    FastestOther(Way),
    /// Time, compared with the same way and the smallest size.
    LeastSize,
    /// Processor time, compared with this way. If the reference has no processor time, time by the
    /// clock. The program in the machine is alone on its processor.
    Cpu(Way),
    /// Memory, compared with the message itself, whose bytes are the size.
    Message,
}

/// How the samples of one test are compared.
struct Comparison {
    test: Test,
    /// One operation in words.
    operation: &'static str,
    /// The unit of sizes.
    size: &'static str,
    against: Against,
    /// The lab's own way, and the limit of its ratio: with every size, or with one.
    limit: Option<(Way, Option<u64>, f64)>,
}

/// In the order in which they are shown.
const COMPARISONS: [Comparison; 8] = [
    Comparison {
        test: Test::Buffer,
        operation: "put and take an item",
        size: "threads of each kind",
        against: Against::Time(Way::Crossbeam),
        limit: Some((Way::Mutex, Some(1), 2.0)),
    },
    Comparison {
        test: Test::Message,
        operation: "write and read a message",
        size: "bytes",
        against: Against::FastestOther(Way::Slot),
        limit: Some((Way::Slot, None, 1.0)),
    },
    Comparison {
        test: Test::Lookup,
        operation: "choose a channel and read it",
        size: "channels",
        against: Against::LeastSize,
        limit: Some((Way::Slot, None, 1.5)),
    },
    Comparison {
        test: Test::LookupFew,
        operation: "choose one of 64 channels in use and read it",
        size: "channels",
        against: Against::LeastSize,
        limit: Some((Way::Slot, None, 1.5)),
    },
    Comparison {
        test: Test::Memory,
        operation: "memory of a channel, ids side by side",
        size: "bytes",
        against: Against::Message,
        limit: None,
    },
    Comparison {
        test: Test::MemoryScattered,
        operation: "memory of a channel, ids far apart",
        size: "bytes",
        against: Against::Message,
        limit: None,
    },
    Comparison {
        test: Test::FanOut,
        operation: "deliver a message",
        size: "subscribers",
        against: Against::Cpu(Way::Broadcast),
        limit: Some((Way::Router, Some(64), 1.2)),
    },
    Comparison {
        test: Test::FanOutRead,
        operation: "deliver a message and read it",
        size: "subscribers",
        against: Against::Cpu(Way::Broadcast),
        limit: None,
    },
];

/// The result of one test with one way and one size: medians over all rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchRow {
    /// The test.
    pub test: Test,
    /// One operation in words.
    pub operation: &'static str,
    /// The way.
    pub way: Way,
    /// The number or the size.
    pub size: u64,
    /// The unit of `size`.
    pub size_of: &'static str,
    /// Number of rounds.
    pub rounds: usize,
    /// Cost of one operation.
    pub cost: Cost,
    /// The cost, compared with the reference in the same round.
    pub ratio: f64,
    /// The reference.
    pub reference: String,
    /// The limit of the ratio.
    pub limit: Option<f64>,
}

/// Cost of one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cost {
    /// Nanoseconds.
    Time {
        /// By the clock.
        wall_ns: f64,
        /// Of a processor.
        cpu_ns: Option<f64>,
    },
    /// Bytes.
    Memory(f64),
}

impl BenchRow {
    /// Whether the ratio exceeds its limit.
    pub fn falls_short(&self) -> bool {
        self.limit.is_some_and(|limit| self.ratio > limit)
    }

    /// Operations, or messages to all subscribers, per second.
    pub fn per_second(&self) -> Option<f64> {
        let Cost::Time { wall_ns, .. } = self.cost else {
            return None;
        };
        let each = match self.test {
            Test::FanOut | Test::FanOutRead => self.size as f64,
            _ => 1.0,
        };
        Some(1e9 / (wall_ns * each))
    }
}

/// Make rows of samples, in the order of [`COMPARISONS`], of sizes and of samples.
///
/// # Errors
/// [`Error::Unexpected`] if a sample has no reference, or if its values are impossible: no
/// operations, no time.
pub fn rows(samples: &[Sample]) -> Result<Vec<BenchRow>> {
    let mut rows = Vec::new();
    for comparison in &COMPARISONS {
        let all: Vec<_> = samples
            .iter()
            .filter(|sample| sample.test == comparison.test)
            .collect();
        let mut seen = Vec::new();
        for sample in &all {
            let (way, size) = (sample.way, sample.size);
            if !seen.contains(&(size, way)) {
                seen.push((size, way));
            }
        }
        // Sizes rise; ways keep their order.
        seen.sort_by_key(|&(size, _)| size);
        for &(size, way) in &seen {
            rows.push(comparison.row(&all, way, size)?);
        }
    }
    Ok(rows)
}

impl Comparison {
    fn row(&self, samples: &[&Sample], way: Way, size: u64) -> Result<BenchRow> {
        let ours = series(samples, way, size);
        let compared = self.compared(&ours)?;
        let (reference, theirs) = self.reference(samples, way, size)?;
        if theirs.len() != compared.len() {
            return Err(Error::Unexpected(format!(
                "{way:?} was measured {} times for {:?}, and its reference {} times",
                compared.len(),
                self.test,
                theirs.len()
            )));
        }
        let ratios = compared.iter().zip(&theirs).map(|(our, their)| our / their);
        let limit = self.limit.and_then(|(limited, at, most)| {
            let meant = limited == way && at.is_none_or(|at| at == size);
            meant.then_some(most)
        });
        Ok(BenchRow {
            test: self.test,
            operation: self.operation,
            way,
            size,
            size_of: self.size,
            rounds: ours.len(),
            cost: cost(&ours),
            ratio: median(ratios.collect()),
            reference,
            limit,
        })
    }

    /// The reference's name, and its cost in each round.
    fn reference(&self, samples: &[&Sample], way: Way, size: u64) -> Result<(String, Vec<f64>)> {
        let of = |way: Way, size| self.compared(&series(samples, way, size));
        Ok(match self.against {
            Against::Time(other) | Against::Cpu(other) => (name(other), of(other, size)?),
            Against::FastestOther(own) => {
                let ours = of(own, size)?;
                let mut fastest: Option<(f64, Way)> = None;
                for sample in samples {
                    if sample.way == own || sample.size != size {
                        continue;
                    }
                    let theirs = of(sample.way, size)?;
                    let time = median(theirs.iter().zip(&ours).map(|(t, o)| t / o).collect());
                    if fastest.is_none_or(|(least, _)| time < least) {
                        fastest = Some((time, sample.way));
                    }
                }
                let (_, fastest) = fastest.ok_or_else(|| {
                    Error::Unexpected(format!("{:?} has no reference", self.test))
                })?;
                (name(fastest), of(fastest, size)?)
            }
            Against::LeastSize => {
                let sizes = samples.iter().map(|sample| sample.size);
                let least = sizes.min().unwrap_or(size);
                (format!("{least} {}", self.size), of(way, least)?)
            }
            Against::Message => {
                let rounds = series(samples, way, size).len();
                ("the message".into(), vec![size as f64; rounds])
            }
        })
    }

    /// The compared quantity of each sample, for one operation.
    fn compared(&self, samples: &[&Sample]) -> Result<Vec<f64>> {
        let costs = samples.iter().map(|sample| {
            let total = match (self.against, sample.spent) {
                (Against::Message, Spent::Memory(bytes)) => Some(bytes),
                (Against::Message, _) | (_, Spent::Memory(_)) => None,
                (Against::Cpu(_), Spent::Time { wall_ns, cpu_ns }) => cpu_ns.or(Some(wall_ns)),
                (_, Spent::Time { wall_ns, .. }) => Some(wall_ns),
            };
            match total {
                Some(total) if total > 0 && sample.operations > 0 => {
                    Ok(total as f64 / sample.operations as f64)
                }
                _ => Err(Error::Unexpected(format!(
                    "expected a sample that can be compared, found {sample:?}"
                ))),
            }
        });
        costs.collect()
    }
}

/// The samples of one way and one size, round by round.
fn series<'a>(samples: &[&'a Sample], way: Way, size: u64) -> Vec<&'a Sample> {
    let same = |sample: &&&Sample| sample.way == way && sample.size == size;
    samples.iter().filter(same).copied().collect()
}

/// Medians of the costs of one operation.
fn cost(samples: &[&Sample]) -> Cost {
    let each = |total: u64, sample: &Sample| total as f64 / sample.operations as f64;
    let (mut wall, mut cpu, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for sample in samples {
        match sample.spent {
            Spent::Time { wall_ns, cpu_ns } => {
                wall.push(each(wall_ns, sample));
                cpu.extend(cpu_ns.map(|cpu_ns| each(cpu_ns, sample)));
            }
            Spent::Memory(bytes) => memory.push(each(bytes, sample)),
        }
    }
    if wall.is_empty() {
        return Cost::Memory(median(memory));
    }
    Cost::Time {
        wall_ns: median(wall),
        cpu_ns: (!cpu.is_empty()).then(|| median(cpu)),
    }
}

/// The median, or the mean of the two middle values; not a number if there are none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(values[half - 1], values[half]),
        _ => values[half],
    }
}

/// The name of a way.
pub fn name(way: Way) -> String {
    match way {
        Way::Mutex => "own buffer",
        Way::Crossbeam => "crossbeam-channel",
        Way::Std => "std::sync::mpsc",
        Way::Slot => "message slot",
        Way::Pipe => "pipe",
        Way::Mqueue => "POSIX message queue",
        Way::Unix => "AF_UNIX datagrams",
        Way::Router => "router",
        Way::Broadcast => "netlink_broadcast",
    }
    .into()
}

#[cfg(test)]
mod tests;
