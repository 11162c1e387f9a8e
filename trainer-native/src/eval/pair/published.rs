//! Published rows, shown beside measured ones. Numbers are copied from the publication named in
//! each row, and not measured here.
//!
//! ```
//! use pointsman_trainer::eval::pair::published::{PairKind, table};
//!
//! let rows = table(PairKind::MtBench);
//! assert_eq!(rows.len(), 9);
//! assert!(rows.iter().all(|row| row.source.contains("arXiv")));
//! assert!(table(PairKind::Other).is_empty());
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

pub const ROUTELLM_SOURCE: &str = "RouteLLM, arXiv 2406.18665v4";

/// A benchmark with published tables or a display scale of its own, or any other set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairKind {
    /// RouteLLM's MMLU, 5-shot.
    Mmlu,
    /// RouteLLM's GSM8K, 8-shot.
    Gsm8k,
    /// RouteLLM's MT-Bench, judged from 1 to 10.
    MtBench,
    RouterBench,
    Other,
}

impl PairKind {
    /// The number that a score of 1 is displayed as.
    #[must_use]
    pub fn score_scale(self) -> f64 {
        match self {
            Self::MtBench => 10.0,
            _ => 1.0,
        }
    }
}

impl fmt::Display for PairKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mmlu => "MMLU",
            Self::Gsm8k => "GSM8K",
            Self::MtBench => "MT-Bench",
            Self::RouterBench => "RouterBench",
            Self::Other => "outcomes",
        })
    }
}

/// A row of a publication's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedPair {
    pub router: String,
    /// Training data of the router; empty for a baseline.
    pub training_data: String,
    /// Average performance gap recovered.
    pub apgr: f64,
    /// Share of strong calls, in [0, 1], that recovers half of the gap.
    pub cpt50: f64,
    /// Share of strong calls, in [0, 1], that recovers four fifths of the gap.
    pub cpt80: f64,
    /// Rows it was scored on.
    pub rows: usize,
    /// Mean score of its weak model, in [0, 1].
    pub weak: f64,
    /// Mean score of its strong model, in [0, 1].
    pub strong: f64,
    /// The two models, strong first.
    pub pair: String,
    pub source: String,
}

impl PublishedPair {
    /// Name of the router with its training data.
    #[must_use]
    pub fn label(&self) -> String {
        match self.training_data.is_empty() {
            true => self.router.clone(),
            false => format!("{}, {}", self.router, self.training_data),
        }
    }
}

/// RouteLLM's pair, strong first.
const ROUTELLM_PAIR: &str = "gpt-4-1106-preview over Mixtral-8x7B-Instruct";

/// Router, training data, CPT(50) and CPT(80) in per cent, APGR.
type Row = (&'static str, &'static str, f64, f64, f64);

/// 14,037 rows after decontamination, accuracy 68.09 and 80.59 %.
const MMLU: [Row; 9] = [
    ("random", "", 50.07, 79.93, 0.500),
    ("BERT", "arena", 49.43, 77.80, 0.502),
    ("causal LLM", "arena", 48.88, 77.93, 0.499),
    ("MF", "arena", 45.00, 76.86, 0.524),
    ("SW ranking", "arena", 55.82, 80.25, 0.473),
    ("BERT", "arena + gold", 41.30, 72.20, 0.572),
    ("causal LLM", "arena + gold", 35.49, 70.31, 0.600),
    ("MF", "arena + gold", 35.46, 71.40, 0.597),
    ("SW ranking", "arena + gold", 35.40, 71.55, 0.603),
];

