//! A bundle's curves of quality against cost, for pages that draw them.
//!
//! Like the metrics, they were measured on the exported graph through this engine, on rows that were
//! not trained on. Routing does not use them.

use serde::{Deserialize, Serialize};

use super::Manifest;

/// Quality against cost on one evaluation set.
///
/// A bundle with a strong and a weak candidate states [`router`](Self::router) and
/// [`oracle`](Self::oracle), curves over the share of strong calls; one that picks the best of
/// several states [`means`](Self::means). Quality is the mean score, in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostQuality {
    /// The data set, as the metrics name it.
    pub dataset: String,
    /// Rows measured on.
    pub rows: u64,
    /// Rows left out because they were trained on.
    pub removed_as_leaks: u64,
    /// Whether the data set was held out from training, tuning and calibration.
    pub held_out: bool,
    /// The quality of each candidate alone on these rows.
    pub candidates: Vec<CandidateQuality>,
    /// `[strong share, quality]` of the router, both in [0, 1], by ascending share from 0 to 1: the
    /// queries of the highest win rates go to the strong candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub router: Vec<[f64; 2]>,
    /// The same where the queries on which the strong candidate gains most go to it: no router lies
    /// above this curve on these rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oracle: Vec<[f64; 2]>,
    /// Quality of the router's picks among several candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<MeanQualities>,
    /// Points that publications state for this data set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedPoint>,
}

/// The quality of a candidate that answers every query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateQuality {
    /// The candidate.
    pub id: String,
    /// Its mean score, in [0, 1].
    pub quality: f64,
}

/// Mean scores, in [0, 1], of three ways to pick one of several candidates. Each data set of the
/// evaluation counts alike, as in the metric `mean_score`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanQualities {
    /// The router's pick.
    pub router: f64,
    /// The best candidate of each query: no pick scores more.
    pub oracle: f64,
    /// A pick at random, each candidate equally likely.
    pub random: f64,
}

/// A point of another router's curve, as its publication states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedPoint {
    /// The router, and what it was trained on.
    pub router: String,
    /// The metric that states the point: `cpt50` or `cpt80` (RouteLLM, section 3.2).
    pub metric: String,
    /// Share of strong calls, in [0, 1].
    pub strong_share: f64,
    /// Performance gap recovered at this share: 0 at the weak model's quality, 1 at the strong
    /// one's.
    pub pgr: f64,
    /// The publication.
    pub source: String,
}

impl CostQuality {
    /// Returns the first fault, in terms of the manifest's fields.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), String> {
        let fault = |detail: String| format!("the curve of {:?}: {detail}", self.dataset);
        if self.rows == 0 {
            return Err(fault("rows is 0: expected the rows measured on".into()));
        }
        if self.candidates.is_empty() {
            return Err(fault("\"candidates\" is empty: expected each one's quality".into()));
        }
        for (at, candidate) in self.candidates.iter().enumerate() {
            let id = &candidate.id;
            if manifest.candidate_index(id).is_none() {
                return Err(fault(format!(
                    "{id:?} is no candidate: expected one of {}",
                    manifest.candidate_names()
                )));
            }
            if self.candidates[..at].iter().any(|before| before.id == *id) {
                return Err(fault(format!("candidate {id:?} is listed twice")));
            }
            within(&format!("quality of {id:?}"), candidate.quality).map_err(fault)?;
        }
        match (self.router.is_empty() && self.oracle.is_empty(), &self.means) {
            (true, Some(means)) => {
                let named =
                    [("router", means.router), ("oracle", means.oracle), ("random", means.random)];
                for (name, value) in named {
                    within(&format!("means.{name}"), value).map_err(fault)?;
                }
            }
            (false, None) => {
                if manifest.pair().is_none() {
                    return Err(fault(
                        "it has strong shares, but head names no strong and weak candidate: \
                         expected \"means\""
                            .into(),
                    ));
                }
                for (name, points) in [("router", &self.router), ("oracle", &self.oracle)] {
                    from_none_to_all(name, points).map_err(fault)?;
                }
            }
            _ => {
                return Err(fault("expected either \"router\" and \"oracle\" or \"means\"".into()));
            }
        }
        for point in &self.published {
            let of = |field| format!("{field} published for {:?}", point.router);
            within(&of("strong_share"), point.strong_share).map_err(fault)?;
            within(&of("pgr"), point.pgr).map_err(fault)?;
        }
        Ok(())
    }
}

fn within(what: &str, value: f64) -> Result<(), String> {
    // NaN is in no range.
    match (0.0..=1.0).contains(&value) {
        true => Ok(()),
        false => Err(format!("{what} is {value}: expected a number in [0, 1]")),
    }
}

