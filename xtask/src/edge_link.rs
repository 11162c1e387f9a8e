//! Links the wasm modules with rustc's linker, after removing constructors from the objects.
//!
//! tract's crates register all their transformations, kernels and file formats in constructors (crate
//! `inventory`). A linker must keep these and everything that they reach: more than half of the module.
//! The engine constructs its few operators directly and needs no registry. So rustc calls xtask as the
//! linker; xtask removes the lists of constructors from copies of the objects and archives, and the real
//! linker then drops unused code. A list is the subsection `WASM_INIT_FUNCS` of an object's section
//! `linking` (WebAssembly's tool conventions, "Linking"). Its type is changed to one that linkers skip, so
//! that no length changes.

use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

/// The variable that states the role in which cargo or rustc calls xtask.
const ROLE: &str = "POINTSMAN_XTASK_AS";
/// The role of cargo's compiler for the workspace's own crates.
const RUSTC: &str = "rustc";
const LINKER: &str = "linker";
/// rustc's linker for wasm, found on the PATH that rustc sets.
const REAL_LINKER: &str = "rust-lld";

const OBJECT: &[u8] = b"\0asm";
const ARCHIVE: &[u8] = b"!<arch>\n";
const MEMBER_HEADER: usize = 60;
const CUSTOM_SECTION: u8 = 0;
const INIT_FUNCS: u8 = 6;
/// A type of subsection that linkers do not know and skip.
const SKIPPED: u8 = 0x7f;

/// Makes a cargo build call this program as its linker.
pub fn take_part(cargo: &mut Command) -> Result<()> {
    let xtask = env::current_exe().context("the path of xtask's executable is unknown")?;
    cargo.env("RUSTC_WORKSPACE_WRAPPER", xtask).env(ROLE, RUSTC);
    Ok(())
}

/// Runs in the role of compiler or linker if cargo or rustc started this program.
pub fn part() -> Option<ExitCode> {
    let role = env::var_os(ROLE)?;
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let outcome = if role == LINKER { link(&arguments) } else { compile(&arguments) };
    Some(match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    })
}

/// Runs rustc, whose path is the first argument, with this program as the linker of wasm modules.
fn compile(arguments: &[OsString]) -> Result<u8> {
    let Some((rustc, arguments)) = arguments.split_first() else {
        bail!("the compiler's path is missing")
    };
    let mut command = Command::new(rustc);
    command.args(arguments);
    if arguments.iter().any(|argument| argument == "cdylib") {
        let mut linker = OsString::from("linker=");
        linker.push(env::current_exe()?);
        command.arg("-C").arg(linker).env(ROLE, LINKER);
    }
    status(&mut command)
}

fn status(command: &mut Command) -> Result<u8> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn link(arguments: &[OsString]) -> Result<u8> {
    let copies = tempfile::tempdir().context("cannot create a folder for the linker's input")?;
    let mut inputs = Vec::new();
    for (at, argument) in arguments.iter().enumerate() {
        let path = Path::new(argument);
        let is_code = matches!(path.extension().and_then(OsStr::to_str), Some("o" | "rlib" | "a"));
        if !is_code || !path.is_file() {
            inputs.push(argument.clone());
            continue;
        }
        let mut bytes =
            fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let found = hide_constructors(&mut bytes).with_context(|| {
            format!("{} is neither a wasm object nor an archive of them", path.display())
        })?;
        if found == 0 {
            inputs.push(argument.clone());
            continue;
        }
        let copy = copies
            .path()
            .join(format!("{at}"))
            .with_extension(path.extension().unwrap_or_default());
        fs::write(&copy, bytes).with_context(|| format!("cannot write {}", copy.display()))?;
        inputs.push(copy.into_os_string());
    }
    status(Command::new(REAL_LINKER).args(inputs))
}

/// Hides the lists of constructors in an object or in an archive's objects; returns how many.
fn hide_constructors(bytes: &mut [u8]) -> Result<usize> {
    if bytes.starts_with(OBJECT) {
        return in_object(bytes);
    }
    let mut found = 0;
    let mut at = ARCHIVE.len();
    while bytes.starts_with(ARCHIVE) && at + MEMBER_HEADER <= bytes.len() {
        let size = std::str::from_utf8(&bytes[at + 48..at + 58])?.trim_end().parse::<usize>()?;
        let start = at + MEMBER_HEADER;
        let Some(member) = bytes.get_mut(start..start + size) else {
            bail!("a member of the archive is truncated")
        };
        if member.starts_with(OBJECT) {
            found += in_object(member)?;
        }
        at = (start + size).next_multiple_of(2);
    }
    Ok(found)
}

