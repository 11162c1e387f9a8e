//! Counts the rows of an inspection.

use std::collections::BTreeMap;

use super::{
    Inspection, LabelSummary, MAX_MATRIX, MAX_NAMES, ModelSummary, OTHERS, PairCount, PromptSummary,
};
use crate::data::{
    Battles, DataError, LabelRow, OutcomeRow, PreferenceRow, PromptRow, Stems, Table,
};

/// How often each name occurs.
#[derive(Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    fn add(&mut self, name: &str) {
        if let Some(count) = self.0.get_mut(name) {
            *count += 1;
        } else {
            let name = if self.0.len() < MAX_NAMES { name } else { OTHERS };
            *self.0.entry(name.to_owned()).or_default() += 1;
        }
    }
}

#[derive(Clone, Default)]
struct Sums {
    rows: usize,
    score: f64,
    wins: usize,
    losses: usize,
    ties: usize,
    cost: f64,
    costs: usize,
}

impl Sums {
    fn summary(&self, name: &str) -> ModelSummary {
        let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
        ModelSummary {
            name: name.to_owned(),
            rows: self.rows,
            mean_score: mean(self.score, self.rows),
            wins: self.wins,
            losses: self.losses,
            ties: self.ties,
            mean_cost: (self.costs > 0).then(|| mean(self.cost, self.costs)),
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn at(sums: &mut Vec<Sums>, model: usize) -> Option<&mut Sums> {
    if sums.len() <= model {
        sums.resize(model + 1, Sums::default());
    }
    sums.get_mut(model)
}

/// Counts that rows of every kind have.
#[derive(Default)]
struct Common {
    rows: usize,
    duplicates: usize,
    stems: Stems,
    datasets: Names,
    categories: Names,
    ties: usize,
    /// Rows where two or more models were measured.
    compared: usize,
    sums: Vec<Sums>,
}

impl Common {
    fn add(&mut self, query: &str, dataset: &str, category: Option<&str>) {
        self.rows += 1;
        self.duplicates += usize::from(!self.stems.insert(query));
        self.datasets.add(dataset);
        if let Some(category) = category {
            self.categories.add(category);
        }
    }

    fn finish(self, models: &[String], mut found: Inspection) -> Inspection {
        found.rows = self.rows;
        found.duplicates = self.duplicates;
        found.datasets = self.datasets.0;
        found.categories = self.categories.0;
        found.ties = self.ties;
        found.tie_share = share(self.ties, self.compared);
        let sums = self.sums.into_iter().chain(std::iter::repeat(Sums::default()));
        found.models = models.iter().zip(sums).map(|(name, sums)| sums.summary(name)).collect();
        found
    }
}

#[derive(Default)]
pub(super) struct OutcomeCounts {
    common: Common,
    cells: usize,
}

impl OutcomeCounts {
    pub fn add(&mut self, row: &OutcomeRow) {
        let common = &mut self.common;
        common.add(&row.query, &row.dataset, row.category.as_deref());
        self.cells += row.scores.len();
        let best = row.scores.iter().fold(f32::MIN, |best, &(_, score)| best.max(score));
        let at_best = row.scores.iter().filter(|&&(_, score)| score == best).count();
        let compared = row.scores.len() > 1;
        common.compared += usize::from(compared);
        common.ties += usize::from(compared && at_best == row.scores.len());
        for &(model, score) in &row.scores {
            let Some(sums) = at(&mut common.sums, model) else { continue };
            sums.rows += 1;
            sums.score += f64::from(score);
            sums.losses += usize::from(score < best);
            sums.wins += usize::from(compared && score == best && at_best == 1);
            sums.ties += usize::from(score == best && at_best > 1);
        }
        for &(model, cost) in &row.costs {
            let Some(sums) = at(&mut common.sums, model) else { continue };
            sums.cost += f64::from(cost);
            sums.costs += 1;
        }
    }

    pub fn finish(self, models: &[String], found: Inspection) -> Inspection {
        let density = share(self.cells, self.common.rows * models.len());
        Inspection { density, ..self.common.finish(models, found) }
    }
}

#[derive(Default)]
pub(super) struct PreferenceCounts {
    common: Common,
    /// Gives the names and indices of the models.
    battles: Battles,
    pairs: BTreeMap<(usize, usize), usize>,
    /// Rows won by model_a, and rows won by model_b.
    sides: [usize; 2],
}

impl PreferenceCounts {
    pub fn add(&mut self, row: &PreferenceRow) -> Result<(), DataError> {
        let (a, b) = self.battles.add(row)?;
        *self.pairs.entry((a.min(b), a.max(b))).or_default() += 1;
        let common = &mut self.common;
        common.add(&row.query, &row.dataset, None);
        common.compared += 1;
        common.ties += usize::from(row.is_tie());
        let [first, second] = &mut self.sides;
        *first += usize::from(row.target > 0.5);
        *second += usize::from(row.target < 0.5);
        for (model, score) in [(a, row.target), (b, 1.0 - row.target)] {
            let Some(sums) = at(&mut common.sums, model) else { continue };
            sums.rows += 1;
            sums.score += f64::from(score);
            sums.wins += usize::from(score > 0.5);
            sums.losses += usize::from(score < 0.5);
            sums.ties += usize::from(row.is_tie());
        }
        Ok(())
    }

    pub fn finish(self, found: Inspection) -> Inspection {
        let models = self.battles.models();
        let n = models.len();
        let mut found = self.common.finish(models, found);
        found.density = share(self.pairs.len(), n * n.saturating_sub(1) / 2);
        let name = |at: usize| models.get(at).cloned().unwrap_or_default();
        if n <= MAX_MATRIX {
            let pair = |(&(a, b), &battles): (&(usize, usize), &usize)| PairCount {
                model_a: name(a),
                model_b: name(b),
                battles,
            };
            found.pairs = self.pairs.iter().map(pair).collect();
            found.pairs.sort_by_key(|pair| std::cmp::Reverse(pair.battles));
        }
        let [first, second] = self.sides;
        if found.rows > 1 && n > 2 && (first == found.rows || second == found.rows) {
            let side = if second == 0 { "model_a" } else { "model_b" };
            found.warnings.push(format!(
                "every row is won by {side}: the columns may be mixed up, or the rows sorted by winner"
            ));
        }
        if n > 0 {
            unbounded(&self.battles, &mut found);
        }
        found
    }
}

#[derive(Default)]
pub(super) struct LabelCounts {
    common: Common,
    values: Vec<f64>,
    languages: Names,
    kinds: Names,
}

impl LabelCounts {
    pub fn add(&mut self, row: &LabelRow) {
        self.common.add(&row.query, &row.dataset, row.category.as_deref());
        self.values.push(row.value);
        if let Some(lang) = &row.lang {
            self.languages.add(lang);
        }
        if let Some(kind) = &row.kind {
            self.kinds.add(kind);
        }
    }

    pub fn finish(mut self, scale: Option<String>, found: Inspection) -> Inspection {
        let mut found = self.common.finish(&[], found);
        self.values.sort_by(f64::total_cmp);
        let at = |at: usize| self.values.get(at).copied();
        let (lowest, highest) = (at(0), self.values.last().copied());
        let median = at(self.values.len() / 2);
        let mut distinct = self.values.clone();
        distinct.dedup();
        if let (Some(scale), Some(lowest), Some(median), Some(highest)) =
            (scale, lowest, median, highest)
        {
            if distinct.len() == 1 {
                found.warnings.push(format!(
                    "every label is {lowest}: no row says what is harder, and training refuses the file"
                ));
            }
            found.labels = Some(LabelSummary {
                scale,
                lowest,
                median,
                highest,
                values: distinct.len(),
                languages: self.languages.0,
                kinds: self.kinds.0,
            });
        }
        found
    }
}

#[derive(Default)]
pub(super) struct PromptCounts {
    common: Common,
    conversations: usize,
    gold: usize,
}

impl PromptCounts {
    pub fn add(&mut self, row: &PromptRow) {
        self.common.add(&row.query, &row.dataset, None);
        self.conversations += usize::from(row.messages.len() > 1);
        self.gold += usize::from(row.gold.is_some());
    }

    pub fn finish(self, found: Inspection) -> Inspection {
        let PromptCounts { common, conversations, gold } = self;
        let prompts = Some(PromptSummary { conversations, gold });
        Inspection { prompts, ..common.finish(&[], found) }
    }
}

/// Warns where ratings would rest on the prior alone.
fn unbounded(battles: &Battles, found: &mut Inspection) {
    let Ok(ratings) = battles.ratings() else { return };
    if ratings.groups > 1 {
        found.warnings.push(format!(
            "the models form {} groups that never met: ratings do not compare across them",
            ratings.groups
        ));
    }
}

/// Warnings about a source that is unfit for training, or nearly so.
pub(super) fn warnings(found: &Inspection) -> Vec<String> {
    let mut warnings = Vec::new();
    if found.rows == 0 {
        warnings.push("no usable row".to_owned());
        return warnings;
    }
    if let [model] = found.models.as_slice() {
        warnings.push(format!(
            "scores of one model only ({}): a router chooses between two or more. A recipe of kind \
             \"difficulty\" learns from them in a source with role \"auxiliary\"",
            model.name
        ));
    }
    if matches!(found.table, Table::Labels | Table::Prompts) {
        warn_of_bad_rows(found, &mut warnings);
        return warnings;
    }
    if found.tie_share == 1.0 {
        warnings.push("every row is a tie: no row distinguishes the models".to_owned());
    } else if let Some(best) = found.models.iter().find(|model| model.wins == found.rows) {
        warnings.push(format!(
            "single class: {} wins every row, so a router has nothing to decide",
            best.name
        ));
    }
    if found.table == Table::Outcomes {
        let constant = |model: &&ModelSummary| model.mean_score == 0.0 || model.mean_score == 1.0;
        for model in found.models.iter().filter(constant) {
            warnings.push(format!("{} scores {} in every row", model.name, model.mean_score));
        }
    }
    warn_of_bad_rows(found, &mut warnings);
    warnings
}

fn warn_of_bad_rows(found: &Inspection, warnings: &mut Vec<String>) {
    if found.bad_count > 0 {
        warnings.push(format!("{} bad rows left out", found.bad_count));
    }
}
