//! Directions of vectors in host memory.

/// Direction of an embedding from a centre; zeros at the centre.
pub(crate) fn unit(embedding: &[f64], centre: &[f64]) -> Vec<f64> {
    let from_centre: Vec<f64> = embedding.iter().zip(centre).map(|(v, c)| v - c).collect();
    let square: f64 = from_centre.iter().map(|v| v * v).sum();
    let length = square.sqrt().max(LEAST_LENGTH);
    from_centre.into_iter().map(|v| v / length).collect()
}

/// Length below which a vector counts as zero.
const LEAST_LENGTH: f64 = 1e-12;
