//! Bradley-Terry ratings of models from their battles, on the Elo scale.
//!
//! The model: with ratings `r`, model `i` beats `j` with probability `1 / (1 + 10^((r_j - r_i) /
//! 400))`, and the ratings are the ones that make the battles most likely (Bradley and Terry,
//! 1952). A tie is half a win for each side. Only the matrix of wins is kept, so that battles may
//! be streamed; the ratings' mean is 1000.
//!
//! A model that never lost would have an infinite rating, and groups of models that never met
//! cannot be compared. So every model is given [`PRIOR_BATTLES`] battles more, tied, against an
//! imaginary model that stays at the scale's zero: ratings are finite and unique, and move by less
//! than one point where a model has a thousand battles of its own. [`Ratings`] says where the
//! prior decides.
//!
//! ```
//! use pointsman_trainer::data::{Battles, PreferenceRow};
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! let mut battles = Battles::default();
//! for (model_a, model_b, target) in [("large", "small", 1.0), ("small", "medium", 0.5)] {
//!     battles.add(&PreferenceRow {
//!         id: String::new(),
//!         query: String::new(),
//!         dataset: String::new(),
//!         model_a: model_a.to_owned(),
//!         model_b: model_b.to_owned(),
//!         target,
//!         weight: 1.0,
//!     })?;
//! }
//! let ratings = battles.ratings()?;
//! assert_eq!(ratings.models[0].name, "large");
//! assert!(ratings.prior_decides, "it never lost");
//! # Ok(())
//! # }
//! ```

use std::collections::{BTreeMap, HashMap};

use super::{DataError, PreferenceRow, elo_groups};

/// Tied battles that each model is given against an imaginary average model.
pub const PRIOR_BATTLES: f64 = 1.0;

/// Most models that are rated: more names than this mean that the columns are mixed up.
pub const MAX_RATED_MODELS: usize = 1_000;

const MEAN_RATING: f64 = 1000.0;

/// Rating points per unit of the natural scale: 400 points are odds of ten to one.
const POINTS: f64 = 400.0 / std::f64::consts::LN_10;

/// Battles between models, as the matrix of their wins.
#[derive(Debug, Clone, Default)]
pub struct Battles {
    models: Vec<String>,
    index: HashMap<String, usize>,
    /// Weight with which the first beat the second.
    wins: BTreeMap<(usize, usize), f64>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Ratings {
    /// The strongest first; models of equal rating by name.
    pub models: Vec<RatedModel>,
    /// Groups of models that met each other, directly or through others; between groups the prior
    /// alone says how ratings compare.
    pub groups: usize,
    /// Whether there are models, or groups of them, that never lost to the others (or never won):
    /// without the prior the distance between them would be infinite or unknown.
    pub prior_decides: bool,
}

/// One model's rating, and the battles it is based on.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RatedModel {
    pub name: String,
    /// Rating on the Elo scale; the mean over the models is 1000.
    pub rating: f64,
    /// Total weight of its battles.
    pub battles: f64,
    /// Total weight of the battles won, a tie counting half. Where this is 0, or equals `battles`,
    /// the prior decides how far the rating is from the others.
    pub wins: f64,
}

impl Battles {
    /// Adds a battle: `target` and `weight` of the row say how much of it each side won. Returns
    /// the indices of the two models in [`models`](Self::models).
    ///
    /// # Errors
    /// [`DataError::NoRatings`] beyond `MAX_RATED_MODELS` names.
    pub fn add(&mut self, row: &PreferenceRow) -> Result<(usize, usize), DataError> {
        self.battle(&row.model_a, &row.model_b, row.target, row.weight)
    }

    /// Adds a battle of two models by name, as [`add`](Self::add) does.
    ///
    /// # Errors
    /// [`DataError::NoRatings`] beyond `MAX_RATED_MODELS` names.
    pub fn battle(
        &mut self,
        model_a: &str,
        model_b: &str,
        target: f32,
        weight: f32,
    ) -> Result<(usize, usize), DataError> {
        let (a, b) = (self.model(model_a)?, self.model(model_b)?);
        let (target, weight) = (f64::from(target), f64::from(weight));
        *self.wins.entry((a, b)).or_default() += weight * target;
        *self.wins.entry((b, a)).or_default() += weight * (1.0 - target);
        Ok((a, b))
    }

    fn model(&mut self, name: &str) -> Result<usize, DataError> {
        if let Some(&at) = self.index.get(name) {
            return Ok(at);
        }
        let next = self.models.len();
        if next == MAX_RATED_MODELS {
            let example = super::cell::shortened(name);
            return Err(DataError::NoRatings {
                detail: format!(
                    "found more than {MAX_RATED_MODELS} models ({example:?} among them), expected \
                     model names. Check that the columns are not mixed up"
                ),
            });
        }
        self.models.push(name.to_owned());
        self.index.insert(name.to_owned(), next);
        Ok(next)
    }

