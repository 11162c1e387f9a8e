//! A pruned encoder folder can be read, embeds kept tokens as before, and can be exported.

use std::path::Path;

use burn::tensor::{Int, Tensor, TensorData};
use pointsman_tests::tiny_encoder;
use pointsman_trainer::TrainerError;
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::encoder::bert_weights::BertWeights;
use pointsman_trainer::encoder::hugging_face::{self, EncoderFolder};
use pointsman_trainer::encoder::prune::{Cut, Mini, Words, prune};
use pointsman_trainer::encoder::vocabulary::TokenCounts;
use pointsman_trainer::encoder::{parse_tokenizer, to_folder};
use pointsman_trainer::export::encoder_sizes::EncoderSizes;

/// Tokens of the corpus: whole words, pieces of words, and a character outside ASCII.
const CORPUS: [&str; 3] = ["prove the theorem", "translating hello 请", "prove primes exist"];

fn read(folder: &Path) -> EncoderFolder {
    hugging_face::read(folder, &open(DeviceChoice::Cpu).unwrap().device).unwrap()
}

fn original(folder: &Path) -> EncoderFolder {
    tiny_encoder::write(folder).unwrap();
    read(folder)
}

fn counts(folder: &EncoderFolder) -> TokenCounts {
    let mut counts = TokenCounts::default();
    counts.add(&parse_tokenizer(&folder.tokenizer_json).unwrap(), &CORPUS).unwrap();
    counts
}

fn embedding(folder: &EncoderFolder, query: &str) -> Vec<f32> {
    let tokenizer = parse_tokenizer(&folder.tokenizer_json).unwrap();
    let encoding = tokenizer.encode(query, true).unwrap();
    let ids: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
    let (shape, device) = ([1, ids.len()], open(DeviceChoice::Cpu).unwrap().device);
    let mask = Tensor::<2>::ones(shape, &device);
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device);
    folder.bert.mean_pooled(ids, mask).into_data().try_to_vec::<f32>().unwrap()
}

#[test]
fn with_all_layers_a_text_of_kept_tokens_keeps_its_embedding() {
    let place = tempfile::tempdir().unwrap();
    let whole = original(&place.path().join("whole"));
    let counts = counts(&whole);
    let words = Some(Words { counts: &counts, most: None });
    let mini = prune(&whole, &Cut { layers: None, words }).unwrap();
    let folder = place.path().join("mini");
    to_folder::write(&folder, &whole.config_json, &mini).unwrap();
    let mini = read(&folder);
    assert!(mini.config.vocab_size < whole.config.vocab_size);
    assert_eq!(mini.config.num_hidden_layers, whole.config.num_hidden_layers);
    for query in CORPUS.into_iter().chain(["exist prime, hello", "zq 7"]) {
        assert_eq!(embedding(&mini, query), embedding(&whole, query), "{query:?}");
    }
    // "why" is not in the corpus and is split into characters.
    assert_ne!(embedding(&mini, "why"), embedding(&whole, "why"));
}

#[test]
fn a_folder_pruned_to_one_layer_has_that_layer_and_is_smaller() {
    let place = tempfile::tempdir().unwrap();
    let whole = original(&place.path().join("whole"));
    let mini = prune(&whole, &Cut { layers: Some(&[1]), words: None }).unwrap();
    let folder = place.path().join("mini");
    to_folder::write(&folder, &whole.config_json, &mini).unwrap();
    let found = BertWeights::of(&read(&folder).bert).unwrap();
    let weights = BertWeights::of(&whole.bert).unwrap();
    assert_eq!(found.layers, weights.layers[1..]);
    assert_eq!((&found.words, &found.norm), (&weights.words, &weights.norm));
    let sizes = |weights: &BertWeights| EncoderSizes::of(weights, &whole.tokenizer_json).unwrap();
    let (before, after) = (sizes(&weights), sizes(&found));
    assert_eq!((before.layers, after.layers, after.tokens), (2, 1, before.tokens));
    assert_eq!(before.parameters, weights.parameters());
    assert!(after.float_bytes < before.float_bytes && after.int8_bytes < before.int8_bytes);
    assert!(before.int8_bytes < before.float_bytes);
}

#[test]
fn errors_name_what_cannot_be_pruned_or_written() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("whole");
    let whole = original(&folder);
    let cut = |layers: &[usize]| prune(&whole, &Cut { layers: Some(layers), words: None });
    let error = cut(&[0, 7]).unwrap_err();
    assert_eq!(error.code(), "bad_encoder");
    assert!(error.to_string().contains("no layer 7, it has 2"), "{error}");
    let mini: Mini = cut(&[0]).unwrap();
    let error: TrainerError = to_folder::write(&folder, &whole.config_json, &mini).unwrap_err();
    assert_eq!(error.code(), "file");
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(read(&folder).config.num_hidden_layers, 2, "the original is unchanged");
}
