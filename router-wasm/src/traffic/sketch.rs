//! A quantile sketch of numbers in [0, 1] in which older numbers fade.
//!
//! The numbers lie in at most [`MOST_BINS`] bins `[low, high]` of some weight, spread evenly over the bin.
//! A bin with `low == high` is a point mass: a number that came often, and that no cut may treat as
//! spread. Bins may overlap. The rank of `x` is the weight below `x` over the whole weight,
//!
//! ```text
//! rank(x) = sum_b w_b clamp((x - low_b) / (high_b - low_b), 0, 1) / sum_b w_b
//! ```
//! Neighbours are united while they hold no more than a 64th of the weight together, as in a t-digest with
//! a uniform scale function (Dunning & Ertl 2019): a rank is wrong by at most that.
//!
//! Why no crate: `tdigest` and `tdigests` keep means, and so spread point masses over their
//! neighbours; `sketches-ddsketch` bounds the error of the *value*, so that traffic whose numbers all lie
//! between 0.99 and 0.999 falls in one bin; KLL sketches (`datasketches`) do not fade. All of them are
//! for streams of unknown range, and longer than this file.

/// Bins unite while they hold at most this fraction of the weight.
const FINEST: f64 = 1.0 / 64.0;
/// The bins from which on they are united, to at most two thirds of this number.
pub(super) const MOST_BINS: usize = 192;

/// Some weight, spread evenly over `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) weight: f64,
}

/// The numbers above a rank: those above `threshold`, and of those that equal it the ones whose tie-break,
/// in [0, 1), is at least `tie`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    pub(crate) threshold: f64,
    tie: f64,
}

impl Bin {
    pub(super) fn point(value: f64) -> Self {
        Self { low: value, high: value, weight: 1.0 }
    }

    /// The weight below `value`; of a point mass at `value` the fraction `tie`.
    fn below(&self, value: f64, tie: f64) -> f64 {
        let share = if value > self.high {
            1.0
        } else if value < self.low {
            0.0
        } else if self.low < self.high {
            (value - self.low) / (self.high - self.low)
        } else {
            tie
        };
        share * self.weight
    }

    fn united(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            weight: self.weight + other.weight,
        }
    }
}

impl Cut {
    /// Every number is above it.
    pub(crate) const ALL: Self = Self { threshold: 0.0, tie: 0.0 };
    /// No number is above it.
    pub(crate) const NONE: Self = Self { threshold: 1.0, tie: 1.0 };

    /// All numbers from `threshold` on.
    pub(crate) fn at(threshold: f64) -> Self {
        Self { threshold, tie: 0.0 }
    }

    /// Finds the cut below which `rank`, in (0, 1), of the weight lies. Without weight it is at `rank`.
    pub(super) fn at_rank(bins: &[Bin], rank: f64) -> Self {
        let weight: f64 = bins.iter().map(|bin| bin.weight).sum();
        if weight <= 0.0 {
            return Self::at(rank);
        }
        let wanted = rank * weight;
        let below =
            |value: f64, tie: f64| -> f64 { bins.iter().map(|bin| bin.below(value, tie)).sum() };
        let mut ends: Vec<f64> = bins.iter().flat_map(|bin| [bin.low, bin.high]).collect();
        ends.sort_unstable_by(f64::total_cmp);
        // Rounding may leave the last end below the wanted weight.
        let at = ends.partition_point(|&end| below(end, 1.0) < wanted).min(ends.len() - 1);
        let end = ends[at];
        let (low, high) = (below(end, 0.0), below(end, 1.0));
        if low <= wanted {
            let tie = if high > low { (wanted - low) / (high - low) } else { 0.0 };
            return Self { threshold: end, tie };
        }
        // Between two neighbouring ends the weight below grows evenly. There is an end before: none of
        // the weight lies below the first.
        let before = ends[at.saturating_sub(1)];
        let from = below(before, 1.0);
        Self::at((before + (end - before) * (wanted - from) / (low - from)).clamp(before, end))
    }

    /// Whether `value`, whose tie-break is in [0, 1), is above the cut.
    pub(crate) fn admits(&self, value: f64, tie: impl FnOnce() -> f64) -> bool {
        value > self.threshold
            || (value == self.threshold && (self.tie <= 0.0 || tie() >= self.tie))
    }
}

/// Multiplies all weights by `factor`.
pub(super) fn fade(bins: &mut [Bin], factor: f64) {
    for bin in bins {
        bin.weight *= factor;
    }
}

/// Adds `new` to the bins, of which more than [`MOST_BINS`] are united.
pub(super) fn add(bins: &mut Vec<Bin>, new: Bin) {
    let same = |bin: &&mut Bin| bin.low == new.low && bin.high == new.high;
    match bins.iter_mut().find(same) {
        Some(bin) => bin.weight += new.weight,
        None => bins.push(new),
    }
    if bins.len() > MOST_BINS {
        unite(bins);
    }
}

/// Unites neighbours, in the order of their middles.
pub(super) fn unite(bins: &mut Vec<Bin>) {
    let middle = |bin: &Bin| bin.low + bin.high;
    bins.sort_unstable_by(|a, b| middle(a).total_cmp(&middle(b)).then(a.low.total_cmp(&b.low)));
    let most = FINEST * bins.iter().map(|bin| bin.weight).sum::<f64>();
    let mut united: Vec<Bin> = Vec::with_capacity(MOST_BINS);
    for &bin in bins.iter() {
        match united.last_mut() {
            Some(last) if last.weight + bin.weight <= most => *last = last.united(bin),
            _ => united.push(bin),
        }
    }
    *bins = united;
}
