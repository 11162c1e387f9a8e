//! Holds prompts out of training.
//!
//! Prompts that ask the same question or share a passage are one group, and a group is held out or not as a whole.
//! A hash of the group's questions decides, so that prompts which come later leave the others where they are.

use pointsman::sha256_hex;

use crate::data::{prompt_groups, question_stem};

/// Which prompts are held out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// One a prompt.
    pub is_held_out: Vec<bool>,
    /// Groups to train on.
    pub groups_trained: usize,
    pub groups_held_out: usize,
}

/// Holds out about `share` of the queries.
#[must_use]
pub fn held_out(queries: &[&str], share: f64) -> Split {
    let groups = prompt_groups(queries);
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let mut least: Vec<Option<String>> = vec![None; count];
    for (query, &group) in queries.iter().zip(&groups) {
        let hash = sha256_hex(question_stem(query).as_bytes());
        if let Some(slot) = least.get_mut(group)
            && slot.as_ref().is_none_or(|least| hash < *least)
        {
            *slot = Some(hash);
        }
    }
    // The least of several hashes is small, so it is hashed again.
    let held: Vec<bool> =
        least.into_iter().map(|hash| hash.is_some_and(|hash| fraction(&hash) < share)).collect();
    let groups_held_out = held.iter().filter(|held| **held).count();
    let is_held_out = groups.iter().map(|&group| held.get(group).copied().unwrap_or(false));
    Split {
        is_held_out: is_held_out.collect(),
        groups_trained: count - groups_held_out,
        groups_held_out,
    }
}

/// A number in [0, 1) of a text.
#[must_use]
pub fn fraction(text: &str) -> f64 {
    let hash = sha256_hex(text.as_bytes());
    let draw = u32::from_str_radix(hash.get(..8).unwrap_or_default(), 16).unwrap_or_default();
    f64::from(draw) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queries(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("What is {at} times {}?", at * 7 + 3)).collect()
    }

    #[test]
    fn about_the_share_is_held_out_whatever_the_size_of_groups() {
        let mut all = queries(600);
        // Every question twice, in another layout.
        all.extend(queries(600).iter().map(|query| format!("Question: {query}\nAnswer:")));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let split = held_out(&all, 0.3);
        assert_eq!(split.groups_trained + split.groups_held_out, 600);
        let held = split.is_held_out.iter().filter(|held| **held).count();
        // 180 groups of two expected, standard deviation 11 groups.
        assert!((276..444).contains(&held), "{held}");
        assert_eq!(split.is_held_out[..600], split.is_held_out[600..]);
    }

    #[test]
    fn prompts_that_come_later_leave_the_others_where_they_are() {
        let all = queries(900);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let (before, after) = (held_out(&all[300..], 0.3), held_out(&all, 0.3));
        assert_eq!(before.is_held_out[..], after.is_held_out[300..]);
    }

    #[test]
    fn nothing_is_split_into_nothing() {
        let nothing = Split { is_held_out: Vec::new(), groups_trained: 0, groups_held_out: 0 };
        assert_eq!(held_out(&[], 0.3), nothing);
    }
}
