//! `judge.md`: the report as tables and sentences.

use std::fmt::Write as _;

use super::report::{
    EndedEarly, GoldCounts, GoldReport, HybridReport, JudgeReport, LlmReport, VotingReport,
};
use super::settings::Mode;
use crate::eval::agreement::Agreement;
use crate::eval::position_bias::PositionBias;
use crate::eval::proportion::Proportion;
use crate::report::format::{DASH, count, percent, three, usd};
use crate::report::table::{Column, RowClass, Table};

/// The report as Markdown.
#[must_use]
pub fn markdown(report: &JudgeReport) -> String {
    let mut text = String::from("# Judged answers\n\n");
    let all = |number: u64| count(number as usize);
    let _ = writeln!(
        text,
        "{} answers of {} LLMs to {} prompts; {} rows of outcomes, {} of preferences.",
        all(report.answers),
        report.models.len(),
        all(report.prompts),
        all(report.outcome_rows),
        all(report.preference_rows)
    );
    if let Some([strong, weak]) = &report.pair {
        let _ = writeln!(text, "Judged are {strong} (strong) and {weak} (weak) only.");
    }
    for (number, what) in [
        (report.without_outcome, "prompts have no score of any LLM"),
        (report.bad_rows, "rows were left out as bad"),
    ] {
        if number > 0 {
            let _ = writeln!(text, "{} {what}.", all(number));
        }
    }
    text += "\n## LLMs\n\n";
    text += &means(report).markdown();
    if !report.preferences.is_empty() {
        text += "\n## Preferences\n\n";
        text += &preferences(report).markdown();
    }
    if let Some(gold) = &report.gold {
        text += &gold_section(gold);
    }
    if let Some(llm) = &report.llm {
        text += &llm_section(llm);
    }
    if let Some(hybrid) = &report.hybrid {
        text += &hybrid_section(hybrid);
    }
    if let Some(voting) = &report.voting {
        text += &voting_section(voting, &report.models);
    }
    text
}

fn table(name: &str, columns: &[&str]) -> Table {
    let numbers = columns.iter().map(|name| Column::number(name));
    Table::new("", std::iter::once(Column::text(name)).chain(numbers).collect())
}

fn means(report: &JudgeReport) -> Table {
    let mut table = table("LLM", &["prompts", "mean score", "USD an answer"]);
    for (name, means) in &report.means {
        let score = if means.prompts > 0 { three(means.score) } else { DASH.into() };
        let cost = means.cost_usd.map_or(DASH.into(), usd);
        let cells = vec![name.clone(), count(means.prompts as usize), score, cost];
        table.push(RowClass::Ours, cells);
    }
    table.without_empty_columns()
}

fn preferences(report: &JudgeReport) -> Table {
    let mut table = table("first / second", &["first better", "second better", "ties"]);
    for (name, counts) in &report.preferences {
        let numbers = [counts.wins_of_first, counts.wins_of_second, counts.ties];
        let numbers = numbers.map(|number| count(number as usize));
        table.push(RowClass::Ours, std::iter::once(name.clone()).chain(numbers).collect());
    }
    table
}

fn gold_section(gold: &GoldReport) -> String {
    let mut text = format!(
        "\n## Gold answers\n\n{} prompts, by {}.\n",
        count(gold.prompts as usize),
        gold.version
    );
    if let Some(limits) = &gold.commands {
        let _ = writeln!(
            text,
            "Commands were run on what LLMs wrote, for at most {} s, with {} MiB of memory and files of {} MiB.",
            limits.seconds, limits.memory_mib, limits.file_mib
        );
    }
    for (name, rows) in [("kind", &gold.kinds), ("LLM", &gold.models)] {
        let columns = [
            "right",
            "wrong",
            "of these ended at a limit",
            "nothing found",
            "no answer",
            "not run",
        ];
        let mut table = table(name, &columns);
        for (row, counts) in rows {
            let GoldCounts { right, wrong, nothing_found, no_answer, not_run, ended_at_limit } =
                *counts;
            let numbers = [right, wrong, ended_at_limit, nothing_found, no_answer, not_run];
            let numbers = numbers.map(|number| count(number as usize));
            table.push(RowClass::Ours, std::iter::once(row.clone()).chain(numbers).collect());
        }
        text += "\n";
        text += &table.markdown();
    }
    text
}

