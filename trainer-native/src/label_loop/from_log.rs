//! The step that makes labels of a gateway's log, in place of asking and judging.
//!
//! Off-policy, only what was seen is trusted. A verdict compares both LLMs' answers to one request, which was drawn with a
//! known probability: it is a label of the pair. Feedback is of the LLM that was called alone, and says nothing of
//! what the other would have answered: it is an outcome of that LLM, never one half of a comparison, and is learnt from
//! only where `loop.toml` states `feedback = true`, since callers score on another scale than the judge does.
//!
//! ```text
//! judged/outcomes.jsonl      verdicts with a query's text, thinned to one probability: target and 1 - target as scores
//! judged/preferences.jsonl   all verdicts with a query's text, weight 1 / probability: for recipes that take weights
//! judged/feedback.jsonl      scores of the LLM that answered
//! ```
//! Learning, calibrating and measuring by the loop take each row once. So a row of probability p is kept with
//! probability least / p, drawn by a hash of its id: what is left is a sample of equal probability of the traffic.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::collecting::Collected;
use super::journal::{Inputs, Step, hash_path, write_whole_by};
use super::judging::Judged;
use super::own_recipe::FEEDBACK;
use super::split::fraction;
use super::steps::Loop;
use super::training::{OUTCOMES, read_json, write_json};
use crate::error::TrainerError;
use crate::report::own_prompts::LabelFacts;
use crate::shadow_log::{Days, OUTCOMES_FOLDER, VERDICTS_FOLDER, Verdict, for_each_verdict};

const PREFERENCES: &str = "judged/preferences.jsonl";
const FOUND: &str = "judged/log.json";
/// The data set of rows made of verdicts.
const DATASET: &str = "shadow";

/// What a log gave.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Found {
    collected: Collected,
    judged: Judged,
}

/// Verdicts by what became of them.
#[derive(Debug, Default)]
struct Taken {
    rows: Vec<Verdict>,
    failed: usize,
    of_other_pairs: usize,
    without_text: usize,
    judge_usd: f64,
    judges: BTreeMap<String, usize>,
}

/// Makes labels of the log that `loop.toml` names.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] where no verdict can be learnt from, saying why; [`TrainerError::File`].
pub fn take(this: &mut Loop<'_>) -> Result<(Collected, Judged), TrainerError> {
    let stated = this.settings.stated.clone();
    let log = this.settings.path(stated.log.as_deref().unwrap_or(Path::new("")));
    let path = this.settings.folder.join("loop.toml");
    let days = stated.days().map_err(|detail| TrainerError::BadLoop { path, detail })?;
    let mut inputs = Inputs::default()
        .with("trainer", env!("CARGO_PKG_VERSION"))
        .with("pair", &format!("{:?} {:?}", stated.strong, stated.weak))
        .with("days", &format!("{days:?}"));
    for folder in [VERDICTS_FOLDER, OUTCOMES_FOLDER] {
        let folder = log.join(folder);
        if folder.exists() {
            inputs = inputs.with("log", &hash_path(&folder)?);
        }
    }
    let inputs = inputs.finish();
    let path = this.settings.file(FOUND);
    if !this.is_due(Step::Log, &inputs)? {
        let found: Found = read_json(&path)?;
        return Ok((found.collected, found.judged));
    }
    let what = format!("makes labels of the verdicts in {}; costs nothing", log.display());
    this.announce(Step::Log, &what)?;
    let (found, outputs) = write(this, &log, days)?;
    write_json(&path, &found)?;
    found.judged.facts.notes.iter().for_each(|note| this.ui.say(note));
    this.end(Step::Log, &inputs, &outputs)?;
    Ok((found.collected, found.judged))
}

