//! A host's own LLMs in place of the candidates that a bundle states.
//!
//! A bundle of kind `difficulty` rates queries, not LLMs, so its candidates can be anybody's: each stands
//! for one of the bundle's (`role`), has the usual ability of its `tier`, an `ability` of its own, or one
//! fitted to its `outcomes`. The pair of strong and weak is the ablest and the least able of them, unless
//! stated; quantiles of its win rate follow from the calibration's demands. Bundles of other kinds rate the
//! LLMs that they were trained for: there a `role` renames one.
//!
//! ```
//! use pointsman::Candidates;
//!
//! let candidates = Candidates::from_json(
//!     r#"{"candidates": [{"id": "my-large", "tier": "large", "inputPrice": 2.5, "outputPrice": 10},
//!                        {"id": "my-small", "role": "small"},
//!                        {"id": "my-new", "outcomes": [{"query": "Prove it.", "score": 0.5}]}],
//!         "weak": "my-small"}"#,
//! )
//! .unwrap();
//! assert_eq!(candidates.candidates.len(), 3);
//! ```

mod prior;

use serde::{Deserialize, Serialize};

use crate::ability::{Ability, AbilityPenalty};
use crate::error::{RouterError, quoted};
use crate::kind::Kind;
use crate::manifest::{Calibration, Candidate, Manifest};
use crate::numeric::quantile;
use prior::unknown_role;

pub use prior::AbilityPrior;

/// Most outcomes of one LLM that a host may give.
pub(crate) const MAX_OUTCOMES: usize = 10_000;

/// The LLMs that a host routes between.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Candidates {
    /// The LLMs. For kind `difficulty` they replace the bundle's candidates; for another kind each renames
    /// one, and the others stay.
    pub candidates: Vec<OwnCandidate>,
    /// The strong candidate of the pair; the ablest where absent, and for kinds other than `difficulty` the
    /// bundle's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strong: Option<String>,
    /// The weak candidate of the pair; the least able where absent, and for kinds other than `difficulty`
    /// the bundle's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weak: Option<String>,
}

/// A host's LLM. One of `role`, `tier` and `ability` states how able it is; beside `outcomes` it is where
/// their fit begins. With none of them it is the bundle's candidate of the same name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnCandidate {
    /// The model's identifier, which decisions state.
    pub id: String,
    /// `role`, `tier` and `ability`, which stand beside the other fields in JSON.
    #[serde(flatten)]
    pub prior: AbilityPrior,
    /// Its outcomes, to which an ability is fitted at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Vec<Outcome>>,
    /// USD per million input tokens. Like the other price and the window it is that of the bundle's candidate
    /// of the same name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_price: Option<f64>,
    /// USD per million output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_price: Option<f64>,
    /// Context window in tokens, input and output together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
}

/// How well an LLM answered a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The query's text.
    pub query: String,
    /// The score of the answer, in [0, 1].
    pub score: f64,
}

impl Outcome {
    /// Reads `[{"query": ..., "score": ...}, ...]`.
    ///
    /// # Errors
    /// [`RouterError::OutcomesInvalid`].
    pub fn list_from_json(json: &str) -> Result<Vec<Self>, RouterError> {
        serde_json::from_str(json)
            .map_err(|error| RouterError::OutcomesInvalid { detail: error.to_string() })
    }
}

impl Candidates {
    /// Reads `{"candidates": [...], "strong", "weak"}`.
    ///
    /// # Errors
    /// [`RouterError::CandidatesInvalid`].
    pub fn from_json(json: &str) -> Result<Self, RouterError> {
        serde_json::from_str(json).map_err(|error| {
            let detail = error.to_string();
            // Where fields are flattened, serde names an unknown one without those that it knows.
            invalid(match detail.starts_with("unknown field") && !detail.contains("expected") {
                true => format!("{detail}: expected {}", OwnCandidate::FIELDS.join(", ")),
                false => detail,
            })
        })
    }

    /// The manifest with these candidates in place of the bundle's. Curves, metrics and the map of other
    /// candidates are left out; `demands` computes a query's.
    ///
    /// # Errors
    /// [`RouterError::CandidatesInvalid`], [`RouterError::OutcomesInvalid`],
    /// [`RouterError::DemandsUnsupported`], and those of `demands`.
    pub(crate) fn replace(
        &self,
        manifest: &Manifest,
        kind: Kind,
        demands: impl Fn(&str) -> Result<Vec<f64>, RouterError>,
    ) -> Result<Manifest, RouterError> {
        if self.candidates.is_empty() {
            return Err(invalid("found no candidate, expected at least one".into()));
        }
        let mut replaced = match kind {
            Kind::Difficulty => self.by_ability(manifest, demands)?,
            _ => self.renamed(manifest)?,
        };
        for (role, stated) in [("strong", &self.strong), ("weak", &self.weak)] {
            if let Some(id) = stated
                && replaced.candidate_index(id).is_none()
            {
                let names = replaced.candidate_names();
                let found = quoted(id);
                return Err(invalid(format!("{role} is {found}: expected one of {names}")));
            }
        }
        match kind {
            Kind::Difficulty => {
                self.name_pair(&mut replaced);
                keep_what_holds(manifest, &mut replaced);
            }
            _ => self.check_pair(&replaced)?,
        }
        replaced.check().map_err(invalid)?;
        Ok(replaced)
    }

