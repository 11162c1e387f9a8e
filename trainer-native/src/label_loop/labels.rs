//! The labelled prompts of a loop: which are trained on, which are held out, and whether they teach a router.

use std::fs;
use std::path::Path;

use super::journal::write_whole_by;
use super::own_recipe::{HELD_OUT, TRAIN};
use super::settings::Stated;
use super::split::held_out;
use crate::data::{Format, Outcomes, ReadOptions, read, write_outcomes};
use crate::error::TrainerError;
use crate::report::own_prompts::NoRouter;

/// Fewest groups of labelled prompts to train on, and to measure on: an ability is fitted to 20 outcomes.
const FEWEST_TRAINED: usize = 20;
const FEWEST_HELD_OUT: usize = 20;

/// Outcomes of both LLMs, on either side of the split.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    pub train: Outcomes,
    pub held_out: Outcomes,
    /// Groups of prompts that ask the same or share a passage, to train on and held out.
    pub groups: [usize; 2],
    /// Prompts with a score of one LLM only, which are left out.
    pub without_pair: usize,
}

/// Counts of who did better.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    pub prompts: usize,
    pub strong_better: usize,
    pub weak_better: usize,
    /// Sum of strong's scores less weak's.
    pub gap: f64,
}

impl Labelled {
    /// Reads outcomes and splits them.
    ///
    /// # Errors
    /// [`TrainerError::Data`]; [`TrainerError::NoTrainingData`] where an LLM has no score at all, or too few prompts
    /// have one of both.
    pub fn split(path: &Path, stated: &Stated) -> Result<Self, TrainerError> {
        let outcomes = outcomes(path)?;
        let pair = columns(&outcomes, stated)?;
        let both: Vec<usize> = (0..outcomes.rows.len())
            .filter(|&at| outcomes.rows.get(at).is_some_and(|row| difference(row, pair).is_some()))
            .collect();
        let without_pair = outcomes.rows.len() - both.len();
        let outcomes = outcomes.select(&both);
        let queries: Vec<&str> = outcomes.rows.iter().map(|row| row.query.as_str()).collect();
        let split = held_out(&queries, stated.held_out);
        let of_side = |held: bool| {
            let of = split.is_held_out.iter().enumerate().filter(|(_, is_held)| **is_held == held);
            outcomes.select(&of.map(|(at, _)| at).collect::<Vec<_>>())
        };
        let groups = [split.groups_trained, split.groups_held_out];
        let found = Self { train: of_side(false), held_out: of_side(true), groups, without_pair };
        found.check(stated)?;
        Ok(found)
    }

    fn check(&self, stated: &Stated) -> Result<(), TrainerError> {
        let [of_train, of_held_out] = self.groups;
        if of_train >= FEWEST_TRAINED && of_held_out >= FEWEST_HELD_OUT {
            return Ok(());
        }
        let needed = (FEWEST_HELD_OUT as f64 / stated.held_out)
            .max(FEWEST_TRAINED as f64 / (1.0 - stated.held_out))
            .ceil();
        let (train, held_out) = (self.train.rows.len(), self.held_out.rows.len());
        let all = train + held_out;
        Err(TrainerError::NoTrainingData {
            detail: format!(
                "found {all} prompts labelled for both LLMs, {train} to train on and {held_out} held out, in \
                 {of_train} and {of_held_out} groups that ask the same or share a passage; expected at least \
                 {FEWEST_TRAINED} and {FEWEST_HELD_OUT} groups, better hundreds. Add prompts, about {needed} \
                 different ones in all as a minimum, or see in judge.md why answers have no label"
            ),
        })
    }

    /// Writes both sides into the loop's folder.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), TrainerError> {
        for (name, outcomes) in [(TRAIN, &self.train), (HELD_OUT, &self.held_out)] {
            let path = folder.join(name);
            path.parent().map_or(Ok(()), fs::create_dir_all).map_err(TrainerError::file(&path))?;
            write_whole_by(&path, |writer| write_outcomes(outcomes, writer))?;
        }
        Ok(())
    }

    /// Reads both sides back.
    ///
    /// # Errors
    /// [`TrainerError::Data`].
    pub fn read(folder: &Path) -> Result<(Outcomes, Outcomes), TrainerError> {
        Ok((outcomes(&folder.join(TRAIN))?, outcomes(&folder.join(HELD_OUT))?))
    }
}

/// Reads outcomes JSONL.
fn outcomes(path: &Path) -> Result<Outcomes, TrainerError> {
    Ok(read(path, Some(Format::OutcomesJsonl), &ReadOptions::default())?.outcomes)
}

fn columns(outcomes: &Outcomes, stated: &Stated) -> Result<(usize, usize), TrainerError> {
    let column = |id: &str| {
        outcomes.model_index(id).ok_or_else(|| TrainerError::NoTrainingData {
            detail: format!(
                "found no label of {id:?}, labels are of {}. See in judge.md why its answers have none",
                outcomes.models.join(", ")
            ),
        })
    };
    Ok((column(&stated.strong)?, column(&stated.weak)?))
}

