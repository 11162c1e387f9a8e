//! Which steps of a loop are done, by hashes of what they read and wrote.
//!
//! A step is done where the journal states the same inputs for it and every output has the hash that it had when
//! the step ended. The journal is written after a step's outputs, so that a killed step is done again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use pointsman::sha256_hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::TrainerError;

/// The journal's name in a loop's folder.
pub const JOURNAL: &str = "steps.json";
const FORMAT: u32 = 1;

/// A step of a loop, in the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Labels of a gateway's log, in place of asking and judging.
    Log,
    Collect,
    Judge,
    Split,
    Train,
    Calibrate,
    Evaluate,
    Bundle,
    /// The bundle beside the present one, ready to be uploaded.
    Candidate,
    Report,
}

impl Step {
    pub const ALL: [Self; 10] = [
        Self::Log,
        Self::Collect,
        Self::Judge,
        Self::Split,
        Self::Train,
        Self::Calibrate,
        Self::Evaluate,
        Self::Bundle,
        Self::Candidate,
        Self::Report,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Collect => "collect",
            Self::Judge => "judge",
            Self::Split => "split",
            Self::Train => "train",
            Self::Calibrate => "calibrate",
            Self::Evaluate => "evaluate",
            Self::Bundle => "bundle",
            Self::Candidate => "candidate",
            Self::Report => "report",
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u32,
    steps: BTreeMap<Step, Done>,
}

/// A step that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    /// Hash of what it read.
    inputs: String,
    /// Hash of each file or folder that it wrote, by its name in the loop's folder.
    outputs: BTreeMap<String, String>,
}

/// The steps that are done, in a loop's folder.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    steps: BTreeMap<Step, Done>,
}

impl Journal {
    /// Reads the journal of a folder; a folder without a journal has done no step.
    ///
    /// # Errors
    /// [`TrainerError::BadRun`] for a file that is no journal; [`TrainerError::File`].
    pub fn open(folder: &Path) -> Result<Self, TrainerError> {
        let path = folder.join(JOURNAL);
        let steps = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(TrainerError::file(&path)(error)),
            Ok(text) => match serde_json::from_str::<Wire>(&text) {
                Ok(wire) if wire.format == FORMAT => wire.steps,
                found => {
                    let found = found.map_or_else(
                        |error| error.to_string(),
                        |wire| format!("found format {}, expected {FORMAT}", wire.format),
                    );
                    let detail = format!(
                        "{found}. Delete the file: the steps are then done again, and no answered prompt is \
                         asked again"
                    );
                    return Err(TrainerError::BadRun { path, detail });
                }
            },
        };
        Ok(Self { folder: folder.to_owned(), steps })
    }

    /// Whether a step was done with these inputs and its outputs are as it left them.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn is_done(&self, step: Step, inputs: &str) -> Result<bool, TrainerError> {
        let Some(done) = self.steps.get(&step).filter(|done| done.inputs == inputs) else {
            return Ok(false);
        };
        for (name, hash) in &done.outputs {
            let path = self.folder.join(name);
            if !path.exists() || hash_path(&path)? != *hash {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The hash of a file or folder that a step wrote; `None` where it wrote no such.
    #[must_use]
    pub fn output(&self, step: Step, name: &str) -> Option<&str> {
        self.steps.get(&step)?.outputs.get(name).map(String::as_str)
    }

    /// Writes down that a step ended.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn end(
        &mut self,
        step: Step,
        inputs: &str,
        outputs: &[String],
    ) -> Result<(), TrainerError> {
        let hash = |name: &String| Ok((name.clone(), hash_path(&self.folder.join(name))?));
        let outputs = outputs.iter().map(hash).collect::<Result<_, TrainerError>>()?;
        self.steps.insert(step, Done { inputs: inputs.to_owned(), outputs });
        let path = self.folder.join(JOURNAL);
        let wire = Wire { format: FORMAT, steps: self.steps.clone() };
        let text = serde_json::to_string_pretty(&wire).map_err(|error| TrainerError::BadRun {
            path: path.clone(),
            detail: error.to_string(),
        })?;
        write_whole(&path, (text + "\n").as_bytes())
    }
}

