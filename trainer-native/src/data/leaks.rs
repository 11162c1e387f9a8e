//! Leaks between many sources, counted by pair.
//!
//! A question that is scored in one source must not be trained on from another, and one that
//! stands in two training sources should be trained on once. [`HeldQuestions`] keeps the questions
//! of named sources and says of each further row whether it repeats one of them, for outcomes and
//! preferences alike; its counts name the source a row was removed from and the one that held it.
//!
//! ```
//! use switchyard_trainer::data::HeldQuestions;
//!
//! let mut held = HeldQuestions::default();
//! held.hold("exam", "Which metal melts lowest?\nA. tin\nB. zinc\nAnswer:");
//! assert!(!held.admits("chats", "which metal melts lowest"));
//! assert!(held.admits("chats", "Which metal is heaviest?"));
//! assert_eq!(held.to_string(), "chats: 1 row removed, held by exam\n");
//! ```

use std::collections::BTreeMap;

use super::{Outcomes, Question, Stems};

/// The questions of named sources, and how many rows were found to repeat them.
#[derive(Debug, Clone, Default)]
pub struct HeldQuestions {
    sources: Vec<(String, Stems)>,
    /// By the name of the source removed from and the index of the one that held it.
    counts: BTreeMap<(String, usize), usize>,
}

/// How many rows of one source repeat questions of another. A row whose question stands in
/// several sources is counted for each of them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LeakCount {
    /// The source that the rows were removed from.
    pub removed_from: String,
    /// The source that held their questions.
    pub held_by: String,
    /// The rows.
    pub rows: usize,
}

impl HeldQuestions {
    /// Adds a query's question to those of a source.
    pub fn hold(&mut self, source: &str, query: &str) {
        self.with(source, |stems| {
            stems.insert(query);
        });
    }

    /// Adds the questions of a table to those of a source.
    pub fn hold_outcomes(&mut self, source: &str, outcomes: &Outcomes) {
        self.with(source, |stems| stems.extend(outcomes));
    }

    fn with(&mut self, source: &str, add: impl FnOnce(&mut Stems)) {
        match self.sources.iter_mut().find(|(name, _)| name == source) {
            Some((_, stems)) => add(stems),
            None => {
                let mut stems = Stems::default();
                add(&mut stems);
                self.sources.push((source.to_owned(), stems));
            }
        }
    }

    /// Whether a query of the named source asks a question that no source holds. One that is held
    /// is counted.
    pub fn admits(&mut self, source: &str, query: &str) -> bool {
        let question = Question::parse(query);
        let mut admitted = true;
        for (at, (_, stems)) in self.sources.iter().enumerate() {
            if stems.has(&question) {
                admitted = false;
                *self.counts.entry((source.to_owned(), at)).or_default() += 1;
            }
        }
        admitted
    }

    /// Leaves out the rows of a source that are not [admitted](Self::admits), and says how many
    /// those were.
    #[must_use]
    pub fn remove_leaks(&mut self, source: &str, outcomes: &Outcomes) -> (Outcomes, usize) {
        super::dedup::keep(outcomes, |query| self.admits(source, query))
    }

    /// What was removed so far, pair by pair.
    #[must_use]
    pub fn counts(&self) -> Vec<LeakCount> {
        let count = |((removed_from, at), rows): (&(String, usize), &usize)| LeakCount {
            removed_from: removed_from.clone(),
            held_by: self.sources.get(*at).map_or_else(String::new, |(name, _)| name.clone()),
            rows: *rows,
        };
        self.counts.iter().map(count).collect()
    }
}

impl std::fmt::Display for HeldQuestions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.counts().iter().try_for_each(|LeakCount { removed_from, held_by, rows }| {
            let noun = if *rows == 1 { "row" } else { "rows" };
            writeln!(f, "{removed_from}: {rows} {noun} removed, held by {held_by}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::OutcomeRow;

    fn table(queries: &[&str]) -> Outcomes {
        let row = |query: &&str| OutcomeRow {
            id: (*query).to_owned(),
            query: (*query).to_owned(),
            dataset: "own".to_owned(),
            category: None,
            cluster: None,
            scores: vec![(0, 1.0)],
            costs: Vec::new(),
        };
        Outcomes {
            models: vec!["m".to_owned()],
            rows: queries.iter().map(row).collect(),
            ..Outcomes::default()
        }
    }

    #[test]
    fn removed_rows_are_counted_for_each_pair_of_sources() {
        let mut held = HeldQuestions::default();
        held.hold_outcomes("exam", &table(&["One?", "Two?"]));
        held.hold("battles", "two");
        held.hold("battles", "Three?");
        let (kept, removed) =
            held.remove_leaks("pool", &table(&["ONE", "Two", "three", "Four?", "One!"]));
        assert_eq!((kept.rows.len(), removed), (1, 4));
        assert!(!held.admits("chats", "Three"));
        let counts: Vec<_> = held
            .counts()
            .into_iter()
            .map(|count| (count.removed_from, count.held_by, count.rows))
            .collect();
        let count = |from: &str, by: &str, rows| (from.to_owned(), by.to_owned(), rows);
        assert_eq!(
            counts,
            [count("chats", "battles", 1), count("pool", "exam", 3), count("pool", "battles", 2),]
        );
        assert!(held.to_string().contains("pool: 3 rows removed, held by exam\n"));
    }
}
