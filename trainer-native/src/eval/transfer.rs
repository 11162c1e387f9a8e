//! The result of an evaluation by transfer: how routers rank the queries of sources that they were not
//! trained on, and how well they know graded needs held back.
//!
//! The [`transfer`](crate::transfer) module makes it; [`Stored`](super::Stored) writes and reads it.

use serde::{Deserialize, Serialize};

use super::EvalError;
use super::bootstrap::{self, Interval};
use super::pair::PairResult;
use super::pair::rows::PairRow;
use super::rank_correlation;
use crate::data::LabelRow;

/// Every source of outcomes of one recipe, each left out of training in turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransferResult {
    /// Name of the recipe.
    pub recipe: String,
    pub recipe_sha256: String,
    /// SHA-256 of the recipe's data.
    pub data_sha256: String,
    /// `static` or `transformer`.
    pub tier: String,
    /// The recipe's seed.
    pub training_seed: u64,
    pub bootstrap: bootstrap::Settings,
    /// In the recipe's order.
    pub sources: Vec<SourceTransfer>,
    /// Graded needs, each source held back part by part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<NeedCorrelations>,
}

/// One source of outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceTransfer {
    pub source: String,
    /// Whether the recipe keeps it apart, by the role `test` or `held`, and never trains on it.
    pub is_kept_apart: bool,
    /// Distinct questions of the source.
    pub rows: usize,
    /// LLMs with outcomes in the source.
    pub llms: usize,
    /// Queries that the router was trained on, labels included.
    pub trained_on: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairTransfer>,
    /// What was left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A stronger over a weaker LLM of a source, or the means of two groups of its LLMs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairTransfer {
    /// Which two: `best over worst`.
    pub pair: String,
    pub strong: String,
    pub weak: String,
    /// Rows that both answered.
    pub rows: usize,
    /// Mean score of the stronger, in [0, 1].
    pub strong_score: f64,
    /// Mean score of the weaker, in [0, 1].
    pub weak_score: f64,
    /// Share of the rows, in [0, 1], on which the weaker suffices: it scores as well as the stronger.
    pub suffices: f64,
    /// The router first, then the baselines.
    pub rankings: Vec<Ranking>,
}

/// How well an order of the queries serves the pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The router's name, or the baseline's.
    pub by: String,
    /// Whether it is a baseline.
    pub is_baseline: bool,
    /// Average performance gap recovered; random has 0.5.
    pub apgr: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apgr_interval: Option<Interval>,
    /// AUC of "the weak LLM suffices"; absent for random and oracle, and where it suffices always or
    /// never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_interval: Option<Interval>,
}

impl PairTransfer {
    /// What a result on `rows` says of the orders; `pair` says which two LLMs they are.
    #[must_use]
    pub fn of(pair: &str, rows: &[PairRow], result: &PairResult) -> Self {
        let suffices = rows.iter().filter(|row| row.weak >= row.strong).count();
        let rankings = result.routers.iter().filter_map(|router| {
            Some(Ranking {
                by: router.name.clone(),
                is_baseline: !router.is_router(),
                apgr: router.metrics.apgr?,
                apgr_interval: router.metrics.apgr_interval,
                auc: router.metrics.auc,
                auc_interval: router.metrics.auc_interval,
            })
        });
        Self {
            pair: pair.to_owned(),
            strong: result.facts.pair.strong.clone(),
            weak: result.facts.pair.weak.clone(),
            rows: result.rows,
            strong_score: result.facts.strong,
            weak_score: result.facts.weak,
            suffices: suffices as f64 / rows.len().max(1) as f64,
            rankings: rankings.collect(),
        }
    }
}

/// Rank correlations of ratings and graded needs at fixed length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeedCorrelations {
    pub source: String,
    /// How rows were held back from training.
    pub held_back: String,
    /// All rows first, then parts of at least [`FEWEST_ROWS`] rows.
    pub parts: Vec<NeedPart>,
}

/// Some of the graded queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeedPart {
    /// `all`, `language zh`, `writer agents`, `kind code`.
    pub part: String,
    pub rows: usize,
    /// Spearman's partial correlation of rating and need, given the length.
    pub correlation: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// Fewest rows of a part of graded needs.
pub const FEWEST_ROWS: usize = 20;

/// A graded query with the router's rating.
#[derive(Debug, Clone, PartialEq)]
pub struct RatedNeed {
    /// The router's win rate.
    pub rating: f64,
    pub need: f64,
    /// Length of the query in characters.
    pub length: usize,
    /// Names of the parts that it belongs to, besides `all`.
    pub parts: Vec<String>,
}

impl RatedNeed {
    /// A graded row with its rating; its parts are its language, its kind and its [`writer`].
    #[must_use]
    pub fn of(row: &LabelRow, rating: f64) -> Self {
        let stated = [("language", row.lang.as_deref()), ("kind", row.kind.as_deref())];
        let named = stated.into_iter().chain([("writer", writer(row))]);
        let parts = named.filter_map(|(what, name)| Some(format!("{what} {}", name?)));
        Self { rating, need: row.value, length: row.query.chars().count(), parts: parts.collect() }
    }
}

/// Who wrote a graded row: what stands before the last hyphen of its identifier, so that of `agents-25` it is
/// `agents`.
#[must_use]
pub fn writer(row: &LabelRow) -> Option<&str> {
    row.id.rsplit_once('-').map(|(writer, _)| writer)
}

