//! The graph gives the network's results, in both precisions, at every length.

#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Int, Tensor, TensorData};
use pointsman::{Candidate, EncoderInfo, Head, Router, Tokens, TruncationSide};
use serde_json::json;

use super::*;
use crate::encoder::bert_weights::tests::tiny;
use crate::export::bundle::{BundleDraft, BundleFacts};
use crate::export::classifier_head::{self, Columns};
use crate::export::graph::Value;
use crate::random::RandomStream;
use crate::tensors::floats;

const WIDTH: usize = 32;

fn tokenizer() -> Vec<u8> {
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": null, "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": { "[UNK]": 0, "prove": 1, "it": 2 }
        }
    })
    .to_string()
    .into_bytes()
}

/// The engine on a graph, as a host loads it.
fn engine(model: Vec<u8>, width: usize) -> Router {
    let candidate = |id: &str| Candidate { id: id.into(), ..Candidate::default() };
    let facts = BundleFacts {
        name: "tiny".into(),
        kind: "mf".into(),
        candidates: vec![candidate("strong"), candidate("weak")],
        encoder: EncoderInfo {
            tier: "transformer".into(),
            max_tokens: 512,
            truncation_side: TruncationSide::Right,
            pooling: "mean".into(),
            embedding_size: width,
            special_tokens: false,
            source: None,
        },
        head: Head { strong: Some("strong".into()), weak: Some("weak".into()), ..Head::default() },
        trained_on: Vec::new(),
        provenance: None,
    };
    BundleDraft::new(facts, model, tokenizer(), None).router().unwrap()
}

fn classifier(seed: u64) -> Dense {
    let mut draw = RandomStream::new(seed, 9);
    let (weight, bias) = (draw.normal(WIDTH * 3, 0.3), draw.normal(3, 0.3));
    Dense { input: WIDTH, output: 3, weight, bias }
}

/// The pooled hidden states alone, as the output `embedding`.
fn embedding(
    g: &mut Graph,
    weights: &BertWeights,
    precision: Precision,
    pooling: Pooling,
) -> String {
    let inputs = Inputs::add_to(g);
    let pooled = pooled(g, &inputs, weights, precision, pooling).unwrap();
    g.node("Identity", "embedding", &[&pooled], &[])
}

fn model(weights: &BertWeights, precision: Precision, pooling: Pooling, head: &Dense) -> Vec<u8> {
    let mut g = Graph::new("test");
    let embedding = embedding(&mut g, weights, precision, pooling);
    let scores = classifier_head::scores(&mut g, &embedding, head, Columns::StrongFirst).unwrap();
    g.output(&scores, Value::Float, &["1", "2"]);
    g.output(&embedding, Value::Float, &["1", &weights.width.to_string()]);
    g.into_bytes()
}

/// Ids of a query of each length that the engine may meet.
fn queries() -> impl Iterator<Item = Vec<i64>> {
    (1..=40_usize)
        .map(|length| (0..length).map(|at| ((at * 37 + length * 11) % 64) as i64).collect())
}

