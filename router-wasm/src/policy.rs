//! Turns scores, prices and constraints into a decision.
//!
//! Between a strong and a weak candidate the win rate is compared with a threshold alpha: strong iff
//! win rate >= alpha (RouteLLM, section 3). The bundle's [`Calibration`], or the [`Traffic`] that a host
//! has seen, turns a share of strong calls into a threshold. Shares of several candidates divide the
//! queries by win rate, the highest to the ablest. Else, among several candidates or with a cost weight,
//! the best `score - cost_weight * cost` is chosen (RouterDC's cost-aware variant). Candidates above
//! `max_cost`, or whose context window does not hold the input and a short answer, are excluded first.

mod shares;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::RouterError;
use crate::manifest::{Calibration, Manifest};
use crate::traffic::Traffic;
use shares::Shares;

/// Output tokens assumed for a cost estimate where the caller states none.
pub const DEFAULT_OUTPUT_TOKENS: u32 = 256;

/// Output tokens that must fit into a candidate's context window beside the input. A caller's limit is a
/// maximum, and most answers are far below it.
pub const SHORT_ANSWER_TOKENS: u32 = 256;

/// Fraction of the way that an easier turn moves a conversation's rating towards its own, where the
/// caller states none.
pub const DEFAULT_TURN_DECAY: f64 = 0.3;

/// How to turn scores into a decision. The default is the bundle's own share of strong calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Alpha in [0, 1]: strong iff win rate >= alpha.
    pub threshold: Option<f64>,
    /// Share of strong calls in [0, 1], turned into a threshold by the bundle's calibration, or by the
    /// traffic that the host has seen.
    pub strong_share: Option<f64>,
    /// Share of each candidate's calls in [0, 1], by its name; they sum to 1. The queries with the highest
    /// win rates go to the ablest candidate. Candidates that are not named are not chosen.
    pub shares: Option<BTreeMap<String, f64>>,
    /// Highest estimated cost of the request in USD, >= 0.
    pub max_cost: Option<f64>,
    /// Score given up per USD, >= 0: chooses the best `score - cost_weight * cost`.
    pub cost_weight: Option<f64>,
    /// The candidates allowed; all of the bundle's where absent.
    pub candidates: Option<Vec<String>>,
    /// Output tokens to estimate costs with; [`DEFAULT_OUTPUT_TOKENS`] where absent. Of these a context
    /// window must hold [`SHORT_ANSWER_TOKENS`], or fewer if these are fewer.
    pub output_tokens: Option<u32>,
    /// Tokens of all that the LLM will read, for costs and context windows; the query's where
    /// absent.
    pub input_tokens: Option<u32>,
    /// Fraction of the way, in [0, 1], that an easier turn moves a conversation's rating towards its
    /// own; [`DEFAULT_TURN_DECAY`] where absent. With 1 only the last turn counts.
    pub turn_decay: Option<f64>,
}

/// Which LLM answers, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The chosen candidate.
    pub model: String,
    /// Why.
    pub reason: Reason,
    /// Win rate of strong over weak, in [0, 1]; absent where the bundle has no such pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub win_rate: Option<f64>,
    /// The threshold used, in [0, 1]; absent where the decision was not by threshold. By share of several
    /// candidates: the win rate from which on queries are the chosen one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Where the threshold is from; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_from: Option<ThresholdFrom>,
    /// Every candidate of the bundle, in its order.
    pub scores: Vec<CandidateScore>,
    /// Tokens of the query's whole text, by the bundle's tokenizer, and at least one in eight bytes; costs
    /// and context windows are computed with them unless the policy states `input_tokens`.
    pub tokens: usize,
    /// Tokens of the text that the router read, summed over the turns rated: fewer than `tokens` where a
    /// part of a long text was left out.
    pub rated_tokens: usize,
    /// Estimated USD for the chosen candidate, where its prices are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_cost: Option<f64>,
}

/// A candidate's score and cost for one query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateScore {
    /// The candidate.
    pub model: String,
    /// Expected quality in [0, 1], as the router kind defines it.
    pub score: f64,
    /// Estimated USD, where prices are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_cost: Option<f64>,
}

/// What a threshold was computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdFrom {
    /// The policy states it.
    Policy,
    /// A share, by the bundle's calibration.
    Bundle,
    /// A share, by the traffic that the host has seen.
    Traffic,
}

impl ThresholdFrom {
    /// Its name, as JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Bundle => "bundle",
            Self::Traffic => "traffic",
        }
    }
}

