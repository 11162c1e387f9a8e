//! A container becomes a folder that the trainer and the `tokenizers` crate read; damage gives errors.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use proptest::prelude::*;

use super::*;
use crate::encoder::prune::Mini;
use crate::encoder::{hugging_face, to_folder};
use crate::random::RandomStream;

const WIDTH: usize = 32;
const INNER: usize = 64;
const PIECES: [(&str, f32); 10] = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("\u{2581}", -2.5),
    ("\u{2581}so", -3.25),
    ("fi", -4.0),
    ("s", -5.5),
    ("o", -5.75),
    ("<mask>", 0.0),
];

/// A container of one layer, 2 heads, 10 pieces and 12 rows of words. Weights of four bits count up from
/// -8, scaled by 1/16.
fn container() -> Vec<u8> {
    let mut draw = RandomStream::new(7, 0);
    let mut tensors: Vec<(String, u8, Vec<u8>)> = Vec::new();
    let blocks = |name: &str, count: usize| {
        let scale = burn::tensor::f16::from_f32(1.0 / 16.0).to_bits().to_le_bytes();
        let mut bytes = Vec::new();
        for block in 0..count / BLOCK {
            bytes.extend(scale);
            bytes.extend(
                (0..16).map(|j| ((block + j) % 16 + 16 * ((block * 3 + j + 5) % 16)) as u8),
            );
        }
        (name.to_owned(), 1, bytes)
    };
    let mut floats = |name: &str, count: usize| {
        let values = draw.normal(count, 0.3);
        (name.to_owned(), 0, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    };
    tensors.push(blocks("emb.word", 12 * WIDTH));
    for (name, count) in
        [("emb.pos", 8 * WIDTH), ("emb.type", 2 * WIDTH), ("emb.ln.w", WIDTH), ("emb.ln.b", WIDTH)]
    {
        tensors.push(floats(name, count));
    }
    for (name, input, output) in [
        ("q", WIDTH, WIDTH),
        ("k", WIDTH, WIDTH),
        ("v", WIDTH, WIDTH),
        ("ao", WIDTH, WIDTH),
        ("fi", WIDTH, INNER),
        ("fo", INNER, WIDTH),
    ] {
        tensors.push(blocks(&format!("l0.{name}.w"), input * output));
        tensors.push(floats(&format!("l0.{name}.b"), output));
    }
    for name in ["l0.aln.w", "l0.aln.b", "l0.oln.w", "l0.oln.b"] {
        tensors.push(floats(name, WIDTH));
    }

    let mut file = b"E5S1".to_vec();
    let put = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    for value in [VERSION, 32, 1, 2, 64, 12, 8, 2, 1e-12_f32.to_bits(), 32, 10, 0, 2, 1, 3] {
        put(&mut file, value);
    }
    let blob: String = PIECES.iter().map(|(text, _)| *text).collect();
    file.extend((blob.len() as u64).to_le_bytes());
    let ends = PIECES.iter().scan(0, |end, (text, _)| {
        *end += text.len() as u32;
        Some(*end)
    });
    for end in std::iter::once(0).chain(ends) {
        put(&mut file, end);
    }
    for (_, score) in PIECES {
        put(&mut file, score.to_bits());
    }
    file.extend(blob.as_bytes());
    // Tab to space, a control character to nothing, a ligature to two letters.
    let map: [(u32, &[u32]); 3] = [(9, &[32]), (7, &[]), (0xfb01, &[0x66, 0x69])];
    put(&mut file, 3);
    put(&mut file, map.iter().map(|(_, to)| 5 + 4 * to.len() as u32).sum());
    for (from, to) in map {
        put(&mut file, from);
        file.push(to.len() as u8);
        to.iter().for_each(|&to| put(&mut file, to));
    }
    put(&mut file, tensors.len() as u32);
    let names: usize = tensors.iter().map(|(name, ..)| 23 + name.len()).sum();
    let mut offset = file.len() + names;
    for (name, kind, bytes) in &tensors {
        file.extend((name.len() as u16).to_le_bytes());
        file.extend(name.as_bytes());
        file.push(*kind);
        put(&mut file, 0);
        file.extend((offset as u64).to_le_bytes());
        file.extend((bytes.len() as u64).to_le_bytes());
        offset += bytes.len();
    }
    tensors.iter().for_each(|(.., bytes)| file.extend(bytes));
    file
}

#[test]
fn a_container_becomes_a_folder_that_the_trainer_reads() {
    let file = container();
    let Container { config_json, tokenizer_json, weights, sha256 } = convert(&file).unwrap();
    let encoder = Mini { weights, tokenizer_json, pruned: None };
    assert_eq!(encoder.weights.words[..2], [-8.0 / 16.0, -7.0 / 16.0]);
    assert_eq!(encoder.weights.words[16], (5.0 - 8.0) / 16.0, "the upper halves follow");
    assert_eq!(encoder.weights.vocabulary(), PIECES.len(), "rows without a piece are dropped");
    // Output 2, input 0 of the up projection is the first weight of its third block: 2 - 8.
    assert_eq!(encoder.weights.layers[0].up.weight[2], -6.0 / 16.0);

    let out = tempfile::tempdir().unwrap();
    to_folder::write(out.path(), &config_json, &encoder).unwrap();
    let folder = hugging_face::read(out.path(), &Device::flex()).unwrap();
    assert_eq!(BertWeights::of(&folder.bert).unwrap(), encoder.weights);
    let path = out.path().join("encoder.bin");
    std::fs::write(&path, file).unwrap();
    let direct = hugging_face::read(&path, &Device::flex()).unwrap();
    assert_eq!(BertWeights::of(&direct.bert).unwrap(), encoder.weights);
    assert_eq!((direct.config, direct.weights_sha256), (folder.config, sha256));
    assert_eq!(direct.tokenizer_json, folder.tokenizer_json);
    let config: Value = serde_json::from_slice(&folder.config_json).unwrap();
    assert_eq!((&config["vocab_size"], &config["pad_token_id"]), (&json!(10), &json!(1)));
    let pooling = std::fs::read(out.path().join("1_Pooling/config.json")).unwrap();
    let pooling: Value = serde_json::from_slice(&pooling).unwrap();
    assert_eq!(pooling["pooling_mode_mean_tokens"], true);
}

#[test]
fn its_tokenizer_reads_text_by_the_rules_and_puts_special_tokens_around() {
    let json = convert(&container()).unwrap().tokenizer_json;
    let tokenizer = parse_tokenizer(&json).unwrap();
    let ids = |text: &str| tokenizer.encode(text, true).unwrap().get_ids().to_vec();
    assert_eq!(ids("\tso \u{fb01}\u{7}s so"), [0, 5, 4, 6, 7, 5, 2]);
    assert_eq!(ids("XY<mask>"), [0, 4, 3, 9, 2]);
}

fn failing(edit: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut file = container();
    edit(&mut file);
    convert(&file).unwrap_err()
}

#[test]
fn what_is_damaged_is_named() {
    let put = |at: usize, value: u32| {
        move |file: &mut Vec<u8>| file[at..at + 4].copy_from_slice(&value.to_le_bytes())
    };
    for (edit, says) in [
        (put(0, 0), "does not begin with \"E5S1\""),
        (put(4, 9), "version 9, expected 1"),
        (put(8, 33), "expected blocks of 32"),
        (put(8, 0), "its width is 0"),
        (put(16, 5), "heads that divide"),
        (put(36, f32::NAN.to_bits()), "its epsilon is NaN"),
        (put(44, u32::MAX), "its number of pieces is -1"),
        (put(44, 1 << 19), "it ends within the places of its pieces"),
        (put(60, 10), "the id of <unk> is 10, expected less than 10"),
        (put(76, 99), "its piece 0 is damaged"),
        (put(116, 1.0_f32.to_bits()), "its piece 0 is damaged"),
    ] {
        let error = failing(edit);
        assert!(error.contains(says), "{error}");
    }
    let other_map = failing(|file| {
        let at = file.windows(4).position(|bytes| bytes == 0xfb01_u32.to_le_bytes()).unwrap();
        file[at + 5] = b'g';
    });
    assert!(other_map.contains("other text rules"), "{other_map}");
    let renamed = failing(|file| {
        let at = file.windows(6).position(|bytes| bytes == b"l0.k.w").unwrap();
        file[at + 3] = b'x';
    });
    assert!(renamed.contains("no tensor \"l0.k.w\""), "{renamed}");
    let infinite = failing(|file| {
        let at = file.len() - 4;
        file[at..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    });
    assert!(infinite.contains("tensor \"l0.oln.b\" holds inf at 31"), "{infinite}");
}

#[test]
fn a_truncated_container_is_refused_at_every_length() {
    let file = container();
    for length in (0..file.len().min(1500)).chain((1500..file.len()).step_by(97)) {
        assert!(convert(&file[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn a_changed_byte_gives_an_encoder_or_an_error(at in any::<prop::sample::Index>(), byte: u8) {
        let mut file = container();
        // Most of what can go wrong stands before the tensors.
        let at = at.index(1600.min(file.len()));
        file[at] = byte;
        if let Ok(Container { weights, .. }) = convert(&file) {
            prop_assert!(weights.vocabulary() > 0);
        }
    }
}
