//! A bundle on many queries, through the engine that hosts run.

use indicatif::ProgressBar;
use rayon::prelude::*;
use switchyard_router::{Query, Router, RouterError};

use crate::data::Outcomes;
use crate::error::TrainerError;
use crate::eval::RoutedRow;

/// Win rate of each query, in the order of the rows.
///
/// # Errors
/// The engine's, at the first query that fails; [`TrainerError::NoTrainingPair`] where the bundle
/// has no strong and weak candidate.
pub fn win_rates(router: &Router, outcomes: &Outcomes) -> Result<Vec<f64>, TrainerError> {
    let progress = ProgressBar::new(outcomes.rows.len() as u64);
    let rates: Result<Vec<Option<f64>>, RouterError> = outcomes
        .rows
        .par_iter()
        .map(|row| {
            let query = Query::new(row.query.as_str())?;
            progress.inc(1);
            Ok(router.assess(&query)?.win_rate)
        })
        .collect();
    progress.finish_and_clear();
    rates?.into_iter().collect::<Option<Vec<f64>>>().ok_or_else(|| TrainerError::NoTrainingPair {
        detail: "the bundle has no strong and weak candidate".into(),
    })
}

/// Win rates beside the outcomes of a pair; rows that lack one of the two are left out.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where no row has both.
pub fn routed_rows(
    outcomes: &Outcomes,
    win_rates: &[f64],
    strong: &str,
    weak: &str,
) -> Result<Vec<RoutedRow>, TrainerError> {
    let pair = outcomes.model_index(strong).zip(outcomes.model_index(weak));
    let rows: Vec<RoutedRow> = pair
        .into_iter()
        .flat_map(|(strong, weak)| {
            outcomes.rows.iter().zip(win_rates).filter_map(move |(row, &win_rate)| {
                Some(RoutedRow {
                    win_rate,
                    weak: f64::from(row.score(weak)?),
                    strong: f64::from(row.score(strong)?),
                })
            })
        })
        .collect();
    match rows.is_empty() {
        false => Ok(rows),
        true => Err(TrainerError::NoTrainingPair {
            detail: format!("no row has scores of both {strong:?} and {weak:?}"),
        }),
    }
}