/// Checks a curve from share 0 to share 1.
fn from_none_to_all(name: &str, points: &[[f64; 2]]) -> Result<(), String> {
    for [share, quality] in points {
        within(&format!("a strong share of {name:?}"), *share)?;
        within(&format!("quality of {name:?} at share {share}"), *quality)?;
    }
    if let Some(pair) = points.windows(2).find(|pair| pair[0][0] >= pair[1][0]) {
        let [[before, _], [after, _]] = [pair[0], pair[1]];
        return Err(format!(
            "shares of {name:?} go from {before} to {after}: expected ascending ones"
        ));
    }
    match (points.first(), points.last()) {
        (Some([first, _]), Some([last, _])) if *first == 0.0 && *last == 1.0 => Ok(()),
        _ => Err(format!(
            "{name:?} has {} points that do not reach from share 0 to share 1",
            points.len()
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::RouterError;

    /// A manifest of two candidates with one curve, after `edit`.
    fn read(edit: impl Fn(&mut Value)) -> Result<Manifest, String> {
        let mut manifest = json!({
            "format": 1, "name": "n", "kind": "mf",
            "candidates": [{"id": "s"}, {"id": "w"}],
            "encoder": {
                "tier": "static", "max_tokens": 8, "truncation_side": "right", "pooling": "mean",
                "embedding_size": 2, "special_tokens": false
            },
            "head": {"strong": "s", "weak": "w"},
            "curves": [{
                "dataset": "d", "rows": 4, "removed_as_leaks": 1, "held_out": true,
                "candidates": [{"id": "s", "quality": 0.8}, {"id": "w", "quality": 0.5}],
                "router": [[0, 0.5], [0.5, 0.7], [1, 0.8]],
                "oracle": [[0, 0.5], [0.5, 0.85], [1, 0.8]],
                "published": [{
                    "router": "MF", "metric": "cpt50", "strong_share": 0.4, "pgr": 0.5, "source": "p"
                }]
            }],
            "files": []
        });
        edit(&mut manifest);
        match Manifest::from_json(manifest.to_string().as_bytes()) {
            Ok(manifest) => Ok(manifest),
            Err(RouterError::BundleBadManifest { detail }) => Err(detail),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn without_pair(manifest: &mut Value) {
        manifest["head"] = json!({});
        let curve = manifest["curves"][0].as_object_mut().unwrap();
        curve.remove("router");
        curve.remove("oracle");
        curve.insert("means".into(), json!({"router": 0.7, "oracle": 0.9, "random": 0.65}));
    }

    #[test]
    fn a_manifest_survives_writing_and_reading() {
        for manifest in [read(|_| {}).unwrap(), read(without_pair).unwrap()] {
            let text = serde_json::to_vec(&manifest).unwrap();
            assert_eq!(Manifest::from_json(&text).unwrap(), manifest);
        }
        let curve = &read(|_| {}).unwrap().curves[0];
        assert_eq!(curve.router[1], [0.5, 0.7]);
        assert_eq!((curve.published[0].pgr, curve.means), (0.5, None));
    }

    #[test]
    fn a_manifest_without_curves_has_none_and_writes_none() {
        let manifest = read(|m| drop(m.as_object_mut().unwrap().remove("curves"))).unwrap();
        assert!(manifest.curves.is_empty());
        assert!(!serde_json::to_string(&manifest).unwrap().contains("curves"));
    }

    #[test]
    fn an_invalid_curve_is_refused_and_its_fault_named() {
        type Case<'a> = (&'a dyn Fn(&mut Value), &'a str);
        let refused = |edit: &dyn Fn(&mut Value)| {
            let found = read(|manifest| edit(&mut manifest["curves"][0])).unwrap_err();
            assert!(found.starts_with("the curve of \"d\": "), "{found}");
            found
        };
        let cases: [Case; 12] = [
            (&|c| c["rows"] = json!(0), "rows is 0"),
            (&|c| c["candidates"] = json!([]), "\"candidates\" is empty"),
            (
                &|c| c["candidates"][1]["id"] = json!("x"),
                "\"x\" is no candidate: expected one of s, w",
            ),
            (&|c| c["candidates"][1]["id"] = json!("s"), "\"s\" is listed twice"),
            (&|c| c["candidates"][0]["quality"] = json!(80.0), "quality of \"s\" is 80"),
            (&|c| c["router"][1][0] = json!(1.5), "a strong share of \"router\" is 1.5"),
            (&|c| c["oracle"][1][1] = json!(-0.1), "quality of \"oracle\" at share 0.5 is -0.1"),
            (&|c| c["router"][1][0] = json!(0), "shares of \"router\" go from 0 to 0"),
            (&|c| c["router"] = json!([[0, 0.5], [0.5, 0.7]]), "\"router\" has 2 points"),
            (&|c| c["oracle"] = json!([]), "\"oracle\" has 0 points"),
            (&|c| c["published"][0]["pgr"] = json!(50), "pgr published for \"MF\" is 50"),
            (
                &|c| c["means"] = json!({"router": 0.5, "oracle": 0.5, "random": 0.5}),
                "expected either \"router\" and \"oracle\" or \"means\"",
            ),
        ];
        for (edit, expected) in cases {
            let found = refused(edit);
            assert!(found.contains(expected), "{found} lacks {expected}");
        }
    }

    #[test]
    fn shares_need_a_pair_and_means_lie_in_the_unit_range() {
        let found = read(|manifest| manifest["head"] = json!({})).unwrap_err();
        assert!(found.contains("names no strong and weak candidate"), "{found}");
        let found = read(|manifest| {
            without_pair(manifest);
            manifest["curves"][0]["means"]["oracle"] = json!(2);
        });
        assert!(found.unwrap_err().contains("means.oracle is 2"));
    }
}