/// Why a candidate was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The strong candidate: the win rate reaches the threshold.
    AboveThreshold,
    /// The weak candidate: the win rate is below the threshold.
    BelowThreshold,
    /// The best score, less its weighted cost, among the candidates allowed.
    BestScore,
    /// The candidate in whose share of the traffic the win rate lies, or the next abler one that meets the
    /// constraints.
    ByShare,
    /// The only candidate that meets the constraints.
    OnlyCandidate,
}

/// A router's rating of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Expected quality of each candidate in [0, 1], in the manifest's order.
    pub scores: Vec<f64>,
    /// Win rate of the manifest's strong candidate over its weak one, in [0, 1].
    pub win_rate: Option<f64>,
    /// Estimated tokens of the query's whole text.
    pub tokens: usize,
    /// Tokens of the text that the graph read, summed over the turns.
    pub rated_tokens: usize,
}

impl Assessment {
    /// Combines this rating of the turns so far with that of the next turn. A harder turn replaces the
    /// rating; an easier one moves every number by the fraction `turn_decay`, in [0, 1], of the way
    /// towards its own. Harder means a higher win rate, or a lower mean score where there is no pair.
    /// Tokens add up.
    #[must_use]
    pub fn then(self, next: Self, turn_decay: f64) -> Self {
        let tokens = self.tokens + next.tokens;
        let rated_tokens = self.rated_tokens + next.rated_tokens;
        if next.difficulty() >= self.difficulty() {
            return Self { tokens, rated_tokens, ..next };
        }
        let towards = |from: f64, to: f64| from + turn_decay * (to - from);
        Self {
            scores: self.scores.iter().zip(&next.scores).map(|(&a, &b)| towards(a, b)).collect(),
            win_rate: self.win_rate.zip(next.win_rate).map(|(a, b)| towards(a, b)),
            tokens,
            rated_tokens,
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn difficulty(&self) -> f64 {
        let mean = || self.scores.iter().sum::<f64>() / self.scores.len() as f64;
        self.win_rate.unwrap_or_else(|| -mean())
    }
}

impl Policy {
    /// A policy with a threshold on the win rate, in [0, 1]: 0 always chooses the strong candidate.
    /// Other values are refused when the policy is used.
    #[must_use]
    pub fn threshold(alpha: f64) -> Self {
        Self { threshold: Some(alpha), ..Self::default() }
    }

    /// A policy with a share of strong calls, in [0, 1]: 0.2 is a fifth of queries like those of the
    /// bundle's calibration. Other values are refused when the policy is used.
    #[must_use]
    pub fn strong_share(share: f64) -> Self {
        Self { strong_share: Some(share), ..Self::default() }
    }

    /// Checks ranges and names, before anything is computed.
    ///
    /// # Errors
    /// Any `policy_*` error.
    pub fn check(&self, manifest: &Manifest) -> Result<(), RouterError> {
        let in_range = |field, value: Option<f64>, top: f64, expected| match value {
            Some(v) if !(v >= 0.0 && v <= top) => {
                Err(RouterError::PolicyOutOfRange { field, found: v.to_string(), expected })
            }
            _ => Ok(()),
        };
        in_range("threshold", self.threshold, 1.0, "a number in [0, 1]")?;
        in_range("strongShare", self.strong_share, 1.0, "a number in [0, 1]")?;
        in_range("turnDecay", self.turn_decay, 1.0, "a number in [0, 1]")?;
        in_range("maxCost", self.max_cost, f64::MAX, "USD, >= 0 and finite")?;
        in_range("costWeight", self.cost_weight, f64::MAX, "score per USD, >= 0 and finite")?;
        let stated = [
            ("threshold", self.threshold.is_some()),
            ("strongShare", self.strong_share.is_some()),
            ("shares", self.shares.is_some()),
            ("costWeight", self.cost_weight.is_some()),
        ];
        let mut stated = stated.into_iter().filter_map(|(field, is)| is.then_some(field));
        let by = stated.next();
        if let Some((first, second)) = by.zip(stated.next()) {
            return Err(RouterError::PolicyContradiction { first, second });
        }
        if let Some(field) = by.filter(|field| *field != "costWeight") {
            if manifest.head.strong.is_none() {
                return Err(RouterError::PolicyUnsupported {
                    field,
                    missing: "this bundle has no strong and weak candidate; choose by costWeight \
                              or maxCost"
                        .into(),
                });
            }
            if field != "threshold" && manifest.calibration.is_none() {
                return Err(RouterError::PolicyUnsupported {
                    field,
                    missing: "this bundle has no calibration; give a threshold, or calibrate it"
                        .into(),
                });
            }
        }
        if let Some(shares) = &self.shares {
            Shares::read(shares, manifest)?;
        }
        for found in self.candidates.iter().flatten() {
            if manifest.candidate_index(found).is_none() {
                return Err(RouterError::PolicyUnknownModel {
                    found: found.clone(),
                    expected: manifest.candidate_names(),
                });
            }
        }
        Ok(())
    }

    /// Decides on one query. The policy must have passed [`Policy::check`].
    ///
    /// # Errors
    /// [`RouterError::NoCandidate`]; [`RouterError::PolicyUnsupported`] where a cost is needed and
    /// a price is not known.
    pub fn decide(
        &self,
        manifest: &Manifest,
        assessment: &Assessment,
    ) -> Result<Decision, RouterError> {
        self.decide_among(manifest, assessment, None)
    }

    /// Decides as [`Policy::decide`] does; a share is one of the traffic, where there is one. The query
    /// is not added to the traffic: [`Policy::learn`] does that.
    ///
    /// # Errors
    /// Those of [`Policy::decide`].
    pub fn decide_among(
        &self,
        manifest: &Manifest,
        assessment: &Assessment,
        traffic: Option<&Traffic>,
    ) -> Result<Decision, RouterError> {
        let tokens = self.input_tokens.map_or(assessment.tokens, |tokens| tokens as usize);
        let costs = self.costs(manifest, tokens);
        let left = self.candidates_left(manifest, tokens, &costs)?;
        let by_win_rate = self.by_win_rate(manifest)?.filter(|shares| shares.apply_to(&left));
        let (chosen, reason, threshold) = match (left.as_slice(), by_win_rate, assessment.win_rate)
        {
            ([only], ..) => (*only, Reason::OnlyCandidate, None),
            (_, Some(shares), Some(win_rate)) => {
                let (rank, threshold, from) = shares.pick(manifest, win_rate, traffic);
                let reason = match (self.shares.is_some(), rank) {
                    (true, _) => Reason::ByShare,
                    (false, 0) => Reason::BelowThreshold,
                    (false, _) => Reason::AboveThreshold,
                };
                (shares.next_left(rank, &left), reason, Some((threshold, from)))
            }
            _ => (self.best(manifest, assessment, &costs, &left)?, Reason::BestScore, None),
        };
        let scores = manifest
            .candidates
            .iter()
            .zip(&assessment.scores)
            .zip(&costs)
            .map(|((candidate, &score), &estimated_cost)| CandidateScore {
                model: candidate.id.clone(),
                score,
                estimated_cost,
            })
            .collect();
        Ok(Decision {
            model: manifest.candidates[chosen].id.clone(),
            reason,
            win_rate: assessment.win_rate,
            threshold: threshold.map(|(threshold, _)| threshold),
            threshold_from: threshold.map(|(_, from)| from),
            scores,
            tokens: assessment.tokens,
            rated_tokens: assessment.rated_tokens,
            estimated_cost: costs[chosen],
        })
    }

    /// Adds a decided query to the traffic: its win rate, and where the decision was by a share of the
    /// traffic the candidate that was given.
    pub fn learn(&self, manifest: &Manifest, decision: &Decision, traffic: &mut Traffic) {
        let Some(win_rate) = decision.win_rate else { return };
        traffic.add(win_rate);
        if decision.threshold_from == Some(ThresholdFrom::Traffic)
            && let Ok(Some(shares)) = self.by_win_rate(manifest)
        {
            traffic.owe(shares.named(manifest), &decision.model);
        }
    }

    /// Whether the candidate `model` is abler than `other`, as far as the policy divides the queries between
    /// the two by win rate.
    #[must_use]
    pub fn is_abler(&self, manifest: &Manifest, model: &str, other: &str) -> bool {
        let Ok(Some(shares)) = self.by_win_rate(manifest) else { return false };
        let place = |name: &str| shares.named(manifest).position(|(found, _)| found == name);
        place(model).zip(place(other)).is_some_and(|(one, other)| one > other)
    }

    /// How this policy divides the queries by win rate; none where it does not.
    fn by_win_rate(&self, manifest: &Manifest) -> Result<Option<Shares>, RouterError> {
        if self.cost_weight.is_some() {
            return Ok(None);
        }
        if let Some(shares) = &self.shares {
            return Shares::read(shares, manifest).map(Some);
        }
        let Some((strong, weak)) = manifest.pair() else { return Ok(None) };
        if let Some(alpha) = self.threshold {
            return Ok(Some(Shares::threshold(weak, strong, alpha)));
        }
        let share = self.strong_share.or(manifest.head.default_strong_share);
        let share = share.filter(|_| manifest.calibration.is_some());
        Ok(share.map(|share| Shares::strong(weak, strong, share)))
    }

    /// The turn decay, [`DEFAULT_TURN_DECAY`] where absent.
    #[must_use]
    pub fn turn_decay(&self) -> f64 {
        self.turn_decay.unwrap_or(DEFAULT_TURN_DECAY)
    }

    fn output_tokens(&self) -> u32 {
        self.output_tokens.unwrap_or(DEFAULT_OUTPUT_TOKENS)
    }

    #[allow(clippy::cast_precision_loss)]
    fn costs(&self, manifest: &Manifest, tokens: usize) -> Vec<Option<f64>> {
        let output = f64::from(self.output_tokens());
        manifest
            .candidates
            .iter()
            .map(|candidate| {
                let (input_price, output_price) =
                    candidate.input_price.zip(candidate.output_price)?;
                Some((tokens as f64 * input_price + output * output_price) / 1e6)
            })
            .collect()
    }

    fn candidates_left(
        &self,
        manifest: &Manifest,
        tokens: usize,
        costs: &[Option<f64>],
    ) -> Result<Vec<usize>, RouterError> {
        let answer = self.output_tokens().min(SHORT_ANSWER_TOKENS);
        let needed = tokens as u64 + u64::from(answer);
        let mut left = Vec::new();
        let mut out = Vec::new();
        for (i, candidate) in manifest.candidates.iter().enumerate() {
            let id = &candidate.id;
            if self.candidates.as_ref().is_some_and(|allowed| !allowed.contains(id)) {
                out.push(format!("{id} is not in the policy's candidates"));
            } else if self.shares.as_ref().is_some_and(|shares| !shares.contains_key(id)) {
                out.push(format!("{id} is not in the policy's shares"));
            } else if let Some(window) = candidate.context_window.filter(|&w| w < needed) {
                out.push(format!("{id} takes {window} tokens, {needed} are needed"));
            } else if let Some(max_cost) = self.max_cost {
                match costs[i] {
                    Some(cost) if cost <= max_cost => left.push(i),
                    Some(cost) => {
                        out.push(format!("{id} would cost {cost:.6} USD, maxCost is {max_cost}"));
                    }
                    None => return Err(price_unknown("maxCost", id)),
                }
            } else {
                left.push(i);
            }
        }
        match left.is_empty() {
            true => Err(RouterError::NoCandidate { detail: out.join("; ") }),
            false => Ok(left),
        }
    }

    fn best(
        &self,
        manifest: &Manifest,
        assessment: &Assessment,
        costs: &[Option<f64>],
        left: &[usize],
    ) -> Result<usize, RouterError> {
        let mut best = (left[0], f64::NEG_INFINITY);
        for &i in left {
            let penalty = match (self.cost_weight, costs[i]) {
                (None, _) => 0.0,
                (Some(weight), Some(cost)) => weight * cost,
                (Some(_), None) => {
                    return Err(price_unknown("costWeight", &manifest.candidates[i].id));
                }
            };
            let value = assessment.scores[i] - penalty;
            if value > best.1 {
                best = (i, value);
            }
        }
        Ok(best.0)
    }
}

impl Calibration {
    /// The threshold at which `share` (in [0, 1]) of the sample's queries go to the strong
    /// candidate: the win rate's quantile at `1 - share`, linearly interpolated. A share of 0 gives 1,
    /// a share of 1 gives 0, whatever the sample.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn threshold_at_share(&self, share: f64) -> f64 {
        if share <= 0.0 {
            return 1.0;
        }
        if share >= 1.0 {
            return 0.0;
        }
        let last = self.quantiles.len() - 1;
        let position = (1.0 - share) * last as f64;
        let below = (position.floor() as usize).min(last - 1);
        let fraction = position - below as f64;
        let (low, high) = (self.quantiles[below], self.quantiles[below + 1]);
        (low + (high - low) * fraction).clamp(low, high)
    }
}

fn price_unknown(field: &'static str, id: &str) -> RouterError {
    RouterError::PolicyUnsupported {
        field,
        missing: format!(
            "the prices of {id} are not known; state them in router.json, or leave {id} out of candidates"
        ),
    }
}