fn in_object(object: &mut [u8]) -> Result<usize> {
    let mut found = 0;
    let mut at = 8;
    while at < object.len() {
        let id = object[at];
        let (start, end) = sized(object, at + 1)?;
        let name = if id == CUSTOM_SECTION { Some(sized(object, start)?) } else { None };
        if let Some((from, to)) = name
            && object[from..to] == *b"linking"
        {
            let (_, mut part) = number(object, to)?;
            while part < end {
                let (_, next) = sized(object, part + 1)?;
                if object[part] == INIT_FUNCS {
                    object[part] = SKIPPED;
                    found += 1;
                }
                part = next;
            }
        }
        at = end;
    }
    Ok(found)
}

/// Reads a number in LEB128; returns it and its end.
fn number(bytes: &[u8], at: usize) -> Result<(usize, usize)> {
    let mut value = 0;
    for (byte, shift) in (0..5).zip((0..).step_by(7)) {
        let Some(&found) = bytes.get(at + byte) else { bail!("it ends inside a number") };
        value |= usize::from(found & 0x7f) << shift;
        if found < 0x80 {
            return Ok((value, at + byte + 1));
        }
    }
    bail!("it contains a number that is too long")
}

/// Returns begin and end of bytes that are preceded by their number.
fn sized(bytes: &[u8], at: usize) -> Result<(usize, usize)> {
    let (length, start) = number(bytes, at)?;
    match start.checked_add(length).filter(|&end| end <= bytes.len()) {
        Some(end) => Ok((start, end)),
        None => bail!("it has {} bytes left, expected {length}", bytes.len() - start),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let (low, high) = ((length & 0x7f) as u8 | 0x80, (length >> 7) as u8);
        [&[id, low, high], content].concat()
    }

    fn object(subsections: &[(u8, &[u8])]) -> Vec<u8> {
        let parts = subsections.iter().flat_map(|(kind, content)| section(*kind, content));
        let linking: Vec<u8> = b"\x07linking\x02".iter().copied().chain(parts).collect();
        [
            b"\0asm\x01\0\0\0".to_vec(),
            section(10, &[INIT_FUNCS; 300]),
            section(CUSTOM_SECTION, &linking),
            section(CUSTOM_SECTION, b"\x04name\x06\x02"),
        ]
        .concat()
    }

    fn archive(members: &[&[u8]]) -> Vec<u8> {
        let mut bytes = ARCHIVE.to_vec();
        for member in members {
            bytes.extend(format!("{:<48}{:<10}`\n", "member/", member.len()).bytes());
            bytes.extend(*member);
            bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        }
        bytes
    }

    #[test]
    fn only_the_list_of_constructors_is_hidden() {
        let with = |kind| object(&[(8, b"symbols"), (kind, b"\x01\x02\x03"), (5, b"segments")]);
        let mut bytes = with(INIT_FUNCS);
        assert_eq!(hide_constructors(&mut bytes).unwrap(), 1);
        assert_eq!(bytes, with(SKIPPED));
        assert_eq!(hide_constructors(&mut bytes).unwrap(), 0);
        let [mut packed, expected] = [INIT_FUNCS, SKIPPED]
            .map(|kind| archive(&[b"odd", &with(kind), b"other!", &with(kind)]));
        assert_eq!(hide_constructors(&mut packed).unwrap(), 2);
        assert_eq!(packed, expected);
    }

    #[test]
    fn what_is_no_wasm_stays_and_what_is_cut_is_an_error() {
        let mut other = b"\x7fELF and more".to_vec();
        assert_eq!(hide_constructors(&mut other).unwrap(), 0);
        let whole = object(&[(8, b"symbols")]);
        assert!(hide_constructors(&mut whole[..whole.len() - 3].to_vec()).is_err());
        let packed = archive(&[&whole]);
        assert!(hide_constructors(&mut packed[..packed.len() - 20].to_vec()).is_err());
    }
}
