// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the lab's own means cost beside those that anybody can have: figures that were measured,
//! each a ratio against a reference of the same run.
//!
//! `measure` gets the figures, here they become [`BenchRow`]s, which is pure, and `table` and `plot`
//! show those.

use lab_base::{Error, Result};
use lab_bench::{Sample, Spent, Test, Way};

/// What a ratio is taken of, and against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    /// Time, against this way.
    Time(Way),
    /// Time, against whichever of the other ways takes the least.
    FastestOther(Way),
    /// Time, against the same way with the least size.
    LeastSize,
    /// Processor time, against this way; time by the clock where the other cannot be measured. The
    /// program in the machine is alone on its processor.
    Cpu(Way),
    /// Memory, against the message itself, of as many bytes as the size says.
    Message,
}

/// How the samples of one test are compared.
struct Comparison {
    test: Test,
    /// What one operation is.
    operation: &'static str,
    /// What sizes count.
    size: &'static str,
    against: Against,
    /// The lab's own way, and the ratio that it should not exceed: with every size, or with one.
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

/// What one test came to, with one way and one size: medians over all rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchRow {
    /// What was done.
    pub test: Test,
    /// What one operation was.
    pub operation: &'static str,
    /// By what means.
    pub way: Way,
    /// How many, or how large.
    pub size: u64,
    /// What `size` counts.
    pub size_of: &'static str,
    /// How often it was measured.
    pub rounds: usize,
    /// What one operation took.
    pub cost: Cost,
    /// The cost, against the reference's of the same round.
    pub ratio: f64,
    /// What the reference is.
    pub reference: String,
    /// The ratio that it should not exceed.
    pub limit: Option<f64>,
}

/// What one operation took.
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
    /// Whether it costs more than it should.
    pub fn falls_short(&self) -> bool {
        self.limit.is_some_and(|limit| self.ratio > limit)
    }

    /// How many operations, or messages to all subscribers, there are in a second.
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
/// [`Error::Unexpected`] if there is nothing to compare a sample with, or if what it took cannot
/// be: no operations, no time.
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
        // Sizes rise; ways stay in their order.
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
                "{way:?} was measured {} times for {:?}, and what it is compared with {} times",
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

    /// The reference's name, and what it cost in each round.
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
                    Error::Unexpected(format!("nothing to compare {:?} with", self.test))
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

    /// Of each sample what ratios are taken of, for one operation.
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

/// Medians of what one operation took.
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

/// The middle one, or the mean of the two in the middle; of none, not a number.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(values[half - 1], values[half]),
        _ => values[half],
    }
}

/// What a way is called.
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
