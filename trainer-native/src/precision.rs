//! The number format of an exported router.

/// The number format that a graph computes with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit float throughout, as trained: the reference of the quantised graph.
    Float,
    /// int8 weights; a transformer's matrix products use activations quantised at run time. This
    /// variant ships.
    Int8,
}