    fn by_ability(
        &self,
        manifest: &Manifest,
        demands: impl Fn(&str) -> Result<Vec<f64>, RouterError>,
    ) -> Result<Manifest, RouterError> {
        let mut candidates = Vec::with_capacity(self.candidates.len());
        for own in &self.candidates {
            let of = |detail: String| invalid(format!("{}: {detail}", quoted(&own.id)));
            let prior = own.prior_in(manifest);
            let ability = match &own.outcomes {
                Some(outcomes) => {
                    let prior = prior.resolve(manifest).map_err(of)?;
                    fit(outcomes, &prior, &demands).map_err(|error| match error {
                        RouterError::OutcomesInvalid { detail } => {
                            let detail = format!("{}: {detail}", quoted(&own.id));
                            RouterError::OutcomesInvalid { detail }
                        }
                        other => other,
                    })?
                }
                None => prior.stated(manifest).map_err(of)?.ok_or_else(|| {
                    let names = manifest.candidate_names();
                    let expected =
                        "expected role, tier, ability or outcomes, or the name of one of";
                    of(format!("nothing says how able it is: {expected} {names}"))
                })?,
            };
            candidates.push(own.candidate(Some(ability), manifest));
        }
        Ok(Manifest { candidates, ..manifest.clone() })
    }

    /// The manifest with candidates renamed.
    fn renamed(&self, manifest: &Manifest) -> Result<Manifest, RouterError> {
        let mut renamed = manifest.clone();
        let mut taken = vec![false; manifest.candidates.len()];
        for own in &self.candidates {
            let of = |detail: String| invalid(format!("{}: {detail}", quoted(&own.id)));
            let AbilityPrior { role, tier, ability } = &own.prior;
            if tier.is_some() || ability.is_some() || own.outcomes.is_some() {
                return Err(RouterError::DemandsUnsupported { kind: manifest.kind.clone() });
            }
            let role = role.as_ref().unwrap_or(&own.id);
            let index = manifest.candidate_index(role);
            let index = index.ok_or_else(|| of(unknown_role(role, manifest)))?;
            if std::mem::replace(&mut taken[index], true) {
                let detail = format!("another candidate has the role {} already", quoted(role));
                return Err(of(detail));
            }
            renamed.candidates[index] = own.candidate(None, manifest);
            // Compared with the bundle's names: a new name may be another candidate's old one.
            if manifest.head.strong.as_ref() == Some(role) {
                renamed.head.strong = Some(own.id.clone());
            }
            if manifest.head.weak.as_ref() == Some(role) {
                renamed.head.weak = Some(own.id.clone());
            }
            for (curve, before) in renamed.curves.iter_mut().zip(&manifest.curves) {
                for (quality, before) in curve.candidates.iter_mut().zip(&before.candidates) {
                    if before.id == *role {
                        quality.id.clone_from(&own.id);
                    }
                }
            }
        }
        Ok(renamed)
    }

    /// Names the pair: as stated, else the ablest and the least able; none of a lone candidate.
    fn name_pair(&self, manifest: &mut Manifest) {
        // Not the cached ones: pair and calibration are still to be changed.
        let means = manifest.compute_mean_qualities().unwrap_or_default();
        let mut means: Vec<(f64, &String)> =
            means.into_iter().zip(manifest.candidates.iter().map(|c| &c.id)).collect();
        // Stable: of equally able candidates the first counts as the abler.
        means.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ids = || means.iter().map(|(_, id)| *id);
        let strong =
            self.strong.as_ref().or_else(|| ids().find(|id| Some(*id) != self.weak.as_ref()));
        let weak = self.weak.as_ref().or_else(|| ids().rev().find(|id| Some(*id) != strong));
        let pair = strong.cloned().zip(weak.cloned());
        (manifest.head.strong, manifest.head.weak) = pair.unzip();
    }

