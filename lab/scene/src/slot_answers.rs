// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expectations of a message slot: the contents of channels, and refusals.

use lab_agent::{Answer, BufferMemory, Call, CallResult, POISON};
use nix::errno::Errno;
use protocol::slot::MESSAGE_MAX;

use crate::{
    actor::{returned, shown},
    detail::Detail,
    halt::{Outcome, expect_eq, fail},
    scene::Scene,
    slot_peer::{Held, SlotFile, counted},
    transcript::LineKind,
};

/// The difference between the longest message and the buffers for reading.
const MARGIN: usize = 64;

/// The result of a read in words, and whether it is exactly this message with the bytes behind it
/// unchanged.
pub fn judge_read(observed: &CallResult, message: &[u8]) -> (String, Outcome) {
    let (said, judged) = judge_message(observed, message, true);
    let untouched = |()| {
        let Ok(Answer::Filled { buffer, .. }) = observed else {
            return Ok(());
        };
        let rest = buffer.0.iter().skip(message.len());
        let touched = rest.filter(|&&byte| byte != POISON).count();
        expect_eq("bytes changed behind the message", touched, 0)
    };
    (said, judged.and_then(untouched))
}

/// The same without a check of the bytes behind the message. If not `exact`, the returned length
/// may include them.
fn judge_message(observed: &CallResult, message: &[u8], exact: bool) -> (String, Outcome) {
    let returned = returned(observed);
    let Ok(Answer::Filled { buffer, .. }) = observed else {
        let said = format!("reads: {}", shown(returned));
        return (said.clone(), Err(fail("an answer with a buffer", said)));
    };
    let read = usize::try_from(returned.unwrap_or_default()).unwrap_or_default();
    let start = &buffer.0[..read.min(buffer.0.len())];
    let said = match returned {
        Ok(_) => format!("reads {}", counted(start)),
        Err(_) => format!("reads: {}", shown(returned)),
    };
    if !start.starts_with(message) || (exact && returned != Ok(message.len() as i64)) {
        let expected = format!("reads {}", counted(message));
        return (said.clone(), Err(fail(expected, said)));
    }
    (said, Ok(()))
}

/// Whether a read found nothing. If not `exact`, it may report this with any result.
fn judge_empty(observed: &CallResult, exact: bool) -> (String, Outcome) {
    let said = format!("reads: {}", shown(returned(observed)));
    let (wanted, found) = match (returned(observed), exact) {
        (got, true) => ("EWOULDBLOCK", got == Err(Errno::EWOULDBLOCK)),
        (got, false) => ("nothing is there", matches!(got, Err(_) | Ok(0))),
    };
    let judged = if found {
        Ok(())
    } else {
        Err(fail(format!("reads: {wanted}"), said.as_str()))
    };
    (said, judged)
}

