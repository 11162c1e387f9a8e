//! Whether routing's choice is called, or only logged: `GATEWAY.mode`, and `mode` of a key.

use serde::{Deserialize, Serialize};

/// What becomes of a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// The model that routing chose is called.
    #[default]
    On,
    /// The model that the request names is called, or the strong one; the decision is only logged.
    Observe,
}

impl Mode {
    /// Its name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Observe => "observe",
        }
    }
}
