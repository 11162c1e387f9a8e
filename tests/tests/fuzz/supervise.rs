//! Runs targets in processes of their own, so that an abort, a stack overflow or a case without an end is
//! a fault with an input like any other.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::targets::Target;

/// Longest time of one case.
const LONGEST_CASE: Duration = Duration::from_secs(30);

/// Runs this program again for one target; returns whether it found no fault.
///
/// # Errors
/// Where the process cannot be started, or the input that ended it not be stored.
pub fn run(target: &Target, args: &[String], folder: &Path, faults: &Path) -> io::Result<bool> {
    let current = folder.join(format!("{}.current", target.name));
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--in-process").arg(&current).args(["--target", target.name]).args(args);
    let mut child = command.spawn()?;
    let ended = wait(&mut child, &current)?;
    let why = match ended {
        Some(status) => match status.code() {
            Some(0) => return Ok(true),
            Some(1) => return Ok(false),
            _ => format!(
                "the process ended: {status} (an abort, a stack overflow or too large a block)"
            ),
        },
        None => format!("a case took more than {} s", LONGEST_CASE.as_secs()),
    };
    let (case, input) = read(&current).unwrap_or_default();
    let path = faults.join(format!("{}-ended-at-{case}", target.name));
    fs::write(&path, input)?;
    println!("{}: FAULT in case {case}: {why}\n    input: {}", target.name, path.display());
    Ok(false)
}

/// Waits for the end; none where a case took too long, and the process was stopped.
fn wait(child: &mut Child, current: &Path) -> io::Result<Option<std::process::ExitStatus>> {
    let (mut case, mut since) = (0, Instant::now());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        sleep(Duration::from_millis(50));
        let now = read(current).map_or(0, |(case, _)| case);
        if now != case {
            (case, since) = (now, Instant::now());
        }
        if since.elapsed() > LONGEST_CASE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
    }
}

/// The number and the bytes of the input under check.
fn read(current: &Path) -> Option<(u64, Vec<u8>)> {
    let bytes = fs::read(current).ok()?;
    let (case, rest) = bytes.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    Some((u64::from_le_bytes(*case), rest.get(..length)?.to_vec()))
}