fn write(this: &Loop<'_>, log: &Path, days: Days) -> Result<(Found, Vec<String>), TrainerError> {
    let stated = &this.settings.stated;
    let mut taken = Taken::default();
    let counts = for_each_verdict(log, days, &mut |verdict| {
        taken.add(verdict, &stated.strong, &stated.weak);
    })?;
    if taken.rows.is_empty() {
        let bad = counts.bad.rows.first().map_or_else(String::new, |bad| {
            format!("; the first bad row is {}:{}: {}", bad.path, bad.line, bad.detail)
        });
        return Err(TrainerError::NoTrainingData {
            detail: format!(
                "found {} verdicts in {}, of them {} failed, {} of other pairs than {} and {}, {} without the query's text, \
                 and {} bad rows; expected some to learn from{bad}. Queries are logged where log.content, or the key's log, \
                 is set in the gateway (docs/GATEWAY.md)",
                counts.verdicts,
                log.display(),
                taken.failed,
                taken.of_other_pairs,
                stated.strong,
                stated.weak,
                taken.without_text,
                counts.bad.count
            ),
        });
    }
    let least = taken.rows.iter().map(|row| row.probability).fold(1.0, f64::min);
    let kept: Vec<&Verdict> = taken.rows.iter().filter(|row| is_kept(row, least)).collect();
    lines(&this.settings.file(OUTCOMES), kept.iter().copied().map(outcome))?;
    lines(&this.settings.file(PREFERENCES), taken.rows.iter().map(preference))?;
    let scores = feedback(log, days, [&stated.strong, &stated.weak])?;
    let feedback_rows = scores.len();
    lines(&this.settings.file(FEEDBACK), scores.into_iter())?;
    let judges: Vec<String> = taken.judges.keys().cloned().collect();
    let mut notes = vec![
        format!(
            "judge {}: {} verdicts, {} failed, {} of other pairs, {} without the query's text, {} second ones of a request, \
             {} bad rows",
            judges.join(", "),
            counts.verdicts,
            taken.failed,
            taken.of_other_pairs,
            taken.without_text,
            counts.duplicate_verdicts,
            counts.bad.count
        ),
        format!(
            "{} of {} verdicts are learnt from, thinned to the least probability of {least}, with which requests were \
             drawn; all of them, weighted, are in {PREFERENCES}",
            kept.len(),
            taken.rows.len()
        ),
    ];
    notes.push(match (feedback_rows, stated.feedback) {
        (0, _) => "no feedback on either LLM".into(),
        (rows, true) => format!("{rows} scores of feedback, each of the LLM that was called alone, are learnt from"),
        (rows, false) => {
            format!("{rows} scores of feedback are not learnt from: state feedback = true where callers score as the judge does")
        }
    });
    let quality = format!(
        "Kept are 100 % less the share of live requests on which the judge prefers {}'s answer to the one that is given, \
         plus the share on which it prefers the one that is given. Both orders must agree, else it is a tie.",
        stated.strong
    );
    let found = Found {
        collected: Collected {
            prompts: counts.verdicts,
            answered: taken.rows.len(),
            spent_usd: 0.0,
        },
        judged: Judged {
            facts: LabelFacts { quality, is_relative: true, notes },
            spent_usd: taken.judge_usd,
        },
    };
    Ok((found, [OUTCOMES, PREFERENCES, FEEDBACK, FOUND].map(String::from).to_vec()))
}

impl Taken {
    fn add(&mut self, verdict: Verdict, strong: &str, weak: &str) {
        if (verdict.strong.as_str(), verdict.weak.as_str()) != (strong, weak) {
            self.of_other_pairs += 1;
            return;
        }
        self.judge_usd += verdict.judge_usd;
        let has_text = verdict.query.as_deref().is_some_and(|query| !query.trim().is_empty());
        match (verdict.target.is_ok(), has_text) {
            (false, _) => self.failed += 1,
            (true, false) => self.without_text += 1,
            (true, true) => {
                *self.judges.entry(verdict.judge.clone()).or_default() += 1;
                self.rows.push(verdict);
            }
        }
    }
}

/// Whether a row is in the sample of equal probability.
fn is_kept(row: &Verdict, least: f64) -> bool {
    fraction(&format!("thinned {}", row.id)) < least / row.probability
}

/// What the judge said, 1 for the strong answer; 1/2 where it said nothing.
fn target(row: &Verdict) -> f64 {
    row.target.as_ref().copied().unwrap_or(0.5)
}

