//! RouterDC (arXiv 2409.19886): trains an encoder together with one embedding for each LLM.
//!
//! ```text
//! s_t(q)  = cos(E(q), k_t) / temperature                     [B, T]   score of LLM t
//! P, N    = the K+ best LLMs of q with score > 0, the K- worst of the others with score <= 1/2
//! sample-LLM    = mean over t in P of - ln(e^s_t / (e^s_t + sum over u in N of e^s_u))        (eq. 4)
//! sample-sample = - ln(e^cos(q, q+) / (e^cos(q, q+) + sum over H of e^cos(q, q-)))            (eq. 5)
//! loss          = sample-LLM + lambda * sample-sample                                         (eq. 6)
//! ```
//! q+ is a query of the batch in q's cluster, the H q- are queries of the batch in other clusters;
//! all are drawn anew at each step. Two losses of other papers train the same network, for
//! comparison:
//!
//! ```text
//! cosine classifier: cross-entropy of softmax(s) to the best LLM of q; several share it evenly
//! ZOOTER:            KL divergence of softmax(s) from softmax(scores / target temperature)
//! ```
//! An LLM that was not measured on a query is left out of every sum. A query without both positives
//! and negatives (all LLMs wrong, or all right) has no sample-LLM loss; its sample-sample loss
//! still counts.

pub mod queries;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleDisplay, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::encoder::static_table::floats;
use crate::encoder::trainable::{Limits, TrainableEncoder, WithHead, check_ids, padded};
use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, direction, linear};
use crate::random::RandomStream;
use crate::recipe::{RouterDcLoss, RouterDcRecipe};
use crate::training::fine_tune::{Loss, Objective};

/// Standard deviation of untrained LLM embeddings (section 4.1).
const START: f32 = 0.78;
/// Length below which a vector counts as zero.
const LEAST_LENGTH: f32 = 1e-6;
/// Queries assessed in one batch.
const ASSESSED: usize = 32;

/// A query with its score by each LLM, and its cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredQuery {
    /// Token ids, including special tokens where the encoder expects them.
    pub ids: Vec<u32>,
    /// Score of each candidate, at most 1, in their order; below 0 where costs were subtracted.
    /// `None` where it was not measured.
    pub scores: Vec<Option<f32>>,
    /// Cluster of the query; the sample-sample loss pulls queries of one cluster together.
    pub cluster: u32,
    /// Data set of the query: validation means are taken over data sets.
    pub dataset: usize,
    /// Its weight in the loss, above 0.
    pub weight: f32,
}

/// One embedding for each LLM, `[T, E]`.
#[derive(Module, Debug)]
pub struct LlmEmbeddings {
    /// Rows in the order of the candidates.
    pub vectors: Param<Tensor<2>>,
}

/// Embeddings of the known LLMs, which are fixed, and of the one that is learnt.
#[derive(Module, Debug)]
pub struct ExtendedEmbeddings {
    /// Rows in the order of the candidates, `[T - 1, E]`.
    pub known: Param<Tensor<2>>,
    /// Embedding of the last candidate, `[1, E]`.
    pub added: Param<Tensor<2>>,
}

/// A head with one embedding for each LLM.
pub trait LlmVectors: Module + ModuleDisplay {
    /// The embeddings, `[T, E]`.
    fn vectors(&self) -> Tensor<2>;
}

impl LlmVectors for LlmEmbeddings {
    fn vectors(&self) -> Tensor<2> {
        self.vectors.val()
    }
}

impl LlmVectors for ExtendedEmbeddings {
    fn vectors(&self) -> Tensor<2> {
        Tensor::cat(vec![self.known.val(), self.added.val()], 0)
    }
}

/// The network: encoder and LLM embeddings.
pub type RouterDc<E> = WithHead<E, LlmEmbeddings>;

impl LlmEmbeddings {
    /// Untrained embeddings of size `width`.
    #[must_use]
    pub fn new(candidates: usize, width: usize, seed: u64, device: &Device) -> Self {
        let mut draw = RandomStream::new(seed, usize::MAX - 1);
        let shape = [candidates, width];
        let values = TensorData::new(draw.normal(candidates * width, START), shape);
        Self { vectors: Param::from_tensor(Tensor::from_data(values, device)) }
    }
}

impl<E: TrainableEncoder, H: LlmVectors> WithHead<E, H> {
    /// Directions of queries, `[B, E]`.
    fn directions(&self, queries: &[&[u32]], device: &Device) -> Tensor<2> {
        let (ids, mask) = padded(queries, device);
        unit(self.encoder.embed(ids, mask))
    }

