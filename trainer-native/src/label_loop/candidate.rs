//! The step that compares the new bundle with the present one, and lays it out for the gateway's bucket.
//!
//! ```text
//! candidate/<name>-<hash>/      the bundle's files, to be uploaded under this prefix
//! candidate/current.json        {"candidate": {"prefix": "<name>-<hash>/", "sha256": "..."}}
//! candidate/comparison.json     what both keep and save on the held-out verdicts
//! ```
//! `candidate` is an entry for the bucket's `current.json`, beside `prefix` and `sha256` of the bundle that is served:
//! with a rollout in the gateway's settings the candidate observes before any request is its own (docs/GATEWAY.md).

use std::fs;
use std::path::{Path, PathBuf};

use pointsman::{Calibration, MANIFEST_FILE, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bundles::{base_router, manifest, router};
use super::journal::{Inputs, Step, hash_path};
use super::own_recipe::{HELD_OUT, TRAIN};
use super::settings::Stated;
use super::steps::Loop;
use super::training::{BUNDLE, Sides, queries, read_json, write_json};
use crate::assess::{PairRows, pair_rows, win_rates};
use crate::error::TrainerError;
use crate::eval::pair::calibration::calibrate;
use crate::eval::shadow::weighted::Estimate;
use crate::eval::shadow::{Both, Comparison, compare};
use crate::export::bundle;
use crate::report::format::short_percent;

/// The folder, in the loop's.
pub const FOLDER: &str = "candidate";
const COMPARISON: &str = "comparison.json";

/// The new bundle beside the present one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Hash of its `router.json`.
    pub sha256: String,
    /// Folder of its files, which is their prefix in the bucket.
    pub prefix: String,
    /// Name of the present bundle, and the hash of its `router.json`.
    pub present: String,
    pub present_sha256: String,
    /// Share of strong calls that both are asked for.
    pub strong_share: f64,
    pub comparison: Comparison,
    /// Both in a sentence.
    pub verdict: String,
}

/// Compares the bundle with the present one on the held-out verdicts and writes the candidate's folder.
///
/// # Errors
/// Those of the engine; [`TrainerError::Eval`]; [`TrainerError::File`]; [`TrainerError::Interrupted`].
pub fn write(
    this: &mut Loop<'_>,
    sides: &Sides,
    calibration: &Calibration,
) -> Result<Candidate, TrainerError> {
    let stated = this.settings.stated.clone();
    let (own, base) = (this.settings.file(BUNDLE), this.settings.path(&stated.base));
    let inputs = Inputs::default()
        .with("bundle", &hash_path(&own)?)
        .with("base", &hash_path(&base)?)
        .with("train", &hash_path(&this.settings.file(TRAIN))?)
        .with("held out", &hash_path(&this.settings.file(HELD_OUT))?)
        .with("share", &stated.default_strong_share.to_string())
        .finish();
    let folder = this.settings.file(FOLDER);
    if this.is_due(Step::Candidate, &inputs)? {
        let what = format!(
            "compares it with {} on {} held-out verdicts and writes {}; costs nothing",
            base.display(),
            sides.held_out.rows.len(),
            folder.display()
        );
        this.announce(Step::Candidate, &what)?;
        let comparison = comparison(this, sides, calibration, (&own, &base))?;
        let found = Candidate::of(&stated, comparison, (&own, &base))?;
        lay_out(this, &found, &own, &folder)?;
        this.end(Step::Candidate, &inputs, &[FOLDER.to_owned()])?;
    }
    read_json(&folder.join(COMPARISON))
}

/// Both bundles at the share that the bundle ships with, each at its threshold for it on the prompts trained on.
fn comparison(
    this: &Loop<'_>,
    sides: &Sides,
    calibration: &Calibration,
    (own, base): (&Path, &Path),
) -> Result<Comparison, TrainerError> {
    let stated = &this.settings.stated;
    let share = stated.default_strong_share;
    let (new, old) = (router(own)?, base_router(base)?);
    let trained_on = queries(&sides.train);
    let of_old = calibrate(&win_rates(&old, &trained_on, this.stop)?, "prompts to train on")?;
    let (new_at, old_at) =
        (calibration.threshold_at_share(share), of_old.threshold_at_share(share));
    let PairRows { rows, queries, .. } = pair_rows(&sides.held_out, &stated.strong, &stated.weak)?;
    let (new, old) = (win_rates(&new, &queries, this.stop)?, win_rates(&old, &queries, this.stop)?);
    let both: Vec<Both> = (rows.iter().zip(new.iter().zip(&old)))
        .map(|(row, (new, old))| Both {
            target: f64::midpoint(1.0, row.strong - row.weak),
            // Rows are thinned to one probability.
            weight: 1.0,
            costs: row.strong_cost.zip(row.weak_cost).map(|(strong, weak)| [strong, weak]),
            new_is_weak: *new < new_at,
            old_is_weak: *old < old_at,
        })
        .collect();
    Ok(compare(&both)?)
}

