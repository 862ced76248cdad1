// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program `lab-grade`, for tests that run it. The hostile submissions use this file, too.

use std::{path::Path, sync::OnceLock};

use lab_base::environment::command;

/// Its path. Another package has it: cargo says for programs of this one only where they are.
pub(crate) fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("built.sh");
        let output = command(built).arg("lab-grade").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}
