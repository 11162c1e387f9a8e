//! Settings of the encoder, by tier.

use pointsman::TruncationSide;
use serde::Deserialize;

/// The encoder of a recipe.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "tier", rename_all = "lowercase")]
pub enum EncoderRecipe {
    /// A token table distilled from a transformer.
    Static(StaticEncoderRecipe),
    /// A table of a transformer's tokens and of hashed pairs of them.
    Pieces(PieceEncoderRecipe),
    /// The transformer itself, or a cut-down of it.
    Transformer(TransformerEncoderRecipe),
    /// The encoder of a bundle of kind `difficulty`, with the demands that the bundle computes.
    Bundle(BundleEncoderRecipe),
}

/// A bundle states all settings of its encoder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleEncoderRecipe {}

/// Settings of a token table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticEncoderRecipe {
    /// Origin of the encoder in words: model and licence.
    pub source: String,
    /// Number of tokens kept of the vocabulary.
    pub vocabulary: usize,
    /// D, the number of principal components.
    pub components: usize,
    /// The a of the frequency weight a / (a + p).
    pub frequency_weight: f64,
    /// Longest sequence in tokens.
    pub max_tokens: usize,
    /// Which part of a longer query is cut off; `left` keeps its last tokens, as RouterDC does, `middle`
    /// its first quarter and its last three quarters.
    #[serde(default = "right")]
    pub truncate: TruncationSide,
    /// Root mean square that an embedding's coordinates are scaled to over the training queries,
    /// before training.
    pub scale: f64,
}

/// Settings of a table of pieces and pairs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PieceEncoderRecipe {
    /// Origin of the encoder in words: model and licence.
    pub source: String,
    /// Number of tokens kept of the vocabulary.
    pub vocabulary: usize,
    /// D, the number of principal directions of the token embeddings.
    pub components: usize,
    /// Buckets that the pairs share.
    pub buckets: u32,
    /// Characters of a query's last line whose tokens have buckets of their own; none where absent.
    pub tail_characters: Option<usize>,
    /// Longest sequence in tokens.
    pub max_tokens: usize,
    /// Which part of a longer query is cut off.
    #[serde(default = "middle")]
    pub truncate: TruncationSide,
}

/// Settings of a transformer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerEncoderRecipe {
    /// Origin of the encoder in words: model and licence.
    pub source: String,
    /// Layers kept, numbered from 0; all where absent.
    pub layers: Option<Vec<usize>>,
    /// Number of tokens kept of the vocabulary; all where absent.
    pub vocabulary: Option<usize>,
    /// R, the directions of a factorised token table, which then takes R numbers a token in place of its
    /// width; whole where absent. Only for kinds that leave the encoder as it is.
    pub token_components: Option<usize>,
    /// Longest sequence in tokens, special ones included.
    pub max_tokens: usize,
    /// Which part of a longer query is cut off; `left` keeps its last tokens, as RouterDC does, `middle`
    /// its first quarter and its last three quarters.
    #[serde(default = "right")]
    pub truncate: TruncationSide,
    /// Root mean square that the coordinates of every embedding are scaled to; unscaled where
    /// absent.
    pub scale: Option<f64>,
}

fn right() -> TruncationSide {
    TruncationSide::Right
}

fn middle() -> TruncationSide {
    TruncationSide::Middle
}

/// What every encoder that a recipe describes has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedEncoder<'a> {
    /// Longest sequence in tokens.
    pub max_tokens: usize,
    /// Which part of a longer query is cut off.
    pub truncate: TruncationSide,
    /// Origin of the encoder in words.
    pub source: &'a str,
}

impl EncoderRecipe {
    /// `static` or `transformer`, as a bundle states it; `bundle` where a bundle states the tier.
    #[must_use]
    pub fn tier(&self) -> &'static str {
        match self {
            Self::Static(_) | Self::Pieces(_) => "static",
            Self::Transformer(_) => "transformer",
            Self::Bundle(_) => "bundle",
        }
    }

    /// What the recipe states of texts and origin; `None` where a bundle states it.
    #[must_use]
    pub fn stated(&self) -> Option<StatedEncoder<'_>> {
        let (max_tokens, truncate, source) = match self {
            Self::Static(s) => (s.max_tokens, s.truncate, &s.source),
            Self::Pieces(s) => (s.max_tokens, s.truncate, &s.source),
            Self::Transformer(s) => (s.max_tokens, s.truncate, &s.source),
            Self::Bundle(_) => return None,
        };
        Some(StatedEncoder { max_tokens, truncate, source })
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let (counts, scale) = match self {
            Self::Static(s) => (
                vec![
                    ("vocabulary", s.vocabulary),
                    ("components", s.components),
                    ("max_tokens", s.max_tokens),
                ],
                s.scale,
            ),
            Self::Pieces(s) => (
                vec![
                    ("vocabulary", s.vocabulary),
                    ("components", s.components),
                    ("buckets", s.buckets as usize),
                    ("tail_characters", s.tail_characters.unwrap_or(1)),
                    ("max_tokens", s.max_tokens),
                ],
                1.0,
            ),
            Self::Transformer(s) => (
                vec![
                    ("vocabulary", s.vocabulary.unwrap_or(1)),
                    ("token_components", s.token_components.unwrap_or(1)),
                    ("layers", s.layers.as_ref().map_or(1, Vec::len)),
                    ("max_tokens", s.max_tokens.saturating_sub(2)),
                ],
                s.scale.unwrap_or(1.0),
            ),
            Self::Bundle(_) => return Ok(()),
        };
        if let Some((name, _)) = counts.iter().find(|(_, value)| *value == 0) {
            return Err(format!(
                "encoder.{name} is too small, expected at least 1 (and for max_tokens of a transformer 3)"
            ));
        }
        match scale > 0.0 && scale.is_finite() {
            true => Ok(()),
            false => Err(format!("encoder.scale is {scale}, expected a finite number > 0")),
        }
    }
}
