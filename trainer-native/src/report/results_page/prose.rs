//! The page's sentences. A number in them is computed from stored results, but for settings of
//! recipes and what [`NOT_STORED`] introduces.

use super::seeds::span;
use super::values::{
    self, HELD_SUBJECTS, LLMROUTER, MMLU, PairResults, PoolResults, ROUTERBENCH, Results, missing,
};
use crate::eval::pair::operating_points::ThresholdOrigin;
use crate::eval::{PairResult, PoolResult, TransferResult};
use crate::report::format::{count, three};
use crate::report_error::ReportError;

pub(super) const OPENING: &str = "`cargo xtask results` writes this page whole; `cargo xtask results --check` compares it. \
Its numbers are computed from [`trainer-native/results`](../trainer-native/results), where every evaluation stores intervals, \
curves and operating points too, and from the newest run of each benchmark in [`bench/runs`](../bench/runs). \
The [last section](#numbers-without-a-stored-file) has the numbers that no file holds.";

pub(super) const BRIEF: &str = "APGR, the average performance gap recovered, is RouteLLM's metric: the share of the gap between \
the weak and the strong model that a router recovers, averaged over all shares of strong calls. Random has 0.5; higher is better. \
`default` and `accurate` are the bundles in `bundles/`; `ridge-static` was the default one when the times were measured. The ratio is ONNX Runtime's time divided by ours, round by round.";

pub(super) const TRANSFER: &str = "The shipped bundles on benchmarks that they learnt nothing of, between the pair of LLMs that \
each of them measured. They learnt from other LLMs' outcomes, labels of difficulty and graded needs. Rows whose question stands in \
one of these sources are removed and counted. Random has APGR 0.5. Where both LLMs of a pair fail at the hardest questions, a router \
that finds the hardest questions has an APGR near or below that.";

pub(super) const LEFT_OUT: &str = "`trainer eval --leave-one-source-out` leaves each source of outcomes out of a recipe's training in \
turn, with every question that it shares with others, and has the router rank the source's queries by its win rate. Scored are pairs of \
the source's own LLMs, none of which the router knows: APGR and the AUC of \"the weak LLM suffices\", chance 0.5 for both. Brackets \
are 95 % bootstrap intervals. kNN averages the difficulties of the nearest queries that the router was trained on; \"same head, on this \
source\" was fitted to the source itself, each fifth of its questions by a fit on the others.";

pub(super) const SANITY: &str = "`trainer eval BUNDLE --sanity` asks a bundle about requests written for this project \
([cases.toml](../trainer-native/sanity/cases.toml)), on which no router trains. A decision is compared at the threshold that sends \
30 % of the unchanged requests to the strong LLM. Filler is rated with the easy where its win rate is below the middle of the easy \
and the hard requests' means.";

pub(super) const LANGUAGES: &str = "Mean win rates of twelve prompts in ten languages, six easy and six hard; pairs of an easy and a \
hard prompt that are rated in that order:";

pub(super) const NEEDS: &str = "Spearman's rank correlation of win rate and graded need, given the prompt's length, in parts of at \
least 20 rows. What a recipe trains on is held back from the fit that rates it.";

pub(super) const ROUTERDC: &str = "Routers that pick the best of many LLMs, trained on RouterDC's training files; no weights \
of these are shipped. Scores count as in RouterDC's own evaluation: on MMLU, CMMLU and ARC-C any score above 0 is right. \
In the mean the five tests count alike.";

pub(super) const NOT_STORED: &str =
    "These were read off when they were measured; no file in the repository holds them.";

pub(super) const NOT_STORED_ITEMS: [&str; 6] = [
    "Sizes of bundles: `ridge-transformer` 18 MB. `task-identification-full`, all six layers of MiniLM in int8, 23.4 MB; \
`-transformer`, three layers, 17.9 MB; `-mini`, two layers and 5,000 tokens, 5.7 MB; `-static`, a token table, 1.3 MB.",
    "RouterDC's tests, each left out of training in turn (static tier, seed 1; `trainer sweep --recipe \
trainer-native/recipes/cluster-static.toml --set 'sources.0.without=[\"arc_challenge\"],[\"cmmlu\"],[\"gsm8k\"],[\"humaneval\"],[\"mmlu\"]'`): \
on the test left out, the mean over the five is 45.9 % for the cluster router and 45.5 % for task identification. The best single LLM \
of the other four tests has 47.2 %, a random pick 47.7 %. What was learnt on some tasks did not help on another.",
    "Similarity-weighted ranking fits a Bradley-Terry model for each query. Over a memory of 10,000 labelled questions \
(static tier, a bundle of 2.1 MB) a decision from text took 0.78 ms at 7 tokens and 1.5 ms at 108 tokens in wasm. RouteLLM's \
2.9 requests per second imply 345 ms, on eight cores. Measured before the engine had its own tokenizer and fused operators, \
and not since (`cargo xtask bench edge --hosts node --bundles DIR`).",
    "Training on two CPU cores beside PyTorch 2.15 with the same steps, in turns, three rounds (`trainer bench --python PYTHON`): matrix \
factorisation 69,000 queries per second, 2.1 times PyTorch's 33,000. Fine-tuning a two-layer MiniLM 990 tokens per second, \
0.34 times PyTorch's 2,900. Not measured on a GPU.",
    "A whole RouterDC run on three layers of MiniLM (`routerdc-transformer`: 5,000 queries, 314 steps of 32) trained 418 tokens \
per second and took 39 minutes; other jobs shared the two cores.",
    "Distillation (`trainer distil trainer-native/recipes/distilled-static.toml --teacher BUNDLE`, the teacher being \
`task-identification-mini`): teacher 58.46 %, student 57.85 % on the same 9,408 rows of RouterDC's tests; 5.7 MB against 1.3 MB.",
];

