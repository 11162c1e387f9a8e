//! Exported bundles compute what the trainer trained, and other runtimes can read them.

use burn::tensor::{Int, Tensor, TensorData};
use pointsman::{DEFAULT_TURN_DECAY, Kind, Policy, Query, TruncationSide};
use pointsman_tests::{tiny, tiny_encoder};
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::encoder::hugging_face;
use pointsman_trainer::export::graph::{Attribute, Graph, Value};
use pointsman_trainer::export::quantise;
use pointsman_trainer::precision::Precision;
use pointsman_trainer::recipe::RecipeFile;
use tract_onnx::prelude::*;

#[test]
fn quantised_win_rates_stay_near_the_float_ones() {
    let draft = tiny::bundle(None).unwrap();
    let router = draft.router().unwrap();
    let (a, b) = ("prove the theorem", "hello world");
    let rate = |text: &str| {
        router.assess(&Query::new(text).unwrap(), DEFAULT_TURN_DECAY).unwrap().win_rate.unwrap()
    };
    assert!((rate(a) - rate(b)).abs() > 1e-3, "the tiny bundle must rate the queries differently");
    let decision = router.route(&Query::new(a).unwrap(), &Policy::threshold(rate(a))).unwrap();
    assert_eq!(decision.model, "tiny-strong", "win rate >= threshold is strong");
}

#[test]
fn a_recipe_that_truncates_on_the_left_keeps_the_last_tokens() {
    for tier in tiny::TIERS {
        let text = tiny::recipe_text(Kind::Mf, tier);
        assert_eq!(
            RecipeFile::parse(&text).unwrap().recipe.encoder.stated().unwrap().truncate,
            TruncationSide::Right
        );
        let text = text.replace("max_tokens = 64", "max_tokens = 6\ntruncate = \"left\"");
        let recipe = RecipeFile::parse(&text).unwrap().recipe;
        let mut draft = tiny::bundle_of(Kind::Mf, tier, Precision::Int8).unwrap();
        draft.manifest.encoder.max_tokens = recipe.encoder.stated().unwrap().max_tokens;
        draft.manifest.encoder.truncation_side = recipe.encoder.stated().unwrap().truncate;
        let router = draft.router().unwrap();
        let words = ["hello", "world", "prove", "the", "theorem", "of", "a", "prime"];
        let room = if tier == "static" { 6 } else { 4 };
        let [long, last] = [&words[..], &words[words.len() - room..]]
            .map(|words| router.encoder().tokenize(&words.join(" ")).unwrap());
        assert_eq!(long.ids, last.ids, "{tier}");
        assert_eq!((long.ids.len(), long.total), (6, words.len()), "{tier}");
        assert_eq!(long.rated, room, "{tier}");
    }
}

#[test]
fn a_recipe_that_truncates_in_the_middle_keeps_a_quarter_and_the_last_tokens() {
    let words = ["hello", "world", "prove", "the", "theorem", "of", "a", "prime"];
    for tier in tiny::TIERS {
        let text = tiny::recipe_text(Kind::Mf, tier)
            .replace("max_tokens = 64", "max_tokens = 6\ntruncate = \"middle\"");
        let recipe = RecipeFile::parse(&text).unwrap().recipe;
        let mut draft = tiny::bundle_of(Kind::Mf, tier, Precision::Int8).unwrap();
        draft.manifest.encoder.max_tokens = recipe.encoder.stated().unwrap().max_tokens;
        draft.manifest.encoder.truncation_side = recipe.encoder.stated().unwrap().truncate;
        let router = draft.router().unwrap();
        // Of six, or of four between special tokens.
        let kept = match tier {
            "static" => [&words[..1], &words[3..]].concat(),
            _ => [&words[..1], &words[5..]].concat(),
        };
        let [long, kept] = [&words[..], &kept].map(|words| words.join(" "));
        let decision = router.route(&Query::new(&*long).unwrap(), &Policy::default()).unwrap();
        let [long, kept] = [long, kept].map(|text| router.encoder().tokenize(&text).unwrap());
        assert_eq!(long.ids, kept.ids, "{tier}");
        assert_eq!((long.rated, long.total), (kept.total, words.len()), "{tier}");
        assert_eq!((decision.rated_tokens, decision.tokens), (long.rated, long.total), "{tier}");
    }
}

#[test]
fn padding_does_not_change_an_embedding_in_the_trainer() {
    let folder = tempfile::tempdir().unwrap();
    tiny_encoder::write(folder.path()).unwrap();
    let device = open(DeviceChoice::Cpu).unwrap().device;
    let bert = hugging_face::read(folder.path(), &device).unwrap().bert;
    let run = |ids: Vec<i64>, mask: Vec<f32>| {
        let shape = [1, ids.len()];
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device);
        let mask = Tensor::<2>::from_data(TensorData::new(mask, shape), &device);
        bert.mean_pooled(ids, mask).into_data().try_to_vec::<f32>().unwrap()
    };
    let bare = run(vec![2, 40, 41, 3], vec![1.0; 4]);
    let padded = run(vec![2, 40, 41, 3, 0, 0, 0], vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(bare.len(), tiny_encoder::HIDDEN);
    for (a, b) in bare.iter().zip(&padded) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
}

#[test]
fn a_damaged_encoder_folder_is_named() {
    let device = open(DeviceChoice::Cpu).unwrap().device;
    let break_and_read = |file: &str, content: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        tiny_encoder::write(folder.path()).unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        hugging_face::read(folder.path(), &device).unwrap_err()
    };
    for (file, content) in [
        ("config.json", &b"{"[..]),
        ("config.json", br#"{"model_type": "t5"}"#),
        ("model.safetensors", b"short"),
    ] {
        let error = break_and_read(file, content);
        assert_eq!(error.code(), "bad_encoder");
        assert!(error.to_string().contains(file), "{error}");
    }
    let nowhere = hugging_face::read(std::path::Path::new("no/such/folder"), &device).unwrap_err();
    assert_eq!(nowhere.code(), "bad_encoder");
}

#[test]
fn a_per_channel_scale_reaches_every_channel() {
    let weights = [0.5_f32, 100.0, -0.25, 3.0, 0.125, -7.0];
    let quantised = quantise::columns(&weights, 3, quantise::Bits::Eight);
    let mut g = Graph::new("per channel");
    let x = g.input("x", Value::Float, &["1", "2"]);
    let w = g.int8s("w", &[2, 3], &quantised.values);
    let s = g.floats("s", &[3], &quantised.scales);
    let w = g.node("DequantizeLinear", "wf", &[&w, &s], &[Attribute::Int("axis", 1)]);
    let y = g.node("MatMul", "y", &[&x, &w], &[]);
    g.output(&y, Value::Float, &["1", "3"]);
    let model = tract_onnx::onnx()
        .model_for_read(&mut g.into_bytes().as_slice())
        .unwrap()
        .into_optimized()
        .unwrap()
        .into_runnable()
        .unwrap();
    let input = Tensor2::from_shape(&[1, 2], &[1.0_f32, 1.0]).unwrap();
    let output = model.run(tvec![input.into_tvalue()]).unwrap();
    let output = output[0].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec();
    for (channel, value) in output.iter().enumerate() {
        let expected = weights[channel] + weights[channel + 3];
        assert!((value - expected).abs() <= quantised.scales[channel], "{value} and {expected}");
    }
}

use tract_onnx::prelude::Tensor as Tensor2;
