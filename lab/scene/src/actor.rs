// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes in the guest that make the system calls of a scenario, one by one.

use lab_agent::{Answer, Call, CallResult, Stdin, Stream};
use lab_machine::{PATIENCE, Trouble};
use nix::errno::Errno;

pub use crate::in_words::shown;
use crate::{
    halt::{Outcome, fail},
    scene::{Program, Scene},
};

impl Scene<'_> {
    /// Start a process, as this user, that makes the calls of a scenario.
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub fn actor(&mut self, name: &str, uid: u32) -> Outcome<Program> {
        let program = self.spawn(name, "/bin/lab-agent", &["actor"], uid, Stdin::Pipe)?;
        Ok(program)
    }

    /// Make an actor carry out a system call.
    ///
    /// # Errors
    /// [`crate::Halt::Trouble`] if the call does not return.
    pub fn call(&mut self, actor: &Program, call: &Call) -> Outcome<CallResult> {
        self.begin_call(actor, call)?;
        self.finish_call(actor, call)
    }

    /// Make an actor begin a system call, without waiting for its end.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the actor does not accept orders.
    pub fn begin_call(&mut self, actor: &Program, call: &Call) -> Outcome {
        let mut line = serde_json::to_vec(call)
            .map_err(|error| Trouble::Lost(format!("{}: {error}", actor.name)))?;
        line.push(b'\n');
        self.write(actor, &line)
    }

    /// The result of a call that was begun.
    ///
    /// # Errors
    /// [`crate::Halt::Trouble`] if the call does not return.
    pub fn finish_call(&mut self, actor: &Program, call: &Call) -> Outcome<CallResult> {
        // An actor whose call itself waits is not hung.
        let limit = 2 * PATIENCE;
        let answer = self.wait_line(actor, Stream::Stdout, limit)?;
        let answer = answer.ok_or_else(|| Trouble::Hung {
            what: format!("{} of {}", call.name(), actor.name),
            after: self.machine.scaled(limit),
        })?;
        serde_json::from_slice(&answer)
            .map_err(|error| Trouble::Lost(format!("{}: {error}", actor.name)).into())
    }

    /// As [`Scene::call`], for a call that must succeed and return a number.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it fails.
    pub fn value(&mut self, actor: &Program, call: &Call) -> Outcome<i64> {
        match self.call(actor, call)? {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Done) => Ok(0),
            Ok(other) => Err(Trouble::Lost(format!("{call:?} gave {other:?}")).into()),
            Err(refusal) => Err(fail(
                format!("{} of {} works", call.name(), actor.name),
                refusal.to_string(),
            )),
        }
    }

    /// Make an actor carry out many calls at once, all of which must succeed. Returns the results
    /// of the last round.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] with the first call that fails.
    pub fn batch(
        &mut self,
        actor: &Program,
        rounds: u64,
        calls: Vec<Call>,
    ) -> Outcome<Vec<CallResult>> {
        let call = Call::Batch {
            rounds,
            persist: false,
            calls,
        };
        let observed = self.call(actor, &call)?;
        complete(rounds, observed)
    }
}

/// The result of a call, with or without a filled buffer.
///
/// # Errors
/// Its errno.
pub fn returned(observed: &CallResult) -> Result<i64, Errno> {
    let errno = |refusal: &lab_agent::Refusal| Errno::from_raw(refusal.errno);
    match observed {
        Ok(Answer::Value(value)) => Ok(*value),
        Ok(Answer::Filled { returned, .. }) => {
            returned.as_ref().map(|&len| len as i64).map_err(errno)
        }
        Ok(_) => Ok(0),
        Err(refusal) => Err(errno(refusal)),
    }
}

/// The last round of a batch whose calls must all succeed.
///
/// # Errors
/// [`crate::Halt::Fail`] with the first call that failed.
pub fn complete(rounds: u64, observed: CallResult) -> Outcome<Vec<CallResult>> {
    match observed {
        Ok(Answer::Batch {
            rounds: done,
            outcomes,
        }) if done == rounds => Ok(outcomes),
        Ok(Answer::Batch {
            rounds: done,
            outcomes,
        }) => Err(fail(
            "all calls of a batch succeed",
            format!(
                "round {done}, call {}: {}",
                outcomes.len(),
                outcomes
                    .last()
                    .map_or_else(String::new, |last| shown(returned(last)))
            ),
        )),
        other => Err(Trouble::Lost(format!("a batch returned {other:?}")).into()),
    }
}