fn outcome(row: &Verdict) -> serde_json::Value {
    let target = target(row);
    let mut line = json!({
        "id": row.id, "query": row.query, "dataset": DATASET,
        "scores": {row.strong.as_str(): target, row.weak.as_str(): 1.0 - target},
    });
    if let Some([strong, weak]) = row.costs {
        line["costs"] = json!({row.strong.as_str(): strong, row.weak.as_str(): weak});
    }
    line
}

fn preference(row: &Verdict) -> serde_json::Value {
    json!({
        "id": row.id, "query": row.query, "dataset": DATASET, "model_a": row.strong, "model_b": row.weak,
        "target": target(row), "weight": 1.0 / row.probability,
    })
}

/// Rows of feedback on one of two LLMs, each id once.
fn feedback(
    log: &Path,
    days: Days,
    pair: [&String; 2],
) -> Result<Vec<serde_json::Value>, TrainerError> {
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    crate::shadow_log::for_each_feedback(log, days, &mut |row| {
        let Some(query) = row.query.filter(|query| !query.trim().is_empty()) else { return };
        for (model, score) in row.scores.into_iter().filter(|(model, _)| pair.contains(&model)) {
            if seen.insert(row.id.clone()) {
                rows.push(json!({"id": row.id, "query": query, "dataset": "gateway", "scores": {model: score}}));
            }
        }
    })?;
    Ok(rows)
}

/// Writes JSON lines beside their place and renames them into it.
fn lines(path: &Path, rows: impl Iterator<Item = serde_json::Value>) -> Result<(), TrainerError> {
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(TrainerError::file(path))?;
    write_whole_by(path, |writer| {
        for row in rows {
            writeln!(writer, "{row}")?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow_log::BundleName;

    fn row(number: usize, probability: f64) -> Verdict {
        Verdict {
            id: format!("d-{number}"),
            at: 0,
            day: 0,
            key: "team".into(),
            query: Some("Why?".into()),
            bundle: BundleName::default(),
            win_rate: 0.3,
            strong: "large".into(),
            weak: "small".into(),
            is_weak_chosen: true,
            target: Ok(1.0),
            judge: "judge".into(),
            probability,
            costs: Some([0.01, 0.001]),
            judge_usd: 0.002,
        }
    }

    #[test]
    fn rows_are_thinned_to_the_least_probability_and_the_same_ones_each_time() {
        let kept = |probability: f64| -> Vec<usize> {
            (0..4000).filter(|&number| is_kept(&row(number, probability), 0.1)).collect()
        };
        assert_eq!(kept(0.1).len(), 4000);
        // 1,000 expected, standard deviation 27.
        assert!((890..1110).contains(&kept(0.4).len()), "{}", kept(0.4).len());
        assert!(kept(0.4).iter().all(|number| kept(0.2).contains(number)));
    }

    #[test]
    fn a_verdict_is_a_weighted_preference_and_an_outcome_of_both() {
        let found = preference(&row(1, 0.05));
        assert_eq!((found["target"].as_f64(), found["weight"].as_f64()), (Some(1.0), Some(20.0)));
        assert_eq!(
            (found["model_a"].as_str(), found["model_b"].as_str()),
            (Some("large"), Some("small"))
        );
        let found = outcome(&row(1, 0.05));
        assert_eq!(found["scores"], json!({"large": 1.0, "small": 0.0}));
        assert_eq!(found["costs"], json!({"large": 0.01, "small": 0.001}));
    }

    #[test]
    fn what_failed_is_of_others_or_has_no_text_is_counted_and_is_no_label() {
        let mut taken = Taken::default();
        let verdicts = [
            row(1, 0.1),
            Verdict { target: Err("judge: timeout".into()), ..row(2, 0.1) },
            Verdict { query: None, ..row(3, 0.1) },
            Verdict { query: Some(" ".into()), ..row(4, 0.1) },
            Verdict { weak: "other".into(), ..row(5, 0.1) },
        ];
        verdicts.into_iter().for_each(|verdict| taken.add(verdict, "large", "small"));
        assert_eq!(
            (taken.rows.len(), taken.failed, taken.without_text, taken.of_other_pairs),
            (1, 1, 2, 1)
        );
        assert!((taken.judge_usd - 0.008).abs() < 1e-12);
    }
}