pub(super) fn mmlu(pairs: &[PairResult]) -> Result<String, ReportError> {
    let mmlu = PairResults::on(pairs, MMLU)?;
    let rows: Vec<usize> = mmlu.0.iter().map(|result| result.rows).collect();
    let rows = span(&rows).ok_or_else(|| missing("rows of MMLU".to_owned()))?;
    let published = mmlu.best_published()?;
    let first = mmlu.0.first().ok_or_else(|| missing("pair of MMLU".to_owned()))?;
    Ok(format!(
        "Strong LLM `{}`, weak LLM `{}`. Of MMLU's rows 1,500 are drawn for training by the seed and {rows} are scored; no question \
stands in both. Every router is an exported int8 bundle, scored by RouteLLM's protocol; the published rows were scored on {} rows. \
CPT(x) is the least share of strong calls that recovers x % of the gap: lower is better. Beside a mean over seeds stands the \
standard deviation.",
        first.facts.pair.strong,
        first.facts.pair.weak,
        count(published.rows)
    ))
}

pub(super) fn mmlu_bundles(pairs: &[PairResult]) -> Result<String, ReportError> {
    let mmlu = PairResults::on(pairs, MMLU)?;
    let length = mmlu.apgr("query length")?;
    let mut below = Vec::new();
    for label in mmlu.routers() {
        let apgr = mmlu.apgr(&label)?;
        if apgr < length {
            below.push(format!("`{}` {}", label.trim_end_matches(" (int8)"), three(apgr)));
        }
    }
    let losses = match below.is_empty() {
        true => "No router here is below query length.".to_owned(),
        false => format!("Below query length ({}): {}.", three(length), below.join(", ")),
    };
    Ok(format!(
        "`ridge-static` and `ridge-transformer` are kernel ridge regression on a token table and on three layers of MiniLM: APGR {} \
and {}. `cargo xtask train --data DIR --recipe trainer-native/recipes/ridge-static.toml --out RUN -- --seed 2` makes one of another \
seed. {losses}",
        three(mmlu.apgr("ridge-static (int8)")?),
        three(mmlu.apgr("ridge-transformer (int8)")?)
    ))
}

