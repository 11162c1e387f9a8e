//! What a recipe must state for a router kind.

use pointsman::Kind;

/// Settings of a router kind.
pub trait KindSettings {
    /// The kind these settings are for.
    fn kind(&self) -> Kind;

    /// Whether the kind can only say which of two candidates wins.
    fn needs_pair(&self) -> bool {
        false
    }

    /// Whether the kind learns from labels that say how hard a query is.
    fn learns_labels(&self) -> bool {
        false
    }

    /// The optimisation settings that the kind takes.
    fn optimisation(&self) -> Option<Optimisation> {
        None
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Optimisation settings of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optimisation {
    /// `[training]`, for a head that is trained on embeddings.
    Training,
    /// `[fine_tuning]`, for a head that is trained together with its encoder.
    FineTuning,
}

/// Checks a count of `[head]`.
///
/// # Errors
/// What is wrong, in words.
pub fn at_least_one(name: &str, value: usize) -> Result<(), String> {
    match value {
        0 => Err(format!("head.{name} is 0, expected at least 1")),
        _ => Ok(()),
    }
}