/// Strong's score less weak's.
fn difference(row: &crate::data::OutcomeRow, (strong, weak): (usize, usize)) -> Option<f64> {
    Some(f64::from(row.score(strong)?) - f64::from(row.score(weak)?))
}

impl Standing {
    /// Who did better on a table's rows.
    ///
    /// # Errors
    /// [`TrainerError::NoTrainingData`] where an LLM has no score.
    pub fn of(outcomes: &Outcomes, stated: &Stated) -> Result<Self, TrainerError> {
        let pair = columns(outcomes, stated)?;
        let mut found = Self::default();
        for difference in outcomes.rows.iter().filter_map(|row| difference(row, pair)) {
            found.prompts += 1;
            found.strong_better += usize::from(difference > 0.0);
            found.weak_better += usize::from(difference < 0.0);
            found.gap += difference;
        }
        Ok(found)
    }

    /// The counts of both tables.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            prompts: self.prompts + other.prompts,
            strong_better: self.strong_better + other.strong_better,
            weak_better: self.weak_better + other.weak_better,
            gap: self.gap + other.gap,
        }
    }

    /// Why no router can be learnt; `None` where one can.
    #[must_use]
    pub fn no_router(&self) -> Option<NoRouter> {
        match (self.strong_better, self.weak_better) {
            (0, 0) => Some(NoRouter::AllEqual),
            (0, _) => Some(NoRouter::StrongNeverBetter),
            (strong, _) if strong == self.prompts => Some(NoRouter::StrongAlwaysBetter),
            _ if self.gap <= 0.0 => Some(NoRouter::NoGap),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stated() -> Stated {
        toml::from_str(
            "name = \"own\"\nprompts = [\"p.jsonl\"]\nmodels = \"m.toml\"\nstrong = \"large\"\nweak = \"small\"\n\
             labels = \"gold\"\nbase = \"base\"\n",
        )
        .unwrap()
    }

    /// Outcomes of which `scores` states strong's and weak's.
    fn split(
        count: usize,
        scores: impl Fn(usize) -> serde_json::Value,
    ) -> Result<Labelled, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outcomes.jsonl");
        let line = |at: usize| {
            let query = format!("What is {at} times {}?", at * 7 + 3);
            json!({"id": at.to_string(), "query": query, "dataset": "own", "scores": scores(at)})
                .to_string()
        };
        std::fs::write(&path, (0..count).map(line).collect::<Vec<_>>().join("\n")).unwrap();
        let found = Labelled::split(&path, &stated()).map_err(|error| error.to_string())?;
        found.write(folder.path()).unwrap();
        let (train, held_out) = Labelled::read(folder.path()).unwrap();
        assert_eq!((&train.rows, &held_out.rows), (&found.train.rows, &found.held_out.rows));
        Ok(found)
    }

    #[test]
    fn rows_of_both_llms_are_split_and_those_of_one_are_counted() {
        let found = split(300, |at| match at % 10 {
            0 => json!({"large": 1.0}),
            _ => json!({"large": 1.0, "small": (at % 2) as f64}),
        })
        .unwrap();
        assert_eq!(found.train.rows.len() + found.held_out.rows.len(), 270);
        assert_eq!((found.without_pair, found.groups.iter().sum::<usize>()), (30, 270));
        assert!((54..108).contains(&found.held_out.rows.len()), "{}", found.held_out.rows.len());
        let all = Standing::of(&found.train, &stated()).unwrap();
        let all = all.plus(Standing::of(&found.held_out, &stated()).unwrap());
        assert_eq!((all.prompts, all.strong_better, all.weak_better), (270, 120, 0));
        assert_eq!(all.no_router(), None);
    }

    #[test]
    fn too_few_labels_are_an_error_that_says_how_many_are_needed() {
        let error = split(30, |_| json!({"large": 1.0, "small": 0.0})).unwrap_err();
        assert!(
            error.contains("found 30 prompts") && error.contains("about 67 different"),
            "{error}"
        );
        let error = split(300, |at| json!({"large": 1.0, "other": at % 2})).unwrap_err();
        assert!(
            error.contains("found no label of \"small\"") && error.contains("judge.md"),
            "{error}"
        );
    }

    #[test]
    fn labels_of_one_kind_teach_no_router() {
        let of = |strong_better, weak_better, gap| {
            Standing { prompts: 100, strong_better, weak_better, gap }.no_router()
        };
        assert_eq!(of(0, 0, 0.0), Some(NoRouter::AllEqual));
        assert_eq!(of(0, 7, -7.0), Some(NoRouter::StrongNeverBetter));
        assert_eq!(of(100, 0, 100.0), Some(NoRouter::StrongAlwaysBetter));
        assert_eq!(of(30, 30, 0.0), Some(NoRouter::NoGap));
        assert_eq!(of(30, 29, 1.0), None);
    }
}
