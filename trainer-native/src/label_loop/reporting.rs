//! The last step: the report.

use super::collecting::Collected;
use super::journal::{Inputs, Step, write_whole};
use super::judging::Judged;
use super::steps::Loop;
use super::training::{Sides, groups, write_json};
use crate::error::TrainerError;
use crate::eval::Savings;
use crate::report::own_prompts::page::page;
use crate::report::own_prompts::{
    FORMAT, LabelMoney, NoRouter, OwnPrompts, PromptCounts, RouterFacts, markdown, verdict,
};

/// The report's files.
pub const REPORT: [&str; 3] = ["report.html", "report.md", "report.json"];

/// What the steps before found.
pub struct Found<'a> {
    pub collected: &'a Collected,
    pub judged: &'a Judged,
    pub sides: &'a Sides,
    pub router: Result<RouterFacts, NoRouter>,
    pub savings: Savings,
}

/// Writes the report, unless it is there.
///
/// # Errors
/// [`TrainerError::File`].
pub fn report(this: &mut Loop<'_>, found: Found<'_>) -> Result<OwnPrompts, TrainerError> {
    let stated = &this.settings.stated;
    let Found { collected, judged, sides, router, savings } = found;
    let (router, no_router) = match router {
        Ok(router) => (Some(router), None),
        Err(reason) => (None, Some(reason)),
    };
    let mut report = OwnPrompts {
        format: FORMAT,
        name: stated.name.clone(),
        counts: PromptCounts {
            prompts: collected.prompts,
            answered: collected.answered,
            labelled: sides.standing.prompts,
            trained_on: sides.train.rows.len(),
            held_out: sides.held_out.rows.len(),
            groups: groups(&this.settings.folder)?,
            strong_better: sides.standing.strong_better,
            weak_better: sides.standing.weak_better,
        },
        labels: judged.facts.clone(),
        money: LabelMoney {
            answers_usd: collected.spent_usd,
            judging_usd: judged.spent_usd,
            max_usd: stated.max_usd,
        },
        router,
        no_router,
        savings,
        verdict: String::new(),
    };
    report.verdict = verdict(&report);
    let text = serde_json::to_string(&report).map_err(|error| TrainerError::BadRun {
        path: this.settings.folder.clone(),
        detail: format!("its report cannot be written: {error}"),
    })?;
    let inputs =
        Inputs::default().with("trainer", env!("CARGO_PKG_VERSION")).with("report", &text).finish();
    if this.is_due(Step::Report, &inputs)? {
        this.announce(Step::Report, &format!("writes {}; costs nothing", REPORT.join(", ")))?;
        write_whole(&this.settings.file("report.html"), page(&report).as_bytes())?;
        write_whole(&this.settings.file("report.md"), markdown(&report).as_bytes())?;
        write_json(&this.settings.file("report.json"), &report)?;
        this.end(Step::Report, &inputs, &REPORT.map(String::from))?;
    }
    Ok(report)
}
