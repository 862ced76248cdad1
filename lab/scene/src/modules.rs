// SPDX-License-Identifier: MIT OR Apache-2.0
//! Actions of a scenario with modules, and with the kernel itself.

use std::{fs, thread, time::Duration};

use lab_agent::{Answer, Op, Refusal};
use lab_base::Error;
use lab_build::{modules::Strictness, stand_in};
use lab_machine::{PATIENCE, Trouble};

use crate::{
    halt::{Outcome, fail},
    scene::{Scene, is_from},
};
use crate::{transcript::LineKind, workshop::Workshop};

/// The fixture that makes allocations of another module fail.
const SCARCE: &str = "scarce_memory";

/// Pause before an observation is repeated.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Scene<'_> {
    /// Insert a module of `kernel/` and expect success.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the kernel refuses it.
    pub fn insert(&mut self, name: &str, params: &str) -> Outcome {
        self.try_insert(name, params)?
            .map_err(|refusal| fail(format!("{name} is inserted"), refusal.to_string()))
    }

    /// Insert a module of `kernel/`. A refusal is an ordinary result.
    ///
    /// # Errors
    /// [`crate::Halt`], among them [`lab_base::Error::Compile`].
    pub fn try_insert(
        &mut self,
        name: &str,
        params: &str,
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let file = self.workshop.module(name)?;
        self.try_insert_file(&file, params)
    }

    /// Insert a module of `kernel/` as a tool. It is this checkout's module, even if a submission
    /// is tried.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the kernel refuses it.
    pub fn insert_own(&mut self, name: &str, params: &str) -> Outcome {
        let file = self.workshop.own_module(name)?;
        self.try_insert_file(&file, params)?
            .map_err(|refusal| fail(format!("{name} is inserted"), refusal.to_string()))
    }

    /// Insert a module of `lab/fixtures/` as a tool.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the kernel refuses it.
    pub fn insert_fixture(&mut self, name: &str, params: &str) -> Outcome {
        self.try_insert_fixture(name, params)?
            .map_err(|refusal| fail(format!("{name} is inserted"), refusal.to_string()))
    }

    /// Insert a module of `lab/fixtures/`. A refusal is an ordinary result.
    ///
    /// # Errors
    /// [`crate::Halt`], among them [`lab_base::Error::Compile`].
    pub fn try_insert_fixture(
        &mut self,
        name: &str,
        params: &str,
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let file = self.workshop.fixture(name)?;
        self.try_insert_file(&file, params)
    }

    /// Insert a module whose allocations [`SCARCE`] can make fail.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the kernel refuses it.
    pub fn insert_scarce(&mut self, name: &str) -> Outcome {
        let scarce = self.workshop.fixture(SCARCE)?;
        let module = self.workshop.module(name)?;
        let read = |file| fs::read(file).map_err(Error::io("reading a module"));
        let (other, mut contents) = (read(&scarce)?, read(&module)?);
        stand_in::lead(&mut contents, &other);
        let directory = self.workshop.run_directory()?;
        let file = directory.path().join(format!("{name}.ko"));
        fs::write(&file, contents).map_err(Error::io("writing a module"))?;
        for file in [&scarce, &file] {
            self.try_insert_file(file, "")?
                .map_err(|refusal| fail(format!("{name} is inserted"), refusal.to_string()))?;
        }
        Ok(())
    }

    /// Do something while the n-th allocation, counted from 1, of a module inserted by
    /// [`Self::insert_scarce`] fails. Returns whether this allocation happened.
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub fn without_memory<T>(
        &mut self,
        nth: u32,
        act: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<(bool, T)> {
        let file = format!("/sys/module/{SCARCE}/parameters/fail_at");
        let set = |scene: &mut Self, nth: u32| {
            scene
                .control(&file, &nth.to_string())?
                .map_err(|refusal| fail(file.as_str(), refusal.to_string()))
        };
        set(self, nth)?;
        let done = act(self)?;
        let left = self.read(&file)?;
        set(self, 0)?;
        Ok((left.trim() == "0", done))
    }

    /// Insert a module from any file. A refusal is an ordinary result.
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub fn try_insert_file(
        &mut self,
        file: &std::path::Path,
        params: &str,
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = self.machine.put(file)?;
        let command = format!("insmod {name}.ko {params}");
        self.note("host", LineKind::Does, command.trim_end());
        // Before the insertion, because the first lines that it logs count too.
        self.modules.push(name.clone());
        self.theirs_has_run |= self.contract_only();
        let op = Op::Insert {
            path,
            params: params.to_owned(),
        };
        let outcome = self.machine.order(command.trim_end(), op)?;
        let end = self.machine.sync_log()?;
        self.show_log(end);
        if let Err(refusal) = &outcome {
            // Only this module: an earlier one of the same name may still be inserted.
            self.modules.pop();
            self.note("host", LineKind::Does, refusal.to_string());
        }
        Ok(outcome.map(drop))
    }

    /// Remove a module and expect success.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the kernel refuses.
    pub fn remove(&mut self, name: &str) -> Outcome {
        self.try_remove(name)?
            .map_err(|refusal| fail(format!("{name} is removed"), refusal.to_string()))
    }

    /// Remove a module. A refusal is an ordinary result.
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub fn try_remove(&mut self, name: &str) -> Outcome<Result<(), lab_agent::Refusal>> {
        let command = format!("rmmod {name}");
        self.note("host", LineKind::Does, command.as_str());
        self.note_symbols(name)?;
        let outcome = self.machine.order(
            &command,
            Op::Remove {
                name: name.to_owned(),
            },
        )?;
        match &outcome {
            Ok(_) => {
                let end = self.machine.sync_log()?;
                self.show_log(end);
                self.modules.retain(|module| module != name);
            }
            Err(refusal) => self.note("host", LineKind::Does, refusal.to_string()),
        }
        Ok(outcome.map(drop))
    }

    /// Switch off the debug messages of a module that would log too many.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if the kernel does not accept the order.
    pub fn hush(&mut self, module: &str) -> Outcome {
        let op = Op::Control {
            path: "/proc/dynamic_debug/control".into(),
            text: format!("module {module} -p\n"),
        };
        self.machine
            .order("switching debug messages off", op)?
            .map(drop)
            .map_err(|refusal| fail("debug messages can be switched off", refusal.to_string()))
    }

    /// Stop recording the kernel's log, for scenarios whose number of log lines depends on time.
    pub fn mute_log(&mut self) {
        self.log_muted = true;
    }

    /// Repeat `observe` every [`LOOK_AGAIN`] until it returns true.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it does not in time.
    pub fn expect_soon(
        &mut self,
        what: &str,
        mut observe: impl FnMut(&mut Self) -> Outcome<bool>,
    ) -> Outcome {
        let limit = self.machine.scaled(PATIENCE);
        let mut patience = self.machine.patience(limit);
        while !observe(self)? {
            if patience.is_over() {
                return Err(fail(what, format!("not within {} s", limit.as_secs())));
            }
            // Without a pause, the observation would take processor time from the observed code.
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Read a file of the guest, as text.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it cannot be read.
    pub fn read(&mut self, path: &str) -> Outcome<String> {
        self.try_read(path)?
            .map_err(|refusal| fail(format!("{path} can be read"), refusal.to_string()))
    }

    /// The same for a file that may be missing.
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub fn try_read(&mut self, path: &str) -> Outcome<Result<String, Refusal>> {
        let op = Op::Read {
            path: path.to_owned(),
        };
        self.try_text(&format!("reading {path}"), op)
    }

    /// The text that an order returns, or its refusal.
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub(crate) fn try_text(&mut self, what: &str, op: Op) -> Outcome<Result<String, Refusal>> {
        match self.machine.order(what, op)? {
            Ok(Answer::Data(data)) => Ok(Ok(String::from_utf8_lossy(&data.0).into_owned())),
            Ok(other) => Err(Trouble::Lost(format!("expected a text, found {other:?}")).into()),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The character devices that are registered: major numbers and names (`/proc/devices`).
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub fn character_devices(&mut self) -> Outcome<Vec<(u32, String)>> {
        let devices = self.read("/proc/devices")?;
        let characters = devices.split("\n\n").next().unwrap_or_default();
        let row = |line: &str| {
            let (major, name) = line.trim_start().split_once(' ')?;
            Some((major.parse().ok()?, name.to_owned()))
        };
        Ok(characters.lines().filter_map(row).collect())
    }

    /// Expect that one of the lab's modules logs a line that contains `text`. Earlier log lines are
    /// noted too.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if no line does in time.
    pub fn expect_log(&mut self, text: &str) -> Outcome {
        self.expect_log_line(&format!("\"{text}\""), |line| line.contains(text))
    }

    /// As [`Scene::expect_log`], for a line that `matches`; `what` describes it.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if there is none in time.
    pub fn expect_log_line(&mut self, what: &str, matches: impl Fn(&str) -> bool) -> Outcome {
        let (from, modules) = (self.logged, self.modules.clone());
        let limit = self.machine.scaled(PATIENCE);
        let found = self.machine.wait(limit, |observed| {
            let mut lines = observed.log[from..].iter();
            let own = |line: &str| modules.iter().any(|name| is_from(line, name));
            lines.position(|line| matches(&line.text) && own(&line.text))
        })?;
        match found {
            Some(at) => {
                self.show_log(from + at + 1);
                Ok(())
            }
            None => Err(fail(
                format!("the kernel logs {what}"),
                format!("no such line within {} s", limit.as_secs()),
            )),
        }
    }

    /// The source of modules and programs.
    pub fn workshop(&self) -> &Workshop {
        self.workshop
    }

    /// Put all modules and programs into the guest, as `make shell` does.
    ///
    /// # Errors
    /// [`crate::Halt`], among them [`lab_base::Error::Compile`].
    pub fn put_all(&mut self) -> Outcome {
        let mut files = self.workshop.all_modules(Strictness::Normal)?;
        files.extend(self.workshop.all_programs());
        for file in files {
            self.machine.put(&file)?;
        }
        Ok(())
    }
}