/// 1,307 rows after decontamination, accuracy 63.73 and 85.77 %.
const GSM8K: [Row; 9] = [
    ("random", "", 50.00, 80.08, 0.497),
    ("BERT", "arena", 58.78, 83.84, 0.438),
    ("causal LLM", "arena", 56.09, 83.56, 0.461),
    ("MF", "arena", 53.59, 85.24, 0.475),
    ("SW ranking", "arena", 54.43, 82.11, 0.475),
    ("BERT", "arena + judge", 44.76, 79.09, 0.531),
    ("causal LLM", "arena + judge", 33.64, 63.26, 0.622),
    ("MF", "arena + judge", 38.82, 72.62, 0.565),
    ("SW ranking", "arena + judge", 41.21, 72.20, 0.568),
];

/// 72 questions after decontamination, mean scores 8.281 and 9.212 of 10.
const MT_BENCH: [Row; 9] = [
    ("random", "", 49.03, 78.08, 0.500),
    ("BERT", "arena", 78.09, 87.64, 0.391),
    ("causal LLM", "arena", 28.82, 77.53, 0.573),
    ("MF", "arena", 25.32, 74.26, 0.580),
    ("SW ranking", "arena", 37.85, 58.99, 0.610),
    ("BERT", "arena + judge", 19.58, 34.02, 0.751),
    ("causal LLM", "arena + judge", 31.50, 48.75, 0.679),
    ("MF", "arena + judge", 13.40, 31.31, 0.802),
    ("SW ranking", "arena + judge", 23.21, 36.04, 0.759),
];

/// The published rows of a benchmark; empty where nothing is published for this protocol.
#[must_use]
pub fn table(kind: PairKind) -> Vec<PublishedPair> {
    let (table, rows, weak, strong) = match kind {
        PairKind::Mmlu => (&MMLU, 14_037, 0.6809, 0.8059),
        PairKind::Gsm8k => (&GSM8K, 1_307, 0.6373, 0.8577),
        PairKind::MtBench => (&MT_BENCH, 72, 0.8281, 0.9212),
        PairKind::RouterBench | PairKind::Other => return Vec::new(),
    };
    let row = |&(router, training_data, cpt50, cpt80, apgr): &Row| PublishedPair {
        router: router.to_owned(),
        training_data: training_data.to_owned(),
        apgr,
        cpt50: cpt50 / 100.0,
        cpt80: cpt80 / 100.0,
        rows,
        weak,
        strong,
        pair: ROUTELLM_PAIR.to_owned(),
        source: ROUTELLM_SOURCE.to_owned(),
    };
    table.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_rows_name_their_source() {
        let rows = table(PairKind::Mmlu);
        assert_eq!(rows.len(), 9);
        assert!(rows.iter().all(|row| row.source == ROUTELLM_SOURCE));
        // A better router needs fewer strong calls: a slip of the copying hand would show here.
        for row in &rows {
            let (apgr, cpt50, cpt80) = (row.apgr, row.cpt50, row.cpt80);
            assert!(cpt50 < cpt80 && cpt80 < 1.0 && (0.4..0.7).contains(&apgr), "{row:?}");
            assert_eq!(apgr > 0.55, cpt50 < 0.42, "{row:?}");
        }
    }

    #[test]
    fn columns_of_every_table_add_up_to_the_publication_s() {
        // Summed from the text the tables were copied from, not from the tables: CPT(50), CPT(80),
        // APGR.
        for (table, sums) in [
            (MMLU, [396.85, 678.23, 4.870]),
            (GSM8K, [431.32, 702.00, 4.632]),
            (MT_BENCH, [306.80, 526.62, 5.645]),
        ] {
            let sum = |read: fn(&Row) -> f64| table.iter().map(read).sum::<f64>();
            for (found, expected) in
                [sum(|r| r.2), sum(|r| r.3), sum(|r| r.4)].into_iter().zip(sums)
            {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn scores_are_fractions_whatever_the_scale() {
        for kind in [PairKind::Mmlu, PairKind::Gsm8k, PairKind::MtBench] {
            for row in table(kind) {
                assert!(0.0 < row.weak && row.weak < row.strong && row.strong < 1.0);
            }
        }
        assert_eq!(PairKind::MtBench.score_scale(), 10.0);
    }
}
