//! Rewrites `tests/fixtures`: the tiny bundles of every kind and tier and of a pool, the answers of the parity
//! suite, and token ids with results for ONNX Runtime.

use anyhow::{Context, Result};
use pointsman::{DEFAULT_TURN_DECAY, Query, Router};
use pointsman_tests::parity::{
    Case, KINDS_TOLERANCE, KindCases, Parity, answer, kind_answer, kind_requests, requests,
};
use pointsman_tests::{tiny, tiny_drawings, tiny_pool};
use pointsman_trainer::eval::pair::calibration::calibrate;
use pointsman_trainer::export::bundle;
use pointsman_trainer::precision::Precision;
use serde_json::json;

fn main() -> Result<()> {
    let fixtures = tiny::fixtures();
    let uncalibrated = tiny::bundle(None)?.router()?;
    let texts: Vec<String> = requests()
        .iter()
        .filter_map(|(_, request)| Some(request.get("query")?.as_str()?.to_owned()))
        .collect();
    let rates: Vec<f64> = texts
        .iter()
        .filter_map(|text| {
            uncalibrated.assess(&Query::new(text.as_str()).ok()?, DEFAULT_TURN_DECAY).ok()?.win_rate
        })
        .collect();
    let calibration = calibrate(&rates, "the parity suite's queries")?;
    let draft = tiny_drawings::drawn(tiny::bundle(Some(calibration))?)?;
    draft.write(&fixtures.join("tiny"))?;

    let router = draft.router()?;
    let cases = requests()
        .into_iter()
        .map(|(name, request)| {
            let expect = match answer(&router, &request) {
                Ok(decision) => serde_json::to_value(&decision)?,
                Err(error) => json!({ "code": error.code() }),
            };
            Ok(Case { name: name.into(), request, expect })
        })
        .collect::<Result<Vec<_>>>()?;
    write(&fixtures.join("parity.json"), &Parity { tolerance: 1e-4, cases })?;

    tiny_pool::bundle()?.write(&fixtures.join("pool"))?;

    let mut folders =
        ["tests/fixtures/tiny", "tests/fixtures/pool", "bundles/accurate", "bundles/default"]
            .map(str::to_owned)
            .to_vec();
    let mut kinds = KindCases { tolerance: KINDS_TOLERANCE, bundles: Default::default() };
    for (kind, tier) in tiny::kinds_and_tiers() {
        let name = format!("{}-{tier}", kind.name());
        let draft = tiny::bundle_of(kind, tier, Precision::Int8)?;
        draft.write(&fixtures.join("kinds").join(&name))?;
        let router = draft.router()?;
        let cases = kind_requests().map(|query| kind_answer(&router, query));
        kinds.bundles.insert(name.clone(), cases.into_iter().collect::<Result<_, _>>()?);
        folders.push(format!("tests/fixtures/kinds/{name}"));
    }
    write(&fixtures.join("kinds.json"), &kinds)?;

    let mut ids = serde_json::Map::new();
    for name in folders {
        let folder = fixtures.join("../..").join(&name);
        if !folder.exists() {
            continue;
        }
        let router = Router::from_files(&bundle::read_files(&folder)?)?;
        let rows = texts
            .iter()
            .filter_map(|text| router.encoder().tokenize(text).ok())
            .map(|tokens| {
                let outputs = router.encoder().run(&tokens)?;
                let embedding: Vec<f32> = outputs.embedding.iter().copied().take(8).collect();
                let mut row =
                    json!({"ids": tokens.ids, "scores": outputs.scores, "embedding": embedding});
                if tokens.counts.iter().any(|&count| count != 1) {
                    row["counts"] = json!(tokens.counts);
                }
                Ok(row)
            })
            .collect::<Result<Vec<_>>>()?;
        ids.insert(name, rows.into());
    }
    write(&fixtures.join("onnx-ids.json"), &ids)
}

fn write(path: &std::path::Path, value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
