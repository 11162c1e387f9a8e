//! Truncation: keeps the first or last tokens of a query while counting them all.

use crate::manifest::TruncationSide;

/// How many tokens of a query are kept, and which end is cut off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truncation {
    /// Longest query in tokens, special ones not counted; at least 1.
    pub limit: usize,
    /// The end that is cut off.
    pub side: TruncationSide,
}

/// The kept tokens of a query while it is tokenised: at most twice the limit, however long the query.
pub(super) struct Kept {
    truncation: Truncation,
    ids: Vec<u32>,
    total: usize,
}

impl Kept {
    pub(super) fn new(truncation: Truncation) -> Self {
        Self { truncation, ids: Vec::new(), total: 0 }
    }

    /// The query's next tokens.
    pub(super) fn push(&mut self, ids: &[u32]) {
        self.total += ids.len();
        let limit = self.truncation.limit;
        match self.truncation.side {
            TruncationSide::Right => {
                let room = limit - self.ids.len();
                self.ids.extend_from_slice(&ids[..room.min(ids.len())]);
            }
            TruncationSide::Left => {
                self.ids.extend_from_slice(ids);
                // Cut at twice the limit, so that each token is moved at most once on average.
                if self.ids.len() / 2 >= limit {
                    self.cut_beginning();
                }
            }
        }
    }

    /// The tokens that are kept, and how many there were.
    pub(super) fn finish(mut self) -> (Vec<u32>, usize) {
        self.cut_beginning();
        (self.ids, self.total)
    }

    fn cut_beginning(&mut self) {
        let excess = self.ids.len().saturating_sub(self.truncation.limit);
        self.ids.drain(..excess);
    }
}
