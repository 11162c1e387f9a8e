//! Runs a command on an answer that holds code. **This runs what a model wrote**, with the rights of the user
//! who runs the trainer: it happens only where the caller asks for it, and belongs into a container.
//!
//! ```json
//! {"tests": "python3 -m unittest -q test_it", "file": "solution.py",
//!  "files": {"test_it.py": "import solution ..."}}
//! ```
//!
//! The command runs by `sh -c` in an empty folder that is removed afterwards, with the answer's code in
//! `file` and what `files` states beside it; `{answer}` stands for the code's path. The code is the last fenced
//! block of the answer, or the whole answer where there is none. Exit code 0 means right; any other, wrong; 126
//! and 127, with which a shell says that it cannot run a command, mean that the answer was not graded.
//!
//! Limits: seconds by the clock and of the processor, MiB of virtual memory, MiB of any file that is
//! written, output included. A process that passes one is ended. All processes of the command's process group
//! are killed when it ends or its time is up; one that leaves the group (`setsid`) is not reached. The
//! environment has `PATH`, `LANG`, `HOME` and `TMPDIR` (both the folder) and nothing else, so no keys. Neither
//! the network nor other files are closed to the command.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fence::blocks;
use super::field_fault::wrong_type;
use super::mark::Mark;
use crate::error::TrainerError;

/// Stands for the path of the file with the answer's code.
const PLACE: &str = "{answer}";
/// Bytes of a command's output that are kept: its end.
const KEPT_OUTPUT: u64 = 2000;
/// What the wrapping shell says where it cannot set a limit.
const NO_LIMITS: &str = "limits";

/// A command that decides whether an answer is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tests {
    pub command: String,
    /// Name of the file that holds the answer's code; by the block's language where absent.
    pub file: Option<String>,
    /// Other files of the folder.
    pub files: BTreeMap<String, String>,
}

/// What a command may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandLimits {
    pub seconds: u64,
    /// MiB of virtual memory of each process.
    pub memory_mib: u64,
    /// MiB of each file that is written, and of the output.
    pub file_mib: u64,
}

impl Default for CommandLimits {
    fn default() -> Self {
        Self { seconds: 10, memory_mib: 2048, file_mib: 8 }
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Run {
    Ended {
        code: i32,
    },
    /// Ended by a signal, such as at the limit of the processor's time or of a file's size.
    Killed,
    TimedOut,
}

impl Run {
    /// `None` where the shell could not run the command.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::Ended { code: 0 } => Some(Mark::Right),
            Self::Ended { code: 126 | 127 } => None,
            _ => Some(Mark::Wrong),
        }
    }
}

impl Tests {
    pub(super) fn parse(fields: &Map<String, Value>) -> Result<Self, String> {
        let command = fields.get("tests").and_then(Value::as_str).map(str::trim);
        let command = command.filter(|command| !command.is_empty());
        let command = command.ok_or_else(|| wrong_type(fields, "tests", "a command"))?.to_owned();
        let file = match fields.get("file") {
            None => None,
            Some(name) => {
                let name = name.as_str().filter(|name| is_plain(name));
                Some(name.ok_or_else(|| wrong_type(fields, "file", NAME))?.to_owned())
            }
        };
        if file.is_none() && !command.contains(PLACE) {
            return Err(format!(
                "found the command {command:?}, which does not use the answer: expected {PLACE} in it, or \"file\", \
                 the name under which the command finds the answer's code"
            ));
        }
        let mut files = BTreeMap::new();
        if let Some(stated) = fields.get("files") {
            let stated =
                stated.as_object().ok_or_else(|| wrong_type(fields, "files", "an object"))?;
            for (name, text) in stated {
                let text = text.as_str().filter(|_| is_plain(name) && file.as_ref() != Some(name));
                let text = text.ok_or_else(|| {
                    format!("found the file {name:?} in \"files\", expected {NAME}, another than \"file\", with a text")
                })?;
                files.insert(name.clone(), text.to_owned());
            }
        }
        Ok(Self { command, file, files })
    }

    /// The name of the code's file, and the code.
    fn code<'a>(&self, answer: &'a str) -> (String, &'a str) {
        let block = blocks(answer).pop();
        let language = block.map_or("", |block| block.language);
        let name = self.file.clone().unwrap_or_else(|| format!("answer.{}", extension(language)));
        (name, block.map_or(answer, |block| block.text))
    }
}

const NAME: &str = "a file name without folders";

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

/// The extension of a language's files, as fences name languages.
fn extension(language: &str) -> &str {
    match language.to_ascii_lowercase().as_str() {
        "python" | "py" | "python3" => "py",
        "javascript" | "js" => "js",
        "typescript" | "ts" => "ts",
        "rust" | "rs" => "rs",
        "bash" | "sh" | "shell" => "sh",
        "c" => "c",
        "cpp" | "c++" => "cpp",
        "java" => "java",
        "go" => "go",
        "ruby" | "rb" => "rb",
        "php" => "php",
        "sql" => "sql",
        _ => "txt",
    }
}

