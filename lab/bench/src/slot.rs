// SPDX-License-Identifier: MIT OR Apache-2.0
//! Slots: opened by number, filled, read.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, ensure};
use lab_bench::{Sample, Spent, Test, Way};
use nix::{
    errno::Errno,
    libc,
    sys::stat::{Mode, SFlag, makedev, mknod},
};
use protocol::slot::{CHANNEL, MAJOR, MESSAGE_MAX};

use crate::{clock::timed, work::Work};

/// Channels in use for [`Test::LookupFew`].
const FEW: u64 = 64;

/// Message in the channels that are read.
const SHORT: [u8; 16] = *b"sixteen bytes...";

/// Unused slots, one after the other. Their contents stay until the module is removed.
pub(crate) struct Slots {
    node: PathBuf,
    next: u64,
}

impl Slots {
    pub(crate) fn new(directory: &Path) -> Self {
        Slots {
            node: directory.join("lab-bench-slot"),
            next: 0,
        }
    }

    /// Open the next slot. Its node is removed before this returns.
    pub(crate) fn open(&mut self) -> anyhow::Result<Slot> {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let device = makedev(MAJOR.into(), self.next);
        self.next += 1;
        let name = self.node.display();
        mknod(&self.node, SFlag::S_IFCHR, mode, device).with_context(|| format!("mknod {name}"))?;
        let file = OpenOptions::new().read(true).write(true).open(&self.node);
        fs::remove_file(&self.node).with_context(|| format!("unlink {name}"))?;
        Ok(Slot(
            file.context("open a slot; is message_slot inserted?")?,
        ))
    }
}

/// One slot.
pub(crate) struct Slot(File);

impl Slot {
    pub(crate) fn choose(&self, channel: u32) -> anyhow::Result<()> {
        // SAFETY: a slot takes the argument as a number.
        let result = unsafe {
            libc::ioctl(
                self.0.as_raw_fd(),
                libc::Ioctl::from(CHANNEL),
                u64::from(channel),
            )
        };
        Errno::result(result).context("ioctl").map(drop)
    }

    pub(crate) fn write(&self, message: &[u8]) -> anyhow::Result<()> {
        let written = (&self.0).write(message).context("write to a slot")?;
        ensure!(
            written == message.len(),
            "a slot has accepted {written} bytes"
        );
        Ok(())
    }

    /// The length of the message.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        (&self.0).read(buffer).context("read from a slot")
    }

    /// Put a message into each of these channels.
    fn fill(&self, channels: impl Iterator<Item = u32>, message: &[u8]) -> anyhow::Result<()> {
        for channel in channels {
            self.choose(channel)?;
            self.write(message)?;
        }
        Ok(())
    }
}

/// Random channels, in slots with few and with many.
pub(crate) fn lookup(
    work: &Work,
    slots: &mut Slots,
    samples: &mut Vec<Sample>,
) -> anyhow::Result<()> {
    let mut filled = Vec::new();
    for size in work.channels {
        let slot = slots.open()?;
        slot.fill(1..=u32::try_from(size)?, &SHORT)?;
        filled.push((size, slot));
    }
    let mut random = fastrand::Rng::with_seed(1);
    let mut buffer = [0; MESSAGE_MAX];
    for _ in 0..work.rounds {
        for ((size, slot), test) in filled
            .iter()
            .flat_map(|slot| [(slot, Test::Lookup), (slot, Test::LookupFew)])
        {
            let among = match test {
                Test::LookupFew => FEW.min(*size),
                _ => *size,
            };
            // Drawn before the clock starts. The few are far apart, each below a node of its own.
            let channels = (0..work.lookups)
                .map(|_| u32::try_from(1 + random.u64(0..among) * (size / among)))
                .collect::<Result<Vec<_>, _>>()?;
            let elapsed = timed(|| {
                channels.iter().try_for_each(|&channel| {
                    slot.choose(channel)?;
                    let len = slot.read(&mut buffer)?;
                    ensure!(len == SHORT.len(), "channel {channel} has {len} bytes");
                    Ok(())
                })
            })?;
            samples.push(Sample {
                test,
                way: Way::Slot,
                size: *size,
                operations: work.lookups,
                spent: elapsed.into(),
            });
        }
    }
    Ok(())
}

/// Memory of channels. Each round uses an empty slot.
pub(crate) fn memory(
    work: &Work,
    slots: &mut Slots,
    samples: &mut Vec<Sample>,
) -> anyhow::Result<()> {
    let [short, long, scattered] = work.filled;
    for _ in 0..work.memory_rounds {
        let of = |test, message: &[u8], channels| Sample {
            test,
            way: Way::Slot,
            size: message.len() as u64,
            operations: channels,
            spent: Spent::Memory(0),
        };
        let long_message = [b'x'; MESSAGE_MAX];
        for (sample, message) in [
            (of(Test::Memory, &SHORT, short), &SHORT[..]),
            (of(Test::Memory, &long_message, long), &long_message[..]),
            (of(Test::MemoryScattered, &SHORT, scattered), &SHORT[..]),
        ] {
            let slot = slots.open()?;
            let channels = u32::try_from(sample.operations)?;
            let apart = match sample.test {
                Test::MemoryScattered => u32::MAX / channels,
                _ => 1,
            };
            let before = slab_bytes()?;
            slot.fill((1..=channels).map(|number| number * apart), message)?;
            let bytes = slab_bytes()?.saturating_sub(before);
            samples.push(Sample {
                spent: Spent::Memory(bytes),
                ..sample
            });
        }
    }
    Ok(())
}

/// Size of the kernel's slab caches in whole pages, including the space lost between objects.
fn slab_bytes() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    let kib = text.lines().find_map(|line| {
        let kib = line.strip_prefix("Slab:")?.strip_suffix(" kB")?;
        kib.trim().parse::<u64>().ok()
    });
    kib.map(|kib| kib << 10)
        .ok_or_else(|| anyhow!("expected a line \"Slab: N kB\" in /proc/meminfo, found none"))
}
