//! Writes and reads the checks of a fine-tuning run, `history.jsonl` in its folder.
//!
//! ```jsonl
//! {"step":80,"loss":1.9034,"validation":0.4512}
//! {"step":160,"loss":1.7421,"validation":0.4377}
//! ```
//! One line for each check: optimiser steps taken, mean training loss since the previous check, and
//! the validation loss on rows kept from the *training* files (`null` where none are kept). The
//! loop rewrites the file with every checkpoint and on resuming, from the checkpoint's own list: no
//! step is listed twice, and none lies beyond the checkpoint.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::TrainerError;

pub const FILE: &str = "history.jsonl";

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub step: usize,
    /// Mean training loss since the previous check.
    pub loss: f64,
    /// Loss on the validation rows.
    pub validation: Option<f64>,
}

/// Writes the file in `folder`, replacing an earlier one.
///
/// # Errors
/// [`TrainerError::File`]; [`TrainerError::BadRun`] for a check with a number that JSON cannot
/// hold.
pub fn write(folder: &Path, checks: &[Check]) -> Result<(), TrainerError> {
    let path = folder.join(FILE);
    let mut text = String::new();
    for (at, check) in checks.iter().enumerate() {
        let line = serde_json::to_string(check).map_err(|e| bad_line(&path, at, &e.to_string()))?;
        let _ = writeln!(text, "{line}");
    }
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text).map_err(TrainerError::file(&partial))?;
    std::fs::rename(&partial, &path).map_err(TrainerError::file(&path))
}

/// Reads the checks of the run in `folder`, by ascending step; at least one.
///
/// # Errors
/// [`TrainerError::BadRun`] if the folder has no history or an empty one, if a line is not a check,
/// and if a step is not after the previous one; [`TrainerError::File`].
pub fn read(folder: &Path) -> Result<Vec<Check>, TrainerError> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Err(no_check(folder, "no history.jsonl"));
    }
    let text = std::fs::read_to_string(&path).map_err(TrainerError::file(&path))?;
    let mut checks: Vec<Check> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let check: Check =
            serde_json::from_str(line).map_err(|e| bad_line(&path, at, &e.to_string()))?;
        if let Some(last) = checks.last().filter(|last| last.step >= check.step) {
            let detail = format!("step {} after step {}", check.step, last.step);
            return Err(bad_line(&path, at, &detail));
        }
        checks.push(check);
    }
    match checks.is_empty() {
        false => Ok(checks),
        true => Err(no_check(folder, "no check yet")),
    }
}

fn no_check(folder: &Path, found: &str) -> TrainerError {
    let detail = format!(
        "found {found}, expected one line a check, as the kinds bert and routerdc write them. Train \
         it for at least check_steps steps"
    );
    TrainerError::BadRun { path: folder.to_owned(), detail }
}

/// The error of the line at `at`, counted from 0.
fn bad_line(path: &Path, at: usize, detail: &str) -> TrainerError {
    let detail = format!(
        "line {}: {detail}. Expected step, loss and validation of one check a line, by ascending \
         step; run `trainer train` on the folder to rewrite the file from its checkpoint",
        at + 1
    );
    TrainerError::BadRun { path: path.to_owned(), detail }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn checks_survive_their_file_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let check = |step, validation| Check { step, loss: 0.1 + 0.2, validation };
        let checks = [check(10, Some(1.0 / 3.0)), check(20, None)];
        write(folder.path(), &checks).unwrap();
        assert_eq!(read(folder.path()).unwrap(), checks);
        write(folder.path(), &checks[..1]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), checks[..1]);
    }

    #[test]
    fn a_missing_empty_or_damaged_history_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let fault = || read(folder.path()).unwrap_err();
        assert!(fault().to_string().contains("no history.jsonl"), "{}", fault());
        write(folder.path(), &[]).unwrap();
        assert!(fault().to_string().contains("no check yet"), "{}", fault());
        let good = "{\"step\":10,\"loss\":1.0,\"validation\":0.5}\n";
        for bad in ["{\"step\":10}\n", good, "half a li"] {
            std::fs::write(folder.path().join(FILE), format!("{good}{bad}")).unwrap();
            assert_eq!(fault().code(), "bad_run", "{bad}");
            assert!(fault().to_string().contains("line 2"), "{}", fault());
        }
    }
}
