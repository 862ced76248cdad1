// SPDX-License-Identifier: MIT OR Apache-2.0
//! read(2) and write(2) with buffers of all kinds, including inaccessible ones.

use std::{cell::RefCell, collections::VecDeque, os::fd::RawFd, ptr};

use lab_agent::{Answer, BufferMemory, Bytes, CallResult, POISON, Page, Refusal};
use nix::{errno::Errno, libc};

/// Size in bytes; x86-64 has no smaller page.
const PAGE: usize = 4096;

/// A buffer and its mapping: one page before a border, and the necessary pages after it.
struct Buffer {
    memory: BufferMemory,
    base: *mut u8,
    /// Size of the mapping.
    size: usize,
    /// Start of the buffer.
    start: *mut u8,
    /// Number of its readable bytes, from its start.
    readable: usize,
}

impl Buffer {
    /// A buffer of `data`.
    fn new(memory: BufferMemory, data: &[u8]) -> nix::Result<Self> {
        let (before, front, back) = memory.border();
        let before = before.min(PAGE);
        let size = PAGE + data.len().max(1).next_multiple_of(PAGE);
        // SAFETY: the kernel chooses addresses where nothing is mapped.
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
        let mut buffer = Buffer {
            memory,
            base,
            size,
            // SAFETY: within the first page.
            start: unsafe { base.add(PAGE - before) },
            readable: 0,
        };
        buffer.fill(data, data.len());
        buffer.turn_into(front, 0, PAGE)?;
        buffer.turn_into(back, PAGE, size - PAGE)?;
        Ok(buffer)
    }

    /// Copy `data` into the buffer, as far as `written` allows.
    fn fill(&mut self, data: &[u8], written: usize) {
        // SAFETY: all of data lies within the mapping, which has no other user.
        unsafe { ptr::copy_nonoverlapping(data.as_ptr(), self.start, written) };
        self.readable = self.accessible(data.len(), Page::readable);
    }

    /// How many bytes of a buffer of `len` are in pages of a kind, from its start.
    fn accessible(&self, len: usize, kind: impl Fn(Page) -> bool) -> usize {
        let (before, front, back) = self.memory.border();
        let in_front = before.min(len);
        match (in_front == 0 || kind(front), kind(back)) {
            (true, true) => len,
            (true, false) => in_front,
            (false, _) => 0,
        }
    }

    /// Whether the buffer can be reused: nothing of it is unmapped, where other memory may be
    /// allocated, and its readable bytes can be rewritten.
    fn lasts(&self) -> bool {
        use Page::{NoAccess, Writable};
        let (_, front, back) = self.memory.border();
        matches!(
            (front, back),
            (Writable, Writable | NoAccess) | (NoAccess, NoAccess)
        )
    }

    /// Nothing is allocated until the buffer is dropped, so an unmapped page stays unmapped.
    fn turn_into(&self, page: Page, offset: usize, len: usize) -> nix::Result<()> {
        let protection = match page {
            Page::Writable => return Ok(()),
            Page::ReadOnly => libc::PROT_READ,
            Page::NoAccess => libc::PROT_NONE,
            Page::Unmapped => {
                // SAFETY: a part of this buffer's mapping, to which there is no reference.
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
        // munmap(2) ignores pages that are unmapped already. A failure leaves a mapping in a
        // process that is about to end.
        // SAFETY: this buffer's mapping. Nothing was allocated in its place, and there is no
        // reference to it.
        unsafe { libc::munmap(self.base.cast(), self.size) };
    }
}

/// Buffers that are kept.
const KEPT_MAX: usize = 3;

thread_local! {
    /// The last reusable buffers, of different kinds. Mapping a buffer takes longer than the call
    /// that uses it.
    static KEPT: RefCell<VecDeque<Buffer>> = const { RefCell::new(VecDeque::new()) };
}

/// Make a call with a buffer of `data`.
fn with_buffer<T>(
    memory: BufferMemory,
    data: &[u8],
    call: impl FnOnce(&Buffer) -> T,
) -> Result<T, Refusal> {
    let kept = KEPT.with_borrow_mut(|kept| {
        let at = kept.iter().position(|buffer| buffer.memory == memory)?;
        kept.remove(at)
    });
    let buffer = match kept.filter(|buffer| PAGE + data.len() <= buffer.size) {
        Some(mut buffer) => {
            let writable = buffer.accessible(data.len(), |page| page == Page::Writable);
            buffer.fill(data, writable);
            buffer
        }
        None => Buffer::new(memory, data).map_err(|errno| Refusal::new("mmap", errno))?,
    };
    let result = call(&buffer);
    if buffer.lasts() {
        KEPT.with_borrow_mut(|kept| {
            kept.push_front(buffer);
            kept.truncate(KEPT_MAX);
        });
    }
    Ok(result)
}

pub(crate) fn read(fd: RawFd, memory: BufferMemory, len: usize) -> CallResult {
    let poison = vec![POISON; len];
    let mut found = poison.clone();
    let call = |buffer: &Buffer| {
        // SAFETY: the kernel checks the addresses that it writes to. All `len` bytes belong to the
        // buffer, or are not mapped.
        let result = Errno::result(unsafe { libc::read(fd, buffer.start.cast(), len) });
        found.truncate(buffer.readable);
        // SAFETY: this many bytes are readable, and `found` has room for them.
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

pub(crate) fn write(fd: RawFd, memory: BufferMemory, data: &[u8]) -> CallResult {
    let call = |buffer: &Buffer| {
        // SAFETY: the kernel checks the addresses that it reads from.
        Errno::result(unsafe { libc::write(fd, buffer.start.cast(), data.len()) })
    };
    with_buffer(memory, data, call)?
        .map(|len| Answer::Value(len as i64))
        .map_err(|errno| Refusal::new("write", errno))
}
