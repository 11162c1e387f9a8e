//! `GATEWAY.drift`: when live win rates differ from the bundle's calibration by too much.
//!
//! ```json
//! {"above": 0.15, "least": 500}
//! ```

use serde::Deserialize;

/// The bound of a day's difference.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Drift {
    /// The largest difference of the distributions, in [0, 1], from which a warning is given.
    pub(crate) above: f64,
    /// The least number of requests a day before a warning.
    pub(crate) least: u64,
}

impl Default for Drift {
    fn default() -> Self {
        Self { above: 0.15, least: 500 }
    }
}

impl Drift {
    /// Checks the numbers.
    pub(super) fn check(&self) -> Result<(), String> {
        match (0.0..=1.0).contains(&self.above) {
            true => Ok(()),
            false => Err(format!("drift.above is {}, expected a number in [0, 1]", self.above)),
        }
    }
}
