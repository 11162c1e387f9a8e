//! The win rates that a host has seen, so that shares come true on its own queries.
//!
//! A bundle's calibration states the win rates of a sample. Other traffic has others, and a threshold taken
//! from the sample gives another share there. A [`Traffic`] begins with the calibration as a prior of the
//! weight of [`PRIOR_QUERIES`] queries, halved with every [`PRIOR_HALF_LIFE`] queries seen, and adds each
//! query's win rate; of those half the weight is left after [`HALF_LIFE`] more. The threshold of a share is
//! the quantile at `1 - share`. Of the queries that have exactly that win rate, as many as belong above it
//! are picked in turn.
//!
//! Two things a quantile cannot do: a fixed one gives a random share of a finite sample, and one learnt
//! from old traffic is wrong for new traffic. So a candidate that was given less than was asked for is
//! owed the rest, and the share of the candidates above a cut becomes
//!
//! ```text
//! share' = share + owed / 50,    owed = sum over decisions (share asked - 1 if given)
//! ```
//! clamped to [0, 1] (an integral controller); shares of 0 and 1 stay. What is owed stays at a few
//! queries, so that the share of any 500 decisions is within 0.03, whatever the traffic.
//!
//! Decisions then depend on the queries before them: a host opts in ([`crate::Router::route_learning`]). A state has
//! at most some kB ([`Traffic::to_json`]), and states add up ([`Traffic::merge`]).

mod sketch;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{RouterError, quoted};
use crate::manifest::Manifest;
use sketch::Bin;
pub(crate) use sketch::Cut;

/// Weight of a bundle's calibration at the beginning, in queries.
pub const PRIOR_QUERIES: f64 = 25.0;
/// Queries after which half of that weight is left.
pub const PRIOR_HALF_LIFE: f64 = 50.0;
/// Queries after which half of a query's weight is left.
pub const HALF_LIFE: f64 = 2000.0;
/// Share per query owed.
const GAIN: f64 = 1.0 / 50.0;
/// A weight of the calibration that no longer counts, in queries.
const LEAST_PRIOR: f64 = 0.01;
const GOLDEN_RATIO: f64 = 0.618_033_988_749_895;
/// The format of a state.
const STATE_FORMAT: u64 = 1;
/// The longest state that is read, in bytes.
const MAX_STATE_BYTES: usize = 1 << 20;
/// The file whose hash tells whether a state belongs to a bundle.
const MODEL: &str = "model.onnx";

/// The win rates seen with one bundle, and the calls owed to its candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// What the win rates are of ([`identity`]).
    bundle: String,
    /// The calibration's win rates, of weight 1 in all; one bin over [0, 1] without a calibration.
    prior: Vec<Bin>,
    queries: f64,
    seen: Vec<Bin>,
    owed: BTreeMap<String, f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u64,
    bundle: String,
    queries: f64,
    seen: Vec<(f64, f64, f64)>,
    owed: BTreeMap<String, f64>,
}

impl Traffic {
    /// Begins with a bundle's calibration.
    #[must_use]
    pub fn new(manifest: &Manifest) -> Self {
        let quantiles = manifest.calibration.as_ref().map_or(&[0.0, 1.0][..], |c| &c.quantiles);
        #[allow(clippy::cast_precision_loss)]
        let weight = 1.0 / (quantiles.len() - 1) as f64;
        let prior = quantiles.windows(2).map(|ends| Bin { low: ends[0], high: ends[1], weight });
        Self {
            bundle: identity(manifest),
            prior: prior.collect(),
            queries: 0.0,
            seen: Vec::new(),
            owed: BTreeMap::new(),
        }
    }

    /// Reads a state that [`Traffic::to_json`] wrote.
    ///
    /// # Errors
    /// [`RouterError::TrafficBadState`] for text that is no state, a state of another format or bundle, and
    /// numbers out of range.
    pub fn from_json(json: &str, manifest: &Manifest) -> Result<Self, RouterError> {
        let bad = |detail: String| RouterError::TrafficBadState { detail };
        if json.len() > MAX_STATE_BYTES {
            let bytes = json.len();
            return Err(bad(format!("it has {bytes} bytes, the limit is {MAX_STATE_BYTES}")));
        }
        let state: State = serde_json::from_str(json).map_err(|e| bad(e.to_string()))?;
        let new = Self::new(manifest);
        state.check(&new.bundle).map_err(bad)?;
        let bin = |(low, high, weight)| Bin { low, high, weight };
        let mut seen: Vec<Bin> = state.seen.into_iter().map(bin).collect();
        sketch::unite(&mut seen);
        let mut owed = state.owed;
        owed.retain(|name, _| manifest.candidate_index(name).is_some());
        Ok(Self { queries: state.queries, seen, owed, ..new })
    }

