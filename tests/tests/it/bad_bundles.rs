//! Damaged bundles are refused with an error that names the damage, and never with a panic.

use pointsman::{Router, RouterError, sha256_hex};
use pointsman_tests::tiny;
use pointsman_trainer::export::bundle;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

type Files = Vec<(String, Vec<u8>)>;
type Edit = fn(&mut Value);

fn files() -> Files {
    bundle::read_files(&tiny::fixtures().join("tiny")).unwrap()
}

fn bytes<'a>(files: &'a mut Files, name: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(n, _)| n == name).unwrap().1
}

fn edit_manifest(files: &mut Files, edit: impl FnOnce(&mut Value)) {
    let manifest = bytes(files, "router.json");
    let mut value: Value = serde_json::from_slice(manifest).unwrap();
    edit(&mut value);
    *manifest = serde_json::to_vec(&value).unwrap();
}

/// Updates the length and hash of every file in the manifest, so that damaged contents are read.
fn restate(files: &mut Files) {
    let stated: Vec<Value> = files
        .iter()
        .filter(|(name, _)| name != "router.json" && name != "map.json")
        .map(|(name, content)| {
            json!({"name": name, "bytes": content.len(), "sha256": sha256_hex(content)})
        })
        .collect();
    edit_manifest(files, |manifest| manifest["files"] = stated.into());
}

fn refusal(files: &Files) -> RouterError {
    Router::from_files(files).err().expect("the bundle must be refused")
}

#[test]
fn a_missing_file_is_named() {
    for name in ["router.json", "model.onnx", "tokenizer.json"] {
        let mut files = files();
        files.retain(|(n, _)| n != name);
        let error = refusal(&files);
        assert_eq!(error.code(), "bundle_missing_file");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(refusal(&Vec::new()).code(), "bundle_missing_file");
}

#[test]
fn a_truncated_file_is_named_with_both_lengths() {
    let mut files = files();
    let model = bytes(&mut files, "model.onnx");
    let whole = model.len();
    model.truncate(100);
    let error = refusal(&files);
    assert_eq!(error.code(), "bundle_wrong_size");
    let text = error.to_string();
    assert!(
        text.contains("model.onnx") && text.contains("100") && text.contains(&whole.to_string())
    );
}

#[test]
fn a_flipped_bit_is_a_wrong_hash() {
    let mut files = files();
    bytes(&mut files, "tokenizer.json")[50] ^= 1;
    assert_eq!(refusal(&files).code(), "bundle_wrong_hash");
}

#[test]
fn an_oversized_manifest_is_refused_without_parsing() {
    let mut files = files();
    bytes(&mut files, "router.json").resize(pointsman::MAX_MANIFEST_BYTES + 1, b' ');
    assert_eq!(refusal(&files).code(), "bundle_too_large");
}

#[test]
fn an_unknown_format_or_kind_is_named() {
    let mut newer = files();
    edit_manifest(&mut newer, |m| m["format"] = json!(2));
    assert_eq!(refusal(&newer).code(), "bundle_unknown_format");
    let mut other = files();
    edit_manifest(&mut other, |m| m["kind"] = json!("oracle"));
    let error = refusal(&other);
    assert_eq!(error.code(), "bundle_unknown_kind");
    assert!(error.to_string().contains("oracle") && error.to_string().contains("mf"));
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    let edits: [(&str, Edit); 9] = [
        ("no format", |m| m["format"] = json!("one")),
        ("no candidates", |m| m["candidates"] = json!([])),
        ("a candidate twice", |m| m["candidates"][1] = m["candidates"][0].clone()),
        ("a negative price", |m| m["candidates"][0]["input_price"] = json!(-1)),
        ("a strong model that is not a candidate", |m| m["head"]["strong"] = json!("gpt-9")),
        ("strong without weak", |m| m["head"]["weak"] = Value::Null),
        ("no room for a token", |m| m["encoder"]["max_tokens"] = json!(0)),
        ("falling quantiles", |m| m["calibration"]["quantiles"] = json!([0.9, 0.1])),
        ("no model listed", |m| m["files"] = json!([])),
    ];
    for (name, edit) in edits {
        let mut files = files();
        edit_manifest(&mut files, edit);
        assert_eq!(refusal(&files).code(), "bundle_bad_manifest", "{name}");
    }
    let mut files = files();
    *bytes(&mut files, "router.json") = b"{".to_vec();
    assert_eq!(refusal(&files).code(), "bundle_bad_manifest");
}

#[test]
fn unknown_fields_are_ignored() {
    let mut files = files();
    edit_manifest(&mut files, |m| {
        m["colour"] = json!("green");
        m["candidates"][0]["colour"] = json!("green");
    });
    assert!(Router::from_files(&files).is_ok());
}

#[test]
fn a_tokenizer_that_does_not_parse_is_named() {
    for content in [&b"not json"[..], b"{}", b"[1]", b"\xff\xfe"] {
        let mut files = files();
        *bytes(&mut files, "tokenizer.json") = content.to_vec();
        restate(&mut files);
        assert_eq!(refusal(&files).code(), "bundle_bad_tokenizer");
    }
}

#[test]
fn a_model_that_does_not_parse_or_has_other_inputs_and_outputs_is_named() {
    for content in [&b""[..], b"not protobuf", &[0xff; 64]] {
        let mut files = files();
        *bytes(&mut files, "model.onnx") = content.to_vec();
        restate(&mut files);
        assert_eq!(refusal(&files).code(), "bundle_bad_model");
    }
    let mut files = files();
    edit_manifest(&mut files, |m| m["encoder"]["embedding_size"] = json!(99));
    let error = refusal(&files);
    assert_eq!(error.code(), "bundle_bad_model");
    assert!(error.to_string().contains("embedding"), "{error}");
}

#[test]
fn damage_with_a_matching_hash_never_panics() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for name in ["model.onnx", "tokenizer.json", "router.json"] {
        for _ in 0..120 {
            let mut files = files();
            let content = bytes(&mut files, name);
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..content.len());
                content[at] = random.random();
            }
            if name != "router.json" {
                restate(&mut files);
            }
            if let Ok(router) = Router::from_files(&files) {
                let query = pointsman::Query::new("does it still route?").unwrap();
                let _ = router.route(&query, &pointsman::Policy::threshold(0.5));
            }
        }
    }
}
