//! The step that asks both LLMs.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::journal::{Inputs, Step, hash_path};
use super::settings::Labels;
use super::steps::Loop;
use super::training::{read_json, write_json};
use crate::collect::{Collection, Plan, ProgressBar};
use crate::completions::{CostRange, Limits, ModelEntry, Stopped, Summary};
use crate::data::{Format, ReadOptions};
use crate::error::TrainerError;

/// What the step writes, in the loop's folder.
pub const ANSWERS: &str = "collected/answers.jsonl";
const COLLECTED: &str = "collected/counts.json";
/// Folder of what collecting writes: prompts may lie in the loop's own folder under any name.
const FOLDER: &str = "collected";

/// What was collected.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Collected {
    /// Distinct prompts.
    pub prompts: usize,
    /// Prompts that both LLMs answered.
    pub answered: usize,
    /// USD that all answers cost.
    pub spent_usd: f64,
}

/// Asks both LLMs every prompt.
///
/// # Errors
/// Those of the prompts, of the store and of asking; [`TrainerError::CapReached`],
/// [`TrainerError::ModelsStopped`], [`TrainerError::Interrupted`].
pub fn collect(this: &mut Loop<'_>) -> Result<Collected, TrainerError> {
    let stated = this.settings.stated.clone();
    let models = vec![this.model(&stated.strong)?, this.model(&stated.weak)?];
    let judge = judge_entry(this)?;
    for model in models.iter().chain(&judge) {
        if stated.max_usd.is_some() && model.prices().is_none() {
            return Err(TrainerError::UnknownPrice { model: model.id.clone() });
        }
    }
    let mut inputs = Inputs::default()
        .with("models", &format!("{models:?}"))
        .with("samples", &stated.samples.to_string())
        .with("format", &format!("{:?} {}", stated.format, stated.skip_bad));
    for path in &stated.prompts {
        inputs = inputs.with("prompts", &hash_path(&this.settings.path(path))?);
    }
    let inputs = inputs.finish();
    let path = this.settings.file(COLLECTED);
    if !this.is_due(Step::Collect, &inputs)? {
        return read_json(&path);
    }
    // Nobody shall pay for answers and then find that the judge cannot be asked.
    models.iter().chain(&judge).try_for_each(require_key)?;
    let plan = Collection {
        prompts: stated.prompts.iter().map(|path| this.settings.path(path)).collect(),
        format: stated.format.as_deref().map(Format::from_name).transpose()?,
        read: ReadOptions { skip_bad: stated.skip_bad },
        models,
        samples: stated.samples,
        out: this.settings.file(FOLDER),
    }
    .plan()?;
    announce(this, &plan)?;
    let limits = limits(this, stated.max_usd);
    let bar = ProgressBar::new(plan.to_ask());
    let summary = plan.ask(&limits, &bar, this.stop);
    bar.clear();
    // What was answered before an error is written all the same.
    let written = plan.write_answers()?;
    let summary = summary?;
    let found = Collected {
        prompts: usize::try_from(plan.counts.prompts).unwrap_or(usize::MAX),
        answered: answered_by_both(&this.settings.file(ANSWERS))?,
        spent_usd: plan.store.spent_usd(),
    };
    write_json(&path, &found)?;
    this.ui.say(&format!(
        "{} asked, {} failed, {} answers in all, {} missing; USD {:.4} spent in all",
        summary.asked, summary.failed_count, written.answers, written.missing, found.spent_usd
    ));
    let done =
        format!("{} of {} answers are there", written.answers, written.answers + written.missing);
    ended_early(this, &summary, &done)?;
    if found.answered == 0 {
        return Err(TrainerError::NoTrainingData {
            detail: format!(
                "no prompt has an answer of both LLMs ({} asked, {} failed). {}",
                summary.asked,
                summary.failed_count,
                summary.failed.first().map_or_else(String::new, |f| format!(
                    "First failure: {}: {}",
                    f.model, f.reason
                ))
            ),
        });
    }
    // What failed is asked again by the next call.
    if written.missing == 0 {
        this.end(Step::Collect, &inputs, &[ANSWERS, COLLECTED].map(String::from))?;
    }
    Ok(found)
}

/// The LLM that judges, where labels are its.
///
/// # Errors
/// [`TrainerError::BadModels`] where the file names none.
pub fn judge_entry(this: &Loop<'_>) -> Result<Option<ModelEntry>, TrainerError> {
    if this.settings.stated.labels == Labels::Gold {
        return Ok(None);
    }
    let Some(judge) = &this.models.judge else {
        return Err(TrainerError::BadModels {
            path: this.settings.path(&this.settings.stated.models),
            detail: "found no judge, expected judge = \"ID\" at its beginning, since labels = \"judge\". Add it, or \
                     set labels = \"gold\" where prompts state what is right"
                .into(),
        });
    };
    this.model(judge).map(Some)
}

