//! Finds a Python with pip, which fetches packages of PyPI, else installs it with apt.

use super::apt;
use crate::process;
use anyhow::{Result, bail};
use std::process::Command;

/// The program to run as `PROGRAM -m pip`.
pub fn with_pip() -> Result<&'static str> {
    let works =
        || process::probe(Command::new("python3").args(["-m", "pip", "--version"])).is_some();
    if !works() {
        apt::install("pip", &["python3", "python3-pip"], "install Python 3 with pip")?;
        if !works() {
            bail!("`python3 -m pip` does not run after apt installed it");
        }
    }
    Ok("python3")
}