fn in_burn(weights: &BertWeights, ids: &[i64], pooling: Pooling) -> Vec<f32> {
    let device = Device::flex();
    let shape = [1, ids.len()];
    let tensor = Tensor::<2, Int>::from_data(TensorData::new(ids.to_vec(), shape), &device);
    let mask = Tensor::ones(shape, &device);
    floats(weights.bert(&device).pooled(tensor, mask, pooling).into_data()).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn the_float_graph_answers_as_burn_does_at_every_length() {
    let weights = tiny(11);
    for pooling in [Pooling::Mean, Pooling::Cls] {
        let engine = engine(model(&weights, Precision::Float, pooling, &classifier(1)), WIDTH);
        for ids in queries() {
            let found = engine.encoder().run(&Tokens::from_ids(&ids[..])).unwrap().embedding;
            let expected = in_burn(&weights, &ids, pooling);
            for (f, e) in found.iter().zip(&expected) {
                assert!((f - e).abs() < 1e-4, "{pooling:?}, {} tokens: {f} and {e}", ids.len());
            }
        }
    }
}

#[test]
fn the_int8_graph_is_close_to_burn_at_every_length() {
    let weights = tiny(12);
    for pooling in [Pooling::Mean, Pooling::Cls] {
        let engine = engine(model(&weights, Precision::Int8, pooling, &classifier(1)), WIDTH);
        for ids in queries() {
            let found = engine.encoder().run(&Tokens::from_ids(&ids[..])).unwrap().embedding;
            let near = cosine(&found, &in_burn(&weights, &ids, pooling));
            assert!(near > 0.99, "{pooling:?}, {} tokens: cosine {near}", ids.len());
        }
    }
}

#[test]
fn factorised_words_are_exported_as_two_tables_and_answer_as_their_product() {
    let mut weights = tiny(16);
    weights.factorise_words(8, &[1; 64]);
    let whole = model(&tiny(16), Precision::Int8, Pooling::Mean, &classifier(1)).len();
    for (precision, least) in [(Precision::Float, 0.999_999), (Precision::Int8, 0.99)] {
        let bytes = model(&weights, precision, Pooling::Mean, &classifier(1));
        // 64 words of 8 numbers in place of 32, and a basis of 8 times 32 floats.
        assert!(precision == Precision::Float || bytes.len() < whole + 8 * 32 * 4 - 64 * 24 + 600);
        let engine = engine(bytes, WIDTH);
        for ids in queries() {
            let found = engine.encoder().run(&Tokens::from_ids(&ids[..])).unwrap().embedding;
            let near = cosine(&found, &in_burn(&weights, &ids, Pooling::Mean));
            assert!(near > least, "{precision:?}, {} tokens: cosine {near}", ids.len());
        }
    }
}

#[test]
fn a_cut_down_encoder_exports_too() {
    let mut weights = tiny(13);
    weights.keep_layers(&[1]).unwrap();
    let kept: Vec<u32> = (0..64).rev().collect();
    weights.prune_vocabulary(&kept).unwrap();
    let whole = model(&tiny(13), Precision::Int8, Pooling::Mean, &classifier(1));
    let bytes = model(&weights, Precision::Int8, Pooling::Mean, &classifier(1));
    assert!(bytes.len() < whole.len());
    let found = engine(bytes, WIDTH).encoder().run(&Tokens::from_ids([5, 9, 1])).unwrap().embedding;
    assert!(cosine(&found, &in_burn(&weights, &[5, 9, 1], Pooling::Mean)) > 0.99);
}

#[test]
fn the_engines_win_rate_is_the_softmax_of_the_first_label() {
    let (weights, head) = (tiny(14), classifier(2));
    let engine = engine(model(&weights, Precision::Float, Pooling::Mean, &head), WIDTH);
    for ids in queries().step_by(7) {
        let found = engine.encoder().run(&Tokens::from_ids(&ids[..])).unwrap();
        let logit = |label: usize| -> f32 {
            let column = head.weight.iter().skip(label).step_by(3);
            head.bias[label] + column.zip(&found.embedding).map(|(w, e)| w * e).sum::<f32>()
        };
        let powers = [0, 1, 2].map(|label| logit(label).exp());
        let expected = powers[0] / powers.iter().sum::<f32>();
        let win_rate = 1.0 / (1.0 + (found.scores[1] - found.scores[0]).exp());
        assert!((win_rate - expected).abs() < 1e-5, "{win_rate} and {expected}");
    }
}

#[test]
fn extreme_logits_stay_finite_and_columns_swap() {
    let scores = |columns| {
        let mut g = Graph::new("test");
        let embedding = embedding(&mut g, &tiny(15), Precision::Float, Pooling::Mean);
        let head = Dense {
            input: WIDTH,
            output: 3,
            weight: vec![0.0; WIDTH * 3],
            bias: vec![-200.0, 300.0, 200.0],
        };
        let scores = classifier_head::scores(&mut g, &embedding, &head, columns).unwrap();
        g.output(&scores, Value::Float, &["1", "2"]);
        g.output(&embedding, Value::Float, &["1", &WIDTH.to_string()]);
        engine(g.into_bytes(), WIDTH).encoder().run(&Tokens::from_ids([1, 2])).unwrap().scores
    };
    assert_eq!(scores(Columns::StrongFirst), [-200.0, 300.0]);
    assert_eq!(scores(Columns::WeakFirst), [300.0, -200.0]);
}

#[test]
fn a_head_of_two_labels_is_refused() {
    let head = Dense { input: 1, output: 2, weight: vec![0.0; 2], bias: vec![0.0; 2] };
    let refused = classifier_head::scores(&mut Graph::new("t"), "e", &head, Columns::WeakFirst);
    assert!(refused.unwrap_err().to_string().contains("2 outputs, expected 3"));
}
