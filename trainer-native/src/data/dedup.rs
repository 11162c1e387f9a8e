//! Finds questions that stand in more than one place.
//!
//! Benchmarks borrow from each other: a router trained on one must not be scored on the same
//! question in another. Two queries are *the same question* when their stems are equal (see
//! [`Question`]) and, where both come with answer options, they share at least one of them: stems
//! such as "Which of the following is true?" say nothing without their options, while another
//! layout, order or number of options does not make another question.
//!
//! ```
//! use pointsman_trainer::data::Stems;
//!
//! let mut held = Stems::default();
//! held.insert("Question: Which metal melts lowest?\n(A) tin\n(B) zinc\nAnswer:");
//! assert!(held.contains("Which metal melts lowest?\nA. zinc\nB. iron\nC. tin"));
//! assert!(!held.contains("Which metal melts highest?"));
//! ```

use std::collections::HashSet;

use super::source_log::fingerprint;
use super::{Outcomes, Question};

/// A set of questions, to look others up in. Each is kept as fingerprints of eight bytes, so that
/// those of a million battles fit in some tens of megabytes.
#[derive(Debug, Clone, Default)]
pub struct Stems {
    /// Stems seen without options.
    bare: HashSet<u64>,
    /// Stems seen with options.
    with_options: HashSet<u64>,
    /// Fingerprints of a stem together with one of its options.
    options: HashSet<u64>,
}

impl Stems {
    /// The questions of a table.
    #[must_use]
    pub fn from_outcomes(outcomes: &Outcomes) -> Stems {
        let mut stems = Stems::default();
        stems.extend(outcomes);
        stems
    }

    /// Adds the questions of a table.
    pub fn extend(&mut self, outcomes: &Outcomes) {
        for row in &outcomes.rows {
            self.insert(&row.query);
        }
    }

    /// Adds a query's question. Returns whether it is new.
    pub fn insert(&mut self, query: &str) -> bool {
        let question = Question::parse(query);
        let new = !self.has(&question);
        let stem = fingerprint(&question.stem);
        if question.options.is_empty() {
            self.bare.insert(stem);
        } else {
            self.with_options.insert(stem);
            self.options.extend(question.options.iter().map(|option| fingerprint(&(stem, option))));
        }
        new
    }

    /// Whether the query asks a question of this set.
    #[must_use]
    pub fn contains(&self, query: &str) -> bool {
        self.has(&Question::parse(query))
    }

    fn has(&self, question: &Question) -> bool {
        let stem = fingerprint(&question.stem);
        self.bare.contains(&stem)
            || match question.options.as_slice() {
                [] => self.with_options.contains(&stem),
                options => options
                    .iter()
                    .any(|option| self.options.contains(&fingerprint(&(stem, option)))),
            }
    }

    /// How many different stems there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bare.union(&self.with_options).count()
    }

    /// Whether there is no question at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bare.is_empty() && self.with_options.is_empty()
    }
}

/// Keeps the first row of each question; returns the number of rows removed. The scores of a
/// removed row are lost, even those of models that the first row lacks.
#[must_use]
pub fn remove_duplicates(outcomes: &Outcomes) -> (Outcomes, usize) {
    let mut seen = Stems::default();
    keep(outcomes, |query| seen.insert(query))
}

/// Removes from `train` every row whose question is in `held`; returns the number of rows removed.
#[must_use]
pub fn remove_leaks(train: &Outcomes, held: &Stems) -> (Outcomes, usize) {
    keep(train, |query| !held.contains(query))
}

fn keep(outcomes: &Outcomes, mut wanted: impl FnMut(&str) -> bool) -> (Outcomes, usize) {
    let kept: Vec<usize> = outcomes
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| wanted(&row.query))
        .map(|(at, _)| at)
        .collect();
    let removed = outcomes.rows.len() - kept.len();
    (outcomes.select(&kept), removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::OutcomeRow;

    fn table(queries: &[&str]) -> Outcomes {
        let row = |(at, query): (usize, &&str)| OutcomeRow {
            id: at.to_string(),
            query: (*query).to_owned(),
            dataset: "own".to_owned(),
            category: None,
            cluster: None,
            scores: vec![(0, 1.0), (1, 0.0)],
            costs: Vec::new(),
        };
        Outcomes {
            models: vec!["small".to_owned(), "large".to_owned()],
            rows: queries.iter().enumerate().map(row).collect(),
            ..Outcomes::default()
        }
    }

    fn ids(outcomes: &Outcomes) -> Vec<&str> {
        outcomes.rows.iter().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn the_first_of_two_layouts_of_a_question_stays() {
        let rows = table(&[
            "Which tree keeps its needles?\nA. larch\nB. spruce\nAnswer:",
            "Which tree keeps its leaves?\nA. larch\nB. spruce\nAnswer:",
            "Question: Which tree keeps its needles? (A) spruce (B) larch (C) oak",
        ]);
        let (kept, removed) = remove_duplicates(&rows);
        assert_eq!((ids(&kept), removed), (vec!["0", "1"], 1));
    }

    #[test]
    fn a_generic_stem_with_other_options_is_another_question() {
        let rows = table(&[
            "Which statement is true?\nA. Tin is a gas.\nB. Tin is a metal.",
            "Which statement is true?\nA. Mice are birds.\nB. Mice are mammals.",
            "Which statement is true?\nA. Mice are mammals.\nB. Mice are birds.",
        ]);
        let (kept, removed) = remove_duplicates(&rows);
        assert_eq!((ids(&kept), removed), (vec!["0", "1"], 1));
    }

    #[test]
    fn without_options_the_stem_alone_decides() {
        let held =
            Stems::from_outcomes(&table(&["Which tree keeps its needles?\nA. larch\nB. spruce"]));
        let (kept, removed) =
            remove_leaks(&table(&["which tree keeps its needles", "Which tree?"]), &held);
        assert_eq!((ids(&kept), removed), (vec!["1"], 1));
    }

    #[test]
    fn an_empty_set_holds_nothing_back() {
        let rows = table(&["One?", "Two?"]);
        let held = Stems::default();
        assert!(held.is_empty());
        assert_eq!(remove_leaks(&rows, &held), (rows, 0));
    }
}
