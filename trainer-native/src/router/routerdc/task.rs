//! The losses of RouterDC, CosineClassifier and ZOOTER on scored queries.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use super::network::LlmVectors;
use super::queries::ScoredQuery;
use crate::encoder::trainable::{Limits, TrainableEncoder, WithHead, check_ids};
use crate::error::TrainerError;
use crate::random::RandomStream;
use crate::recipe::{RouterDcLoss, RouterDcRecipe};
use crate::tensors::floats;
use crate::training::fine_tune::{Loss, Objective};

/// Queries assessed in one batch.
const ASSESSED: usize = 32;

/// Training and validation rows, and the loss.
#[derive(Debug, Clone)]
pub struct RouterDcTask {
    train: Vec<ScoredQuery>,
    validation: Vec<ScoredQuery>,
    settings: RouterDcRecipe,
    ties: Ties,
    device: Device,
}

/// Which of several LLMs of equal score counts as better where only some are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ties {
    /// The earlier candidate.
    #[default]
    InOrder,
    /// One drawn for the query, so that a candidate added later has the same chance.
    Drawn(u64),
}

impl Ties {
    /// Key that orders the LLMs of one score, least first.
    fn key(self, query: &ScoredQuery, llm: usize) -> u64 {
        match self {
            Self::InOrder => llm as u64,
            Self::Drawn(seed) => {
                let ids = query.ids.iter().map(|&id| u64::from(id));
                ids.chain([llm as u64]).fold(seed, |state, part| mixed(state ^ mixed(part)))
            }
        }
    }
}

/// Input of a loss besides directions and cosines: rows `[B]` by LLMs `[T]`.
struct Batch<'a> {
    rows: Vec<&'a ScoredQuery>,
    candidates: usize,
}

impl Batch<'_> {
    fn matrix(&self, value: impl Fn(usize, usize) -> f32, device: &Device) -> Tensor<2> {
        let shape = [self.rows.len(), self.candidates];
        let values = (0..shape[0])
            .flat_map(|row| (0..shape[1]).map(move |llm| (row, llm)))
            .map(|(r, l)| value(r, l));
        Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), device)
    }
}

impl RouterDcTask {
    /// Checks the rows against the limits of the encoder; tensors go to `device`, which has
    /// autodiff.
    ///
    /// # Errors
    /// [`TrainerError::BadRows`], which numbers rows of `validation` after those of `train`;
    /// [`TrainerError::NoTrainingData`] where `train` is empty or no row of it gives a loss.
    pub fn new(
        train: Vec<ScoredQuery>,
        validation: Vec<ScoredQuery>,
        settings: &RouterDcRecipe,
        limits: Limits,
        device: &Device,
    ) -> Result<Self, TrainerError> {
        let Some(candidates) = train.first().map(|row| row.scores.len()) else {
            return Err(TrainerError::NoTrainingData { detail: "there is no scored query".into() });
        };
        for (row, query) in train.iter().chain(&validation).enumerate() {
            check(query, candidates, limits).map_err(|detail| TrainerError::BadRows {
                what: format!("training row {row}"),
                detail,
            })?;
        }
        let (settings, device) = (settings.clone(), device.clone());
        let task = Self { train, validation, settings, ties: Ties::default(), device };
        let silent = task.train.iter().filter(|row| task.is_silent(row)).count();
        if silent == task.train.len() {
            return Err(TrainerError::NoTrainingData {
                detail: "no query separates two candidates: all were right or all wrong".into(),
            });
        }
        if silent > 0 {
            eprintln!(
                "{silent} of {} queries separate no candidates and give no sample-LLM loss",
                task.train.len()
            );
        }
        Ok(task)
    }

    /// Breaks ties as `ties` says, instead of by the candidates' order.
    #[must_use]
    pub fn with_ties(self, ties: Ties) -> Self {
        Self { ties, ..self }
    }

    /// Best and worst LLMs of a query.
    fn contrast(&self, query: &ScoredQuery) -> (Vec<usize>, Vec<usize>) {
        contrast(&query.scores, &self.settings, &|llm| self.ties.key(query, llm))
    }

    fn is_silent(&self, query: &ScoredQuery) -> bool {
        match self.settings.loss {
            RouterDcLoss::DualContrastive => {
                let (best, worst) = self.contrast(query);
                best.is_empty() || worst.is_empty()
            }
            RouterDcLoss::CosineClassifier | RouterDcLoss::Zooter => {
                let mut known = query.scores.iter().flatten();
                let first = known.next();
                known.all(|score| Some(score) == first)
            }
        }
    }