impl Scene<'_> {
    /// Expect exactly this message: read must return its length, its bytes must be in the buffer,
    /// and the bytes behind them must be unchanged.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] with the difference.
    pub fn expect_message(&mut self, file: &SlotFile, message: &[u8]) -> Outcome {
        let margin = if self.judges(Detail::RestOfBuffer) {
            MARGIN
        } else {
            0
        };
        let observed = self.call(&file.program, &file.read(MESSAGE_MAX + margin))?;
        let (said, judged) = self.judge_held(&observed, Some(message));
        self.note(&file.program.name, LineKind::Does, said);
        judged
    }

    /// The result of a read in words, and whether it matches the channel; `None` is an empty
    /// channel. The [`Detail`]s of the scenario say how much of it is judged.
    pub fn judge_held(&self, observed: &CallResult, held: Option<&[u8]>) -> (String, Outcome) {
        match held {
            Some(message) if self.judges(Detail::RestOfBuffer) => judge_read(observed, message),
            Some(message) => judge_message(observed, message, self.judges(Detail::ReadLength)),
            None => judge_empty(observed, self.judges(Detail::EmptyErrno)),
        }
    }

    /// As [`Scene::expect_message`], with a buffer of any kind and length.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] with the difference.
    pub fn expect_message_in(
        &mut self,
        file: &SlotFile,
        memory: BufferMemory,
        len: usize,
        message: &[u8],
    ) -> Outcome {
        let observed = self.call(&file.program, &file.read_into(memory, len))?;
        let (said, judged) = judge_read(&observed, message);
        self.note(&file.program.name, LineKind::Does, said);
        judged
    }

    /// Expect that reading finds nothing in the channel.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it finds a message.
    pub fn expect_empty(&mut self, file: &SlotFile) -> Outcome {
        let observed = self.call(&file.program, &file.read(MESSAGE_MAX))?;
        let (said, judged) = self.judge_held(&observed, None);
        self.note(&file.program.name, LineKind::Does, said);
        judged
    }

    /// Expect these contents of the chosen channel.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it holds something else.
    pub fn expect_held(&mut self, file: &SlotFile, held: Held<'_>) -> Outcome {
        match held {
            Held::Message(message) => self.expect_message(file, message),
            Held::Nothing => self.expect_empty(file),
            Held::NoChannel => self.expect_no_channel(file, "reads"),
        }
    }

    /// Expect that no channel is chosen: a read, described by `reads`, is refused. The errno must
    /// be EINVAL where a scenario judges [`Detail::NoChannelErrno`].
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the read succeeds.
    pub fn expect_no_channel(&mut self, file: &SlotFile, reads: &str) -> Outcome {
        let read = file.read(MESSAGE_MAX);
        if self.judges(Detail::NoChannelErrno) {
            return self.expect_refusal(file, reads, &read, Errno::EINVAL);
        }
        let observed = self.call(&file.program, &read)?;
        let said = format!("{reads}: {}", shown(returned(&observed)));
        self.note(&file.program.name, LineKind::Does, said);
        judge_empty(&observed, false).1
    }

    /// Expect that each of these calls fails with this errno, and that the contents of the channel
    /// do not change.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] with the first difference.
    pub fn expect_refusals(
        &mut self,
        file: &SlotFile,
        calls: &[(String, Call)],
        errno: Errno,
        held: Held<'_>,
    ) -> Outcome {
        calls.iter().try_for_each(|(what, call)| {
            self.expect_refusal(file, what, call, errno)?;
            self.expect_held(file, held)
        })
    }

    /// Expect that a failed write did not change the contents of the channel. If the write
    /// succeeded, the old contents are written again where possible.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if they have changed.
    pub fn expect_intact(
        &mut self,
        file: &SlotFile,
        what: &str,
        write: &Call,
        held: Held<'_>,
    ) -> Outcome {
        let read = file.read(MESSAGE_MAX);
        // The errno of an empty channel may be any, but it must stay the same.
        let before = match held {
            Held::Nothing => Some(returned(&self.call(&file.program, &read)?)),
            _ => None,
        };
        let observed = self.call(&file.program, write)?;
        let said = format!("{what}: {}", shown(returned(&observed)));
        self.note(&file.program.name, LineKind::Does, said);
        match (returned(&observed), held, before) {
            (Err(_), _, Some(before)) => {
                let after = returned(&self.call(&file.program, &read)?);
                let said = format!("reads: {}", shown(after));
                self.note(&file.program.name, LineKind::Does, said.as_str());
                if after == before {
                    return Ok(());
                }
                Err(fail(format!("reads: {}", shown(before)), said))
            }
            (Err(_), held, _) => self.expect_held(file, held),
            (Ok(_), Held::Message(message), _) => self.put(file, message),
            (Ok(_), _, _) => Ok(()),
        }
    }

    /// Expect that a call fails with exactly this errno; `what` describes the call.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it succeeds, or fails otherwise.
    pub fn expect_refusal(
        &mut self,
        file: &SlotFile,
        what: &str,
        call: &Call,
        errno: Errno,
    ) -> Outcome {
        let observed = self.call(&file.program, call)?;
        let said = format!("{what}: {}", shown(returned(&observed)));
        self.note(&file.program.name, LineKind::Does, said.as_str());
        if returned(&observed).is_err_and(|got| file.edition.accepts(errno, got)) {
            return Ok(());
        }
        Err(fail(format!("{what}: {}", shown(Err(errno))), said))
    }
}
