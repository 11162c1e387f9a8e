//! Encoders that are trained end to end, of either tier.
//!
//! ```text
//! transformer: bert(ids), mean over the tokens or [CLS]                      [B, H]
//! static:      [sum over tokens of table[id] / sqrt(tokens) ; length]        [B, D + 1]
//!              length = ln(1 + tokens) / 4 - 1
//! ```
//! Every loss takes either of them, and so does the loop in
//! [`fine_tune`](crate::training::fine_tune).

use burn::module::{Module, ModuleDisplay, Param};
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::bert::{Bert, Pooling};
use super::static_table::StaticTable;

/// Maps token ids to embeddings; trainable.
pub trait TrainableEncoder: Module + ModuleDisplay {
    /// Embeddings `[B, E]` of ids `[B, S]`, where `mask` `[B, S]` is 1 at tokens, 0 at padding.
    fn embed(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<2>;

    /// E, width of an embedding.
    fn width(&self) -> usize;

    /// Number of token ids: every id is below this.
    fn vocabulary(&self) -> usize;

    /// Longest query in tokens, including special ones; `None` where any length is accepted.
    fn longest(&self) -> Option<usize>;

    fn limits(&self) -> Limits {
        Limits { vocabulary: self.vocabulary(), longest: self.longest() }
    }
}

/// Limits of the queries that an encoder takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of token ids: every id is below this.
    pub vocabulary: usize,
    /// Longest query in tokens, including special ones; `None` where any length is accepted.
    pub longest: Option<usize>,
}

/// Checks that an encoder takes these ids.
///
/// # Errors
/// What is wrong, in words.
pub fn check_ids(ids: &[u32], limits: Limits) -> Result<(), String> {
    if ids.is_empty() {
        return Err("no token, expected at least one: leave empty queries out".into());
    }
    if let Some(longest) = limits.longest.filter(|&longest| ids.len() > longest) {
        return Err(format!(
            "{} tokens, the encoder takes at most {longest}: truncate the query",
            ids.len()
        ));
    }
    let vocabulary = limits.vocabulary;
    match ids.iter().find(|&&id| id as usize >= vocabulary) {
        None => Ok(()),
        Some(id) => Err(format!(
            "token {id}, the encoder has {vocabulary} tokens: were the ids made by another tokenizer?"
        )),
    }
}

/// An encoder and a head that are trained together.
#[derive(Module, Debug)]
pub struct WithHead<E: Module, H: Module> {
    pub encoder: E,
    pub head: H,
}

#[derive(Module, Debug)]
pub struct TransformerEncoder {
    pub bert: Bert,
    /// How its hidden states become one embedding.
    #[module(skip)]
    pub pooling: Pooling,
}

/// Which parts of a transformer are not trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frozen {
    /// Freezes the word embeddings.
    pub words: bool,
    /// Number of lowest layers to freeze; where it is above 0, the embeddings are frozen too.
    pub layers: usize,
}

impl TransformerEncoder {
    /// Paths of the frozen parameters in a network whose field `field` is this encoder.
    #[must_use]
    pub fn frozen_paths(field: &str, frozen: Frozen) -> Vec<String> {
        let below: &[&str] = match (frozen.words, frozen.layers) {
            (_, 1..) => &["words", "positions", "types", "norm"],
            (true, 0) => &["words"],
            (false, 0) => &[],
        };
        let embeddings = below.iter().map(|part| format!("{field}.bert.{part}"));
        let layers = (0..frozen.layers).map(|layer| format!("{field}.bert.layers.{layer}"));
        embeddings.chain(layers).collect()
    }
}

impl TrainableEncoder for TransformerEncoder {
    fn embed(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<2> {
        self.bert.pooled(ids, mask, self.pooling)
    }

    fn width(&self) -> usize {
        self.bert.words.weight.dims()[1]
    }

    fn vocabulary(&self) -> usize {
        self.bert.words.weight.dims()[0]
    }

    fn longest(&self) -> Option<usize> {
        Some(self.bert.positions.weight.dims()[0])
    }
}

/// The static tier: a token table.
#[derive(Module, Debug)]
pub struct StaticEncoder {
    /// Token vectors, [V, D].
    pub table: Embedding,
}

impl StaticEncoder {
    /// Puts a table on a device; with autodiff where the device has it.
    #[must_use]
    pub fn new(table: &StaticTable, device: &Device) -> Self {
        let mut embedding = EmbeddingConfig::new(table.rows, table.width).init(device);
        let data = TensorData::new(table.values.clone(), [table.rows, table.width]);
        embedding.weight = Param::from_tensor(Tensor::from_data(data, device));
        Self { table: embedding }
    }
}

impl TrainableEncoder for StaticEncoder {
    fn embed(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<2> {
        let [batch, length] = ids.dims();
        let rows = self.table.forward(ids) * mask.clone().reshape([batch, length, 1]);
        let count = mask.sum_dim(1);
        let sum = rows.sum_dim(1).squeeze_dim::<2>(1);
        let feature = (count.clone() + 1.0).log() / 4.0 - 1.0;
        Tensor::cat(vec![sum / count.sqrt(), feature], 1)
    }

    fn width(&self) -> usize {
        self.table.weight.dims()[1] + 1
    }

    fn vocabulary(&self) -> usize {
        self.table.weight.dims()[0]
    }

    fn longest(&self) -> Option<usize> {
        None
    }
}

/// Precomputed embeddings: the one id of a query is its row.
#[derive(Module, Debug)]
pub struct EmbeddedQueries {
    /// Embeddings, [rows, E].
    pub rows: Embedding,
}

impl EmbeddedQueries {
    /// Puts embeddings `[rows, width]`, row by row, on a device.
    #[must_use]
    pub fn new(values: Vec<f32>, width: usize, device: &Device) -> Self {
        let count = values.len() / width.max(1);
        let mut rows = EmbeddingConfig::new(count, width).init(device);
        let data = TensorData::new(values, [count, width]);
        rows.weight = Param::from_tensor(Tensor::from_data(data, device));
        Self { rows }
    }
}

impl TrainableEncoder for EmbeddedQueries {
    fn embed(&self, ids: Tensor<2, Int>, _: Tensor<2>) -> Tensor<2> {
        self.rows.forward(ids).squeeze_dim::<2>(1)
    }

    fn width(&self) -> usize {
        self.rows.weight.dims()[1]
    }

    fn vocabulary(&self) -> usize {
        self.rows.weight.dims()[0]
    }

    fn longest(&self) -> Option<usize> {
        Some(1)
    }
}

/// Ids `[B, S]` padded with 0, and the mask `[B, S]` that is 1 at tokens; S is the length of the
/// longest query.
#[must_use]
pub fn padded(queries: &[&[u32]], device: &Device) -> (Tensor<2, Int>, Tensor<2>) {
    let longest = queries.iter().map(|query| query.len()).max().unwrap_or_default();
    let shape = [queries.len(), longest];
    let mut ids = vec![0_i64; queries.len() * longest];
    let mut mask = vec![0.0_f32; queries.len() * longest];
    for (row, query) in queries.iter().enumerate() {
        for (column, &id) in query.iter().enumerate() {
            ids[row * longest + column] = i64::from(id);
            mask[row * longest + column] = 1.0;
        }
    }
    (
        Tensor::from_data(TensorData::new(ids, shape), device),
        Tensor::from_data(TensorData::new(mask, shape), device),
    )
}
