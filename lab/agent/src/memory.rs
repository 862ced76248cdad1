// SPDX-License-Identifier: MIT OR Apache-2.0
//! read(2) and write(2) with buffers of all kinds, those that cannot be accessed among them.

use std::{cell::Cell, os::fd::RawFd, ptr};

use lab_agent::{Answer, Bytes, Memory, Outcome, POISON, Page, Refusal};
use nix::{errno::Errno, libc};

/// In bytes; x86-64 has no smaller one.
const PAGE: usize = 4096;

/// A buffer and the mapping that it lies in: one page in front of a border, as many as are needed
/// behind it.
struct Buffer {
    base: *mut u8,
    /// Size of the mapping.
    size: usize,
    /// Where the buffer starts.
    start: *mut u8,
    /// How many of its bytes can be read, from its start.
    readable: usize,
}

impl Buffer {
    /// A buffer of `data`.
    fn new(memory: Memory, data: &[u8]) -> nix::Result<Self> {
        let (before, front, back) = memory.border();
        let before = before.min(PAGE);
        let size = PAGE + data.len().max(1).next_multiple_of(PAGE);
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
        // SAFETY: all of data lies within the mapping, of which nobody else knows.
        let start = unsafe {
            let start = base.add(PAGE - before);
            ptr::copy_nonoverlapping(data.as_ptr(), start, data.len());
            start
        };
        let in_front = before.min(data.len());
        let readable = match (in_front == 0 || front.readable(), back.readable()) {
            (true, true) => data.len(),
            (true, false) => in_front,
            (false, _) => 0,
        };
        let buffer = Buffer {
            base,
            size,
            start,
            readable,
        };
        buffer.turn_into(front, 0, PAGE)?;
        buffer.turn_into(back, PAGE, size - PAGE)?;
        Ok(buffer)
    }

    /// Nothing is allocated until the buffer is dropped: what is unmapped here stays so.
    fn turn_into(&self, page: Page, offset: usize, len: usize) -> nix::Result<()> {
        let protection = match page {
            Page::Writable => return Ok(()),
            Page::ReadOnly => libc::PROT_READ,
            Page::NoAccess => libc::PROT_NONE,
            Page::Unmapped => {
                // SAFETY: a part of our own mapping, to which there is no reference.
                let result = unsafe { libc::munmap(self.base.add(offset).cast(), len) };
                return Errno::result(result).map(drop);
            }
        };
        // SAFETY: as above.
        let result = unsafe { libc::mprotect(self.base.add(offset).cast(), len, protection) };
        Errno::result(result).map(drop)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // What has been unmapped already does not matter to munmap(2). What fails here leaves a
        // mapping behind, in a process that is to end anyway.
        // SAFETY: our own mapping, in whose place nothing has been allocated, and to which there
        // is no reference.
        unsafe { libc::munmap(self.base.cast(), self.size) };
    }
}

thread_local! {
    /// The last ordinary buffer. To map one costs more than the call that it is for.
    static KEPT: Cell<Option<Buffer>> = const { Cell::new(None) };
}

/// Make a call with a buffer of `data`.
fn with_buffer<T>(
    memory: Memory,
    data: &[u8],
    call: impl FnOnce(&Buffer) -> T,
) -> Result<T, Refusal> {
    let new = || Buffer::new(memory, data).map_err(|errno| Refusal::new("mmap", errno));
    if memory != Memory::Ordinary {
        return Ok(call(&new()?));
    }
    let kept = KEPT.take().filter(|kept| PAGE + data.len() <= kept.size);
    let buffer = match kept {
        Some(mut kept) => {
            // SAFETY: the mapping is long enough behind its first page, and nobody else's.
            unsafe { ptr::copy_nonoverlapping(data.as_ptr(), kept.start, data.len()) };
            kept.readable = data.len();
            kept
        }
        None => new()?,
    };
    let result = call(&buffer);
    KEPT.set(Some(buffer));
    Ok(result)
}

pub(crate) fn read(fd: RawFd, memory: Memory, len: usize) -> Outcome {
    let poison = vec![POISON; len];
    let mut found = poison.clone();
    let call = |buffer: &Buffer| {
        // SAFETY: the kernel checks what it writes to. All `len` bytes are the buffer's own, or
        // nothing is mapped there.
        let result = Errno::result(unsafe { libc::read(fd, buffer.start.cast(), len) });
        found.truncate(buffer.readable);
        // SAFETY: as many bytes can be read, and `found` has room for them.
        unsafe { ptr::copy_nonoverlapping(buffer.start, found.as_mut_ptr(), found.len()) };
        result
    };
    let result = with_buffer(memory, &poison, call)?;
    Ok(Answer::Filled {
        returned: result
            .map(|len| usize::try_from(len).unwrap_or_default())
            .map_err(|errno| Refusal::new("read", errno)),
        buffer: Bytes(found),
    })
}

pub(crate) fn write(fd: RawFd, memory: Memory, data: &[u8]) -> Outcome {
    let call = |buffer: &Buffer| {
        // SAFETY: the kernel checks what it reads from.
        Errno::result(unsafe { libc::write(fd, buffer.start.cast(), data.len()) })
    };
    with_buffer(memory, data, call)?
        .map(|len| Answer::Value(len as i64))
        .map_err(|errno| Refusal::new("write", errno))
}
