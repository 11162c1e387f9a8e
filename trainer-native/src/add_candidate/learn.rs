//! Learns the new LLM's embedding from rows that measured it beside a known LLM.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use pointsman::{MODEL_FILE, TOKENIZER_FILE, sha256_hex};

use super::KnownRun;
use crate::data::Outcomes;
use crate::encoder::embeddings::EmbeddingCache;
use crate::encoder::trainable::{EmbeddedQueries, Limits, WithHead};
use crate::error::TrainerError;
use crate::export::head_graph::HeadGraph;
use crate::export::routerdc_graph::{LlmColumns, columns};
use crate::linear::groups::numbered;
use crate::progress::bar;
use crate::recipe::RouterDcRecipe;
use crate::router::routerdc::{
    ExtendedEmbeddings, RouterDcTask, ScoredQuery, Ties, balanced, score_less_cost,
};
use crate::tensors::floats;
use crate::training::fine_tune;
use crate::training::optimiser::Rules;

/// Fewest steps: the E numbers of an embedding are learnt quickly.
const STEPS: usize = 400;
const BATCH: usize = 64;
/// Steps between checkpoints.
const CHECK_STEPS: usize = 100;
/// AdamW's learning rate, after warm-up.
const LEARNING_RATE: f64 = 0.01;
/// Share of the steps over which the learning rate rises.
const WARM_UP: f64 = 0.1;

impl KnownRun {
    /// The LLM's column of the graph, `[size]`.
    pub(super) fn learn(
        &self,
        settings: &RouterDcRecipe,
        model: &str,
        outcomes: &Outcomes,
        place: &fine_tune::Place<'_>,
        stop: &AtomicBool,
    ) -> Result<Vec<f32>, TrainerError> {
        let graph = HeadGraph::read(self.int8.file(MODEL_FILE))?;
        let LlmColumns { values, size, llms, width } = columns(&graph)?;
        let device = Device::flex().autodiff();
        let mut known = vec![0.0; llms * width];
        for (at, row) in values.chunks_exact(llms).take(width).enumerate() {
            row.iter().enumerate().for_each(|(llm, value)| known[llm * width + at] = *value);
        }
        // The start has length 1 whatever the temperature, so that steps have the same relative
        // size.
        let mut start: Vec<f32> =
            (0..width).map(|at| known.iter().skip(at).step_by(width).sum::<f32>()).collect();
        let length = start.iter().map(|value| value * value).sum::<f32>().sqrt();
        start.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
        let matrix = |values: Vec<f32>, rows: usize| {
            let data = TensorData::new(values, [rows, width]);
            Param::from_tensor(Tensor::<2>::from_data(data, &device))
        };
        let head = ExtendedEmbeddings { known: matrix(known, llms), added: matrix(start, 1) };

        let (rows, embeddings) =
            self.embedded(model, outcomes, (size, width), settings.cost_weight, stop)?;
        let rows = match settings.samples {
            Some(samples) => balanced(rows, samples, self.seed()),
            None => rows,
        };
        let limits = Limits { vocabulary: embeddings.len() / width.max(1), longest: Some(1) };
        let own = RouterDcRecipe { lambda: 0.0, ..settings.clone() };
        let epochs = STEPS.div_ceil(rows.len().div_ceil(BATCH).max(1));
        // No rows are held back to choose a step by: E numbers hardly overfit, and a choice by some
        // hundred rows would be chance.
        let task = RouterDcTask::new(rows, Vec::new(), &own, limits, &device)?;
        let task = task.with_ties(Ties::Drawn(self.seed()));
        let fixed = ["encoder", "head.known"].map(str::to_owned);
        let how = fine_tune::Settings {
            seed: self.seed(),
            epochs,
            max_steps: None,
            micro_batch: BATCH,
            accumulate: 1,
            warm_up: WARM_UP,
            clip: None,
            rules: Rules::adamw(LEARNING_RATE, 0.0).frozen(fixed),
            check_steps: CHECK_STEPS,
            patience: None,
        };
        let encoder = EmbeddedQueries::new(embeddings, width, &device);
        let network = WithHead { encoder, head };
        let progress = bar("learning an embedding");
        let tuned = fine_tune::fine_tune(network, &task, &how, place, &progress, stop)?;
        let added = floats(tuned.network.head.added.val().into_data())?;
        let length = added.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !(length.is_finite() && length > 0.0) {
            let detail = format!("its length is {length}: are the outcomes' scores in order?");
            return Err(TrainerError::NotFinite { what: "an LLM's embedding", detail });
        }
        #[allow(clippy::cast_possible_truncation)]
        let scale = (f64::from(length) * settings.temperature).recip() as f32;
        let mut column: Vec<f32> = added.iter().map(|value| value * scale).collect();
        column.resize(size, 0.0);
        Ok(column)
    }

    /// Rows to learn from, and the coordinates of their embeddings that count, `[rows, E]`; a query
    /// without a token is left out.
    fn embedded(
        &self,
        model: &str,
        outcomes: &Outcomes,
        (size, width): (usize, usize),
        cost_weight: f32,
        stop: &AtomicBool,
    ) -> Result<(Vec<ScoredQuery>, Vec<f32>), TrainerError> {
        let files = [MODEL_FILE, TOKENIZER_FILE].map(|name| sha256_hex(self.int8.file(name)));
        let encoder = &self.info().encoder;
        let identity = format!("{files:?} {} {:?}", encoder.max_tokens, encoder.truncation_side);
        let folder = self.folder.parent().unwrap_or(Path::new(".")).join("embeddings");
        let mut cache = EmbeddingCache::open(&folder, &sha256_hex(identity.as_bytes()), size)?;
        let texts = outcomes.rows.iter().map(|row| row.query.as_str());
        let places = cache.rows(&self.int8.router, texts, stop)?;
        let mut columns = self.columns(outcomes);
        columns.push(outcomes.model_index(model));
        let (datasets, _) = numbered(outcomes.rows.iter().map(|r| r.dataset.as_str()).collect());
        let (mut rows, mut embeddings) = (Vec::new(), Vec::new());
        for ((row, place), dataset) in outcomes.rows.iter().zip(places).zip(datasets) {
            let Some(place) = place else { continue };
            embeddings.extend(cache.read(&[place])?.into_iter().take(width));
            let score = |llm: &Option<usize>| {
                llm.map_or(Ok(None), |llm| score_less_cost(outcomes, row, llm, cost_weight))
            };
            rows.push(ScoredQuery {
                ids: vec![u32::try_from(rows.len()).unwrap_or(u32::MAX)],
                scores: columns.iter().map(score).collect::<Result<_, _>>()?,
                cluster: row.cluster.unwrap_or_default(),
                dataset,
                weight: 1.0,
            });
        }
        Ok((rows, embeddings))
    }
}