    /// The loss, a scalar, and the weight of its rows.
    fn batch_loss(
        &self,
        directions: Tensor<2>,
        cosines: Tensor<2>,
        rows: Vec<&ScoredQuery>,
        draw: &mut RandomStream,
    ) -> Option<(Tensor<1>, f64)> {
        let candidates = rows.first()?.scores.len();
        let batch = Batch { rows, candidates };
        let scores = cosines / self.settings.temperature;
        let device = scores.device();
        if self.settings.loss != RouterDcLoss::DualContrastive {
            return self.distribution_loss(scores, &batch, &device);
        }
        let to_llms = self.sample_llm(scores, &batch, &device);
        let to_samples = match self.settings.lambda > 0.0 {
            true => self.sample_sample(directions, &batch, draw, &device),
            false => None,
        };
        let lambda = self.settings.lambda;
        // Each part is a mean over the rows that have it.
        match (to_llms, to_samples) {
            (Some((llm, weight)), Some((sample, _))) => Some((llm + sample * lambda, weight)),
            (Some(found), None) => Some(found),
            (None, Some((sample, weight))) => Some((sample * lambda, weight)),
            (None, None) => None,
        }
    }

    fn sample_llm(
        &self,
        scores: Tensor<2>,
        batch: &Batch<'_>,
        device: &Device,
    ) -> Option<(Tensor<1>, f64)> {
        let sides: Vec<(Vec<usize>, Vec<usize>)> =
            batch.rows.iter().map(|row| self.contrast(row)).collect();
        let counts = |row: usize| !sides[row].0.is_empty() && !sides[row].1.is_empty();
        let weight: f64 =
            (0..sides.len()).filter(|&r| counts(r)).map(|r| f64::from(batch.rows[r].weight)).sum();
        if weight <= 0.0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss)]
        let share = |row: usize, llm: usize| match counts(row) && sides[row].0.contains(&llm) {
            true => batch.rows[row].weight / sides[row].0.len() as f32,
            false => 0.0,
        };
        let positives = batch.matrix(share, device);
        let negatives =
            batch.matrix(|row, llm| f32::from(u8::from(sides[row].1.contains(&llm))), device);
        // Cosines over a temperature are too small for their exponentials to overflow.
        let others = (scores.clone().exp() * negatives).sum_dim(1);
        let terms = (scores.clone().exp() + others).log() - scores;
        Some(((terms * positives).sum() / weight, weight))
    }

    fn sample_sample(
        &self,
        directions: Tensor<2>,
        batch: &Batch<'_>,
        draw: &mut RandomStream,
        device: &Device,
    ) -> Option<(Tensor<1>, f64)> {
        let rows = batch.rows.len();
        let (mut positive, mut negative) = (vec![0.0_f32; rows * rows], vec![0.0_f32; rows * rows]);
        let mut weight = 0.0;
        for (row, query) in batch.rows.iter().enumerate() {
            let others = |same: bool| -> Vec<usize> {
                (0..rows)
                    .filter(|&at| at != row && (batch.rows[at].cluster == query.cluster) == same)
                    .collect()
            };
            let (alike, unlike) = (others(true), others(false));
            let (Some(&one), drawn) =
                (draw.some(&alike, 1).first(), draw.some(&unlike, self.settings.negatives))
            else {
                continue;
            };
            if drawn.is_empty() {
                continue;
            }
            positive[row * rows + one] = query.weight;
            drawn.iter().for_each(|at| negative[row * rows + at] = 1.0);
            weight += f64::from(query.weight);
        }
        if weight <= 0.0 {
            return None;
        }
        let square = |values| Tensor::<2>::from_data(TensorData::new(values, [rows, rows]), device);
        let likeness = directions.clone().matmul(directions.transpose());
        let others = (likeness.clone().exp() * square(negative)).sum_dim(1);
        let terms = (likeness.clone().exp() + others).log() - likeness;
        Some(((terms * square(positive)).sum() / weight, weight))
    }

    /// Cross-entropy to a distribution over the LLMs; for ZOOTER less the entropy of that
    /// distribution, a constant.
    fn distribution_loss(
        &self,
        scores: Tensor<2>,
        batch: &Batch<'_>,
        device: &Device,
    ) -> Option<(Tensor<1>, f64)> {
        let targets: Vec<Vec<f32>> = batch.rows.iter().map(|row| self.target(row)).collect();
        let weight: f64 = batch.rows.iter().map(|row| f64::from(row.weight)).sum();
        let target = batch.matrix(|row, llm| targets[row][llm] * batch.rows[row].weight, device);
        // An unmeasured LLM gets a logit far below all others.
        let unknown = batch.matrix(
            |row, llm| if batch.rows[row].scores[llm].is_some() { 0.0 } else { -1e4 },
            device,
        );
        let loss = -(log_softmax(scores + unknown, 1) * target).sum();
        (weight > 0.0).then(|| (loss / weight, weight))
    }

    #[allow(clippy::cast_precision_loss)]
    fn target(&self, query: &ScoredQuery) -> Vec<f32> {
        let best = query.scores.iter().flatten().copied().fold(f32::MIN, f32::max);
        let mass: Vec<f32> = query
            .scores
            .iter()
            .map(|score| match (score, self.settings.loss) {
                (None, _) => 0.0,
                (Some(score), RouterDcLoss::Zooter) => {
                    ((score - best) / self.settings.target_temperature).exp()
                }
                (Some(score), _) => f32::from(u8::from(*score >= best)),
            })
            .collect();
        let total: f32 = mass.iter().sum();
        mass.into_iter().map(|v| v / total).collect()
    }
}

