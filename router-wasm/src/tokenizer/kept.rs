//! Truncation: keeps the first tokens of a query, the last or both while counting them all.

use crate::manifest::TruncationSide;

/// How many tokens of a query are kept, and which part is cut off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truncation {
    /// Longest query in tokens, special ones not counted; at least 1.
    pub limit: usize,
    /// The part that is cut off.
    pub side: TruncationSide,
}

impl Truncation {
    /// How many of a long query's first and last tokens are kept.
    pub(super) fn ends(self) -> [usize; 2] {
        let first = self.side.first_kept(self.limit);
        [first, self.limit - first]
    }
}

/// The kept tokens of a query while it is tokenised: at most twice the limit, however long the query.
pub(super) struct Kept {
    /// How many of the first tokens are kept.
    first: usize,
    /// How many of the last tokens are kept.
    last: usize,
    ids: Vec<u32>,
    total: usize,
}

impl Kept {
    pub(super) fn new(truncation: Truncation) -> Self {
        let [first, last] = truncation.ends();
        Self { first, last, ids: Vec::new(), total: 0 }
    }

    /// The query's next tokens.
    pub(super) fn push(&mut self, ids: &[u32]) {
        self.total += ids.len();
        let room = self.first.saturating_sub(self.ids.len());
        let (first, rest) = ids.split_at(room.min(ids.len()));
        self.ids.extend_from_slice(first);
        if self.last == 0 {
            return;
        }
        self.ids.extend_from_slice(rest);
        // Cut at twice the number, so that each token is moved at most once on average.
        if self.ids.len().saturating_sub(self.first) / 2 >= self.last {
            self.cut();
        }
    }

    /// The tokens that are kept, and how many there were.
    pub(super) fn finish(mut self) -> (Vec<u32>, usize) {
        self.cut();
        (self.ids, self.total)
    }

    /// Removes the tokens between the first and the last.
    fn cut(&mut self) {
        let excess = self.ids.len().saturating_sub(self.first + self.last);
        if excess > 0 {
            self.ids.drain(self.first..self.first + excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_ends_are_kept_and_all_are_counted(
            limit in 1_usize..40,
            pushes in prop::collection::vec(0_usize..30, 0..20),
        ) {
            for side in [TruncationSide::Left, TruncationSide::Right, TruncationSide::Middle] {
                let mut kept = Kept::new(Truncation { limit, side });
                let mut all: Vec<u32> = Vec::new();
                for &count in &pushes {
                    let next: Vec<u32> = (0..count).map(|i| (all.len() + i) as u32).collect();
                    kept.push(&next);
                    all.extend(&next);
                    prop_assert!(kept.ids.len() <= 2 * limit + 30);
                }
                let first = match side {
                    TruncationSide::Left => 0,
                    TruncationSide::Right => limit,
                    TruncationSide::Middle => limit / 4,
                };
                let expected = match all.len() > limit {
                    true => [&all[..first], &all[all.len() - (limit - first)..]].concat(),
                    false => all.clone(),
                };
                prop_assert_eq!(kept.finish(), (expected, all.len()));
            }
        }
    }
}