    /// Writes the state as JSON, of some kB at most. It holds win rates and candidates' names, and no text
    /// of a query.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut seen = self.seen.clone();
        sketch::unite(&mut seen);
        let state = State {
            format: STATE_FORMAT,
            bundle: self.bundle.clone(),
            queries: self.queries,
            seen: seen.iter().map(|bin| (bin.low, bin.high, bin.weight)).collect(),
            owed: self.owed.clone(),
        };
        // Finite numbers and texts always serialise.
        serde_json::to_string(&state).unwrap_or_default()
    }

    /// How many queries were seen, those of merged states included.
    #[must_use]
    pub fn queries(&self) -> f64 {
        self.queries
    }

    /// Adds what another host has seen with the same bundle.
    ///
    /// # Errors
    /// [`RouterError::TrafficBadState`] where the bundles differ; nothing is then added.
    pub fn merge(&mut self, other: &Self) -> Result<(), RouterError> {
        check_bundle(&other.bundle, &self.bundle)
            .map_err(|detail| RouterError::TrafficBadState { detail })?;
        self.seen.extend_from_slice(&other.seen);
        sketch::unite(&mut self.seen);
        self.queries += other.queries;
        for (name, owed) in &other.owed {
            *self.owed.entry(name.clone()).or_default() += owed;
        }
        Ok(())
    }

    /// Adds a win rate, in [0, 1].
    pub(crate) fn add(&mut self, win_rate: f64) {
        sketch::fade(&mut self.seen, (-1.0 / HALF_LIFE).exp2());
        sketch::add(&mut self.seen, Bin::point(win_rate));
        self.queries += 1.0;
    }

    /// Adds a decision: the shares asked for, by name, and the candidate that was given.
    pub(crate) fn owe<'n>(&mut self, asked: impl Iterator<Item = (&'n str, f64)>, given: &str) {
        for (name, share) in asked {
            let owed = share - f64::from(u8::from(name == given));
            // No copy of a name that is known.
            match self.owed.get_mut(name) {
                Some(sum) => *sum += owed,
                None => {
                    self.owed.insert(name.to_owned(), owed);
                }
            }
        }
    }

    /// Finds the cut above which the candidates `names` answer `share`, in [0, 1], of the traffic.
    pub(crate) fn cut<'n>(&self, share: f64, names: impl Iterator<Item = &'n str>) -> Cut {
        let owed: f64 = names.filter_map(|name| self.owed.get(name)).sum();
        let corrected = share + GAIN * owed;
        if share <= 0.0 || (share < 1.0 && corrected <= 0.0) {
            return Cut::NONE;
        }
        if share >= 1.0 || corrected >= 1.0 {
            return Cut::ALL;
        }
        Cut::at_rank(&self.mixture(), 1.0 - corrected)
    }

    /// The tie-break of the next query, in [0, 1). Multiples of the golden ratio are spread evenly, those of
    /// every second or third query too.
    pub(crate) fn tie_break(&self) -> f64 {
        (self.queries * GOLDEN_RATIO).fract()
    }

    /// The prior and what was seen, in queries.
    fn mixture(&self) -> Vec<Bin> {
        let prior = PRIOR_QUERIES * (-self.queries / PRIOR_HALF_LIFE).exp2();
        let mut bins = self.seen.clone();
        if prior >= LEAST_PRIOR || bins.is_empty() {
            let prior = prior.max(LEAST_PRIOR);
            bins.extend(self.prior.iter().map(|bin| Bin { weight: prior * bin.weight, ..*bin }));
        }
        bins
    }
}

impl State {
    fn check(&self, bundle: &str) -> Result<(), String> {
        if self.format != STATE_FORMAT {
            let format = self.format;
            return Err(format!("it has format {format}, this engine reads {STATE_FORMAT}"));
        }
        check_bundle(&self.bundle, bundle)?;
        let counted = |value: f64| value.is_finite() && value >= 0.0;
        if !counted(self.queries) {
            return Err(format!("queries is {}, expected a number >= 0", self.queries));
        }
        let inside = |value: f64| (0.0..=1.0).contains(&value);
        for bin in &self.seen {
            let (low, high, weight) = *bin;
            if !(inside(low) && inside(high) && low <= high && counted(weight)) {
                return Err(format!(
                    "seen has {bin:?}, expected two ascending win rates in [0, 1] and a weight >= 0"
                ));
            }
        }
        match self.owed.iter().find(|(_, owed)| !owed.is_finite()) {
            Some((name, owed)) => Err(format!("owed to {} is {owed}", quoted(name))),
            None => Ok(()),
        }
    }
}

/// What win rates are of: the bundle's graph, and of kind `difficulty` the abilities of its pair.
fn identity(manifest: &Manifest) -> String {
    let model = manifest.files.iter().find(|file| file.name == MODEL);
    let model = model.map_or(&manifest.name, |file| &file.sha256);
    let ability = |index: usize| manifest.candidates[index].ability.as_ref();
    let abilities = manifest.pair().and_then(|(strong, weak)| ability(strong).zip(ability(weak)));
    match abilities.map(|pair| serde_json::to_string(&pair)) {
        Some(Ok(pair)) => format!("{model} {pair}"),
        // Finite numbers always serialise.
        Some(Err(_)) | None => model.clone(),
    }
}

fn check_bundle(found: &str, expected: &str) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!(
            "it is of another bundle or of another pair: model.onnx with SHA-256 {}, expected {}",
            quoted(found),
            quoted(expected)
        )),
    }
}

#[cfg(test)]
mod tests;
