//! Runs other programs, with clear errors and streamed output, and passes interrupts on to them.
//!
//! At a terminal Ctrl-C reaches the whole process group, so a child gets it directly and has time to
//! close; elsewhere the signal reaches only this process, which passes it on.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The exit code of an interrupted command, as in shells.
pub const INTERRUPTED: u8 = 130;

static INTERRUPT: AtomicBool = AtomicBool::new(false);
/// Process ids of the children that run now.
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Whether the user interrupted this command.
pub fn interrupted() -> bool {
    INTERRUPT.load(Ordering::SeqCst)
}

/// Installs the handler for Ctrl-C and for a request to terminate.
pub fn watch_for_interrupts() -> Result<()> {
    ctrlc::set_handler(|| {
        if children().is_empty() {
            eprintln!("interrupted; run the same command again to continue");
            std::process::exit(i32::from(INTERRUPTED));
        }
        if INTERRUPT.swap(true, Ordering::SeqCst) {
            return;
        }
        std::thread::spawn(|| {
            let at_terminal = std::io::stdin().is_terminal() || std::io::stderr().is_terminal();
            if !at_terminal {
                // Not INT, which background processes of a script ignore.
                signal_children("-TERM");
            }
            std::thread::sleep(Duration::from_secs(15));
            signal_children("-TERM");
            std::thread::sleep(Duration::from_secs(10));
            signal_children("-KILL");
        });
    })
    .context("cannot install the handler for Ctrl-C")
}

fn signal_children(signal: &str) {
    for child in children().iter() {
        // The standard library can only send KILL. The shell's builtin `kill` exists even where
        // the program `kill` is not installed.
        let _ = Command::new("sh").args(["-c", &format!("kill {signal} {child}")]).status();
    }
}

/// The children that run now. A thread that panicked while it held the list left it whole.
fn children() -> MutexGuard<'static, Vec<u32>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Formats a command as typed in a shell, for messages.
pub fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command with this process's input and output, and returns its exit status.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    let child = spawn(command)?;
    wait(child, command)
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", describe(command));
    }
    Ok(())
}

/// Runs a command that must succeed and returns its output.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", describe(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed ({}): {}",
            describe(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns a command's output if it exists and succeeds.
pub fn probe(command: &mut Command) -> Option<String> {
    capture(command).ok()
}

/// Runs a command, prints each line of its output at once, and passes it to `on_line`.
pub fn stream(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.with_context(|| format!("cannot read from `{}`", describe(command)))?;
            let line = String::from_utf8_lossy(&line);
            writeln!(std::io::stdout(), "{line}").context("cannot write to standard output")?;
            on_line(&line);
        }
    }
    wait(child, command)
}

/// The exit code to pass on for a child that ended with `status`.
pub fn exit_code(status: ExitStatus) -> u8 {
    match status.code() {
        Some(code) => u8::try_from(code).unwrap_or(1),
        None => INTERRUPTED,
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    if interrupted() {
        bail!("interrupted before `{}`", describe(command));
    }
    let child = command.spawn().with_context(|| format!("cannot start `{}`", describe(command)))?;
    children().push(child.id());
    Ok(child)
}

fn wait(mut child: Child, command: &Command) -> Result<ExitStatus> {
    let status = child.wait();
    children().retain(|running| *running != child.id());
    status.with_context(|| format!("cannot wait for `{}`", describe(command)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let error = run(Command::new("no-such-program-here").arg("--flag")).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-program-here --flag"));
    }

    #[test]
    fn a_failure_says_the_command_and_what_it_printed() {
        let error =
            capture(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.contains("broken"), "{message}");
    }

    #[test]
    fn every_line_streamed_is_seen_and_the_exit_code_kept() {
        let mut lines = Vec::new();
        let status =
            stream(Command::new("sh").args(["-c", "echo one; echo two; exit 4"]), |line| {
                lines.push(line.to_owned())
            })
            .unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(exit_code(status), 4);
    }
}
