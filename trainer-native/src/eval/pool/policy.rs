//! Policies that choose a model, with their expected score and cost.

use std::borrow::Cow;

use super::rows::PoolRow;

/// How a model is chosen on each row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Policy<'a> {
    /// Index of the chosen model for each row.
    Picks(Cow<'a, [usize]>),
    /// Every measured model equally likely.
    Random,
    /// The model with the highest score; equal ones equally likely.
    Oracle,
}

impl Policy<'_> {
    /// Probability of each model to be called on the row at index `at`, as pairs of index and
    /// probability. Empty where no measured model is there to choose from.
    fn calls(&self, at: usize, row: &PoolRow) -> Vec<(usize, f64)> {
        let measured = || row.scores.iter().enumerate().filter_map(|(m, s)| Some((m, (*s)?)));
        let chosen: Vec<usize> = match self {
            Self::Picks(picks) => picks.get(at).copied().into_iter().collect(),
            Self::Random => measured().map(|(model, _)| model).collect(),
            Self::Oracle => {
                let best = measured().map(|(_, score)| score).fold(f64::NEG_INFINITY, f64::max);
                measured().filter(|&(_, score)| score >= best).map(|(model, _)| model).collect()
            }
        };
        let probability = 1.0 / chosen.len().max(1) as f64;
        chosen.into_iter().map(|model| (model, probability)).collect()
    }

    /// The expected score on each row; `None` where a model that may be called was not measured.
    pub(super) fn earned(&self, rows: &[PoolRow]) -> Vec<Option<f64>> {
        self.expected(rows, PoolRow::score)
    }

    /// The expected cost of each row; `None` where that of a model that may be called is not known.
    pub(super) fn spent(&self, rows: &[PoolRow]) -> Vec<Option<f64>> {
        self.expected(rows, PoolRow::cost)
    }

    fn expected(
        &self,
        rows: &[PoolRow],
        of: impl Fn(&PoolRow, usize) -> Option<f64>,
    ) -> Vec<Option<f64>> {
        let one = |(at, row): (usize, &PoolRow)| {
            let calls = self.calls(at, row);
            let sum: Option<f64> = calls.iter().map(|&(model, p)| Some(p * of(row, model)?)).sum();
            sum.filter(|_| !calls.is_empty())
        };
        rows.iter().enumerate().map(one).collect()
    }

    /// Share of calls to each model over the rows on which one is called; they add up to 1 unless
    /// there is no such row.
    pub(super) fn shares(&self, rows: &[PoolRow], models: usize) -> Vec<f64> {
        let mut shares = vec![0.0; models];
        let mut called = 0_usize;
        for (at, row) in rows.iter().enumerate() {
            let calls = self.calls(at, row);
            called += usize::from(!calls.is_empty());
            for (model, probability) in calls {
                shares.get_mut(model).into_iter().for_each(|share| *share += probability);
            }
        }
        shares.iter_mut().for_each(|share| *share /= called.max(1) as f64);
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scores: [Option<f64>; 3]) -> PoolRow {
        let costs = vec![Some(1.0), Some(2.0), Some(6.0)];
        PoolRow { dataset: "own".into(), scores: scores.to_vec(), costs }
    }

    #[test]
    fn a_pick_earns_its_own_score_or_none() {
        let rows = [row([Some(0.25), None, Some(1.0)]), row([Some(0.5), None, None])];
        let picks = |models: &'static [usize]| Policy::Picks(Cow::Borrowed(models));
        assert_eq!(picks(&[2, 0]).earned(&rows), [Some(1.0), Some(0.5)]);
        assert_eq!(picks(&[1, 2]).earned(&rows), [None, None]);
        assert_eq!(picks(&[2, 0]).spent(&rows), [Some(6.0), Some(1.0)]);
        assert_eq!(picks(&[2, 2]).shares(&rows, 3), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn random_is_the_mean_of_what_was_measured() {
        let rows = [row([Some(0.25), None, Some(1.0)]), row([None; 3])];
        assert_eq!(Policy::Random.earned(&rows), [Some(0.625), None]);
        assert_eq!(Policy::Random.spent(&rows), [Some(3.5), None]);
        assert_eq!(Policy::Random.shares(&rows, 3), [0.5, 0.0, 0.5]);
        assert_eq!(Policy::Random.shares(&rows[1..], 3), [0.0; 3]);
    }

    #[test]
    fn the_oracle_shares_ties() {
        let rows = [row([Some(0.5), Some(1.0), Some(1.0)]), row([Some(0.0), None, None])];
        assert_eq!(Policy::Oracle.earned(&rows), [Some(1.0), Some(0.0)]);
        assert_eq!(Policy::Oracle.shares(&rows, 3), [0.5, 0.25, 0.25]);
    }
}
