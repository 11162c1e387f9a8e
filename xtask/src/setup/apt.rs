//! Installs Debian packages with apt, if that needs no password.

use super::{on_path, say};
use crate::process;
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Whether dpkg reports all of `packages` as installed.
pub fn installed(packages: &[&str]) -> bool {
    packages.iter().all(|package| {
        process::probe(Command::new("dpkg-query").args([
            "--show",
            "--showformat=${Status}",
            package,
        ]))
        .is_some_and(|status| status == "install ok installed")
    })
}

/// Installs `packages`, which provide `what`. If that is impossible, the error states the command to
/// run, and `otherwise` what to install on other systems.
pub fn install(what: &str, packages: &[&str], otherwise: &str) -> Result<()> {
    if on_path("apt-get").is_none() {
        bail!("{what} is missing, and this system has no apt to install it; {otherwise}");
    }
    let by_hand = format!(
        "run `apt-get install --no-install-recommends {}` as root; on other systems, {otherwise}",
        packages.join(" ")
    );
    let Some(prefix) = root_prefix() else {
        bail!(
            "{what} is missing, and installing it needs root (`sudo` asks for a password): {by_hand}"
        );
    };
    say("apt", format!("installing {} for {what}", packages.join(", ")));
    refresh_lists(prefix)
        .and_then(|()| {
            process::run(
                apt_get(prefix)
                    .args(["install", "-y", "--no-install-recommends", "--no-remove"])
                    .args(packages)
                    // apt-get prints a line per package here; errors are on standard error.
                    .stdout(Stdio::null()),
            )
        })
        .with_context(|| format!("{what} could not be installed: {by_hand}"))
}

/// The package that `package` depends on and whose name starts with `prefix`.
pub fn dependency(package: &str, prefix: &str) -> Option<String> {
    let printed = process::probe(Command::new("apt-cache").args(["depends", package]))?;
    dependency_in(&printed, prefix).map(str::to_owned)
}

/// Fetches the package lists, once per run: a new machine has none, and old lists name packages that
/// no longer exist.
pub fn refresh() -> Result<()> {
    match root_prefix() {
        Some(prefix) => refresh_lists(prefix),
        None => Ok(()),
    }
}

fn refresh_lists(prefix: &[&str]) -> Result<()> {
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.get().is_none() {
        process::run(apt_get(prefix).args(["update", "-qq"]))?;
        DONE.get_or_init(|| ());
    }
    Ok(())
}

/// The command before `apt-get`: none for root, `sudo -n` if that needs no password.
fn root_prefix() -> Option<&'static [&'static str]> {
    let id = process::probe(Command::new("id").arg("-u"));
    if id.as_deref() == Some("0") {
        Some(&[])
    } else if process::probe(Command::new("sudo").args(["-n", "true"])).is_some() {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

fn apt_get(prefix: &[&str]) -> Command {
    let words: Vec<&str> = prefix
        .iter()
        .copied()
        .chain([
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-o",
            "DPkg::Lock::Timeout=300",
        ])
        .collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

fn dependency_in<'a>(printed: &'a str, prefix: &str) -> Option<&'a str> {
    printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::dependency_in;

    #[test]
    fn the_dependency_is_found_by_its_prefix_and_a_conflict_is_not_taken() {
        let printed =
            "rust-web-llvm\n  Depends: libc6\n  Depends: llvm-22\n  Conflicts: llvm-old\n";
        assert_eq!(dependency_in(printed, "llvm-"), Some("llvm-22"));
        assert_eq!(dependency_in(printed, "lld-"), None);
        assert_eq!(dependency_in("rust-web-llvm\n  Conflicts: llvm-old\n", "llvm-"), None);
    }
}