impl<E: TrainableEncoder, H: LlmVectors> Objective<WithHead<E, H>> for RouterDcTask {
    fn lengths(&self) -> Vec<usize> {
        self.train.iter().map(|row| row.ids.len()).collect()
    }

    fn loss(
        &self,
        network: &WithHead<E, H>,
        rows: &[usize],
        draw: &mut RandomStream,
    ) -> Option<Loss> {
        let rows: Vec<&ScoredQuery> = rows.iter().map(|&row| &self.train[row]).collect();
        let ids: Vec<&[u32]> = rows.iter().map(|row| row.ids.as_slice()).collect();
        let tokens = ids.iter().map(|ids| ids.len()).sum();
        let directions = network.directions(&ids, &self.device);
        let cosines = network.cosines(directions.clone());
        let (mean, weight) = self.batch_loss(directions, cosines, rows, draw)?;
        Some(Loss { mean, weight, tokens })
    }

    /// 1 less the mean score, over data sets, of the LLM picked for each validation row.
    #[allow(clippy::cast_precision_loss)]
    fn validate(&self, network: &WithHead<E, H>) -> Result<Option<f64>, TrainerError> {
        let device = self.device.clone().inner();
        let mut rows: Vec<&ScoredQuery> = self.validation.iter().collect();
        rows.sort_by_key(|row| row.ids.len());
        let datasets = rows.iter().map(|row| row.dataset + 1).max().unwrap_or_default();
        let mut sums = vec![(0.0, 0_usize); datasets];
        for batch in rows.chunks(ASSESSED) {
            let ids: Vec<&[u32]> = batch.iter().map(|row| row.ids.as_slice()).collect();
            let found = floats(network.cosines(network.directions(&ids, &device)).into_data())?;
            let candidates = found.len() / batch.len().max(1);
            for (row, cosines) in batch.iter().zip(found.chunks_exact(candidates.max(1))) {
                if let Some(value) = cosines.iter().find(|value| !value.is_finite()) {
                    let detail = format!("{value}: lower the learning rate");
                    return Err(TrainerError::NotFinite { what: "a score of an LLM", detail });
                }
                let measured = (0..candidates).filter(|&llm| row.scores[llm].is_some());
                let picked = measured.max_by(|&a, &b| cosines[a].total_cmp(&cosines[b]));
                if let Some(score) = picked.and_then(|llm| row.scores[llm]) {
                    sums[row.dataset].0 += f64::from(score);
                    sums[row.dataset].1 += 1;
                }
            }
        }
        let means: Vec<f64> =
            sums.iter().filter(|sum| sum.1 > 0).map(|&(sum, count)| sum / count as f64).collect();
        Ok((!means.is_empty()).then(|| 1.0 - means.iter().sum::<f64>() / means.len() as f64))
    }
}

/// The K+ best LLMs with a score above 0, and of the others the K- worst with a score of at most
/// 1/2. Of equal scores the LLM with the lower `tie` counts as better.
fn contrast(
    scores: &[Option<f32>],
    settings: &RouterDcRecipe,
    tie: &dyn Fn(usize) -> u64,
) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<(usize, f32)> =
        scores.iter().enumerate().filter_map(|(llm, score)| Some((llm, (*score)?))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| tie(a.0).cmp(&tie(b.0))));
    let best: Vec<usize> = order
        .iter()
        .take(settings.positives)
        .filter(|(_, score)| *score > 0.0)
        .map(|&(llm, _)| llm)
        .collect();
    let worst = order
        .iter()
        .rev()
        .filter(|(llm, score)| *score <= 0.5 && !best.contains(llm))
        .take(settings.worst)
        .map(|&(llm, _)| llm)
        .collect();
    (best, worst)
}

/// The finaliser of SplitMix64, which scatters similar inputs.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn check(query: &ScoredQuery, candidates: usize, limits: Limits) -> Result<(), String> {
    let ScoredQuery { ids, scores, weight, .. } = query;
    if scores.len() != candidates {
        return Err(format!("{} scores, expected {candidates}", scores.len()));
    }
    if let Some(score) = scores.iter().flatten().find(|s| !(s.is_finite() && **s <= 1.0)) {
        return Err(format!("score {score}, expected a number of at most 1"));
    }
    if scores.iter().all(Option::is_none) {
        return Err("no candidate was measured on it: leave it out".into());
    }
    if !(weight.is_finite() && *weight > 0.0) {
        return Err(format!("weight {weight}, expected a number above 0"));
    }
    check_ids(ids, limits)
}

#[cfg(test)]
mod tests;
