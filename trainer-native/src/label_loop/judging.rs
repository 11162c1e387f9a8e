//! The step that makes labels of answers.

use serde::{Deserialize, Serialize};

use super::collecting::{ANSWERS, Collected, ended_early, judge_entry, limits, range};
use super::journal::{Inputs, Step, hash_path};
use super::settings::{JudgeMode, Labels, Stated};
use super::steps::Loop;
use super::training::{OUTCOMES, read_json, write_json};
use crate::collect::ProgressBar;
use crate::completions::Summary;
use crate::data::{AnswerSet, ReadOptions};
use crate::error::TrainerError;
use crate::judge::command::CommandLimits;
use crate::judge::report::{GoldReport, LlmReport};
use crate::judge::{
    JudgeReport, JudgeSettings, Judging, LlmSettings, Mode, Ranking, check_gold, markdown,
};
use crate::report::own_prompts::LabelFacts;

/// Folder of what judging writes, and what the loop keeps of it.
const JUDGED: &str = "judged";
const FACTS: &str = "judged/facts.json";

/// What was judged.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Judged {
    pub facts: LabelFacts,
    /// USD that judging cost.
    pub spent_usd: f64,
}

/// Judges the answers.
///
/// # Errors
/// Those of judging; [`TrainerError::CapReached`], [`TrainerError::ModelsStopped`],
/// [`TrainerError::Interrupted`].
pub fn judge(this: &mut Loop<'_>, collected: &Collected) -> Result<Judged, TrainerError> {
    let stated = this.settings.stated.clone();
    let path = this.settings.file(ANSWERS);
    let judge = judge_entry(this)?;
    let mode = match stated.judge_mode {
        JudgeMode::Pairwise => Mode::Pairwise,
        JudgeMode::Score => Mode::Score,
    };
    let labelled = stated.labelled.as_ref().map(|labelled| this.settings.path(labelled));
    let mut inputs = Inputs::default()
        .with("trainer", env!("CARGO_PKG_VERSION"))
        .with("answers", &hash_path(&path)?)
        .with("pair", &format!("{:?} {:?}", stated.strong, stated.weak))
        .with("labels", &format!("{} {mode:?} {}", stated.labels.name(), stated.commands))
        .with("judge", &format!("{judge:?}"));
    if let Some(labelled) = &labelled {
        inputs = inputs.with("labelled", &hash_path(labelled)?);
    }
    let inputs = inputs.finish();
    if !this.is_due(Step::Judge, &inputs)? {
        return read_json(&this.settings.file(FACTS));
    }
    let cap = stated.max_usd.map(|cap| (cap - collected.spent_usd).max(0.0));
    let llm = judge.map(|entry| LlmSettings {
        entry,
        mode,
        ranking: Ranking::Mean,
        rubric: None,
        answer_characters: ANSWER_CHARACTERS,
        limits: limits(this, cap),
    });
    let settings = JudgeSettings {
        gold: stated.labels == Labels::Gold,
        commands: stated.commands.then(CommandLimits::default),
        llm,
        pair: Some([stated.strong.clone(), stated.weak.clone()]),
        labelled,
        ..JudgeSettings::default()
    };
    let answers = AnswerSet::open(&[path], &ReadOptions::default(), &check_gold)?;
    let out = this.settings.file(JUDGED);
    let mut judging = Judging::open(&answers, &settings, &out)?;
    let to_ask = announce(this, &judging, &settings, cap)?;
    judging.run_commands(this.stop)?;
    let bar = ProgressBar::new(to_ask);
    let asked = judging.ask(&bar, this.stop);
    bar.clear();
    let asked = asked?;
    let report = judging.write(&out, &asked)?;
    write_json(&out.join("judge.json"), &report)?;
    super::journal::write_whole(&out.join("judge.md"), markdown(&report).as_bytes())?;
    let found = Judged {
        facts: facts(&report, mode, &stated.strong),
        spent_usd: report.llm.as_ref().map_or(0.0, |llm| llm.spent_usd),
    };
    write_json(&this.settings.file(FACTS), &found)?;
    found.facts.notes.iter().for_each(|note| this.ui.say(note));
    finish(this, &inputs, &asked, &report)?;
    Ok(found)
}

/// Characters of a request and of an answer that the judge is shown, as `trainer judge` has it.
const ANSWER_CHARACTERS: usize = 8000;

/// Whether scores of this mode are relative to the other LLM's.
#[must_use]
pub fn is_relative(stated: &Stated) -> bool {
    match stated.labels {
        Labels::Judge => stated.judge_mode == JudgeMode::Pairwise,
        Labels::Gold => false,
        Labels::Log => true,
    }
}