/// How LLMs are asked.
pub fn limits(this: &Loop<'_>, max_usd: Option<f64>) -> Limits {
    let usual = Limits::default();
    let concurrency = this.settings.stated.concurrency.unwrap_or(usual.concurrency);
    Limits { max_usd, concurrency, ..usual }
}

/// The error of asking that ended before its end, unless what there is shall do.
///
/// # Errors
/// [`TrainerError::CapReached`], [`TrainerError::ModelsStopped`], [`TrainerError::Interrupted`].
pub fn ended_early(this: &mut Loop<'_>, summary: &Summary, done: &str) -> Result<(), TrainerError> {
    let error = match summary.stopped {
        Some(Stopped::Interrupted) => {
            return Err(TrainerError::Interrupted {
                doing: format!("asking: {done}, and none is asked twice"),
            });
        }
        Some(Stopped::Cap) => {
            let max_usd = this.settings.stated.max_usd.unwrap_or_default();
            TrainerError::CapReached { max_usd, done: done.to_owned() }
        }
        None if summary.stopped_models.is_empty() => return Ok(()),
        None => {
            let reason =
                |m: &crate::completions::StoppedModel| format!("{}: {}", m.model, m.reason);
            let detail = summary.stopped_models.iter().map(reason).collect::<Vec<_>>().join("\n");
            TrainerError::ModelsStopped { done: done.to_owned(), detail }
        }
    };
    match this.options.partial {
        true => {
            this.ui.say(&format!("going on with what there is: {error}"));
            Ok(())
        }
        false => Err(error),
    }
}

/// A range of costs in words.
pub fn range(cost: CostRange) -> String {
    format!("USD {:.4} to {:.4}", cost.lowest_usd(), cost.highest_usd())
}

fn announce(this: &mut Loop<'_>, plan: &Plan) -> Result<(), TrainerError> {
    let counts = &plan.counts;
    for bad in &counts.bad_rows {
        this.ui.say(&format!("{}:{}: {}", bad.file, bad.line, bad.reason));
    }
    if counts.repeated > 0 {
        this.ui
            .say(&format!("{} prompts ask what an earlier one asks: asked once", counts.repeated));
    }
    this.ui.say(&format!("answers of earlier calls: {}", plan.store.found()));
    for estimate in &plan.estimates {
        let cost = estimate.cost.map_or_else(|| "at unknown prices".into(), range);
        this.ui.say(&format!(
            "{}: {} to ask, {} answered before; {cost}",
            estimate.model, estimate.to_ask, estimate.reused
        ));
    }
    let cap = this.settings.stated.max_usd;
    let cap = cap.map_or_else(|| "no cap".into(), |cap| format!("cap USD {cap:.2} with judging"));
    let what = format!(
        "asks {} answers to {} prompts; costs {} (questions alone, and every answer of max_tokens), USD {:.4} spent \
         before, {cap}",
        plan.to_ask(),
        counts.prompts,
        range(plan.cost()),
        plan.store.spent_usd(),
    );
    this.announce(Step::Collect, &what)
}

/// Checks that a model's key is in the environment.
fn require_key(model: &ModelEntry) -> Result<(), TrainerError> {
    match &model.key_env {
        Some(variable) if std::env::var_os(variable).is_none() => Err(TrainerError::MissingKey {
            model: model.id.clone(),
            variable: variable.clone(),
            found: "is not set",
        }),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct AnswerLine {
    id: String,
    model: String,
}

/// Prompts with an answer of two LLMs; lines of one prompt stand together.
fn answered_by_both(path: &Path) -> Result<usize, TrainerError> {
    let at = TrainerError::file(path);
    let mut found = 0;
    let mut last: Option<(String, String, bool)> = None;
    for line in BufReader::new(File::open(path).map_err(&at)?).lines() {
        let line: AnswerLine =
            serde_json::from_str(&line.map_err(&at)?).map_err(|error| at(error.into()))?;
        match &mut last {
            Some((id, model, counted)) if *id == line.id => {
                if !*counted && *model != line.model {
                    found += 1;
                    *counted = true;
                }
            }
            _ => last = Some((line.id, line.model, false)),
        }
    }
    Ok(found)
}
