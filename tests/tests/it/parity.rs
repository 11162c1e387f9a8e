//! The parity suite on the native engine.

use pointsman::Router;
use pointsman_tests::parity::{KindCases, Parity, answer, kind_answer, kind_requests};
use pointsman_tests::tiny;
use pointsman_trainer::export::bundle;
use pointsman_trainer::precision::Precision;
use serde_json::Value;

fn parity() -> Parity {
    let text = std::fs::read_to_string(tiny::fixtures().join("parity.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn committed_router() -> Router {
    Router::from_files(&bundle::read_files(&tiny::fixtures().join("tiny")).unwrap()).unwrap()
}

fn assert_alike(name: &str, found: &Value, expected: &Value, tolerance: f64) {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => {
            let apart = (a.as_f64().unwrap() - b.as_f64().unwrap()).abs();
            assert!(apart <= tolerance, "{name}: {a} and {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{name}");
            a.iter().zip(b).for_each(|(a, b)| assert_alike(name, a, b, tolerance));
        }
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{name}");
            a.iter().for_each(|(key, a)| assert_alike(name, a, &b[key], tolerance));
        }
        _ => assert_eq!(found, expected, "{name}"),
    }
}

#[test]
fn the_native_engine_gives_the_stored_answers() {
    let (parity, router) = (parity(), committed_router());
    assert!(parity.cases.len() > 30);
    for case in &parity.cases {
        let found = match answer(&router, &case.request) {
            Ok(decision) => serde_json::to_value(&decision).unwrap(),
            Err(error) => serde_json::json!({ "code": error.code() }),
        };
        assert_alike(&case.name, &found, &case.expect, parity.tolerance);
    }
}

#[test]
fn the_committed_bundle_equals_the_generated_one() {
    let committed = committed_router();
    let made = tiny::bundle(committed.info().calibration.clone()).unwrap();
    assert_eq!(made.manifest.files, committed.info().files);
}

#[test]
fn a_tar_of_the_bundle_routes_as_the_folder_does() {
    let files = bundle::read_files(&tiny::fixtures().join("tiny")).unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, format!("tiny/{name}"), bytes.as_slice()).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let from_tar = Router::from_tar(&archive).unwrap();
    for case in &parity().cases {
        assert_eq!(
            answer(&from_tar, &case.request),
            answer(&committed_router(), &case.request),
            "{}",
            case.name
        );
    }
    let truncated = Router::from_tar(&archive[..archive.len() / 2]).err().unwrap();
    assert_eq!(truncated.code(), "bundle_bad_archive");
}

#[test]
fn every_kind_and_tier_gives_the_stored_answers() {
    let text = std::fs::read_to_string(tiny::fixtures().join("kinds.json")).unwrap();
    let expected: KindCases = serde_json::from_str(&text).unwrap();
    let all = tiny::kinds_and_tiers();
    let names: Vec<String> =
        all.iter().map(|(kind, tier)| format!("{}-{tier}", kind.name())).collect();
    assert_eq!(expected.bundles.len(), names.len());
    for name in names {
        let folder = tiny::fixtures().join("kinds").join(&name);
        let router = Router::from_files(&bundle::read_files(&folder).unwrap()).unwrap();
        for case in &expected.bundles[&name] {
            let found = kind_answer(&router, &case.query).unwrap();
            let found = serde_json::to_value(&found).unwrap();
            let case = serde_json::to_value(case).unwrap();
            assert_alike(&name, &found, &case, expected.tolerance);
        }
        let rates: Vec<f64> = expected.bundles[&name].iter().map(|case| case.win_rate).collect();
        assert!(rates.iter().any(|rate| (rate - rates[0]).abs() > 1e-4), "{name}: {rates:?}");
    }
}

#[test]
fn an_int8_bundle_of_every_kind_stays_near_its_float_one() {
    for (kind, tier) in tiny::kinds_and_tiers() {
        let router = |precision| tiny::bundle_of(kind, tier, precision).unwrap().router();
        let (int8, float) = (router(Precision::Int8).unwrap(), router(Precision::Float).unwrap());
        for query in kind_requests() {
            let rate = |router: &Router| kind_answer(router, query).unwrap().win_rate;
            let (a, b) = (rate(&int8), rate(&float));
            assert!((a - b).abs() < 0.05, "{}-{tier}, {query:?}: {a} and {b}", kind.name());
        }
    }
}
