//! Measures the learning curve of a pair of LLMs on a file of outcomes.

use std::sync::atomic::AtomicBool;

use super::base::Base;
use super::curve::{Labelled, Settings, of_seeds};
use super::prompts::Prompts;
use super::summary::{Facts, LearningCurve};
use crate::assess::{PairRows, pair_rows};
use crate::data::{Outcomes, remove_duplicates};
use crate::error::TrainerError;
use crate::progress::bar;
use crate::router::difficulty::{FEWEST_OUTCOMES, PairOnBundle};

/// Where the outcomes come from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub sha256: &'a str,
    pub outcomes: &'a Outcomes,
}

/// Which numbers of labels to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Numbers {
    Given(Vec<usize>),
    /// 25, 50, 100 and so on, and as many as there are.
    Doubling,
}

/// The learning curve of `strong` over `weak`; `settings.labels` is what `numbers` says.
///
/// # Errors
/// [`TrainerError::NothingToScore`] for LLMs that are unknown or one and the same, too few rows, and numbers of
/// labels that cannot be measured; those of the scores, such as no gap between the two; those of the engine;
/// [`TrainerError::Interrupted`].
pub fn measure(
    base: &Base,
    source: Source<'_>,
    (strong, weak): (&str, &str),
    numbers: &Numbers,
    mut settings: Settings,
    stop: &AtomicBool,
) -> Result<LearningCurve, TrainerError> {
    let nothing = |detail: String| TrainerError::NothingToScore { detail };
    if strong == weak {
        return Err(nothing(format!(
            "found {strong:?} as strong and as weak, expected two LLMs of {}",
            source.outcomes.models.join(", ")
        )));
    }
    let all = pair_rows(source.outcomes, strong, weak)?;
    let without_pair = all.without_pair;
    let (distinct, _) = remove_duplicates(&with_both(source.outcomes, strong, weak));
    let PairRows { rows, queries, .. } = pair_rows(&distinct, strong, weak)?;
    let repeated = all.rows.len() - rows.len();
    let prompts = Prompts::read(&base.encoder, &base.router, &queries, stop)?;
    let abilities = (base.strong.clone(), base.weak.clone());
    let pair = PairOnBundle::new(&base.encoder, &base.router, &queries, abilities, stop)?;
    settings.labels = labels(numbers, &prompts.groups, &settings)?;
    let mean = |of: fn(&crate::eval::pair::rows::PairRow) -> f64| {
        rows.iter().map(of).sum::<f64>() / rows.len() as f64
    };
    let facts = Facts {
        base: base.router.info().name.clone(),
        data: source.name.to_owned(),
        data_sha256: source.sha256.to_owned(),
        strong: strong.to_owned(),
        weak: weak.to_owned(),
        strong_score: mean(|row| row.strong),
        weak_score: mean(|row| row.weak),
        questions: rows.len(),
        without_pair,
        repeated,
        held_out: 0.0,
        available: 0.0,
        first_seed: settings.first_seed,
        seeds: settings.seeds,
        strong_share: settings.strong_share,
    };
    let labelled = Labelled { prompts: &prompts, pair: &pair, rows: &rows };
    let progress = bar("measuring seeds");
    progress.set_length(settings.seeds as u64);
    let seeds = of_seeds(&labelled, &settings, &|| progress.inc(1), stop);
    progress.finish_and_clear();
    Ok(LearningCurve::of(facts, &settings, &seeds?))
}

/// The rows with scores of both.
fn with_both(outcomes: &Outcomes, strong: &str, weak: &str) -> Outcomes {
    let columns = outcomes.model_index(strong).zip(outcomes.model_index(weak));
    let has_both = |at: &usize| {
        let row = outcomes.rows.get(*at).zip(columns);
        row.is_some_and(|(row, (strong, weak))| {
            row.score(strong).is_some() && row.score(weak).is_some()
        })
    };
    outcomes.select(&(0..outcomes.rows.len()).filter(has_both).collect::<Vec<_>>())
}

/// The numbers to measure, ascending; each seed leaves as many rows.
fn labels(
    numbers: &Numbers,
    groups: &[usize],
    settings: &Settings,
) -> Result<Vec<usize>, TrainerError> {
    let mut available = usize::MAX;
    for seed in 0..settings.seeds as u64 {
        let sides = super::draws::hold_out(groups, settings.held_out, settings.first_seed + seed)?;
        available = available.min(sides.rest.len());
    }
    let nothing = |detail: String| TrainerError::NothingToScore { detail };
    if available < FEWEST_OUTCOMES {
        return Err(nothing(format!(
            "found {} rows with scores of both LLMs, {available} of them for labels, expected at least \
             {FEWEST_OUTCOMES} for labels: label more prompts",
            groups.len()
        )));
    }
    let mut found = match numbers {
        Numbers::Given(given) => given.clone(),
        Numbers::Doubling => {
            let doubling = (0..).map(|power| 25 << power).take_while(|&count| count < available);
            doubling.chain([available]).collect()
        }
    };
    found.sort_unstable();
    found.dedup();
    let outside = found.iter().find(|count| !(FEWEST_OUTCOMES..=available).contains(count));
    match (found.is_empty(), outside) {
        (false, None) => Ok(found),
        (_, outside) => Err(nothing(format!(
            "found {} labels to measure, expected numbers from {FEWEST_OUTCOMES}, below which nothing is learnt, to \
             {available}, the rows that are not held out: change --labels",
            outside.map_or("no number of".to_owned(), usize::to_string)
        ))),
    }
}
