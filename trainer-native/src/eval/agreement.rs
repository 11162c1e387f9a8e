//! How far a judge agrees with labels: the share of rows with the same verdict, and Cohen's kappa
//! (Educational and Psychological Measurement 20, 1960), which takes away what chance would give.
//!
//! ```text
//! kappa = (observed - expected) / (1 - expected)
//! ```
//! with the expected share of agreement of two raters with the same shares of verdicts that do not depend on
//! each other. Its interval is a bootstrap over queries, so that several labels of a query count together.

use serde::{Deserialize, Serialize};

use super::EvalError;
use super::bootstrap::{Interval, Resamples, Settings};
use super::position_bias::Place;
use super::proportion::Proportion;

/// A row that was both labelled and judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatedRow {
    /// Number of the row's query; equal for rows of one query.
    pub query: usize,
    pub label: Place,
    pub judged: Place,
}

/// Agreement over rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    pub rows: usize,
    pub queries: usize,
    /// Rows with the same verdict; the interval takes rows as independent.
    pub agreed: Proportion,
    /// The same over rows on which neither says tie.
    pub agreed_without_ties: Option<Proportion>,
    /// `None` where both always give the same one verdict.
    pub kappa: Option<f64>,
    pub kappa_interval: Option<Interval>,
    /// Rows by label, then by the judge's verdict: first, second, neither.
    pub table: [[u64; 3]; 3],
}

impl Agreement {
    /// `None` without rows.
    ///
    /// # Errors
    /// [`EvalError::BadInput`] for settings.
    pub fn of(rows: &[RatedRow], bootstrap: Settings) -> Result<Option<Self>, EvalError> {
        let queries = queries(rows);
        let table = table(rows, |_| 1);
        let Some(agreed) = Proportion::of(diagonal(&table), total(&table)) else {
            return Ok(None);
        };
        let [[ff, fs, _], [sf, ss, _], _] = table;
        let samples = Resamples::draw(&[(0..queries.len()).collect()], bootstrap, |counts| {
            let drawn = queries
                .iter()
                .zip(counts)
                .flat_map(|(rows, &count)| rows.iter().map(move |row| (row, u64::from(count))));
            let mut resampled = [[0; 3]; 3];
            for (row, count) in drawn {
                add(&mut resampled, row, count);
            }
            vec![kappa(&resampled)]
        })?;
        Ok(Some(Self {
            rows: rows.len(),
            queries: queries.len(),
            agreed,
            agreed_without_ties: Proportion::of(ff + ss, ff + fs + sf + ss),
            kappa: kappa(&table),
            kappa_interval: samples.of(0, |kappa| Some(*kappa)),
            table,
        }))
    }
}

/// Rows by query.
fn queries(rows: &[RatedRow]) -> Vec<Vec<RatedRow>> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| row.query);
    sorted.chunk_by(|a, b| a.query == b.query).map(<[RatedRow]>::to_vec).collect()
}

fn table(rows: &[RatedRow], count: impl Fn(&RatedRow) -> u64) -> [[u64; 3]; 3] {
    let mut table = [[0; 3]; 3];
    for row in rows {
        add(&mut table, row, count(row));
    }
    table
}

fn add(table: &mut [[u64; 3]; 3], row: &RatedRow, count: u64) {
    let place = |verdict| match verdict {
        Place::First => 0,
        Place::Second => 1,
        Place::Neither => 2,
    };
    if let Some(cell) =
        table.get_mut(place(row.label)).and_then(|line| line.get_mut(place(row.judged)))
    {
        *cell += count;
    }
}

fn diagonal(&[[a, _, _], [_, b, _], [_, _, c]]: &[[u64; 3]; 3]) -> u64 {
    a + b + c
}

fn total(table: &[[u64; 3]; 3]) -> u64 {
    table.iter().flatten().sum()
}

/// Cohen's kappa, in [-1, 1]. `None` where chance would agree always.
fn kappa(table: &[[u64; 3]; 3]) -> Option<f64> {
    let all = total(table) as f64;
    let share = |count: u64| count as f64 / all;
    let labels = table.map(|line| share(line.iter().sum()));
    let column = |at: usize| share(table.iter().filter_map(|line| line.get(at)).sum());
    let expected: f64 =
        labels.iter().zip([column(0), column(1), column(2)]).map(|(a, b)| a * b).sum();
    let kappa = (share(diagonal(table)) - expected) / (1.0 - expected);
    kappa.is_finite().then_some(kappa)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(table: [[u64; 3]; 3]) -> Vec<RatedRow> {
        let places = [Place::First, Place::Second, Place::Neither];
        let mut rows = Vec::new();
        for (label, line) in places.into_iter().zip(table) {
            for (judged, count) in places.into_iter().zip(line) {
                for _ in 0..count {
                    rows.push(RatedRow { query: rows.len(), label, judged });
                }
            }
        }
        rows
    }

    fn agreement(table: [[u64; 3]; 3]) -> Agreement {
        Agreement::of(&rows(table), Settings::default()).unwrap().unwrap()
    }

    #[test]
    fn kappa_is_that_of_the_formula() {
        // Observed 0.7, expected 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
        let found = agreement([[40, 10, 0], [20, 30, 0], [0, 0, 0]]);
        assert!((found.kappa.unwrap() - 0.4).abs() < 1e-12, "{found:?}");
        assert_eq!((found.agreed.count, found.agreed.of), (70, 100));
        let interval = found.kappa_interval.unwrap();
        assert!(interval.low > 0.15 && interval.low < 0.4 && interval.high < 0.65, "{interval:?}");
        assert_eq!(found.table, [[40, 10, 0], [20, 30, 0], [0, 0, 0]]);
    }

    #[test]
    fn ties_are_verdicts_and_are_left_out_of_one_figure() {
        let found = agreement([[10, 0, 5], [0, 10, 5], [0, 0, 10]]);
        assert_eq!((found.agreed.count, found.agreed.of), (30, 40));
        assert_eq!(found.agreed_without_ties.map(|p| (p.count, p.of)), Some((20, 20)));
    }

    #[test]
    fn what_is_not_defined_is_none() {
        assert_eq!(Agreement::of(&[], Settings::default()).unwrap(), None);
        let same = agreement([[5, 0, 0], [0, 0, 0], [0, 0, 0]]);
        assert_eq!((same.kappa, same.kappa_interval), (None, None));
        assert_eq!(same.agreed.share, 1.0);
    }

    #[test]
    fn labels_of_one_query_count_together_in_the_interval() {
        let single = agreement([[40, 10, 0], [20, 30, 0], [0, 0, 0]]);
        let mut repeated = rows([[40, 10, 0], [20, 30, 0], [0, 0, 0]]);
        // The same rows, four times each: no more is known.
        repeated = (0..4).flat_map(|_| repeated.clone()).collect();
        let repeated = Agreement::of(&repeated, Settings::default()).unwrap().unwrap();
        assert_eq!((repeated.rows, repeated.queries), (400, 100));
        let width = |a: &Agreement| a.kappa_interval.map(|i| i.high - i.low).unwrap();
        assert!((width(&repeated) - width(&single)).abs() < 1e-9, "{repeated:?}");
    }
}
