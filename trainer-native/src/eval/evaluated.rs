//! What a result of either form states: one benchmark, its routers and baselines, and their
//! differences.
//!
//! Routers of a pair ([`pair`](super::pair)) and of a pool ([`pool`](super::pool)) are evaluated by
//! different protocols. [`Evaluated`] is what both state; the [`Form`] adds facts of its own, and
//! metrics of its own to every router.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::EvalError;
use super::bootstrap::{self, Interval};
use super::cost_quality::many_models::ManyModels;
use super::origin::Origin;

/// The form of a result: the facts that results of this form alone state.
pub trait Form: Serialize + DeserializeOwned {
    /// The form as files state it.
    const NAME: &'static str;
    /// Which published rows stand beside the results.
    type Kind: Serialize + DeserializeOwned;
    /// Metrics of one router.
    type Metrics: Serialize + DeserializeOwned;
    /// A row of a publication's table.
    type Published: Serialize + DeserializeOwned;
}

/// One benchmark, several routers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Evaluated<F: Form> {
    #[serde(flatten)]
    pub benchmark: Benchmark<F::Kind>,
    /// Rows scored.
    pub rows: usize,
    pub bootstrap: bootstrap::Settings,
    /// The routers in the order given, then the baselines.
    pub routers: Vec<Entry<F::Metrics>>,
    /// Paired differences between two routers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Curves of cost and quality of the routers that predict scores, where costs are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many_models: Option<ManyModels>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<F::Published>,
    /// What was left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(flatten)]
    pub facts: F,
}

impl<F: Form> Evaluated<F> {
    /// The router of this name and origin.
    #[must_use]
    pub fn router(&self, name: &str, origin: Origin) -> Option<&Entry<F::Metrics>> {
        self.routers.iter().find(|router| router.name == name && router.origin == origin)
    }
}

/// Facts about the data that its rows do not state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Benchmark<K> {
    #[serde(rename = "benchmark")]
    pub name: String,
    /// Which published rows stand beside the results.
    pub kind: K,
    /// SHA-256 of the data scored on, where it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_sha256: Option<String>,
    /// Rows left out because their questions stood in training data; `None` where that was not
    /// checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaks_removed: Option<usize>,
    /// Rows left out because they could not be read, or lack a score of either model of a pair.
    pub bad_rows: usize,
}

impl<K> Benchmark<K> {
    /// A benchmark with nothing left out.
    #[must_use]
    pub fn new(name: &str, kind: K) -> Self {
        Self { name: name.to_owned(), kind, data_sha256: None, leaks_removed: None, bad_rows: 0 }
    }
}

/// A router or a baseline, with its metrics; before it is evaluated, with none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry<M = ()> {
    /// Name of the bundle, the model or the baseline.
    pub name: String,
    /// `mf`, `bert`, `sw-ranking`, `knn`, ...; of a baseline of a pool, one of
    /// [`kinds`](super::pool::kinds).
    pub kind: String,
    /// `static` or `transformer`; absent where it does not read text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    #[serde(rename = "precision")]
    pub origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_seed: Option<u64>,
    #[serde(flatten)]
    pub metrics: M,
}

impl<M> Entry<M> {
    /// An entry without tier and seed.
    #[must_use]
    pub fn new(name: &str, kind: &str, origin: Origin, metrics: M) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            tier: None,
            origin,
            training_seed: None,
            metrics,
        }
    }

    /// Whether it is a router that was evaluated, and no baseline.
    #[must_use]
    pub fn is_router(&self) -> bool {
        self.origin != Origin::Baseline
    }

    /// Its name, followed by its precision unless it is a baseline.
    #[must_use]
    pub fn label(&self) -> String {
        self.origin.label(&self.name)
    }
}

impl Entry {
    /// The same router with its metrics.
    pub(super) fn with<M>(&self, metrics: M) -> Entry<M> {
        let Self { name, kind, tier, origin, training_seed, metrics: () } = self.clone();
        Entry { name, kind, tier, origin, training_seed, metrics }
    }
}

/// Refuses two routers of one name and origin.
pub(super) fn check_distinct<'a>(
    routers: impl Iterator<Item = (&'a str, Origin)>,
) -> Result<(), EvalError> {
    let mut before = Vec::new();
    for router in routers {
        if before.contains(&router) {
            let (name, origin) = (router.0, router.1.name());
            let detail = format!(
                "found two routers named {name:?} ({origin}), expected one of each name and origin"
            );
            return Err(EvalError::BadInput { detail });
        }
        before.push(router);
    }
    Ok(())
}

/// Difference of one metric of two routers, on the same resamples: APGR for a pair, the mean over
/// data sets for a pool. Each mean is over the rows on which the router's own pick was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Index of the router in [`Evaluated::routers`].
    pub router: usize,
    /// Index of the router it is compared with.
    pub against: usize,
    /// Difference of the two on the rows themselves.
    pub difference: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// The difference of every two routers that have a value and are to be compared, the earlier one
/// first.
pub(super) fn differences(
    values: &[Option<f64>],
    compared: impl Fn(usize, usize) -> bool,
    interval: impl Fn(usize, usize) -> Option<Interval>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    for (router, a) in values.iter().enumerate() {
        for (against, b) in values.iter().enumerate().skip(router + 1) {
            if let (true, Some(a), Some(b)) = (compared(router, against), a, b) {
                let interval = interval(router, against);
                found.push(Difference { router, against, difference: a - b, interval });
            }
        }
    }
    found
}