    /// Checks that a stated pair is the bundle's.
    fn check_pair(&self, renamed: &Manifest) -> Result<(), RouterError> {
        let head = &renamed.head;
        let other = |stated: &Option<String>, own| stated.is_some() && stated != own;
        if other(&self.strong, &head.strong) || other(&self.weak, &head.weak) {
            return Err(invalid(format!(
                "strong and weak are those of the bundle, which is of kind {}: leave them out",
                quoted(&renamed.kind)
            )));
        }
        Ok(())
    }
}

impl OwnCandidate {
    /// Its fields in JSON.
    const FIELDS: [&str; 8] =
        ["id", "role", "tier", "ability", "outcomes", "inputPrice", "outputPrice", "contextWindow"];

    /// What is stated of its ability; of a name that the bundle has, that candidate's.
    fn prior_in(&self, manifest: &Manifest) -> AbilityPrior {
        let named = || manifest.candidate_index(&self.id).is_some();
        match self.prior == AbilityPrior::default() && named() {
            true => AbilityPrior { role: Some(self.id.clone()), ..AbilityPrior::default() },
            false => self.prior.clone(),
        }
    }

    /// The candidate, with prices and window of the bundle's candidate of this name where it states none.
    fn candidate(&self, ability: Option<Ability>, manifest: &Manifest) -> Candidate {
        let same = manifest.candidates.iter().find(|candidate| candidate.id == self.id);
        let same = same.cloned().unwrap_or_default();
        let priced_here = self.input_price.is_some() || self.output_price.is_some();
        Candidate {
            id: self.id.clone(),
            input_price: self.input_price.or(same.input_price),
            output_price: self.output_price.or(same.output_price),
            prices_as_of: same.prices_as_of.filter(|_| !priced_here),
            context_window: self.context_window.or(same.context_window),
            ability,
        }
    }
}

/// Fits an ability to outcomes; `demands` computes a query's.
///
/// # Errors
/// [`RouterError::OutcomesInvalid`], which names the outcome, also for a query that cannot be rated.
pub(crate) fn fit(
    outcomes: &[Outcome],
    prior: &Ability,
    demands: impl Fn(&str) -> Result<Vec<f64>, RouterError>,
) -> Result<Ability, RouterError> {
    if outcomes.len() > MAX_OUTCOMES {
        let count = outcomes.len();
        let detail = format!("there are {count}: expected at most {MAX_OUTCOMES}");
        return Err(RouterError::OutcomesInvalid { detail });
    }
    let of = |(at, outcome): (usize, &Outcome)| {
        demands(&outcome.query).map_err(|error| match error {
            RouterError::QueryEmpty
            | RouterError::QueryTooLong { .. }
            | RouterError::QueryIllFormed { .. } => {
                RouterError::OutcomesInvalid { detail: format!("outcome {at}: {error}") }
            }
            other => other,
        })
    };
    let rows = outcomes.iter().enumerate().map(of).collect::<Result<Vec<_>, _>>()?;
    let scores: Vec<f64> = outcomes.iter().map(|outcome| outcome.score).collect();
    Ability::fit(&rows, &scores, prior, AbilityPenalty::default())
}

/// Leaves out what was measured of other candidates, and sets the quantiles of the pair's win rate.
fn keep_what_holds(before: &Manifest, after: &mut Manifest) {
    let abilities = |manifest: &Manifest| {
        let (strong, weak) = manifest.pair()?;
        let of = |index: usize| manifest.candidates[index].ability.clone();
        Some((of(strong)?, of(weak)?))
    };
    let (old, new) = (abilities(before), abilities(after));
    let same_pair = old == new;
    if !same_pair {
        let calibration = after.calibration.take();
        after.calibration = new
            .zip(calibration)
            .and_then(|((strong, weak), calibration)| calibration.of_pair(&strong, &weak));
    }
    let same = |(a, b): (&Candidate, &Candidate)| a.id == b.id && a.ability == b.ability;
    let all_same = before.candidates.len() == after.candidates.len()
        && before.candidates.iter().zip(&after.candidates).all(same);
    if !(same_pair && all_same) {
        after.curves.clear();
        after.metrics.clear();
        after.map = None;
    }
}

impl Calibration {
    /// The calibration of a pair of these abilities, with as many quantiles; none without demands.
    fn of_pair(self, strong: &Ability, weak: &Ability) -> Option<Self> {
        let rate =
            |demands: &Vec<f64>| Ability::win_rate(strong.quality(demands), weak.quality(demands));
        let mut ascending: Vec<f64> = self.demand_rows()?.iter().map(rate).collect();
        ascending.sort_by(f64::total_cmp);
        let last = self.quantiles.len() - 1;
        let quantiles = (0..=last).map(|part| quantile(&ascending, part, last)).collect();
        Some(Self { quantiles, ..self })
    }
}

fn invalid(detail: String) -> RouterError {
    RouterError::CandidatesInvalid { detail }
}