/// Hashes values that a step depends on.
#[derive(Debug, Default)]
pub struct Inputs(Sha256);

impl Inputs {
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        // Lengths keep two lists of values apart.
        self.0.update(format!("{name} {}\n", value.len()));
        self.0.update(value);
        self
    }

    #[must_use]
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// SHA-256 of a file, or of the names and hashes of a folder's files and folders.
///
/// # Errors
/// [`TrainerError::File`].
pub fn hash_path(path: &Path) -> Result<String, TrainerError> {
    let at = TrainerError::file;
    if !path.is_dir() {
        let mut file = File::open(path).map_err(at(path))?;
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer).map_err(at(path))? {
                0 => break,
                read => hasher.update(buffer.get(..read).unwrap_or_default()),
            }
        }
        return Ok(Inputs(hasher).finish());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(at(path))? {
        names.push(entry.map_err(at(path))?.file_name());
    }
    names.sort();
    let mut listed = String::new();
    for name in names {
        let hash = hash_path(&path.join(&name))?;
        listed += &format!("{} {hash}\n", name.to_string_lossy());
    }
    Ok(sha256_hex(listed.as_bytes()))
}

/// Writes a file beside its place and renames it into it.
///
/// # Errors
/// [`TrainerError::File`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainerError> {
    write_whole_by(path, |file| file.write_all(bytes))
}

/// The same of what `write` writes.
///
/// # Errors
/// [`TrainerError::File`].
pub fn write_whole_by(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), TrainerError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let at = TrainerError::file(&partial);
    let mut file = BufWriter::new(File::create(&partial).map_err(&at)?);
    write(&mut file).map_err(&at)?;
    let file = file.into_inner().map_err(|error| at(error.into_error()))?;
    file.sync_all().map_err(&at)?;
    fs::rename(&partial, path).map_err(TrainerError::file(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_done_until_its_inputs_or_its_outputs_change() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("answers.jsonl"), "one\n").unwrap();
        fs::create_dir(at("bundle")).unwrap();
        fs::write(at("bundle/router.json"), "{}").unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        assert!(!journal.is_done(Step::Collect, "a").unwrap());
        let outputs = ["answers.jsonl", "bundle"].map(String::from);
        journal.end(Step::Collect, "a", &outputs).unwrap();
        let done = |inputs: &str| {
            Journal::open(folder.path()).unwrap().is_done(Step::Collect, inputs).unwrap()
        };
        assert!(done("a") && !done("b"));
        assert!(!Journal::open(folder.path()).unwrap().is_done(Step::Judge, "a").unwrap());
        fs::write(at("bundle/router.json"), "{ }").unwrap();
        assert!(!done("a"));
        fs::write(at("bundle/router.json"), "{}").unwrap();
        assert!(done("a"));
        fs::remove_file(at("answers.jsonl")).unwrap();
        assert!(!done("a"));
    }

    #[test]
    fn a_file_that_is_no_journal_is_an_error_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        for text in
            ["", "{\"format\": 2, \"steps\": {}}", "{\"format\": 1, \"steps\": {\"fly\": 1}}"]
        {
            fs::write(folder.path().join(JOURNAL), text).unwrap();
            let error = Journal::open(folder.path()).unwrap_err().to_string();
            assert!(error.contains(JOURNAL) && error.contains("Delete the file"), "{error}");
        }
    }

    #[test]
    fn hashes_tell_values_files_and_names_apart() {
        let of = |values: &[(&str, &str)]| {
            let inputs = values.iter().fold(Inputs::default(), |inputs, (n, v)| inputs.with(n, v));
            inputs.finish()
        };
        assert_eq!(of(&[("a", "1")]), of(&[("a", "1")]));
        assert_ne!(of(&[("a", "1")]), of(&[("b", "1")]));
        assert_ne!(of(&[("a", "12"), ("b", "3")]), of(&[("a", "1"), ("b", "23")]));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "x").unwrap();
        let one = hash_path(folder.path()).unwrap();
        fs::rename(folder.path().join("a"), folder.path().join("b")).unwrap();
        assert_ne!(hash_path(folder.path()).unwrap(), one);
    }
}
