//! Runs the commands of gold answers and keeps how they ended in a file, so that another call runs none twice.
//!
//! The file has one JSON object a line, with the SHA-256 of what was run: command, files, answer and limits. A
//! line that was cut by a kill is run again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pointsman::sha256_hex;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::command::{CommandLimits, Run, Tests, run};
use crate::error::TrainerError;

/// Answers that are run before what they gave is written.
const BATCH: usize = 32;

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    run: Run,
}

/// How commands ended, by what was run.
pub(super) struct Runs {
    path: PathBuf,
    limits: CommandLimits,
    file: File,
    known: HashMap<String, Run>,
    waiting: Vec<(String, Tests, String)>,
    /// Commands that this call ran.
    pub ran: usize,
}

impl Runs {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn open(path: &Path, limits: CommandLimits) -> Result<Self, TrainerError> {
        let error = TrainerError::file(path);
        let bytes = if path.exists() { std::fs::read(path).map_err(&error)? } else { Vec::new() };
        let known = bytes
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
            .map(|line| (line.key, line.run))
            .collect();
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(&error)?;
        if bytes.last().is_some_and(|byte| *byte != b'\n') {
            file.write_all(b"\n").map_err(&error)?;
        }
        let path = path.to_owned();
        Ok(Self { path, limits, file, known, waiting: Vec::new(), ran: 0 })
    }

    /// How the command ended on an answer, where it was run.
    pub fn get(&self, tests: &Tests, answer: &str) -> Option<&Run> {
        self.known.get(&self.key(tests, answer))
    }

    /// Runs the command on an answer, now or with the next ones, unless it was run.
    ///
    /// # Errors
    /// Those of [`run`]; [`TrainerError::Interrupted`].
    pub fn add(
        &mut self,
        tests: &Tests,
        answer: &str,
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        let key = self.key(tests, answer);
        if !self.known.contains_key(&key) {
            self.waiting.push((key, tests.clone(), answer.to_owned()));
        }
        if self.waiting.len() < BATCH { Ok(()) } else { self.finish(stop) }
    }

    /// Runs what waits, on all cores.
    ///
    /// # Errors
    /// Those of [`run`]; [`TrainerError::Interrupted`].
    pub fn finish(&mut self, stop: &AtomicBool) -> Result<(), TrainerError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by(|a, b| a.0.cmp(&b.0));
        waiting.dedup_by(|a, b| a.0 == b.0);
        let limits = &self.limits;
        let ran: Vec<(String, Option<Result<Run, TrainerError>>)> = waiting
            .into_par_iter()
            .map(|(key, tests, answer)| {
                let go = !stop.load(Ordering::Relaxed);
                (key, go.then(|| run(&tests, &answer, limits).map(|(run, _)| run)))
            })
            .collect();
        let mut result = Ok(());
        for (key, ended) in ran {
            match ended {
                Some(Ok(run)) => {
                    let line = Line { key, run };
                    // Keys and codes always serialise.
                    let text = serde_json::to_string(&line).unwrap_or_default() + "\n";
                    self.file.write_all(text.as_bytes()).map_err(TrainerError::file(&self.path))?;
                    self.known.insert(line.key, line.run);
                    self.ran += 1;
                }
                Some(Err(error)) => result = Err(error),
                None if result.is_ok() => {
                    let doing = format!("running commands; {} are kept", self.known.len());
                    result = Err(TrainerError::Interrupted { doing });
                }
                None => {}
            }
        }
        result
    }

    fn key(&self, tests: &Tests, answer: &str) -> String {
        let CommandLimits { seconds, memory_mib, file_mib } = &self.limits;
        let Tests { command, file, files } = tests;
        let what = serde_json::json!([command, file, files, answer, seconds, memory_mib, file_mib]);
        sha256_hex(what.to_string().as_bytes()).get(..32).unwrap_or_default().to_owned()
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_command_is_run_once_also_after_a_cut_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commands.jsonl");
        let log = folder.path().join("log");
        let command = format!("cat {{answer}} >> '{}'; grep -q yes {{answer}}", log.display());
        let tests = Tests { command, file: None, files: BTreeMap::new() };
        let stop = AtomicBool::new(false);
        let judged = |answers: &[&str]| -> (usize, Vec<Option<Run>>) {
            let mut runs = Runs::open(&path, CommandLimits::default()).unwrap();
            answers.iter().for_each(|answer| runs.add(&tests, answer, &stop).unwrap());
            runs.finish(&stop).unwrap();
            (runs.ran, answers.iter().map(|answer| runs.get(&tests, answer).cloned()).collect())
        };
        let (ran, found) = judged(&["yes", "no", "yes"]);
        let expected = [0, 1, 0].map(|code| Some(Run::Ended { code }));
        assert_eq!((ran, found.as_slice()), (2, &expected[..]));
        assert_eq!(judged(&["no", "yes"]).0, 0);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        assert_eq!(judged(&["yes", "no"]).0, 1);
        assert_eq!(judged(&["yes", "no"]).0, 0);
        assert_eq!(
            std::fs::read_to_string(&log).unwrap().matches("yes").count()
                + std::fs::read_to_string(&log).unwrap().matches("no").count(),
            3
        );
    }

    #[test]
    fn an_interrupt_runs_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut runs = Runs::open(&folder.path().join("c"), CommandLimits::default()).unwrap();
        let tests = Tests { command: "true {answer}".into(), file: None, files: BTreeMap::new() };
        let stop = AtomicBool::new(true);
        runs.add(&tests, "a", &stop).unwrap();
        assert_eq!(runs.finish(&stop).unwrap_err().code(), "interrupted");
        assert_eq!(runs.ran, 0);
    }
}
