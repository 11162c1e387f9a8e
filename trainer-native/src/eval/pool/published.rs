//! Published rows of RouterDC (arXiv 2409.19886), copied and not measured here. Rows of source
//! [`ROUTERDC_RECALLED`] were written down from memory and not checked against the paper.
//!
//! ```
//! use pointsman_trainer::eval::pool::published::{PoolKind, table};
//!
//! let rows = table(PoolKind::InDistribution);
//! let best = rows.iter().max_by(|a, b| a.mean.total_cmp(&b.mean)).map(|row| row.router.as_str());
//! assert_eq!(best, Some("RouterDC"));
//! assert!(table(PoolKind::Other).is_empty());
//! ```

use serde::{Deserialize, Serialize};

pub const ROUTERDC_SOURCE: &str = "RouterDC, arXiv 2409.19886";

/// Source of rows that were not checked against the paper.
pub const ROUTERDC_RECALLED: &str = "RouterDC, arXiv 2409.19886, as recalled";

/// Which published rows stand beside a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// RouterDC's five tests on tasks it was trained on.
    InDistribution,
    /// RouterDC's three tests on other tasks.
    OutOfDistribution,
    Other,
}

impl PoolKind {
    /// A short name; `None` for any outcomes, which go by their benchmark's name.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::InDistribution => Some("in-distribution"),
            Self::OutOfDistribution => Some("out-of-distribution"),
            Self::Other => None,
        }
    }

    /// The data sets of the published rows, in their order.
    #[must_use]
    pub fn datasets(self) -> &'static [&'static str] {
        match self {
            Self::InDistribution => &["MMLU", "GSM8K", "CMMLU", "ARC-C", "HumanEval"],
            Self::OutOfDistribution => &["Pre-Algebra", "MBPP", "C-Eval"],
            Self::Other => &[],
        }
    }
}

/// A row of a publication's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedPool {
    /// The router, or the model.
    pub router: String,
    /// Whether it sends every query to one model.
    pub single: bool,
    /// Mean scores, in [0, 1], on the data sets that the row states.
    pub datasets: Vec<PublishedScore>,
    /// Mean over the data sets, in [0, 1].
    pub mean: f64,
    pub source: String,
}

/// A published score on one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedScore {
    pub name: String,
    /// Mean score, in [0, 1].
    pub score: f64,
}

impl PublishedPool {
    /// The score on the data set of that name.
    #[must_use]
    pub fn on(&self, dataset: &str) -> Option<f64> {
        self.datasets.iter().find(|score| score.name == dataset).map(|score| score.score)
    }
}

/// What a row of the tables below is, and whether it was checked against the paper.
#[derive(Clone, Copy, PartialEq)]
enum RowKind {
    Single,
    Router,
    RecalledRouter,
}
use RowKind::{RecalledRouter, Router, Single};

/// Name, origin, scores in per cent in the order of [`PoolKind::datasets`], their mean.
type Row = (&'static str, RowKind, &'static [f64], f64);

const IN_DISTRIBUTION: [Row; 12] = [
    ("Mistral-7B", Single, &[62.14, 36.71, 43.83, 49.43, 28.98], 44.22),
    ("MetaMath-Mistral-7B", Single, &[59.86, 69.63, 43.83, 48.30, 29.80], 50.28),
    ("zephyr-7b-beta", Single, &[59.81, 33.00, 42.82, 57.95, 22.04], 43.13),
    ("Chinese-Mistral-7B", Single, &[57.42, 41.03, 49.67, 43.47, 21.43], 42.60),
    ("dolphin-2.6-mistral-7b", Single, &[60.53, 52.38, 43.71, 52.56, 45.10], 50.86),
    ("Meta-Llama-3-8B", Single, &[64.59, 47.76, 51.77, 49.43, 26.73], 48.06),
    ("dolphin-2.9-llama3-8b", Single, &[59.46, 69.81, 44.72, 49.43, 49.39], 54.56),
    ("Voting", RecalledRouter, &[63.30, 67.39, 47.48, 50.85, 42.85], 54.37),
    ("CosineClassifier", RecalledRouter, &[59.72, 69.03, 45.47, 50.57, 46.33], 54.22),
    ("ZOOTER", RecalledRouter, &[60.48, 66.69, 45.27, 53.13, 44.29], 53.97),
    ("LoraRetriever", RecalledRouter, &[63.33, 66.63, 51.77, 57.10, 40.00], 55.77),
    ("RouterDC", Router, &[61.07, 70.32, 51.77, 58.52, 51.02], 58.54),
];

const OUT_OF_DISTRIBUTION: [Row; 5] = [
    ("dolphin-2.9-llama3-8b", Single, &[], 43.95),
    ("CosineClassifier", RecalledRouter, &[], 41.07),
    ("ZOOTER", RecalledRouter, &[], 40.16),
    ("LoraRetriever", RecalledRouter, &[], 43.50),
    ("RouterDC", Router, &[38.81, 46.80, 51.93], 45.85),
];

/// The published rows of a benchmark, the single models first.
#[must_use]
pub fn table(kind: PoolKind) -> Vec<PublishedPool> {
    let table: &[Row] = match kind {
        PoolKind::InDistribution => &IN_DISTRIBUTION,
        PoolKind::OutOfDistribution => &OUT_OF_DISTRIBUTION,
        PoolKind::Other => &[],
    };
    let row = |&(router, origin, scores, mean): &Row| PublishedPool {
        router: router.to_owned(),
        single: origin == Single,
        datasets: kind
            .datasets()
            .iter()
            .zip(scores)
            .map(|(name, score)| PublishedScore { name: (*name).to_owned(), score: score / 100.0 })
            .collect(),
        mean: mean / 100.0,
        source: match origin {
            Single | Router => ROUTERDC_SOURCE,
            RecalledRouter => ROUTERDC_RECALLED,
        }
        .to_owned(),
    };
    table.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_mean_is_that_of_its_row() {
        for kind in [PoolKind::InDistribution, PoolKind::OutOfDistribution] {
            for row in table(kind) {
                assert!((0.4..0.6).contains(&row.mean), "{row:?}");
                if !row.datasets.is_empty() {
                    assert_eq!(row.datasets.len(), kind.datasets().len());
                    let sum: f64 = row.datasets.iter().map(|score| score.score).sum();
                    // Every number is rounded to a hundredth of a per cent, the mean once more.
                    let mean = sum / row.datasets.len() as f64;
                    assert!((mean - row.mean).abs() < 0.000_101, "{row:?}: {mean}");
                }
            }
        }
    }

    #[test]
    fn rows_not_read_again_say_so() {
        for kind in [PoolKind::InDistribution, PoolKind::OutOfDistribution] {
            for row in table(kind) {
                let read = row.single || row.router == "RouterDC";
                assert_eq!(row.source.ends_with("as recalled"), !read, "{row:?}");
                assert!(row.source.contains("arXiv 2409.19886"));
            }
        }
    }
}
