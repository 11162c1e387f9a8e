//! Computes means by data set, and over data sets.

use super::published::PoolKind;
use super::rows::PoolRow;

/// The data sets of some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataSets {
    pub(super) names: Vec<String>,
    /// Indices of the rows of each data set, ascending.
    pub(super) rows: Vec<Vec<usize>>,
}

impl DataSets {
    /// The data sets of the published rows first, then the others in order of first appearance.
    pub(super) fn of(rows: &[PoolRow], kind: PoolKind) -> Self {
        let mut names: Vec<String> = kind.datasets().iter().map(|&name| name.to_owned()).collect();
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
        for (at, row) in rows.iter().enumerate() {
            match names.iter().position(|name| *name == row.dataset) {
                Some(place) => members.get_mut(place).into_iter().for_each(|of| of.push(at)),
                None => {
                    names.push(row.dataset.clone());
                    members.push(vec![at]);
                }
            }
        }
        let (names, rows) = names.into_iter().zip(members).filter(|(_, of)| !of.is_empty()).unzip();
        Self { names, rows }
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Mean of the values on each data set, and the weight it is over; rows without a value are
    /// left out, and a data set of such rows only has no mean. `times` is the weight of each row.
    pub(super) fn means(
        &self,
        values: &[Option<f64>],
        times: impl Fn(usize) -> u32,
    ) -> Vec<Option<(f64, usize)>> {
        let mean = |of: &Vec<usize>| {
            let (mut sum, mut n) = (0.0, 0_usize);
            for &row in of {
                if let Some(value) = values.get(row).copied().flatten() {
                    let times = times(row);
                    sum += f64::from(times) * value;
                    n += times as usize;
                }
            }
            (n > 0).then(|| (sum / n as f64, n))
        };
        self.rows.iter().map(mean).collect()
    }
}

/// Mean over data sets, all weighted equally; `None` unless every data set has a mean.
pub(super) fn over_datasets(means: &[Option<(f64, usize)>]) -> Option<f64> {
    let values = means.iter().map(|mean| mean.map(|(score, _)| score));
    let sum = values.sum::<Option<f64>>()?;
    (!means.is_empty()).then(|| sum / means.len() as f64)
}

/// Mean over rows, all weighted equally.
pub(super) fn over_rows(means: &[Option<(f64, usize)>]) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0_usize);
    for &(score, rows) in means.iter().flatten() {
        sum += score * rows as f64;
        n += rows;
    }
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(datasets: &[&str]) -> Vec<PoolRow> {
        let row = |name: &&str| PoolRow { dataset: (*name).to_owned(), ..PoolRow::default() };
        datasets.iter().map(row).collect()
    }

    #[test]
    fn published_datasets_come_first_and_absent_ones_not_at_all() {
        let found = DataSets::of(&rows(&["own", "ARC-C", "MMLU", "own"]), PoolKind::InDistribution);
        assert_eq!(found.names, ["MMLU", "ARC-C", "own"]);
        assert_eq!(found.rows, [vec![2], vec![1], vec![0, 3]]);
        let other = DataSets::of(&rows(&["b", "a", "b"]), PoolKind::Other);
        assert_eq!(other.names, ["b", "a"]);
    }

    #[test]
    fn data_sets_count_alike_and_rows_count_alike() {
        let sets = DataSets::of(&rows(&["a", "a", "a", "b"]), PoolKind::Other);
        let means = sets.means(&[Some(1.0), None, Some(0.0), Some(1.0)], |_| 1);
        assert_eq!(means, [Some((0.5, 2)), Some((1.0, 1))]);
        assert_eq!(over_datasets(&means), Some(0.75));
        assert_eq!(over_rows(&means), Some(2.0 / 3.0));
        let drawn = sets.means(&[Some(1.0), None, Some(0.0), Some(1.0)], |row| [3, 5, 1, 0][row]);
        assert_eq!(drawn, [Some((0.75, 4)), None]);
        assert_eq!((over_datasets(&drawn), over_rows(&drawn)), (None, Some(0.75)));
        assert_eq!((over_datasets(&[]), over_rows(&[None])), (None, None));
    }
}