    /// The models, in order of first appearance.
    #[must_use]
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// The weight with which the model at `a` of [`models`](Self::models) beat the one at `b`,
    /// ties counting half; 0 where they did not meet.
    #[must_use]
    pub fn wins(&self, a: usize, b: usize) -> f64 {
        self.wins.get(&(a, b)).copied().unwrap_or_default()
    }

    /// The ratings that make the battles most likely, by Newton's method.
    ///
    /// # Errors
    /// [`DataError::NoRatings`] without battles, or where weights are so large that sums of them
    /// are not finite.
    pub fn ratings(&self) -> Result<Ratings, DataError> {
        let n = self.models.len();
        let none = |detail: &str| DataError::NoRatings { detail: detail.to_owned() };
        if n == 0 {
            return Err(none("found no battle, expected at least one"));
        }
        let strengths = maximise(n, &self.wins)
            .ok_or_else(|| none("the weights are too large to be summed, expected smaller ones"))?;
        let mean = strengths.iter().sum::<f64>() / n as f64;
        let mut models: Vec<RatedModel> = self
            .models
            .iter()
            .zip(strengths)
            .map(|(name, strength)| RatedModel {
                name: name.clone(),
                rating: MEAN_RATING + POINTS * (strength - mean),
                battles: 0.0,
                wins: 0.0,
            })
            .collect();
        for (&(a, b), &won) in &self.wins {
            if let Some(model) = models.get_mut(a) {
                model.battles += won;
                model.wins += won;
            }
            if let Some(model) = models.get_mut(b) {
                model.battles += won;
            }
        }
        models.sort_by(|x, y| y.rating.total_cmp(&x.rating).then_with(|| x.name.cmp(&y.name)));
        let met = self.wins.keys().copied();
        let won = || self.wins.iter().filter(|(_, won)| **won > 0.0).map(|(&pair, _)| pair);
        let lost = won().map(|(a, b)| (b, a));
        Ok(Ratings {
            models,
            groups: groups(n, met),
            prior_decides: reached(n, 0, won()) < n || reached(n, 0, lost) < n,
        })
    }
}

impl Ratings {
    /// Elo group of each of [`models`](Self::models), 1 being the strongest; see [`elo_groups`].
    ///
    /// # Errors
    /// [`DataError::NoRatings`].
    pub fn elo_groups(&self, count: usize) -> Result<Vec<usize>, DataError> {
        elo_groups(&self.models.iter().map(|model| model.rating).collect::<Vec<f64>>(), count)
    }

    /// The models in the named groups of `count`: RouteLLM makes 10 and takes 1 and 2 as the strong
    /// set, 3 as the weak one.
    ///
    /// # Errors
    /// [`DataError::NoRatings`].
    pub fn in_elo_groups(&self, count: usize, wanted: &[usize]) -> Result<Vec<&str>, DataError> {
        let groups = self.elo_groups(count)?;
        let models = self.models.iter().zip(groups).filter(|(_, group)| wanted.contains(group));
        Ok(models.map(|(model, _)| model.name.as_str()).collect())
    }
}