/// Runs the command of `tests` on an answer. Returns how it ended, and the end of what it printed.
///
/// # Errors
/// [`TrainerError::File`] for the folder, [`TrainerError::BadRows`] where a limit cannot be set or the
/// machine has no `sh`.
pub fn run(
    tests: &Tests,
    answer: &str,
    limits: &CommandLimits,
) -> Result<(Run, String), TrainerError> {
    let folder = Scratch::new()?;
    let (name, code) = tests.code(answer);
    let work = folder.0.join("work");
    std::fs::create_dir(&work).map_err(TrainerError::file(&work))?;
    let code_path = work.join(&name);
    for (path, text) in tests
        .files
        .iter()
        .map(|(name, text)| (work.join(name), text.as_str()))
        .chain([(code_path.clone(), code)])
    {
        std::fs::write(&path, text).map_err(TrainerError::file(&path))?;
    }
    let command = tests.command.replace(PLACE, &quoted(&code_path));
    let output = folder.0.join("output");
    let ended = in_limits(&command, &work, &output, limits)?;
    Ok((ended, end_of(&output)?))
}

/// A word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}

/// The wrapping shell sets the limits, runs the command ($1) with its output into a file ($2), says how it
/// ended on its own output, and kills its process group, itself included. It is not waited for until then,
/// so that the group's number cannot belong to another.
const WRAPPER: &str = r#"ulimit -c 0 && ulimit -t "$3" && ulimit -v "$4" && ulimit -f "$5" || { echo limits; exit; }
sh -c "$1" >"$2" 2>&1 </dev/null
echo "$?"
kill -KILL 0"#;

fn in_limits(
    command: &str,
    work: &Path,
    output: &Path,
    limits: &CommandLimits,
) -> Result<Run, TrainerError> {
    let cannot = |detail: String| TrainerError::BadRows { what: "--commands".into(), detail };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(WRAPPER).arg("sh").arg(command).arg(output);
    shell.arg((limits.seconds + 1).to_string());
    shell.arg((limits.memory_mib * 1024).to_string());
    // Files are limited in blocks of 512 bytes.
    shell.arg((limits.file_mib * 2048).to_string());
    shell.current_dir(work).env_clear();
    for name in ["PATH", "LANG"] {
        if let Some(value) = std::env::var_os(name) {
            shell.env(name, value);
        }
    }
    shell.env("HOME", work).env("TMPDIR", work);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    own_group(&mut shell);
    let mut child = shell.spawn().map_err(|cause| {
        cannot(format!(
            "the shell sh cannot be started ({cause}), expected a Unix system. Leave --commands out"
        ))
    })?;
    let mut said = child.stdout.take();
    let (send, receive) = channel();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(said) = &mut said {
            // A text that cannot be read is no exit code, and counts as killed.
            let _ = said.read_to_string(&mut text);
        }
        let _ = send.send(text);
    });
    let in_time = receive.recv_timeout(Duration::from_secs(limits.seconds));
    if matches!(in_time, Err(RecvTimeoutError::Timeout)) {
        // The group is that of the shell, which has not been waited for.
        let group = format!("-{}", child.id());
        let kill =
            Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        kill.map_err(|cause| cannot(format!("kill cannot be started ({cause})")))?;
    }
    child.wait().map_err(|cause| cannot(format!("the command cannot be waited for ({cause})")))?;
    // The shell is dead, and no other process has its output.
    let _ = reader.join();
    let Ok(said) = in_time else { return Ok(Run::TimedOut) };
    match said.trim() {
        NO_LIMITS => Err(cannot(
            "the shell could not set the limits (ulimit -t, -v, -f), expected a system whose shell can (Linux). \
             Where the trainer's own shell has lower limits, ask for less"
                .into(),
        )),
        said => Ok(match said.parse() {
            // A shell reports a signal as 128 and its number.
            Ok(129..=192) | Err(_) => Run::Killed,
            Ok(code) => Run::Ended { code },
        }),
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

/// The last bytes of a file, as text; empty where there is none.
fn end_of(path: &Path) -> Result<String, TrainerError> {
    use std::io::{Seek, SeekFrom};
    let Ok(mut file) = std::fs::File::open(path) else { return Ok(String::new()) };
    let mut read = || -> std::io::Result<Vec<u8>> {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(KEPT_OUTPUT)))?;
        let mut bytes = Vec::new();
        file.by_ref().take(KEPT_OUTPUT).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(TrainerError::file(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A folder that is removed when it goes out of scope.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, TrainerError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pointsman-judge-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Left by a process of the same number that was killed.
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(TrainerError::file(&path))?;
        }
        std::fs::create_dir(&path).map_err(TrainerError::file(&path))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What a command left that cannot be removed stays in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