fn llm_section(llm: &LlmReport) -> String {
    let all = |number: u64| count(number as usize);
    let compares = llm.mode != Some(Mode::Score);
    let questions = if compares { "comparisons" } else { "grades" };
    let mut text = format!(
        "\n## LLM judge\n\n{} with the prompt {}: {} {questions} of {} prompts, {} decided by the LLM",
        llm.judge,
        llm.prompt_version,
        all(llm.questions),
        all(llm.prompts),
        all(llm.read)
    );
    if llm.read_on_second_request > 0 {
        let _ = write!(text, " ({} on a second request)", all(llm.read_on_second_request));
    }
    text += ".\n";
    for (why, number) in &llm.without_call {
        let _ = writeln!(text, "{} without a call: {}.", all(*number), reason(why, compares));
    }
    for (number, what) in [
        (llm.unreadable, "left out, since the judge gave no verdict in the form asked for, twice"),
        (llm.missing, "left out, not answered yet: run the same command again to ask for them"),
    ] {
        if number > 0 {
            let _ = writeln!(text, "{} {what}.", all(number));
        }
    }
    if llm.answers_cut > 0 {
        let _ = writeln!(
            text,
            "{} answers were cut to {} characters, as every answer is.",
            all(llm.answers_cut),
            all(llm.answer_characters as u64)
        );
    }
    let _ = writeln!(
        text,
        "This call asked {} requests for {} USD; all {} answers stored cost {} USD.",
        all(llm.asked),
        usd(llm.spent_now_usd),
        all(llm.stored),
        usd(llm.spent_usd)
    );
    if let Some(stopped) = llm.stopped {
        let why = match stopped {
            EndedEarly::Cap => "the cost cap was reached",
            EndedEarly::Interrupted => "it was interrupted",
            EndedEarly::JudgeStopped => "the judge cannot be asked any further",
        };
        let _ = writeln!(text, "Asking ended early: {why}.");
    }
    if llm.failed > 0 || !llm.failures.is_empty() {
        let first = llm.failures.first().map_or("", String::as_str).replace('\n', " ");
        let _ = writeln!(text, "{} requests failed, the first: {first}", all(llm.failed));
    }
    if let Some(consistent) = &llm.consistent {
        let _ = writeln!(
            text,
            "\nThe same verdict in both orders: {}. Other comparisons are ties.",
            share(consistent)
        );
    }
    if let Some(bias) = &llm.position_bias {
        text += &bias_sentence(bias);
    }
    if !llm.grades.is_empty() {
        let mut table = table("grade", &["answers"]);
        for (grade, number) in &llm.grades {
            table.push(RowClass::Ours, vec![grade.to_string(), all(*number)]);
        }
        text += "\n";
        text += &table.markdown();
    }
    if let Some(agreement) = &llm.agreement {
        text += &agreement_section(agreement);
    }
    if llm.labels_without_verdict > 0 {
        let _ = writeln!(
            text,
            "{} labels name nothing that was judged.",
            all(llm.labels_without_verdict)
        );
    }
    text
}

fn reason(why: &str, compares: bool) -> &'static str {
    match (why, compares) {
        ("identical", _) => "both answers are the same, a tie",
        ("refusal", true) => "an answer is a refusal, which loses",
        ("filtered", true) => "an answer was filtered, which loses",
        (_, true) => "an answer is empty, which loses",
        ("refusal", false) => "refusals, graded 1",
        ("filtered", false) => "filtered answers, graded 1",
        (_, false) => "empty answers, graded 1",
    }
}

fn share(share: &Proportion) -> String {
    format!(
        "{} % [{}, {}] ({} of {})",
        percent(share.share),
        percent(share.low),
        percent(share.high),
        count(share.count as usize),
        count(share.of as usize)
    )
}

