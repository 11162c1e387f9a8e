//! What was evaluated: an exported bundle, in either precision, or a baseline.

use serde::{Deserialize, Serialize};

use crate::precision::Precision;

/// What a result was measured on. Files store its [`name`](Self::name) as `precision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredOrigin", into = "StoredOrigin")]
pub enum Origin {
    /// A bundle: int8 as hosts run it, or float.
    Bundle(Precision),
    /// A baseline, which is no bundle.
    Baseline,
}

/// [`Origin`] as files spell it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredOrigin {
    Int8,
    Float,
    Baseline,
}

impl From<StoredOrigin> for Origin {
    fn from(stored: StoredOrigin) -> Self {
        match stored {
            StoredOrigin::Int8 => Self::INT8,
            StoredOrigin::Float => Self::FLOAT,
            StoredOrigin::Baseline => Self::Baseline,
        }
    }
}

impl From<Origin> for StoredOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::INT8 => Self::Int8,
            Origin::FLOAT => Self::Float,
            Origin::Baseline => Self::Baseline,
        }
    }
}

impl Origin {
    /// The int8 bundle.
    pub const INT8: Self = Self::Bundle(Precision::Int8);
    /// The float bundle.
    pub const FLOAT: Self = Self::Bundle(Precision::Float);

    /// `int8`, `float` or `baseline`, as files spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::INT8 => "int8",
            Self::FLOAT => "float",
            Self::Baseline => "baseline",
        }
    }

    /// A router's name with its precision; a baseline's name alone.
    #[must_use]
    pub fn label(self, name: &str) -> String {
        match self {
            Self::Baseline => name.to_owned(),
            Self::Bundle(_) => format!("{name} ({})", self.name()),
        }
    }
}
