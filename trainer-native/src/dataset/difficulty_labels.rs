//! Labels to train on, brought to one scale.
//!
//! The numbers of two sources do not compare, so each source is scaled by itself. Its n rows to train
//! on are ranked, rows of one value at the mean of their ranks; (rank - 1/2) / n, in (0, 1), is then
//! shifted and scaled to mean 0 and standard deviation 1.

use crate::data::{DataError, LabelRow, OutcomeRow};
use crate::eval::rank_correlation::ranks;

/// A query with how hard it is among those of its source.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledQuery {
    pub query: String,
    /// z-score of the rank among the source's rows to train on; larger is harder.
    pub value: f64,
    /// Weight in the loss, that of the source.
    pub weight: f32,
    /// Whether the source grades needs, and does not state difficulties.
    pub is_need: bool,
    /// Index of its source in [`Prepared::sources`](super::Prepared::sources).
    pub source: usize,
    /// The query's language, where the source states it.
    pub lang: Option<String>,
    /// What the query is, such as `code` or `chat`, where the source states it.
    pub kind: Option<String>,
}

/// Rows of one source with scaled labels; `name` is for messages.
///
/// # Errors
/// [`DataError::LabelsConstant`] where all labels are equal.
pub(super) fn scaled(
    name: &str,
    rows: Vec<LabelRow>,
    weight: f32,
    (source, is_need): (usize, bool),
) -> Result<Vec<LabelledQuery>, DataError> {
    let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
    let Some(scores) = rank_scores(&values) else {
        return match values.first() {
            None => Ok(Vec::new()),
            Some(&value) => {
                let place = format!("{name}, without questions that other sources hold");
                Err(DataError::LabelsConstant { place, value, rows: rows.len() })
            }
        };
    };
    let labelled = |(row, value): (LabelRow, f64)| LabelledQuery {
        query: row.query,
        value,
        weight,
        is_need,
        source,
        lang: row.lang,
        kind: row.kind,
    };
    Ok(rows.into_iter().zip(scores).map(labelled).collect())
}

/// Scales values by rank, to mean 0 and standard deviation 1; `None` where all are equal.
fn rank_scores(values: &[f64]) -> Option<Vec<f64>> {
    let n = values.len() as f64;
    // The mean of the ranks' shares is 1/2, ties or not.
    let scores: Vec<f64> = ranks(values).into_iter().map(|rank| (rank - 0.5) / n - 0.5).collect();
    let deviation = (scores.iter().map(|score| score * score).sum::<f64>() / n).sqrt();
    (deviation > 0.0).then(|| scores.into_iter().map(|score| score / deviation).collect())
}

/// A labelled query as a query of the corpus: without its label.
pub(super) fn unlabelled(row: LabelRow) -> OutcomeRow {
    OutcomeRow {
        id: row.id,
        query: row.query,
        dataset: row.dataset,
        category: row.category,
        cluster: None,
        scores: Vec::new(),
        costs: Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn scores_depend_on_the_order_of_values_alone_and_have_unit_variance() {
        let scores = rank_scores(&[3.0, -1.0, 900.0, 3.0, 3.5]).unwrap();
        assert_eq!(scores, rank_scores(&[2.0, 1.0, 4.0, 2.0, 3.0]).unwrap());
        assert_eq!(scores[0], scores[3]);
        assert!(scores[1] < scores[0] && scores[0] < scores[4] && scores[4] < scores[2]);
        assert!(scores.iter().sum::<f64>().abs() < 1e-12);
        assert!((scores.iter().map(|z| z * z).sum::<f64>() - 5.0).abs() < 1e-12);
    }

    #[test]
    fn equal_values_have_no_scores() {
        assert_eq!(rank_scores(&[2.0; 3]), None);
        assert_eq!(rank_scores(&[0.0, -0.0]), None);
        assert_eq!(rank_scores(&[]), None);
    }
}