fn bias_sentence(bias: &PositionBias) -> String {
    let verdict = if bias.differs { "differs from" } else { "does not differ from" };
    format!(
        "Position bias: the first place wins {} % [{}, {}] over both orders, which {verdict} 50 % ({}; {} \
         comparisons lean to the first place, {} to the second).\n",
        percent(bias.first_share),
        percent(bias.low),
        percent(bias.high),
        p_value(bias.p_value),
        count(bias.leaning_to_first as usize),
        count(bias.leaning_to_second as usize)
    )
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "P < 0.0001".into() } else { format!("P = {p:.4}") }
}

fn agreement_section(agreement: &Agreement) -> String {
    let mut text = format!(
        "\n### Agreement with labels\n\n{} labels of {} queries. Agreed: {}",
        count(agreement.rows),
        count(agreement.queries),
        share(&agreement.agreed)
    );
    if let Some(without) = &agreement.agreed_without_ties {
        let _ = write!(text, "; where neither says tie: {}", share(without));
    }
    match agreement.kappa {
        Some(kappa) => {
            let _ = write!(text, ". Cohen's kappa: {}", three(kappa));
        }
        None => text += ". Cohen's kappa is not defined: there is one verdict only",
    }
    if let Some(interval) = &agreement.kappa_interval {
        let _ = write!(text, " [{}, {}]", three(interval.low), three(interval.high));
    }
    text += ".\n\n";
    let mut table = table("label", &["judge: first", "judge: second", "judge: tie"]);
    for (label, row) in ["first", "second", "tie"].into_iter().zip(agreement.table) {
        let numbers = row.map(|number| count(number as usize));
        table.push(RowClass::Ours, std::iter::once(label.to_owned()).chain(numbers).collect());
    }
    text + &table.markdown()
}

fn hybrid_section(hybrid: &HybridReport) -> String {
    let mut text = format!(
        "\n## Hybrid-LLM's labels\n\n{} prompts, mean label (weak suffices) {}.\n",
        count(hybrid.prompts as usize),
        three(hybrid.mean_label)
    );
    if let Some(found) = &hybrid.transformation {
        let _ = writeln!(
            text,
            "Threshold {} of {} tried; mean difference of two prompts' labels {}, of soft labels {}.",
            found.threshold,
            count(found.tried),
            three(found.mean_difference),
            three(found.soft_mean_difference)
        );
    }
    text
}

fn voting_section(voting: &VotingReport, models: &[String]) -> String {
    let mut text = format!(
        "\n## Voting\n\nThe answer that most LLMs give, beside each alone, on {} prompts that all answered",
        count(voting.prompts as usize)
    );
    if voting.left_out > 0 {
        let _ =
            write!(text, " ({} others have no answers to count)", count(voting.left_out as usize));
    }
    text += "; in per cent.\n\n";
    let mut columns = vec!["prompts", "voting"];
    columns.extend(models.iter().map(String::as_str));
    columns.push("oracle");
    let mut table = table("data set", &columns);
    for row in &voting.datasets {
        let mut cells = vec![row.dataset.clone(), count(row.prompts as usize), percent(row.voting)];
        cells.extend(row.models.iter().copied().map(percent));
        cells.push(percent(row.oracle));
        table.push(RowClass::Ours, cells);
    }
    if voting.datasets.len() > 1 {
        let sets = voting.datasets.len() as f64;
        let mean = |of: &dyn Fn(&super::report::VotingRow) -> f64| {
            percent(voting.datasets.iter().map(of).sum::<f64>() / sets)
        };
        let mut cells = vec![
            "mean of data sets".into(),
            count(voting.prompts as usize),
            mean(&|row| row.voting),
        ];
        for at in 0..models.len() {
            cells.push(mean(&|row| row.models.get(at).copied().unwrap_or_default()));
        }
        cells.push(mean(&|row| row.oracle));
        table.push(RowClass::Ours, cells);
    }
    text + &table.markdown()
}
