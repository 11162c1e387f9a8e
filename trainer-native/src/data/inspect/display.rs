//! Prints an inspection as text.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

use super::{Inspection, LabelSummary, MAX_MATRIX, PairCount, PromptSummary};
use crate::data::Table;

/// Names listed of a long list; the others are counted.
const LISTED: usize = 20;

impl Display for Inspection {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "format      {} ({})", self.format, self.table)?;
        writeln!(f, "files       {} ({} bytes)", self.files.len(), self.bytes)?;
        writeln!(f, "sha256      {}", self.sha256)?;
        writeln!(f, "rows        {}", self.rows)?;
        writeln!(f, "bad rows    {}", self.bad_count)?;
        for (code, rows) in &self.bad_codes {
            writeln!(f, "  {rows:>9} {code}")?;
        }
        for (what, rows) in &self.passed_over {
            writeln!(f, "passed over {rows} {what}")?;
        }
        writeln!(f, "duplicates  {} rows ask an earlier row's question", self.duplicates)?;
        let of = match self.table {
            Table::Outcomes => Some("of (row, model) cells measured"),
            Table::Preferences => Some("of model pairs have a battle"),
            Table::Labels | Table::Prompts => None,
        };
        if let Some(of) = of {
            writeln!(f, "ties        {} ({:.1} % of rows)", self.ties, 100.0 * self.tie_share)?;
            writeln!(f, "density     {:.1} % {of}", 100.0 * self.density)?;
        }
        if let Some(labels) = &self.labels {
            let LabelSummary { scale, lowest, median, highest, values, .. } = labels;
            writeln!(f, "scale       {scale}")?;
            writeln!(
                f,
                "labels      {lowest} to {highest}, median {median}, {values} different values"
            )?;
        }
        if let Some(PromptSummary { conversations, gold }) = &self.prompts {
            writeln!(f, "turns       {conversations} prompts have turns before the last")?;
            writeln!(f, "gold        {gold} prompts state a right answer")?;
        }
        if self.score_scale != 1.0 {
            writeln!(f, "score scale {} (a score of 1 stands for it)", self.score_scale)?;
        }
        names(f, "data sets", &self.datasets)?;
        names(f, "categories", &self.categories)?;
        if let Some(labels) = &self.labels {
            names(f, "languages", &labels.languages)?;
            names(f, "kinds", &labels.kinds)?;
        }
        if !matches!(self.table, Table::Labels | Table::Prompts) {
            self.models(f)?;
            self.matrix(f)?;
        }
        if !self.warnings.is_empty() {
            writeln!(f, "\nwarnings")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  {warning}")?;
        }
        if !self.bad_rows.is_empty() {
            writeln!(f, "\nfirst bad rows")?;
        }
        for bad in self.bad_rows.iter().take(LISTED) {
            writeln!(f, "  {}:{}: {}", bad.file, bad.line, bad.reason)?;
        }
        Ok(())
    }
}

fn names(f: &mut Formatter<'_>, title: &str, counts: &BTreeMap<String, usize>) -> Result {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title} ({})", counts.len())?;
    let mut order: Vec<(&String, &usize)> = counts.iter().collect();
    order.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
    for (name, rows) in order.iter().take(LISTED) {
        writeln!(f, "  {rows:>9} {name}")?;
    }
    if let Some(rest) = order.get(LISTED..).filter(|rest| !rest.is_empty()) {
        let rows: usize = rest.iter().map(|(_, rows)| **rows).sum();
        writeln!(f, "  {rows:>9} in {} more", rest.len())?;
    }
    Ok(())
}

impl Inspection {
    fn models(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "\nmodels ({})", self.models.len())?;
        let costs = self.models.iter().any(|model| model.mean_cost.is_some());
        let cost_title = if costs { "   mean USD" } else { "" };
        writeln!(
            f,
            "  {:>9} {:>10} {:>9} {:>9} {:>9}{cost_title}  model",
            "rows", "mean score", "wins", "losses", "ties"
        )?;
        for model in &self.models {
            let cost = match model.mean_cost {
                Some(cost) => format!(" {cost:>10.6}"),
                None if costs => format!(" {:>10}", "-"),
                None => String::new(),
            };
            writeln!(
                f,
                "  {:>9} {:>10.4} {:>9} {:>9} {:>9}{cost}  {}",
                model.rows, model.mean_score, model.wins, model.losses, model.ties, model.name
            )?;
        }
        Ok(())
    }

    /// Battles of each model with each other one, in both directions, in the order of the list
    /// above.
    fn matrix(&self, f: &mut Formatter<'_>) -> Result {
        let n = self.models.len();
        if self.pairs.is_empty() || n > MAX_MATRIX {
            return Ok(());
        }
        writeln!(f, "\nbattles between models, in the order above")?;
        write!(f, "   ")?;
        for column in 1..=n {
            write!(f, " {column:>8}")?;
        }
        writeln!(f)?;
        for (at, row) in self.models.iter().enumerate() {
            write!(f, "  {:>2}", at + 1)?;
            for column in &self.models {
                let met = |pair: &&PairCount| {
                    (pair.model_a == row.name && pair.model_b == column.name)
                        || (pair.model_b == row.name && pair.model_a == column.name)
                };
                match self.pairs.iter().find(met) {
                    Some(pair) => write!(f, " {:>8}", pair.battles)?,
                    None => write!(f, " {:>8}", ".")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
