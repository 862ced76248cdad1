// SPDX-License-Identifier: MIT OR Apache-2.0
//! read(2) and write(2) with buffers of all kinds, those that cannot be accessed among them.

use std::{os::fd::RawFd, ptr};

use lab_agent::{Answer, Bytes, Memory, Outcome, POISON, Refusal};
use nix::{errno::Errno, libc};

/// In bytes; x86-64 has no smaller one.
const PAGE: usize = 4096;

/// A buffer and the mapping that it lies in.
struct Buffer {
    /// Start of the mapping.
    base: *mut u8,
    /// How much of it is mapped still, from its start.
    mapped: usize,
    /// Where the buffer starts.
    start: *mut u8,
    /// How many of its bytes can be accessed.
    accessible: usize,
}

impl Buffer {
    /// A buffer of `data`, as far as it can be accessed.
    fn new(memory: Memory, data: &[u8]) -> nix::Result<Self> {
        let front = data.len().max(1).next_multiple_of(PAGE);
        let size = front + PAGE;
        // SAFETY: the kernel chooses a place where nothing is mapped.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let base = base.cast::<u8>();
        let (offset, accessible) = match memory {
            Memory::Ordinary | Memory::ReadOnly => (0, data.len()),
            Memory::Unmapped | Memory::NoAccess => (0, 0),
            Memory::Crossing { mapped } => (front - mapped.min(front), mapped.min(data.len())),
        };
        // SAFETY: offset and what is accessible behind it lie within the front of the mapping,
        // which is as long as the data at least, and nobody else knows of it.
        let start = unsafe {
            let start = base.add(offset);
            ptr::copy_nonoverlapping(data.as_ptr(), start, accessible);
            start
        };
        let mut buffer = Buffer {
            base,
            mapped: size,
            start,
            accessible,
        };
        match memory {
            Memory::Ordinary => {}
            Memory::Unmapped => buffer.unmap_from(0)?,
            Memory::Crossing { .. } => buffer.unmap_from(front)?,
            Memory::NoAccess => buffer.protect(libc::PROT_NONE)?,
            Memory::ReadOnly => buffer.protect(libc::PROT_READ)?,
        }
        Ok(buffer)
    }

    /// Nothing is allocated until the buffer is dropped: what is unmapped here stays so.
    fn unmap_from(&mut self, offset: usize) -> nix::Result<()> {
        // SAFETY: the rest of our own mapping, to which there is no reference.
        let result = unsafe { libc::munmap(self.base.add(offset).cast(), self.mapped - offset) };
        self.mapped = offset;
        Errno::result(result).map(drop)
    }

    fn protect(&self, protection: i32) -> nix::Result<()> {
        // SAFETY: our own mapping, to which there is no reference.
        let result = unsafe { libc::mprotect(self.base.cast(), self.mapped, protection) };
        Errno::result(result).map(drop)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.mapped > 0 {
            // What fails here leaves a mapping behind, in a process that is to end anyway.
            let _ = self.unmap_from(0);
        }
    }
}

pub(crate) fn read(fd: RawFd, memory: Memory, len: usize) -> Outcome {
    let poison = vec![POISON; len];
    let mut found = poison.clone();
    let buffer = Buffer::new(memory, &poison).map_err(|errno| Refusal::new("mmap", errno))?;
    // SAFETY: the kernel checks what it writes to. All `len` bytes are the buffer's own, or
    // nothing is mapped there.
    let result = Errno::result(unsafe { libc::read(fd, buffer.start.cast(), len) });
    found.truncate(buffer.accessible);
    // SAFETY: as many bytes can be read, and `found` has room for them.
    unsafe { ptr::copy_nonoverlapping(buffer.start, found.as_mut_ptr(), found.len()) };
    drop(buffer);
    Ok(Answer::Filled {
        returned: result
            .map(|len| usize::try_from(len).unwrap_or_default())
            .map_err(|errno| Refusal::new("read", errno)),
        buffer: Bytes(found),
    })
}

pub(crate) fn write(fd: RawFd, memory: Memory, data: &[u8]) -> Outcome {
    let buffer = Buffer::new(memory, data).map_err(|errno| Refusal::new("mmap", errno))?;
    // SAFETY: the kernel checks what it reads from.
    let result = Errno::result(unsafe { libc::write(fd, buffer.start.cast(), data.len()) });
    drop(buffer);
    result
        .map(|len| Answer::Value(len as i64))
        .map_err(|errno| Refusal::new("write", errno))
}