    /// `cos(E(q), k_t)`, `[B, T]`, from the directions of queries.
    fn cosines(&self, directions: Tensor<2>) -> Tensor<2> {
        directions.matmul(unit(self.head.vectors()).transpose())
    }
}

fn unit(rows: Tensor<2>) -> Tensor<2> {
    let length = rows.clone().powf_scalar(2.0).sum_dim(1).sqrt().clamp_min(LEAST_LENGTH);
    rows / length
}

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
    /// [`TrainerError::BadTrainingRow`], which numbers rows of `validation` after those of `train`;
    /// [`TrainerError::NoTrainingPair`] where `train` is empty or no row of it gives a loss.
    pub fn new(
        train: Vec<ScoredQuery>,
        validation: Vec<ScoredQuery>,
        settings: &RouterDcRecipe,
        limits: Limits,
        device: &Device,
    ) -> Result<Self, TrainerError> {
        let Some(candidates) = train.first().map(|row| row.scores.len()) else {
            return Err(TrainerError::NoTrainingPair { detail: "there is no scored query".into() });
        };
        for (row, query) in train.iter().chain(&validation).enumerate() {
            check(query, candidates, limits)
                .map_err(|detail| TrainerError::BadTrainingRow { row, detail })?;
        }
        let (settings, device) = (settings.clone(), device.clone());
        let task = Self { train, validation, settings, ties: Ties::default(), device };
        let silent = task.train.iter().filter(|row| task.is_silent(row)).count();
        if silent == task.train.len() {
            return Err(TrainerError::NoTrainingPair {
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

/// Resamples each data set to `samples` queries: draws where it has more, repeats where it has
/// fewer.
#[must_use]
pub fn balanced(rows: Vec<ScoredQuery>, samples: usize, seed: u64) -> Vec<ScoredQuery> {
    let mut draw = RandomStream::new(seed, usize::MAX - 2);
    let mut datasets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        datasets.entry(row.dataset).or_default().push(at);
    }
    let mut taken = Vec::new();
    for own in datasets.values() {
        let whole = own.iter().cycle().take(samples / own.len() * own.len());
        taken.extend(whole.copied());
        taken.extend(draw.some(own, samples % own.len()));
    }
    taken.into_iter().filter_map(|at| rows.get(at).cloned()).collect()
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

/// Trained LLM embeddings, in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterDcHead {
    /// Directions, `[T, E]` row by row.
    pub directions: Vec<f32>,
    /// E, the number of coordinates of an embedding that count.
    pub width: usize,
    /// Size of an exported embedding: E, or E + 1 where the trained encoder has no length
    /// coordinate.
    pub size: usize,
    /// Temperature that cosines are divided by.
    pub temperature: f32,
}

impl RouterDcHead {
    /// Copies the embeddings from their device.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn of(head: &LlmEmbeddings, size: usize, temperature: f64) -> Result<Self, TrainerError> {
        let width = head.vectors.dims()[1];
        let directions = floats(unit(head.vectors.val()).into_data())?;
        if let Some(value) = directions.iter().find(|value| !value.is_finite()) {
            let detail = format!("{value}: lower the learning rate");
            return Err(TrainerError::NotFinite { what: "an LLM's embedding", detail });
        }
        #[allow(clippy::cast_possible_truncation)]
        let temperature = temperature as f32;
        Ok(Self { directions, width, size, temperature })
    }
}

impl GraphHead for RouterDcHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        _: Precision,
    ) -> Result<String, TrainerError> {
        let unit = direction(g, "query", embedding, &vec![0.0; self.width], self.size);
        let rows: Vec<&[f32]> = self.directions.chunks_exact(self.width.max(1)).collect();
        let mut weights = vec![0.0; self.size * columns.len()];
        for (column, &llm) in columns.iter().enumerate() {
            for (at, value) in rows.get(llm).into_iter().flat_map(|row| row.iter()).enumerate() {
                weights[at * columns.len() + column] = value / self.temperature;
            }
        }
        // Kept in float: rounding a few columns would save nothing.
        let weights = (weights.as_slice(), columns.len());
        let scores = linear(g, "llm", &unit, weights, None, Precision::Float);
        Ok(g.node("Identity", "scores", &[&scores], &[]))
    }
}

#[cfg(test)]
mod tests;