impl Candidate {
    fn of(
        stated: &Stated,
        comparison: Comparison,
        (own, base): (&Path, &Path),
    ) -> Result<Self, TrainerError> {
        let sha256 = manifest_hash(own)?;
        let prefix = format!("{}-{}/", slug(&stated.name), sha256.get(..12).unwrap_or(&sha256));
        let mut found = Self {
            sha256,
            prefix,
            present: manifest(base)?.name,
            present_sha256: manifest_hash(base)?,
            strong_share: stated.default_strong_share,
            comparison,
            verdict: String::new(),
        };
        found.verdict = found.sentence(&stated.strong);
        Ok(found)
    }

    fn sentence(&self, strong: &str) -> String {
        let percent = |estimate: Estimate| format!("{:.1} %", 100.0 * estimate.value);
        // 0 is added so that no zero has a minus sign.
        let points = |value: f64| format!("{:+.1}", 100.0 * value + 0.0);
        let of = |[_, _, difference]: [Estimate; 3]| {
            let [value, low, high] =
                [difference.value, difference.low, difference.high].map(points);
            format!("a difference of {value} points [{low}, {high}]")
        };
        let comparison = &self.comparison;
        let difference = comparison.kept[2];
        let conclusion = match () {
            () if difference.low > 0.0 => "The candidate is shown to keep more",
            () if difference.high < 0.0 => {
                "The candidate is shown to keep LESS, and is not worth a rollout"
            }
            () => "No difference in quality is shown",
        };
        let saved = match comparison.saved {
            Some(saved) => format!(
                "; {} and {} of its cost are saved, {}",
                percent(saved[0]),
                percent(saved[1]),
                of(saved)
            ),
            None => String::new(),
        };
        format!(
            "{conclusion}: with {} % of requests asked for {strong}, on {} held-out verdicts, it keeps {} of {strong}'s quality \
             and the present bundle {} keeps {}, {}{saved}.",
            short_percent(self.strong_share),
            comparison.rows,
            percent(comparison.kept[0]),
            self.present,
            percent(comparison.kept[1]),
            of(comparison.kept)
        )
    }
}

/// Writes the folder beside its place and renames it into it.
fn lay_out(
    this: &Loop<'_>,
    found: &Candidate,
    own: &Path,
    folder: &Path,
) -> Result<(), TrainerError> {
    let staging: PathBuf = this.settings.file("candidate.partial");
    let at = TrainerError::file;
    for old in [&staging, folder] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(at(old))?;
        }
    }
    let files = staging.join(&found.prefix);
    fs::create_dir_all(&files).map_err(at(&files))?;
    for (name, bytes) in bundle::read_files(own)? {
        let path = files.join(name);
        fs::write(&path, bytes).map_err(at(&path))?;
    }
    let entry = json!({"candidate": {"prefix": found.prefix, "sha256": found.sha256}});
    write_json(&staging.join("current.json"), &entry)?;
    write_json(&staging.join(COMPARISON), found)?;
    fs::rename(&staging, folder).map_err(at(folder))
}

/// SHA-256 of a bundle's `router.json`, by which `current.json` names it.
fn manifest_hash(folder: &Path) -> Result<String, TrainerError> {
    let path = folder.join(MANIFEST_FILE);
    Ok(sha256_hex(&fs::read(&path).map_err(TrainerError::file(&path))?))
}

/// A name that is a folder's on every system and a prefix in a bucket.
fn slug(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let slug: String = name.chars().map(kept).collect();
    slug.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(low: f64, high: f64, saved: bool) -> Candidate {
        let at = |value: f64| Estimate { value, low: value - 0.01, high: value + 0.01 };
        let difference = Estimate { value: f64::midpoint(low, high), low, high };
        let saved = saved.then(|| [at(0.5), at(0.45), at(0.05)]);
        let comparison = Comparison { rows: 120, kept: [at(0.97), at(0.95), difference], saved };
        Candidate {
            sha256: "ab".into(),
            prefix: "own-ab/".into(),
            present: "default".into(),
            present_sha256: "cd".into(),
            strong_share: 0.4,
            comparison,
            verdict: String::new(),
        }
    }

    #[test]
    fn a_difference_is_said_to_be_shown_where_its_interval_leaves_out_zero() {
        let of = |low, high| candidate(low, high, true).sentence("large");
        let better = of(0.01, 0.03);
        assert!(better.starts_with("The candidate is shown to keep more: with 40 %"), "{better}");
        assert!(better.contains("it keeps 97.0 % of large's quality and the present bundle default keeps 95.0 %, a difference of +2.0 points [+1.0, +3.0]; 50.0 %"), "{better}");
        assert!(of(-0.03, -0.01).starts_with("The candidate is shown to keep LESS"));
        assert!(of(-0.01, 0.02).starts_with("No difference in quality is shown"));
        assert!(!candidate(0.0, 0.1, false).sentence("large").contains("saved"));
    }

    #[test]
    fn a_prefix_has_letters_digits_and_little_else() {
        assert_eq!(
            [slug("support & sales"), slug("../x"), slug("ü")],
            ["support---sales", "-x", "-"]
        );
    }
}
