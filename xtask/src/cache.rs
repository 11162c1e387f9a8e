//! The cache folder: tools, encoders and build outputs, kept outside the clone.
//!
//! The root is `$POINTSMAN_CACHE`, else the user's cache folder. Build outputs lie in
//! `target/<kind>-<toolchain>-<lock>`, where the two parts are short hashes, so clones with the
//! same toolchain and lock file share one build. After a change of only the lock file, an unused folder
//! of the same toolchain is renamed and reused: cargo's fingerprints show which outputs are still valid,
//! so unchanged dependencies are not built again. If another clone used a folder last, the workspace's
//! own packages are rebuilt: cargo compares the sources' times, which differ between clones.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file on which each command that builds in a target folder holds a shared lock.
const IN_USE: &str = ".pointsman-in-use";

/// A file with the path of the clone that last used a target folder.
const CLONE: &str = ".pointsman-clone";

/// The prefixes of the fingerprints of this workspace's packages.
const MEMBERS: [&str; 2] = ["pointsman-", "xtask-"];

/// The age from which unfinished work is considered abandoned.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

/// The cache folder.
pub struct Cache {
    root: PathBuf,
}

/// A folder for build outputs; no other command renames it while this value lives.
pub struct TargetDir {
    /// Absolute path, for `CARGO_TARGET_DIR`.
    pub path: PathBuf,
    _in_use: Option<File>,
}

impl Cache {
    /// Finds the root from the environment, without creating it.
    pub fn locate() -> Result<Self> {
        let root = root_from(|name| std::env::var_os(name), cfg!(target_os = "macos")).context(
            "no cache folder: POINTSMAN_CACHE and HOME are not set; set POINTSMAN_CACHE to a folder with 15 GB free",
        )?;
        Ok(Self { root: std::path::absolute(root)? })
    }

    /// The folder of an installed tool.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.root.join("tools").join(name)
    }

    /// The folder of a pretrained encoder.
    pub fn encoder(&self, name: &str) -> PathBuf {
        self.root.join("encoders").join(name)
    }

    /// The folder of the bundles that the benchmark measures.
    pub fn bench_bundles(&self) -> PathBuf {
        self.root.join("bench").join("bundles")
    }

    /// The folder for build outputs of tools, kept so that an interrupted build continues.
    pub fn tool_builds(&self) -> PathBuf {
        self.root.join("target").join("tools")
    }

    /// Makes an empty folder on the same file system, for work that is renamed into place when complete.
    /// Removes folders that interrupted commands left more than a day ago.
    pub fn fresh_scratch(&self, name: &str) -> Result<PathBuf> {
        let unfinished = self.root.join("unfinished");
        for entry in fs::read_dir(&unfinished).into_iter().flatten().flatten() {
            let age = entry.metadata().and_then(|data| data.modified()).map(|time| time.elapsed());
            if let Ok(Ok(age)) = age
                && age > LEFT_BEHIND
            {
                // Another command may remove the folder at the same time.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let path = unfinished.join(format!("{name}-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot empty {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(path)
    }

    /// The folder for build outputs of `kind` (`native`, `edge`). `toolchain` states everything beside the
    /// sources that determines the outputs: `rustc -vV`, flags, profile; `clone` is the workspace's
    /// root. A `CARGO_TARGET_DIR` in the environment wins.
    pub fn target_dir(
        &self,
        kind: &str,
        toolchain: &str,
        lock_file: &[u8],
        clone: &Path,
    ) -> Result<TargetDir> {
        if let Some(chosen) = std::env::var_os("CARGO_TARGET_DIR") {
            let path = std::path::absolute(chosen)?;
            return Ok(TargetDir { path, _in_use: None });
        }
        let target = target_dir_in(&self.root.join("target"), kind, toolchain, lock_file)?;
        use_for_clone(&target.path, clone)
            .with_context(|| format!("cannot prepare {}", target.path.display()))?;
        Ok(target)
    }
}

/// Deletes the fingerprints of the workspace's packages if another clone used `folder` last.
fn use_for_clone(folder: &Path, clone: &Path) -> std::io::Result<()> {
    let (marker, clone) = (folder.join(CLONE), clone.to_string_lossy());
    if fs::read_to_string(&marker).is_ok_and(|last| last == clone) {
        return Ok(());
    }
    // Cargo stores fingerprints in <profile>/.fingerprint and <triple>/<profile>/.fingerprint.
    for outer in folders_in(folder)? {
        forget_members(&outer)?;
        for inner in folders_in(&outer)? {
            forget_members(&inner)?;
        }
    }
    fs::write(marker, clone.as_bytes())
}

fn forget_members(profile: &Path) -> std::io::Result<()> {
    let fingerprints = profile.join(".fingerprint");
    if fingerprints.is_dir() {
        for package in folders_in(&fingerprints)? {
            let name = package.file_name().unwrap_or_default().to_string_lossy();
            if MEMBERS.iter().any(|member| name.starts_with(member)) {
                fs::remove_dir_all(&package)?;
            }
        }
    }
    Ok(())
}

fn folders_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

/// Moves a finished folder to its place and replaces the folder there.
pub fn replace_folder(finished: &Path, place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("cannot remove {}", place.display()))?;
    }
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
    }
    fs::rename(finished, place)
        .with_context(|| format!("cannot move {} to {}", finished.display(), place.display()))
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn root_from(env: impl Fn(&str) -> Option<OsString>, macos: bool) -> Option<PathBuf> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(root) = set("POINTSMAN_CACHE") {
        return Some(root);
    }
    if let Some(caches) = set("XDG_CACHE_HOME") {
        return Some(caches.join("pointsman"));
    }
    let caches = if macos { "Library/Caches" } else { ".cache" };
    set("HOME").map(|home| home.join(caches).join("pointsman"))
}

