//! The clone's path, and the versions in its lock file.

use crate::cache::Cache;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The clone on which this command works, with its cache folder.
pub struct Workspace {
    /// Absolute path of the folder that holds the workspace's Cargo.toml.
    pub root: PathBuf,
    /// The cache folder for tools, encoders and build outputs.
    pub cache: Cache,
}

impl Workspace {
    /// Finds the clone from cargo's environment, else in the parents of the current folder.
    pub fn locate() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => std::env::current_dir().context("the current folder cannot be read")?,
        };
        let root = start
            .ancestors()
            .find(|folder| folder.join("Cargo.lock").is_file() && folder.join("xtask").is_dir())
            .with_context(|| {
                format!(
                    "{} is not inside a clone of Pointsman: run this command in the clone",
                    start.display()
                )
            })?
            .to_path_buf();
        let cache = Cache::locate()?;
        Ok(Self { root, cache })
    }

    /// The absolute path of a file in the clone.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The bytes of Cargo.lock.
    pub fn lock_file(&self) -> Result<Vec<u8>> {
        let path = self.path("Cargo.lock");
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The version of `package` that Cargo.lock pins.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let lock = String::from_utf8(self.lock_file()?).context("Cargo.lock is not UTF-8")?;
        match locked_version(&lock, package) {
            Some(version) => Ok(version.to_owned()),
            None => bail!("Cargo.lock has no package named {package}"),
        }
    }

    /// Makes a command that runs the native toolchain's cargo in the clone's root.
    pub fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.current_dir(&self.root);
        command
    }

    /// The output of `rustc -vV` of the native toolchain.
    pub fn rustc_version(&self) -> Result<String> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
        crate::process::capture(Command::new(rustc).arg("-vV").current_dir(&self.root))
    }
}

/// The first version of `package` in the text of a Cargo.lock.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    let name = format!("name = \"{package}\"");
    lines.find(|line| *line == name)?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// Whether this is a continuous-integration run (`CI` set to anything but `false`).
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

#[cfg(test)]
mod tests {
    use super::locked_version;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"0.2.9\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"registry\"\n";

    #[test]
    fn the_version_is_that_of_the_package_named_and_of_no_longer_name() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(LOCK, "wasm-bindgen-shared"), Some("0.2.9"));
    }

    #[test]
    fn a_package_that_is_not_locked_has_no_version() {
        assert_eq!(locked_version(LOCK, "wasm"), None);
    }
}