/// `P(a beats b)` for strengths that differ by `x`.
fn win_probability(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `ln(win_probability(x))`, exact where that is next to 0.
fn ln_win(x: f64) -> f64 {
    if x > 0.0 { -(-x).exp().ln_1p() } else { x - x.exp().ln_1p() }
}

fn ln_likelihood(strengths: &[f64], wins: &BTreeMap<(usize, usize), f64>) -> f64 {
    let at = |model: usize| strengths.get(model).copied().unwrap_or_default();
    let battles: f64 = wins.iter().map(|(&(a, b), won)| won * ln_win(at(a) - at(b))).sum();
    let prior = |&strength: &f64| PRIOR_BATTLES / 2.0 * (ln_win(strength) + ln_win(-strength));
    battles + strengths.iter().map(prior).sum::<f64>()
}

/// The strengths on the natural scale, or `None` where sums are not finite. The likelihood is
/// strictly concave, so damped Newton steps lead to its one maximum from anywhere.
fn maximise(n: usize, wins: &BTreeMap<(usize, usize), f64>) -> Option<Vec<f64>> {
    const STEPS: usize = 200;
    const SMALLEST_STEP: f64 = 1e-12;
    let total: f64 = wins.values().sum();
    let mut strengths = vec![0.0; n];
    let mut likelihood = ln_likelihood(&strengths, wins);
    for _ in 0..STEPS {
        let (gradient, mut curvature) = derivatives(&strengths, wins);
        let largest = gradient.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        if largest <= 1e-10 * (1.0 + total / n as f64) {
            break;
        }
        let direction = solve(&mut curvature, gradient);
        let mut step = 1.0;
        loop {
            let moved: Vec<f64> =
                strengths.iter().zip(&direction).map(|(at, by)| at + step * by).collect();
            let better = ln_likelihood(&moved, wins);
            if better > likelihood {
                (strengths, likelihood) = (moved, better);
                break;
            }
            step /= 2.0;
            if step < SMALLEST_STEP {
                // What is left to gain is below the rounding error of the sums.
                return finite(strengths, likelihood);
            }
        }
    }
    finite(strengths, likelihood)
}

fn finite(strengths: Vec<f64>, likelihood: f64) -> Option<Vec<f64>> {
    (likelihood.is_finite() && strengths.iter().all(|s| s.is_finite())).then_some(strengths)
}

/// Gradient of the log-likelihood, and its negated second derivatives, row by row: symmetric and
/// positive definite.
fn derivatives(
    strengths: &[f64],
    wins: &BTreeMap<(usize, usize), f64>,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = strengths.len();
    let mut gradient = vec![0.0; n];
    let mut curvature = vec![vec![0.0; n]; n];
    let mut bend = |i: usize, j: usize, value: f64| {
        if let Some(cell) = curvature.get_mut(i).and_then(|row| row.get_mut(j)) {
            *cell += value;
        }
    };
    let mut pull = |i: usize, value: f64| {
        if let Some(cell) = gradient.get_mut(i) {
            *cell += value;
        }
    };
    let at = |model: usize| strengths.get(model).copied().unwrap_or_default();
    for (&(a, b), won) in wins {
        let p = win_probability(at(a) - at(b));
        pull(a, won * (1.0 - p));
        pull(b, -won * (1.0 - p));
        let c = won * p * (1.0 - p);
        bend(a, a, c);
        bend(b, b, c);
        bend(a, b, -c);
        bend(b, a, -c);
    }
    for (i, &strength) in strengths.iter().enumerate() {
        let p = win_probability(strength);
        pull(i, PRIOR_BATTLES * (0.5 - p));
        bend(i, i, PRIOR_BATTLES * p * (1.0 - p));
    }
    (gradient, curvature)
}

/// Solves `matrix x = right` for a symmetric positive definite matrix, by Cholesky's method; the
/// matrix is overwritten.
fn solve(matrix: &mut [Vec<f64>], mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>();
    // matrix = L L^T, with L in the lower triangle; L y = right on the way.
    for i in 0..n {
        let (above, rest) = matrix.split_at_mut(i);
        let Some(row) = rest.first_mut() else { break };
        for (j, upper) in above.iter().enumerate() {
            let (head, tail) = row.split_at_mut(j);
            if let (Some(cell), Some(pivot), Some(known)) =
                (tail.first_mut(), upper.get(j), upper.get(..j))
            {
                *cell = (*cell - dot(head, known)) / pivot;
            }
        }
        let (head, tail) = row.split_at_mut(i);
        let (known, unknown) = right.split_at_mut(i);
        if let (Some(pivot), Some(value)) = (tail.first_mut(), unknown.first_mut()) {
            *pivot = (*pivot - dot(head, head)).max(f64::MIN_POSITIVE).sqrt();
            *value = (*value - dot(head, known)) / *pivot;
        }
    }
    // L^T x = y.
    for i in (0..n).rev() {
        let Some(row) = matrix.get(i) else { break };
        let (known, rest) = right.split_at_mut(i);
        if let (Some(value), Some(pivot)) = (rest.first_mut(), row.get(i)) {
            *value /= pivot;
            for (left, factor) in known.iter_mut().zip(row) {
                *left -= factor * *value;
            }
        }
    }
    right
}

/// Number of groups into which the pairs join `n` things.
fn groups(n: usize, pairs: impl Iterator<Item = (usize, usize)>) -> usize {
    let both: Vec<_> = pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect();
    let next = neighbours(n, both.into_iter());
    let mut seen = vec![false; n];
    (0..n).filter(|&start| visit(start, &next, &mut seen) > 0).count()
}

/// Number of the `n` things that can be reached from `start` along the pairs, `start` included.
fn reached(n: usize, start: usize, pairs: impl Iterator<Item = (usize, usize)>) -> usize {
    visit(start, &neighbours(n, pairs), &mut vec![false; n])
}

fn neighbours(n: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); n];
    for (a, b) in pairs {
        if let Some(list) = next.get_mut(a) {
            list.push(b);
        }
    }
    next
}

/// Marks what can be reached from `start` and was not seen before, and counts it.
fn visit(start: usize, next: &[Vec<usize>], seen: &mut [bool]) -> usize {
    let mut open = vec![start];
    let mut count = 0;
    while let Some(at) = open.pop() {
        match seen.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        count += 1;
        open.extend(next.get(at).into_iter().flatten());
    }
    count
}

#[cfg(test)]
mod tests;
