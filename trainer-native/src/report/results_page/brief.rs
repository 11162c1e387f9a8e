//! The page's first table, eight rows over all results, and where the product does not win.
//!
//! README.md and README.zh.md carry the same numbers; `tests/tests/it/results.rs` compares them.

use super::benchmarks::Benchmarks;
use super::values::{
    ARENA, LLMROUTER, MMLU, MMLU_APART, PairResults, PoolResults, ROUTERBENCH, ROUTERDC,
};
use crate::eval::Stored;
use crate::report::format::three;
use crate::report::table::{Column, RowClass, Table};
use crate::report_error::ReportError;

/// APGR of picks at random, by the metric's definition.
const RANDOM_APGR: f64 = 0.5;
/// Bundle and length at which the native engine stands beside ONNX Runtime in the losses.
const NATIVE: (&str, usize) = ("minilm-l6", 32);

pub(super) fn table(stored: &Stored, benchmarks: &Benchmarks) -> Result<Table, ReportError> {
    let mmlu = PairResults::on(&stored.pairs, MMLU)?;
    let arena = PairResults::on(&stored.pairs, ARENA)?;
    let apart = PairResults::on(&stored.pairs, MMLU_APART)?;
    let routerdc = PoolResults::on(&stored.pools, ROUTERDC)?;
    let llmrouter = PoolResults::on(&stored.pools, LLMROUTER)?;
    let (edge, gateway) = (&benchmarks.edge.report, &benchmarks.gateway.report);
    let published = mmlu.best_published()?;
    let query = edge.text_to_decision("node", "static", 32)?;
    let megabytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1e6);
    let rows = [
        [
            format!(
                "RouteLLM's MMLU, trained on 1,500 rows of it, APGR (random: {})",
                three(mmlu.apgr("random")?)
            ),
            format!(
                "`ridge-static` {}, `ridge-transformer` {}",
                three(mmlu.apgr("ridge-static (int8)")?),
                three(mmlu.apgr("ridge-transformer (int8)")?)
            ),
            format!(
                "best published {} ({}), query length {}",
                three(published.apgr),
                published.label(),
                three(mmlu.apgr("query length")?)
            ),
        ],
        [
            "RouteLLM's MMLU, not trained on, APGR".to_owned(),
            format!(
                "`default` {}, `accurate` {}",
                three(apart.apgr("default (int8)")?),
                three(apart.apgr("accurate (int8)")?)
            ),
            format!("query length {}", three(apart.apgr("query length")?)),
        ],
        [
            format!("chat prompts not trained on ({ARENA}), APGR"),
            format!(
                "`default` {}, `accurate` {}",
                three(arena.apgr("default (int8)")?),
                three(arena.apgr("accurate (int8)")?)
            ),
            format!("query length {}", three(arena.apgr("query length")?)),
        ],
        [
            "RouterDC's five tests, mean %".to_owned(),
            format!(
                "`task-identification-static` {:.2}",
                routerdc.mean("task-identification-static (int8)")?
            ),
            format!(
                "RouterDC, published {:.2}; best single LLM {:.2}",
                100.0 * routerdc.published("RouterDC")?.mean,
                routerdc.mean("best single LLM")?
            ),
        ],
        [
            "LLMRouter's pool of nine LLMs, mean %".to_owned(),
            format!("`cluster-llmrouter` {:.2}", llmrouter.mean("cluster-llmrouter (int8)")?),
            format!("best single LLM {:.2}", llmrouter.mean("best single LLM")?),
        ],
        [
            "text to decision in Node, 32 tokens, median ms".to_owned(),
            format!("`ridge-static` {}", milliseconds(query.ours)),
            format!(
                "ONNX Runtime Web behind transformers.js' tokenizer {} (ratio {:.2})",
                milliseconds(query.peer),
                query.ratio
            ),
        ],
        [
            "what the gateway adds to an answer, p50 ms".to_owned(),
            format!("`ridge-static` {:.2}", gateway.added("static")?),
            format!(
                "Portkey's open gateway, which does not decide, {:.2}",
                gateway.added("portkey")?
            ),
        ],
        [
            "engine's wasm, MB after gzip -9".to_owned(),
            megabytes(edge.wasm("pointsman, relaxed-simd")?),
            format!("onnxruntime-web {}", megabytes(edge.wasm("onnxruntime-web")?)),
        ],
    ];
    let columns = ["what", "Pointsman", "beside it"].map(Column::text);
    let mut table = Table::new("In brief", columns.to_vec());
    for row in rows {
        table.push(RowClass::Ours, row.to_vec());
    }
    Ok(table)
}

/// The losses, a sentence each; a sentence whose loss is gone is left out.
pub(super) fn losses(stored: &Stored, benchmarks: &Benchmarks) -> Result<Vec<String>, ReportError> {
    let mut losses = Vec::new();
    let mut unclear = Vec::new();
    for result in stored.pairs.iter().filter(|result| result.benchmark.name != MMLU) {
        let default = result.routers.iter().find(|router| router.label() == "default (int8)");
        let found =
            default.and_then(|router| router.metrics.apgr.zip(router.metrics.apgr_interval));
        if let Some((apgr, _)) = found.filter(|(_, interval)| interval.low <= RANDOM_APGR) {
            unclear.push(format!("{} ({})", result.benchmark.name, three(apgr)));
        }
    }
    if !unclear.is_empty() {
        losses.push(format!(
            "`default` is not clearly better than random on benchmarks that it was not trained on: the interval of its APGR begins below {RANDOM_APGR} on {}.",
            unclear.join(", ")
        ));
    }
    let routerbench = PoolResults::on(&stored.pools, ROUTERBENCH)?;
    let (single, (name, best)) = (routerbench.mean("best single LLM")?, routerbench.best()?);
    if best < single + 0.005 {
        losses.push(format!(
            "On RouterBench's three tasks no router is better than the best single LLM: {single:.2} %, as `{name}` has {best:.2} %."
        ));
    }
    let (bundle, tokens) = NATIVE;
    let native = benchmarks.edge.report.text_to_decision("native", bundle, tokens)?;
    if native.ratio < 1.0 {
        losses.push(format!(
            "Natively ONNX Runtime is faster on MiniLM: on six layers at {tokens} tokens it takes {} ms where ours takes {} ms.",
            milliseconds(native.peer),
            milliseconds(native.ours)
        ));
    }
    Ok(losses)
}

/// Three digits, never in powers of ten: `0.0835`, `4.58`, `235`.
fn milliseconds(value: f64) -> String {
    let before_point = if value > 0.0 { value.log10().floor() as i32 } else { 0 };
    let decimals = (2 - before_point).max(0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let shown = [0.083_46, 0.299_98, 4.578, 10.04, 235.4, 1034.7].map(milliseconds);
        assert_eq!(shown, ["0.0835", "0.300", "4.58", "10.0", "235", "1035"]);
    }
}