fn short_hash(bytes: &[u8]) -> String {
    sha256_hex(bytes).chars().take(10).collect()
}

fn target_dir_in(
    targets: &Path,
    kind: &str,
    toolchain: &str,
    lock_file: &[u8],
) -> Result<TargetDir> {
    let family = format!("{kind}-{}-", short_hash(toolchain.as_bytes()));
    let path = targets.join(format!("{family}{}", short_hash(lock_file)));
    if !path.exists() {
        fs::create_dir_all(targets)
            .with_context(|| format!("cannot create {}", targets.display()))?;
        if let Some(older) = take_over(targets, &family, &path)? {
            eprintln!(
                "cache: the lock file changed: reusing the build outputs of {}",
                older.display()
            );
        }
    }
    fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let marker = path.join(IN_USE);
    let in_use = File::create(&marker)
        .and_then(|file| file.lock_shared().map(|()| file))
        .with_context(|| format!("cannot lock {}", marker.display()))?;
    Ok(TargetDir { path, _in_use: Some(in_use) })
}

/// Renames the most recently used unlocked folder of `family` to `path`; returns its old path.
fn take_over(targets: &Path, family: &str, path: &Path) -> Result<Option<PathBuf>> {
    let mut candidates = Vec::new();
    for entry in
        fs::read_dir(targets).with_context(|| format!("cannot read {}", targets.display()))?
    {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(family) {
            let marker = entry.path().join(IN_USE);
            let used = fs::metadata(marker).and_then(|data| data.modified()).ok();
            candidates.push((used, entry.path()));
        }
    }
    candidates.sort();
    for (_, candidate) in candidates.into_iter().rev() {
        let Some(_locks) = lock_if_free(&candidate) else {
            continue;
        };
        if fs::rename(&candidate, path).is_ok() {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Takes exclusive locks on the marker and on cargo's lock files; none if any of them is held.
fn lock_if_free(folder: &Path) -> Option<Vec<File>> {
    let marker = File::create(folder.join(IN_USE)).ok()?;
    marker.try_lock().ok()?;
    let mut locks = vec![marker];
    // Cargo's lock files are in <profile>/ and <triple>/<profile>/.
    let mut folders = vec![(folder.to_path_buf(), 0)];
    while let Some((here, depth)) = folders.pop() {
        for entry in fs::read_dir(here).ok()?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(".cargo") && name.ends_with("lock") {
                let file = File::options().write(true).open(entry.path()).ok()?;
                file.try_lock().ok()?;
                locks.push(file);
            } else if depth < 2
                && entry.file_type().is_ok_and(|kind| kind.is_dir())
                && !is_cargo_internal(&name)
            {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    Some(locks)
}

/// Cargo's large folders, which contain no lock file.
fn is_cargo_internal(name: &str) -> bool {
    matches!(name, "build" | "deps" | "incremental" | ".fingerprint" | "examples" | "doc" | "tmp")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    /// Makes an empty folder for one test.
    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("pointsman-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn our_own_variable_wins_then_xdg_then_home() {
        let all = [("POINTSMAN_CACHE", "/s"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(root_from(env(&all), false), Some("/s".into()));
        assert_eq!(root_from(env(&all[1..]), false), Some("/x/pointsman".into()));
        assert_eq!(root_from(env(&all[2..]), false), Some("/h/.cache/pointsman".into()));
        assert_eq!(root_from(env(&all[2..]), true), Some("/h/Library/Caches/pointsman".into()));
        assert_eq!(root_from(env(&[("HOME", "")]), false), None);
    }

    #[test]
    fn another_clone_forgets_what_was_built_of_the_workspace_and_nothing_else() {
        let target = folder("clones");
        let built = |path: &str| target.join(path).join(".fingerprint");
        let own = built("release").join("pointsman-tests-0123");
        let edge = built("wasm32-unknown-unknown/edge").join("xtask-0123");
        let foreign = built("release").join("serde-0123");
        let build = || {
            for package in [&own, &edge, &foreign] {
                fs::create_dir_all(package).unwrap();
            }
        };
        use_for_clone(&target, Path::new("/one")).unwrap();
        build();
        use_for_clone(&target, Path::new("/one")).unwrap();
        assert!(own.exists() && edge.exists() && foreign.exists());
        use_for_clone(&target, Path::new("/two")).unwrap();
        assert!(!own.exists() && !edge.exists() && foreign.exists());
        build();
        use_for_clone(&target, Path::new("/one")).unwrap();
        assert!(!own.exists());
        fs::remove_dir_all(target).unwrap();
    }

    #[test]
    fn the_folder_depends_on_kind_toolchain_and_lock_file() {
        let targets = folder("key");
        let path = |kind, toolchain, lock: &[u8]| {
            target_dir_in(
                &targets.join(format!("{kind}{toolchain}{}", lock.len())),
                kind,
                toolchain,
                lock,
            )
            .unwrap()
            .path
            .file_name()
            .unwrap()
            .to_owned()
        };
        let base = path("native", "rustc 1", b"lock");
        assert_eq!(base, path("native", "rustc 1", b"lock"));
        assert_ne!(base, path("edge", "rustc 1", b"lock"));
        assert_ne!(base, path("native", "rustc 2", b"lock"));
        assert_ne!(base, path("native", "rustc 1", b"lock two"));
        fs::remove_dir_all(targets).unwrap();
    }

    #[test]
    fn a_free_folder_of_the_same_toolchain_is_taken_over_when_the_lock_file_changes() {
        let targets = folder("free");
        let first = target_dir_in(&targets, "native", "rustc 1", b"old").unwrap();
        fs::write(first.path.join("built"), "kept").unwrap();
        let old = first.path.clone();
        drop(first);
        let second = target_dir_in(&targets, "native", "rustc 1", b"new").unwrap();
        assert_eq!(fs::read_to_string(second.path.join("built")).unwrap(), "kept");
        assert!(!old.exists());
        let other = target_dir_in(&targets, "native", "rustc 2", b"new").unwrap();
        assert!(!other.path.join("built").exists());
        fs::remove_dir_all(targets).unwrap();
    }

    #[test]
    fn a_folder_in_use_is_left_alone() {
        let targets = folder("used");
        let ours = target_dir_in(&targets, "native", "rustc 1", b"old").unwrap();
        let other = target_dir_in(&targets, "native", "rustc 1", b"new").unwrap();
        assert!(ours.path.exists());
        assert_ne!(ours.path, other.path);
        fs::remove_dir_all(targets).unwrap();
    }

    #[test]
    fn a_folder_that_cargo_builds_in_is_left_alone() {
        let targets = folder("cargo");
        let first = target_dir_in(&targets, "edge", "rustc 1", b"old").unwrap().path;
        let profile = first.join("wasm32-unknown-unknown").join("edge");
        fs::create_dir_all(&profile).unwrap();
        let lock = File::create(profile.join(".cargo-lock")).unwrap();
        lock.lock().unwrap();
        target_dir_in(&targets, "edge", "rustc 1", b"new").unwrap();
        assert!(first.exists());
        drop(lock);
        target_dir_in(&targets, "edge", "rustc 1", b"newer").unwrap();
        fs::remove_dir_all(targets).unwrap();
    }

    #[test]
    fn a_finished_folder_replaces_what_was_there() {
        let base = folder("replace");
        fs::create_dir_all(base.join("new")).unwrap();
        fs::create_dir_all(base.join("place")).unwrap();
        fs::write(base.join("new/fresh"), "").unwrap();
        fs::write(base.join("place/stale"), "").unwrap();
        replace_folder(&base.join("new"), &base.join("place")).unwrap();
        assert!(base.join("place/fresh").exists() && !base.join("place/stale").exists());
        fs::remove_dir_all(base).unwrap();
    }
}