/// Says what judging does and costs; returns the number of requests.
fn announce(
    this: &mut Loop<'_>,
    judging: &Judging<'_>,
    settings: &JudgeSettings,
    cap: Option<f64>,
) -> Result<u64, TrainerError> {
    let plan = judging.plan()?;
    let what = match &plan.judge {
        None => "compares answers with gold answers; costs nothing".into(),
        Some(judge) => {
            let cost = plan.cost.map_or_else(|| "an unknown amount".into(), range);
            let cap = match cap {
                None => "no cap".into(),
                Some(cap) => {
                    format!("USD {:.4} of the cap are left", (cap - plan.spent_usd).max(0.0))
                }
            };
            format!(
                "asks {judge} {} times, {} answered before; costs {cost} (questions alone, and every verdict of \
                 max_tokens; one more where an answer is prose), USD {:.4} spent before, {cap}",
                plan.requests, plan.answered, plan.spent_usd
            )
        }
    };
    let what = match settings.commands {
        Some(_) => format!("{what}. It RUNS WHAT LLMS WROTE, with your rights: use a container"),
        None => what,
    };
    this.announce(Step::Judge, &what)?;
    plan.confirm(cap, true)?;
    Ok(plan.requests)
}

/// Writes down that judging ended, unless something is missing.
fn finish(
    this: &mut Loop<'_>,
    inputs: &str,
    asked: &Summary,
    report: &JudgeReport,
) -> Result<(), TrainerError> {
    let missing = report.llm.as_ref().map_or(0, |llm| llm.missing);
    let done =
        format!("{} prompts are labelled, {missing} verdicts are missing", report.outcome_rows);
    ended_early(this, asked, &done)?;
    match missing {
        0 => this.end(Step::Judge, inputs, &[OUTCOMES, FACTS].map(String::from)),
        _ => Ok(()),
    }
}

/// What a report says of the labels.
fn facts(report: &JudgeReport, mode: Mode, strong: &str) -> LabelFacts {
    let mut found = LabelFacts::default();
    if let Some(gold) = &report.gold {
        found.quality = "Share of answers that the gold answers call right.".into();
        found.notes.push(of_gold(gold));
    }
    let Some(llm) = &report.llm else { return found };
    found.is_relative = mode != Mode::Score;
    found.quality = match mode {
        Mode::Score => "Grade of the judge, from 1 to 10, as a share of 10.".into(),
        _ => format!(
            "Kept are 100 % less the share of requests on which the judge prefers {strong}'s answer to the one that \
             is given, plus the share on which it prefers the one that is given. Both orders must agree, else it is a \
             tie."
        ),
    };
    found.notes.push(of_llm(llm));
    if let Some(bias) = &llm.position_bias {
        let meaning = match bias.low > 0.5 || bias.high < 0.5 {
            true => "it has a position bias, which asking in both orders cancels",
            false => "no position bias is shown",
        };
        found.notes.push(format!(
            "the judge prefers the first place {:.1} % [{:.1}, {:.1}] of the time: {meaning}",
            100.0 * bias.first_share,
            100.0 * bias.low,
            100.0 * bias.high
        ));
    }
    if let Some(agreement) = &llm.agreement {
        let kappa = agreement.kappa.map_or_else(String::new, |kappa| format!(", kappa {kappa:.2}"));
        found.notes.push(format!(
            "the judge agrees with {:.1} % [{:.1}, {:.1}] of {} labels made by hand{kappa}",
            100.0 * agreement.agreed.share,
            100.0 * agreement.agreed.low,
            100.0 * agreement.agreed.high,
            agreement.rows
        ));
    }
    found
}

fn of_gold(gold: &GoldReport) -> String {
    let sum = |read: fn(&crate::judge::report::GoldCounts) -> u64| {
        gold.kinds.values().map(read).sum::<u64>()
    };
    format!(
        "{} prompts by gold answers: {} answers right, {} wrong, {} in which nothing to compare was found, {} refused or \
         empty",
        gold.prompts,
        sum(|c| c.right),
        sum(|c| c.wrong),
        sum(|c| c.nothing_found),
        sum(|c| c.no_answer)
    )
}

fn of_llm(llm: &LlmReport) -> String {
    let without = llm.without_call.iter().map(|(why, count)| format!("{count} {why}"));
    let without = without.collect::<Vec<_>>().join(", ");
    let without = if without.is_empty() { "none".to_owned() } else { without };
    format!(
        "judge {} ({}): {} verdicts read, {} decided without a call ({without}), {} unreadable, {} missing",
        llm.judge,
        llm.prompt_version,
        llm.read,
        llm.without_call.values().sum::<u64>(),
        llm.unreadable,
        llm.missing
    )
}
