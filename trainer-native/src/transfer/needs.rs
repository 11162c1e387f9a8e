//! Rates graded needs by fits without them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::FOLDS;
use super::ranker::Ranker;
use crate::data::{LabelRow, dealt_folds, shared_text_groups};
use crate::error::TrainerError;
use crate::eval::bootstrap;
use crate::eval::transfer::{FEWEST_ROWS, NeedCorrelations, RatedNeed, writer};

/// Rank correlations of ratings and needs of the source so named, of which `rows` are what its file holds.
/// Only rows trained on count, since others are held back for calibration or stand in a source left out.
/// `None` where they are too few.
pub(super) fn correlations(
    ranker: &Ranker<'_>,
    name: &str,
    rows: &[LabelRow],
    bootstrap: bootstrap::Settings,
) -> Result<Option<NeedCorrelations>, TrainerError> {
    let data = ranker.context.data;
    let Some(source) = data.sources.iter().position(|source| source.name == name) else {
        return Ok(None);
    };
    let by_query: HashMap<&str, &LabelRow> =
        rows.iter().map(|row| (row.query.as_str(), row)).collect();
    let graded: Vec<&LabelRow> = data
        .difficulty_labels
        .iter()
        .filter(|label| label.source == source)
        .filter_map(|label| by_query.get(label.query.as_str()).copied())
        .collect();
    if graded.len() < FEWEST_ROWS {
        eprintln!("{name}: {} needs to train on, expected at least {FEWEST_ROWS}", graded.len());
        return Ok(None);
    }
    let (fold_of, held_back) = folds(&graded, bootstrap.seed);
    let queries: Vec<&str> = graded.iter().map(|row| row.query.as_str()).collect();
    let mut ratings = vec![0.0; graded.len()];
    for fold in 0..FOLDS {
        let held: HashSet<&str> =
            queries.iter().zip(&fold_of).filter(|(_, of)| **of == fold).map(|(q, _)| *q).collect();
        let mut data = data.clone();
        data.difficulty_labels
            .retain(|label| label.source != source || !held.contains(label.query.as_str()));
        let rated = ranker.win_rates(&data, &queries)?;
        let places = (0..graded.len()).filter(|&at| fold_of[at] == fold);
        places.for_each(|at| ratings[at] = rated[at]);
    }
    let rated: Vec<RatedNeed> =
        graded.iter().zip(ratings).map(|(row, rating)| RatedNeed::of(row, rating)).collect();
    Ok(Some(NeedCorrelations::of(name, &held_back, &rated, bootstrap)?))
}

/// The fold of each row, and by what rows are kept together: by writer where there are enough writers, with
/// rows of several writers that share a text, else by shared text.
fn folds(rows: &[&LabelRow], seed: u64) -> (Vec<usize>, String) {
    let queries: Vec<&str> = rows.iter().map(|row| row.query.as_str()).collect();
    let by_text = shared_text_groups(&queries);
    let by_writer = joined(&by_text, rows);
    let count = |groups: &[usize]| groups.iter().max().map_or(0, |last| last + 1);
    let (groups, held_back) = match count(&by_writer) {
        writers if writers >= FOLDS && writers < count(&by_text) => {
            (by_writer, format!("{FOLDS} folds of whole writers, {writers} groups"))
        }
        _ => (by_text, format!("{FOLDS} folds by shared text")),
    };
    let fold_of_group = dealt_folds(count(&groups), FOLDS, seed);
    let fold = |group: &usize| fold_of_group.get(*group).copied().unwrap_or_default();
    (groups.iter().map(fold).collect(), held_back)
}

/// The groups by text, those of one writer joined; numbered from 0. A row without a writer stays in its
/// group.
fn joined(by_text: &[usize], rows: &[&LabelRow]) -> Vec<usize> {
    let mut group = by_text.to_vec();
    loop {
        let before = group.clone();
        let mut lowest: BTreeMap<&str, usize> = BTreeMap::new();
        for (row, &own) in rows.iter().zip(&group) {
            if let Some(writer) = writer(row) {
                lowest.entry(writer).and_modify(|low| *low = own.min(*low)).or_insert(own);
            }
        }
        let mut of_text: BTreeMap<usize, usize> = BTreeMap::new();
        for ((row, own), &text) in rows.iter().zip(&mut group).zip(by_text) {
            *own = writer(row).and_then(|writer| lowest.get(writer).copied()).unwrap_or(*own);
            of_text.entry(text).and_modify(|low| *low = (*own).min(*low)).or_insert(*own);
        }
        for (own, text) in group.iter_mut().zip(by_text) {
            *own = of_text.get(text).copied().unwrap_or(*own);
        }
        if group == before {
            break;
        }
    }
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    for own in &mut group {
        let next = numbers.len();
        *own = *numbers.entry(*own).or_insert(next);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: &str = "The ferry leaves at six in the morning and calls at the island of Sark before it turns back \
                          for the mainland in the afternoon.";

    fn row(id: &str, query: &str) -> LabelRow {
        LabelRow {
            id: id.to_owned(),
            query: query.to_owned(),
            dataset: "own".to_owned(),
            value: 1.0,
            lang: None,
            kind: None,
            category: None,
        }
    }

    fn of(rows: &[LabelRow]) -> (Vec<usize>, String) {
        folds(&rows.iter().collect::<Vec<_>>(), 3)
    }

    #[test]
    fn writers_stay_whole_and_a_shared_text_joins_two_of_them() {
        let mut rows = Vec::new();
        for writer in ["ann", "ben", "cy", "dee", "eve", "fay"] {
            for number in 0..4 {
                rows.push(row(&format!("{writer}-{number}"), &format!("{writer} asks {number}")));
            }
        }
        rows[0].query = format!("Sum up: {SHARED}");
        rows[21].query = format!("Translate. {SHARED}");
        let (found, held_back) = of(&rows);
        assert_eq!(held_back, "5 folds of whole writers, 5 groups");
        for writer in 0..6 {
            let own = &found[writer * 4..writer * 4 + 4];
            assert!(own.iter().all(|fold| *fold == own[0]), "{found:?}");
        }
        assert_eq!(found[0], found[20], "ann and fay share a text");
        let mut folds: Vec<usize> = (0..5).map(|writer| found[writer * 4]).collect();
        folds.sort_unstable();
        assert_eq!(folds, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn rows_of_few_writers_are_held_back_by_shared_text() {
        let mut rows: Vec<LabelRow> =
            (0..30).map(|at| row(&format!("ann-{at}"), &format!("question {at}"))).collect();
        rows[3].query = format!("Reply to this. {SHARED}");
        rows[17].query = format!("{SHARED} Who wrote it?");
        let (found, held_back) = of(&rows);
        assert_eq!(held_back, "5 folds by shared text");
        assert_eq!(found[3], found[17]);
        assert!((0..5).all(|fold| found.contains(&fold)), "{found:?}");
        let unnamed: Vec<LabelRow> =
            (0..9).map(|at| row(&at.to_string(), &format!("q{at}"))).collect();
        assert_eq!(of(&unnamed).1, "5 folds by shared text");
    }
}