pub(super) fn held_subjects(pairs: &[PairResult]) -> Result<String, ReportError> {
    let held = PairResults::on(pairs, HELD_SUBJECTS)?;
    let (mut seeds, mut ours, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for (result, router) in held.runs("held-subjects (int8)") {
        let one = Results(vec![result]);
        seeds.push(router.training_seed.map_or_else(|| "?".to_owned(), |seed| seed.to_string()));
        ours.push(three(one.apgr("held-subjects (int8)")?));
        lengths.push(three(one.apgr("query length")?));
    }
    Ok(format!(
        "[`held-subjects`](../trainer-native/recipes/held-subjects.toml) trains on all of MMLU but 15 subjects that the seed draws, \
remembers every labelled query, and is scored on those 15. The result depends much on which subjects are drawn: APGR {} for the \
seeds {}, where query length has {}.",
        listed(&ours),
        listed(&seeds),
        listed(&lengths)
    ))
}

/// How many pairs a recipe was scored on.
pub(super) fn left_out(result: &TransferResult) -> String {
    let pairs: usize = result.sources.iter().map(|source| source.pairs.len()).sum();
    let scored = result.sources.iter().filter(|source| !source.pairs.is_empty()).count();
    let plural =
        |count: usize, what: &str| format!("{} {what}{}", count, if count == 1 { "" } else { "s" });
    let of = format!("{} of {}.", plural(pairs, "pair"), plural(scored, "source"));
    match result.sources.len() - scored {
        0 => of,
        none => {
            let has = if none == 1 { "has" } else { "have" };
            let all = count(result.sources.len());
            format!("{}; {} of {all} {has} none.", of.trim_end_matches('.'), plural(none, "source"))
        }
    }
}

pub(super) fn calibration(pairs: &[PairResult]) -> Result<String, ReportError> {
    let mmlu = PairResults::on(pairs, MMLU)?;
    let asked = 0.5;
    let mut points =
        mmlu.runs("ridge-static (int8)").flat_map(|(_, router)| &router.metrics.operating_points);
    let point = points.find(|point| {
        point.origin == ThresholdOrigin::Calibration && point.asked_share == Some(asked)
    });
    let point = point.ok_or_else(|| missing("calibrated share of ridge-static".to_owned()))?;
    Ok(format!(
        "A threshold is only as good as the sample that it was calibrated on. That of `ridge-static` comes from other \
benchmarks: on MMLU, its threshold for {:.0} % strong calls sends {:.0} % of the queries to the strong model. A host learns \
the share on its own queries; without that, run `trainer calibrate` on them first.",
        100.0 * asked,
        100.0 * point.strong_share
    ))
}

pub(super) fn task_identification(pools: &[PoolResult]) -> Result<String, ReportError> {
    let found = PoolResults::on(pools, values::ROUTERDC)?;
    let smallest = found.smallest()?;
    Ok(format!(
        "`task-identification-*` is the cluster router with data sets as groups: it recognises the task and takes the LLM that was \
best on it in training. On a token table it has {:.2} %, where RouterDC, on an encoder of 86 M parameters, published {:.2} %. \
No router here that looks at more than the task is clearly better. The differences between the best rows are smaller than these \
tests can show: the {} questions of {} make a fifth of the mean.",
        found.mean("task-identification-static (int8)")?,
        100.0 * found.published("RouterDC")?.mean,
        smallest.rows,
        smallest.name
    ))
}

pub(super) fn routerdc_losses(pools: &[PoolResult]) -> Result<String, ReportError> {
    let found = PoolResults::on(pools, values::ROUTERDC)?;
    let single = found.mean("best single LLM")?;
    let transformer = found.mean("routerdc-transformer (int8)")?;
    let table = found.mean("routerdc-static (int8)")?;
    Ok(format!(
        "RouterDC's own losses, trained here, reach {transformer:.2} % on three layers of MiniLM, {} the best single LLM \
({single:.2} %), and {table:.2} % on the static tier, {} it. Neither is near the published router.",
        above_or_below(transformer, single),
        above_or_below(table, single)
    ))
}

pub(super) fn routerbench(pools: &[PoolResult]) -> Result<String, ReportError> {
    let found = PoolResults::on(pools, ROUTERBENCH)?;
    let first = found.0.first().ok_or_else(|| missing("result on RouterBench".to_owned()))?;
    let (name, best) = found.best()?;
    Ok(format!(
        "{} LLMs with costs, {} tasks, {} questions to train on and {} to score. The best router, `{name}`, has {best:.2} %, the \
best single LLM {:.2} %. [FIGURES.md](FIGURES.md) draws these routers against cost.",
        first.facts.models.len(),
        first.facts.datasets.len(),
        count(first.facts.training_rows),
        count(first.rows),
        found.mean("best single LLM")?
    ))
}

pub(super) fn llmrouter(pools: &[PoolResult]) -> Result<String, ReportError> {
    let found = PoolResults::on(pools, LLMROUTER)?;
    let first = found.0.first().ok_or_else(|| missing("result on LLMRouter".to_owned()))?;
    let rows = |read: fn(&PoolResult) -> usize| {
        let rows: Vec<usize> = found.0.iter().map(|&result| read(result)).collect();
        span(&rows).ok_or_else(|| missing("rows of LLMRouter".to_owned()))
    };
    let ours = "cluster-llmrouter (int8)";
    let difference = found.difference(ours, "best single LLM")?;
    let interval = difference.interval.ok_or_else(|| missing(format!("interval of {ours}")))?;
    Ok(format!(
        "{} open LLMs on fourteen tasks, whose licence (MIT) permits weights trained on it. {} queries are drawn for training, \
the other {} are scored; the file counts as one data set. `cluster-llmrouter` is {:.1} points above the best single LLM in seed 1, \
{:.0} % interval [{:.1}, {:.1}].",
        first.facts.models.len(),
        rows(|result| result.facts.training_rows)?,
        rows(|result| result.rows)?,
        100.0 * difference.difference,
        100.0 * interval.level,
        100.0 * interval.low,
        100.0 * interval.high
    ))
}

/// Where a benchmark's section comes from.
pub(super) fn measured_by(benchmark: &str, run: &str) -> String {
    format!(
        "Measured by `cargo xtask bench {benchmark}`; all of the run is in [{benchmark}.md](../bench/runs/{run}/{benchmark}.md)."
    )
}

fn above_or_below(value: f64, mark: f64) -> &'static str {
    if value > mark { "above" } else { "below" }
}

/// `1`, `1 and 2`, `1, 2 and 3`.
fn listed(items: &[String]) -> String {
    match items {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        items => items.join(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_in_and() {
        let of = |n: usize| listed(&(1..=n).map(|item| item.to_string()).collect::<Vec<_>>());
        assert_eq!([of(0), of(1), of(2), of(3)], ["", "1", "1 and 2", "1, 2 and 3"]);
        assert_eq!((above_or_below(2.0, 1.0), above_or_below(1.0, 2.0)), ("above", "below"));
    }
}
