//! Groups of rows.

/// Numbers groups in the order of their names; also returns the number of groups.
pub fn numbered<N: Ord + Clone>(names: Vec<N>) -> (Vec<usize>, usize) {
    let mut known = names.clone();
    known.sort();
    known.dedup();
    let place = |name: &N| known.partition_point(|other| other < name);
    (names.iter().map(place).collect(), known.len())
}