impl NeedCorrelations {
    /// The correlation over all rows and in each part of at least [`FEWEST_ROWS`] rows, parts in the order of
    /// their names. A part whose ratings or needs are all alike is left out.
    ///
    /// # Errors
    /// [`EvalError::BadInput`] for the settings of the bootstrap.
    pub fn of(
        source: &str,
        held_back: &str,
        rows: &[RatedNeed],
        bootstrap: bootstrap::Settings,
    ) -> Result<Self, EvalError> {
        let mut names: Vec<&String> = rows.iter().flat_map(|row| &row.parts).collect();
        names.sort();
        names.dedup();
        let mut found = Self {
            source: source.to_owned(),
            held_back: held_back.to_owned(),
            parts: part("all", rows.iter(), bootstrap)?.into_iter().collect(),
        };
        for name in names {
            let of_part = rows.iter().filter(|row| row.parts.contains(name));
            found.parts.extend(part(name, of_part, bootstrap)?);
        }
        Ok(found)
    }
}

fn part<'a>(
    name: &str,
    rows: impl Iterator<Item = &'a RatedNeed>,
    bootstrap: bootstrap::Settings,
) -> Result<Option<NeedPart>, EvalError> {
    let rows: Vec<&RatedNeed> = rows.collect();
    if rows.len() < FEWEST_ROWS {
        return Ok(None);
    }
    let of = |value: fn(&RatedNeed) -> f64| rows.iter().map(|row| value(row)).collect::<Vec<f64>>();
    let (ratings, needs) = (of(|row| row.rating), of(|row| row.need));
    let lengths = of(|row| row.length as f64);
    let Some(correlation) = rank_correlation::partial(&ratings, &needs, &lengths) else {
        return Ok(None);
    };
    let interval = rank_correlation::partial_interval(&ratings, &needs, &lengths, bootstrap)?;
    Ok(Some(NeedPart { part: name.to_owned(), rows: rows.len(), correlation, interval }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example as example_of_a_pair;

    /// The weaker suffices on one of four.
    fn rows() -> [PairRow; 4] {
        [0.0, 0.25, 0.5, 0.75].map(|weak| PairRow { weak, strong: 0.75, ..PairRow::default() })
    }

    /// A result made up for tests.
    pub(crate) fn example() -> TransferResult {
        let bootstrap = bootstrap::Settings { resamples: 20, ..bootstrap::Settings::default() };
        let needs = NeedCorrelations::of("made-up needs", "by writer", &rated(60), bootstrap);
        let source = |name: &str, is_kept_apart, pairs, notes| SourceTransfer {
            source: name.to_owned(),
            is_kept_apart,
            rows: 80,
            llms: 2,
            trained_on: 300,
            pairs,
            notes,
        };
        let pairs = vec![PairTransfer::of("best over worst", &rows(), &example_of_a_pair())];
        TransferResult {
            recipe: "made-up".into(),
            recipe_sha256: "ab".into(),
            data_sha256: "cd".into(),
            tier: "static".into(),
            training_seed: 1,
            bootstrap,
            sources: vec![
                source("first <source>", false, pairs.clone(), Vec::new()),
                source("one LLM", false, Vec::new(), vec!["found 1 LLM, expected 2".into()]),
                source("a benchmark", true, pairs, Vec::new()),
            ],
            needs: vec![needs.unwrap()],
        }
    }

    /// Graded queries in two languages, of which every fourth is in the rarer one.
    fn rated(count: u32) -> Vec<RatedNeed> {
        let row = |at: u32| RatedNeed {
            rating: f64::from(at * 7 % 31),
            need: f64::from(at * 7 % 31 + at % 5),
            length: (at * 13 % 23) as usize,
            parts: vec![format!("language {}", if at.is_multiple_of(4) { "zh" } else { "en" })],
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn parts_of_too_few_rows_are_left_out() {
        let names = |count| {
            let settings = bootstrap::Settings { resamples: 5, ..bootstrap::Settings::default() };
            let found = NeedCorrelations::of("x", "y", &rated(count), settings).unwrap();
            found.parts.iter().map(|part| (part.part.clone(), part.rows)).collect::<Vec<_>>()
        };
        let named = |name: &str, rows| (name.to_owned(), rows);
        assert_eq!(names(76), [named("all", 76), named("language en", 57)]);
        assert_eq!(
            names(80),
            [named("all", 80), named("language en", 60), named("language zh", 20)]
        );
        assert_eq!(names(19), []);
    }

    #[test]
    fn a_graded_row_belongs_to_its_language_kind_and_writer() {
        let row = LabelRow {
            id: "early-birds-7".into(),
            query: "日本語".into(),
            dataset: "own".into(),
            value: 40.0,
            lang: Some("ja".into()),
            kind: None,
            category: None,
        };
        let rated = RatedNeed::of(&row, 0.5);
        assert_eq!(rated.parts, ["language ja", "writer early-birds"]);
        assert_eq!((rated.need, rated.length), (40.0, 3));
        assert_eq!(writer(&LabelRow { id: "7".into(), ..row }), None);
    }

    #[test]
    fn a_pair_states_each_order_once_and_the_router_first() {
        let found = PairTransfer::of("best over worst", &rows(), &example_of_a_pair());
        assert!(!found.rankings[0].is_baseline && found.rankings[0].auc.is_some());
        for name in ["query length", "random", "oracle"] {
            assert_eq!(found.rankings.iter().filter(|one| one.by == name).count(), 1, "{name}");
        }
        assert!(found.strong_score > found.weak_score);
        assert_eq!(found.suffices, 0.25);
    }
}
