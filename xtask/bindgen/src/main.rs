//! Writes a wasm module and its JavaScript, for `cargo xtask build`:
//! `xtask-bindgen MODULE.wasm NAME FOLDER` leaves `NAME.js`, `NAME.d.ts` and `NAME_bg.wasm` in FOLDER.
//!
//! A program of its own, because it is compiled with optimisation and kept in the cache folder, while
//! every clone compiles xtask. It uses wasm-bindgen's library and not its command line, which brings a
//! web server and TLS, takes twice as long to compile, and has a lock file of its own.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    match bind() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bind() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, name, folder] = arguments.as_slice() else {
        bail!("found {} arguments, expected MODULE.wasm NAME FOLDER", arguments.len());
    };
    let name = name.to_str().context("NAME is not UTF-8")?;
    Bindgen::new()
        .input_path(module)
        .out_name(name)
        .web(true)?
        // The Worker replaces an instance that trapped by a fresh one.
        .reset_state_function(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .typescript(true)
        .generate(folder)
        .with_context(|| format!("wasm-bindgen failed on {}", module.display()))
}
