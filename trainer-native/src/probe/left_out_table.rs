//! How far answers carry, as a table in Markdown.

use std::fmt::Write;

use super::leave_out::{Basis, LeftOut, Line};

/// The table with a sentence on the pool.
#[must_use]
pub fn table(found: &LeftOut) -> String {
    let mut text = format!(
        "{} LLMs on {} rows, {} draws each; {} of them have a pair with the best other one.\n\n\
         | learnt from | mean score off by (mean, 95 %) | true mean in interval | rank correlation | Brier | \
         log loss | APGR |\n| --- | --- | --- | --- | --- | --- | --- |\n",
        found.llms.len(),
        found.rows,
        found.settings.draws,
        found.pairs
    );
    for line in &found.lines {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| {} |", row(line).join(" | "));
    }
    if !found.too_few.is_empty() {
        let _ = writeln!(text, "\nLeft out, with too few rows: {}.", found.too_few.join(", "));
    }
    text
}

fn row(line: &Line) -> [String; 7] {
    let learnt_from = match line.basis {
        Basis::Prior => "nothing: tier medium, or the candidates' mean".to_owned(),
        Basis::NearestTier => "nothing: the nearest tier".to_owned(),
        Basis::Mean(n) => format!("mean of {n} answers alone"),
        Basis::Answers(n) => format!("{n} answers"),
        Basis::All => "all rows, the rest among them".to_owned(),
    };
    let or_dash =
        |value: Option<f64>, shown: fn(f64) -> String| value.map_or("–".to_owned(), shown);
    let fraction: fn(f64) -> String = |value| format!("{value:.3}");
    let percent: fn(f64) -> String = |value| format!("{:.1} %", value * 100.0);
    [
        learnt_from,
        format!("{:.3}, {:.3}", line.mean_error, line.mean_error_95),
        or_dash(line.in_interval, percent),
        or_dash(line.rank_correlation, fraction),
        fraction(line.brier),
        fraction(line.log_loss),
        or_dash(line.apgr, fraction),
    ]
}
