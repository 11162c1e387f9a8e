//! Draws questions to hold out, whole groups on one side.

use crate::error::TrainerError;
use crate::random::RandomStream;

/// Which rows are scored, and which may be labelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldOut {
    /// Never labelled, ascending.
    pub held: Vec<usize>,
    /// Ascending.
    pub rest: Vec<usize>,
}

/// Holds out about a share of the rows, given as the group of each row; a group is on one side.
///
/// # Errors
/// [`TrainerError::NothingToScore`] where a side would be empty.
pub fn hold_out(groups: &[usize], share: f64, seed: u64) -> Result<HeldOut, TrainerError> {
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let mut sizes = vec![0; count];
    groups.iter().for_each(|&group| sizes[group] += 1);
    let mut order: Vec<usize> = (0..count).collect();
    order = RandomStream::new(seed, 1).some(&order, count);
    let wanted = (groups.len() as f64 * share).round() as usize;
    let (mut is_held, mut held) = (vec![false; count], 0);
    for group in order {
        // A group that is too large for what is left is for labels.
        if held + sizes[group] <= wanted {
            is_held[group] = true;
            held += sizes[group];
        }
    }
    let (held, rest): (Vec<usize>, Vec<usize>) =
        (0..groups.len()).partition(|&at| is_held[groups[at]]);
    if held.is_empty() || rest.is_empty() {
        let detail = format!(
            "found {} rows of {count} different questions, expected enough to hold {:.0} % of them out: add rows that \
             ask something else",
            groups.len(),
            100.0 * share
        );
        return Err(TrainerError::NothingToScore { detail });
    }
    Ok(HeldOut { held, rest })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_group_too_large_to_hold_out_is_for_labels_and_one_question_is_an_error() {
        let mut groups = vec![0; 50];
        groups.extend(1..=50);
        let found = hold_out(&groups, 1.0 / 3.0, 1).unwrap();
        assert!(found.held.iter().all(|&at| at >= 50) && found.held.len() == 33);
        for groups in [&[][..], &[0; 9], &[0]] {
            let error = hold_out(groups, 1.0 / 3.0, 1).unwrap_err();
            assert_eq!(error.code(), "nothing_to_score", "{error}");
        }
    }

    proptest! {
        #[test]
        fn sides_part_the_rows_by_whole_groups(sizes in prop::collection::vec(1_usize..6, 9..60), seed: u64) {
            let groups: Vec<usize> =
                sizes.iter().enumerate().flat_map(|(at, &size)| std::iter::repeat_n(at, size)).collect();
            let HeldOut { held, rest } = hold_out(&groups, 1.0 / 3.0, seed).unwrap();
            let of = |side: &[usize]| side.iter().map(|&at| groups[at]).collect::<std::collections::HashSet<_>>();
            prop_assert!(of(&held).is_disjoint(&of(&rest)));
            prop_assert_eq!(held.len() + rest.len(), groups.len());
            prop_assert!(3 * held.len() <= groups.len() + 2 && 3 * held.len() + 18 >= groups.len());
            prop_assert_eq!(hold_out(&groups, 1.0 / 3.0, seed).unwrap(), HeldOut { held, rest });
        }
    }
}
