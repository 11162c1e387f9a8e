//! Makes the metrics and curves that a manifest states from an evaluation.

use pointsman::{CandidateQuality, CostQuality, MeanQualities, Metric, PublishedPoint};

use crate::dataset::Prepared;
use crate::error::TrainerError;
use crate::eval::pair::published::{PairKind, table};
use crate::eval::pair::share_steps;
use crate::eval::pair::{PairResult, PairRouter};
use crate::eval::pool::{PoolResult, kinds};
use crate::eval::{Origin, RoutedRow};
use crate::recipe::Pair;

/// APGR, CPT(50) and CPT(80) of the exported bundle.
pub(super) fn metrics(data: &Prepared, result: &PairResult) -> Vec<Metric> {
    let own = result.routers.iter().find(|router| router.origin == Origin::INT8);
    let share = |router: &PairRouter, quality| router.cpt_at(quality).map(|c| c.strong_share);
    let values = own.map_or([None; 3], |r| [r.metrics.apgr, share(r, 0.5), share(r, 0.8)]);
    let names = [("apgr", 1.0), ("cpt50", 100.0), ("cpt80", 100.0)];
    names
        .into_iter()
        .zip(values)
        .filter_map(|((metric, unit), value)| {
            Some(Metric {
                dataset: data.benchmark.clone(),
                metric: metric.into(),
                value: value? * unit,
                rows: result.rows as u64,
                removed_as_leaks: data.test_leaks as u64,
                held_out: true,
            })
        })
        .collect()
}

/// The description of an evaluation set for curves and metrics.
#[derive(Debug, Clone)]
pub struct Measured<'a> {
    pub dataset: &'a str,
    /// Rows left out because they were trained on.
    pub removed_as_leaks: usize,
    /// The benchmark, which says which published tables belong to it.
    pub kind: PairKind,
}

/// The curve of a router by threshold on `rows`, with the points published for the set. Numbers are
/// rounded to four decimals.
///
/// # Errors
/// [`TrainerError::Eval`] where there is no row or a number is not finite.
pub fn share_curve(
    set: &Measured<'_>,
    pair: &Pair,
    rows: &[RoutedRow],
) -> Result<CostQuality, TrainerError> {
    let rounded = |points: Vec<[f64; 2]>| -> Vec<[f64; 2]> {
        points.into_iter().map(|point| point.map(four_decimals)).collect()
    };
    let (router, oracle) = (share_steps::router(rows)?, share_steps::oracle(rows)?);
    let (router, oracle) = (rounded(router), rounded(oracle));
    let end = |point: Option<&[f64; 2]>| point.map_or(0.0, |point| point[1]);
    let published = table(set.kind).into_iter().flat_map(|row| {
        let point = |(metric, strong_share, pgr): (&str, f64, f64)| PublishedPoint {
            router: row.label(),
            metric: metric.into(),
            strong_share: four_decimals(strong_share),
            pgr,
            source: row.source.clone(),
        };
        [("cpt50", row.cpt50, 0.5), ("cpt80", row.cpt80, 0.8)].map(point)
    });
    Ok(CostQuality {
        dataset: set.dataset.to_owned(),
        rows: rows.len() as u64,
        removed_as_leaks: set.removed_as_leaks as u64,
        held_out: true,
        candidates: vec![
            CandidateQuality { id: pair.strong.clone(), quality: end(router.last()) },
            CandidateQuality { id: pair.weak.clone(), quality: end(router.first()) },
        ],
        router,
        oracle,
        means: None,
        published: published.collect(),
    })
}

/// Mean scores of the router called `name`, the oracle and chance; `None` unless all were measured
/// on every data set. A candidate that was not is left out.
pub(super) fn mean_curve(data: &Prepared, result: &PoolResult, name: &str) -> Option<CostQuality> {
    let baseline =
        |kind: &str| result.routers.iter().find(|router| router.kind == kind)?.metrics.mean;
    let candidates = result.routers.iter().filter(|router| router.kind == kinds::LLM);
    let quality = |id: &String, mean: Option<f64>| {
        Some(CandidateQuality { id: id.clone(), quality: four_decimals(mean?) })
    };
    Some(CostQuality {
        dataset: data.benchmark.clone(),
        rows: result.rows as u64,
        removed_as_leaks: data.test_leaks as u64,
        held_out: true,
        candidates: candidates.filter_map(|llm| quality(&llm.name, llm.metrics.mean)).collect(),
        router: Vec::new(),
        oracle: Vec::new(),
        means: Some(MeanQualities {
            router: four_decimals(result.router(name, Origin::INT8)?.metrics.mean?),
            oracle: four_decimals(baseline(kinds::ORACLE)?),
            random: four_decimals(baseline(kinds::RANDOM)?),
        }),
        published: Vec::new(),
    })
}

fn four_decimals(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn curve(kind: PairKind) -> CostQuality {
        let set = Measured { dataset: "own", removed_as_leaks: 3, kind };
        let pair = Pair { strong: "s".into(), weak: "w".into(), default_strong_share: 0.5 };
        let row = |at: u32| RoutedRow {
            win_rate: f64::from(at % 7),
            weak: f64::from(u8::from(at.is_multiple_of(3))),
            strong: f64::from(u8::from(!at.is_multiple_of(5))),
        };
        let rows: Vec<RoutedRow> = (0..210).map(row).collect();
        share_curve(&set, &pair, &rows).unwrap()
    }

    #[test]
    fn a_curve_reaches_from_the_weak_candidate_to_the_strong_one() {
        let found = curve(PairKind::Other);
        let quality = |id: &str| found.candidates.iter().find(|c| c.id == id).unwrap().quality;
        assert_eq!((quality("w"), quality("s")), (0.3333, 0.8));
        for points in [&found.router, &found.oracle] {
            assert_eq!(points.len(), share_steps::STEPS + 1);
            assert_eq!((points[0], points[50]), ([0.0, 0.3333], [1.0, 0.8]));
        }
        assert_eq!((found.rows, found.removed_as_leaks, found.means), (210, 3, None));
        assert!(found.published.is_empty());
    }

    #[test]
    fn the_published_points_are_those_of_the_set_s_table() {
        let found = curve(PairKind::Mmlu).published;
        assert_eq!(found.len(), 2 * table(PairKind::Mmlu).len());
        let of = |metric: &str| {
            let own = |p: &&PublishedPoint| p.router == "MF, arena + gold" && p.metric == metric;
            found.iter().find(own).unwrap()
        };
        assert_eq!((of("cpt50").strong_share, of("cpt50").pgr), (0.3546, 0.5));
        assert_eq!((of("cpt80").strong_share, of("cpt80").pgr), (0.714, 0.8));
        assert!(found.iter().all(|point| point.source.contains("2406.18665")));
    }
}
