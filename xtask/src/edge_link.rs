//! The linker of the wasm modules: rustc's own, after what registers itself at start-up was taken out.
//!
//! tract's crates register every transformation, kernel and file format that they have in
//! constructors (crate `inventory`), which a linker must keep with all that they reach. The engine
//! builds its graph from the few operators it names and looks nothing up, so xtask, called by rustc
//! as the linker, removes the list of constructors from the object files; the linker then drops what
//! nothing else needs. The list is the subsection `WASM_INIT_FUNCS` of the section `linking`
//! (WebAssembly's tool conventions, "Linking").

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::{env, fs};

/// Set where xtask is to be the linker; its value is the linker to call.
pub const AS_LINKER: &str = "SWITCHYARD_LINKER";
/// What rustc links wasm with; it is found on the path that rustc sets.
pub const REAL_LINKER: &str = "rust-lld";

const CUSTOM_SECTION: u8 = 0;
const INIT_FUNCS: u8 = 6;

/// Does what rustc asks of its linker.
pub fn run(linker: OsString) -> ExitCode {
    match link(linker) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn link(linker: OsString) -> Result<u8> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    for path in arguments.iter().filter(|path| path.to_string_lossy().ends_with(".o")) {
        let object = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let stripped = without_constructors(&object)
            .with_context(|| format!("cannot read {} as a wasm object", path.display()))?;
        if stripped != object {
            fs::write(path, stripped)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    let status = Command::new(&linker)
        .args(&arguments)
        .status()
        .with_context(|| format!("cannot run {}", linker.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// A wasm object file without its list of constructors.
fn without_constructors(object: &[u8]) -> Result<Vec<u8>> {
    let Some(header) = object.get(..8).filter(|header| header.starts_with(b"\0asm")) else {
        return Ok(object.to_vec());
    };
    let mut result = header.to_vec();
    let mut rest = Bytes(&object[8..]);
    while let Some(id) = rest.byte() {
        let content = rest.sized()?;
        let content = match id {
            CUSTOM_SECTION => linking_without_constructors(content)?,
            _ => content.to_vec(),
        };
        result.push(id);
        push_number(&mut result, content.len());
        result.extend(content);
    }
    Ok(result)
}

fn linking_without_constructors(section: &[u8]) -> Result<Vec<u8>> {
    let mut rest = Bytes(section);
    if rest.sized()? != b"linking" {
        return Ok(section.to_vec());
    }
    rest.number()?;
    let mut result = section[..section.len() - rest.0.len()].to_vec();
    while let Some(kind) = rest.byte() {
        let content = rest.sized()?;
        if kind != INIT_FUNCS {
            result.push(kind);
            push_number(&mut result, content.len());
            result.extend(content);
        }
    }
    Ok(result)
}

/// Bytes yet to be read.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number in LEB128.
    fn number(&mut self) -> Result<usize> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let Some(byte) = self.byte() else { bail!("it ends within a number") };
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        bail!("a number of it is too long")
    }

    /// Bytes with their number before them.
    fn sized(&mut self) -> Result<&'b [u8]> {
        let length = self.number()?;
        let Some((content, rest)) = self.0.split_at_checked(length) else {
            bail!("it has {} bytes where {length} are announced", self.0.len());
        };
        self.0 = rest;
        Ok(content)
    }
}

#[allow(clippy::cast_possible_truncation)]
fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![id];
        push_number(&mut bytes, content.len());
        bytes.extend(content);
        bytes
    }

    fn object(subsections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut linking = b"\x07linking\x02".to_vec();
        linking.extend(subsections.iter().flat_map(|(kind, content)| section(*kind, content)));
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend(section(10, &[9; 300]));
        bytes.extend(section(CUSTOM_SECTION, &linking));
        bytes.extend(section(CUSTOM_SECTION, b"\x04name\x01\x02"));
        bytes
    }

    #[test]
    fn only_the_list_of_constructors_goes() {
        let whole = object(&[(8, b"symbols"), (INIT_FUNCS, b"\x01\x02\x03"), (5, b"segments")]);
        let expected = object(&[(8, b"symbols"), (5, b"segments")]);
        assert_eq!(without_constructors(&whole).unwrap(), expected);
        assert_eq!(without_constructors(&expected).unwrap(), expected);
    }

    #[test]
    fn what_is_no_wasm_stays_and_a_cut_object_is_an_error() {
        assert_eq!(without_constructors(b"!<arch>").unwrap(), b"!<arch>");
        let whole = object(&[(8, b"symbols")]);
        assert!(without_constructors(&whole[..whole.len() - 3]).is_err());
    }
}
