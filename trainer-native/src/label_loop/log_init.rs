//! Writes `loop.toml` for labels of a gateway's log: pair and shares are those that the log and the present bundle
//! state, so that one command retrains.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::bundles::manifest;
use super::init::LOOP_FILE;
use super::journal::write_whole;
use super::relative_path::relative;
use super::settings::{Labels, LoopSettings, quoted};
use crate::error::TrainerError;
use crate::shadow_log::{Days, VERDICTS_FOLDER, for_each_verdict};

/// Share of strong calls where the present bundle states none.
const USUAL_SHARE: f64 = 0.4;

/// What the flags state.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFlags {
    /// Folder of the gateway's log.
    pub log: PathBuf,
    /// Folder of the present bundle.
    pub base: PathBuf,
    /// Folder to write to.
    pub out: PathBuf,
    /// The new bundle's name; that of the folder where absent.
    pub name: Option<String>,
}

/// Writes `loop.toml` into a folder, unless one of the same log and bundle is there; returns its path.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] for a log without comparisons; [`TrainerError::BadLoop`] where another loop is
/// there; [`TrainerError::File`]; those of the bundle.
pub fn init_from_log(flags: &LogFlags) -> Result<PathBuf, TrainerError> {
    let path = flags.out.join(LOOP_FILE);
    if path.exists() {
        is_same(flags, &path)?;
        return Ok(path);
    }
    let share = manifest(&flags.base)?.head.default_strong_share.unwrap_or(USUAL_SHARE);
    let [strong, weak] = pair(&flags.log)?;
    fs::create_dir_all(&flags.out).map_err(TrainerError::file(&flags.out))?;
    let own_name = || {
        let folder = flags.out.canonicalize().unwrap_or_else(|_| flags.out.clone());
        folder.file_name().map_or_else(|| "own".into(), |name| name.to_string_lossy().into_owned())
    };
    let name = flags.name.clone().unwrap_or_else(own_name);
    let path_to = |to: &Path| -> Result<String, TrainerError> {
        Ok(quoted(&relative(&flags.out, to)?.to_string_lossy()))
    };
    let (log, base) = (path_to(&flags.log)?, path_to(&flags.base)?);
    let text = format!(
        "# A router of a gateway's log: trainer loop {LOOP_FILE}. Paths start from this file's folder.\n\
         name = {}\n\
         labels = \"log\"\n\
         # The downloaded bucket, with decisions/, verdicts/ and outcomes/.\n\
         log = {log}\n\
         # since = \"2026-11-01\"\n\
         # until = \"2026-11-30\"\n\
         # Whether callers' scores are learnt from beside the judge's verdicts.\n\
         feedback = false\n\
         strong = {}\n\
         weak = {}\n\n\
         # The present bundle, that training starts from and the new one is compared with.\n\
         base = {base}\n\
         # Share of requests to the strong LLM where a request asks for none, and shares in the report.\n\
         default_strong_share = {share:?}\n\
         shares = [0.2, 0.4, 0.6]\n\
         # Share of requests that are held out, never trained or calibrated on.\n\
         held_out = 0.3\n",
        quoted(&name),
        quoted(&strong),
        quoted(&weak),
    );
    write_whole(&path, text.as_bytes())?;
    // What was written is read back, so that a name which says nothing sensible is told at once.
    LoopSettings::read(&path).inspect_err(|_| {
        let _ = fs::remove_file(&path);
    })?;
    Ok(path)
}

/// Checks that a loop is one of the same log and bundle.
fn is_same(flags: &LogFlags, path: &Path) -> Result<(), TrainerError> {
    let settings = LoopSettings::read(path)?;
    let bad = |detail: String| Err(TrainerError::BadLoop { path: path.to_owned(), detail });
    if settings.stated.labels != Labels::Log {
        return bad("it is a loop of other labels. Name another --out".into());
    }
    let log = settings.path(settings.stated.log.as_deref().unwrap_or(Path::new("")));
    let base = settings.path(&settings.stated.base);
    for (flag, asked, stated) in [("--from-log", &flags.log, &log), ("--base", &flags.base, &base)]
    {
        let whole = |path: &Path| path.canonicalize().map_err(TrainerError::file(path));
        if whole(asked)? != whole(stated)? {
            return bad(format!(
                "it states {}, and {flag} is {}. Edit it, or name another --out",
                stated.display(),
                asked.display()
            ));
        }
    }
    match flags.name.as_ref().is_none_or(|name| *name == settings.stated.name) {
        true => Ok(()),
        false => bad(format!(
            "it states the name {:?}, and --name is another. Edit it, or name another --out",
            settings.stated.name
        )),
    }
}

/// The strong and the weak LLM of the last comparison.
fn pair(log: &Path) -> Result<[String; 2], TrainerError> {
    let mut last: BTreeMap<[String; 2], i64> = BTreeMap::new();
    let counts = for_each_verdict(log, Days::default(), &mut |verdict| {
        if verdict.target.is_ok() {
            let at = last.entry([verdict.strong, verdict.weak]).or_insert(i64::MIN);
            *at = verdict.at.max(*at);
        }
    })?;
    let found = last.into_iter().max_by_key(|(_, at)| *at);
    found.map(|(pair, _)| pair).ok_or_else(|| TrainerError::NoTrainingData {
        detail: format!(
            "found {} verdicts without a comparison and {} bad rows in {}, expected comparisons. Set shadow in the gateway \
             (docs/GATEWAY.md), and download its LOG bucket",
            counts.verdicts,
            counts.bad.count,
            log.join(VERDICTS_FOLDER).display()
        ),
    })
}
