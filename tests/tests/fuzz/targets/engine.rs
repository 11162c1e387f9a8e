//! The engine's readers: manifests, graphs, tokenizers, memories, archives, requests.

use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;

use pointsman::{
    Bundle, MANIFEST_FILE, MEMORY_FILE, MODEL_FILE, Manifest, Memory, Policy, Query, RouteRequest,
    Router, RouterError, TOKENIZER_FILE, files_from_tar,
};
use pointsman_tests::tiny;

use super::{CASES, Target, refused};
use crate::mutation::Strategy;

const MANIFEST_WORDS: &[&str] = &[
    "format",
    "name",
    "kind",
    "candidates",
    "id",
    "input_price",
    "output_price",
    "context_window",
    "encoder",
    "tier",
    "max_tokens",
    "truncation_side",
    "left",
    "right",
    "pooling",
    "embedding_size",
    "special_tokens",
    "head",
    "strong",
    "weak",
    "default_strong_share",
    "gamma",
    "tiers",
    "neighbours",
    "seed",
    "calibration",
    "quantiles",
    "sample",
    "rows",
    "metrics",
    "curves",
    "map",
    "files",
    "bytes",
    "sha256",
    "model.onnx",
    "tokenizer.json",
    "memory.bin",
    "mf",
    "knn",
    "sw-ranking",
    "random",
    "cluster",
    "bert",
    "routerdc",
    "length",
    "ridge",
    "mlp",
    "difficulty",
    "demands",
    "abilities",
    "ability",
    "intercept",
    "slopes",
    "small",
    "medium",
    "large",
];
const TOKENIZER_WORDS: &[&str] = &[
    "version",
    "1.0",
    "added_tokens",
    "content",
    "single_word",
    "lstrip",
    "rstrip",
    "normalized",
    "special",
    "normalizer",
    "type",
    "BertNormalizer",
    "clean_text",
    "handle_chinese_chars",
    "strip_accents",
    "lowercase",
    "pre_tokenizer",
    "BertPreTokenizer",
    "post_processor",
    "TemplateProcessing",
    "BertProcessing",
    "single",
    "pair",
    "SpecialToken",
    "Sequence",
    "type_id",
    "special_tokens",
    "tokens",
    "ids",
    "id",
    "decoder",
    "WordPiece",
    "prefix",
    "cleanup",
    "model",
    "unk_token",
    "continuing_subword_prefix",
    "max_input_chars_per_word",
    "vocab",
    "truncation",
    "padding",
    "max_length",
    "stride",
    "strategy",
    "direction",
    "BPE",
    "merges",
    "dropout",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
    "Unigram",
    "unk_id",
    "WordLevel",
    "NFC",
    "NFKD",
    "Strip",
    "strip_left",
    "Lowercase",
    "Replace",
    "pattern",
    "String",
    "Regex",
    "Prepend",
    "ByteLevel",
    "add_prefix_space",
    "trim_offsets",
    "use_regex",
    "Metaspace",
    "replacement",
    "prepend_scheme",
    "split",
    "Split",
    "behavior",
    "invert",
    "Removed",
    "Isolated",
    "CharDelimiterSplit",
    "delimiter",
    "Punctuation",
    "Digits",
    "individual_digits",
    "Whitespace",
    "WhitespaceSplit",
    "UnicodeScripts",
    "Precompiled",
    "precompiled_charsmap",
    "RobertaProcessing",
    "sep",
    "cls",
    "[CLS]",
    "[SEP]",
    "[UNK]",
    "(",
    "[",
    "(?=",
    "\\\\p{L}+",
    "(a|a)*b",
];
const REQUEST_WORDS: &[&str] = &[
    "query",
    "messages",
    "role",
    "user",
    "assistant",
    "system",
    "content",
    "type",
    "text",
    "image",
    "policy",
    "threshold",
    "strongShare",
    "costWeight",
    "maxCost",
    "outputTokens",
    "inputTokens",
    "candidates",
    "turnDecay",
    "tiny-strong",
    "tiny-weak",
];

/// A bundle's files, the manifest apart.
struct Fixture {
    manifest: String,
    model: Vec<u8>,
    tokenizer: Vec<u8>,
    memory: Option<Vec<u8>>,
}

/// The bundles of `tests/fixtures/kinds`. A stored input names its bundle by the place here, so a new one
/// stands at the end.
const KINDS: [&str; 23] = [
    "bert-static",
    "bert-transformer",
    "cluster-static",
    "cluster-transformer",
    "knn-static",
    "knn-transformer",
    "length-static",
    "length-transformer",
    "mf-static",
    "mf-transformer",
    "mlp-static",
    "mlp-transformer",
    "random-static",
    "random-transformer",
    "ridge-static",
    "ridge-transformer",
    "routerdc-static",
    "routerdc-transformer",
    "sw-ranking-static",
    "sw-ranking-transformer",
    "mf-ngrams",
    "difficulty-static",
    "difficulty-transformer",
];

/// Every bundle of `tests/fixtures/kinds`, in the order of [`KINDS`].
static FIXTURES: LazyLock<Vec<Fixture>> = LazyLock::new(|| {
    let kinds = tiny::fixtures().join("kinds");
    assert_eq!(fs::read_dir(&kinds).unwrap().count(), KINDS.len(), "a bundle is missing in KINDS");
    let folders = KINDS.map(|name| kinds.join(name));
    let fixtures = folders.iter().map(|folder| {
        let read = |name: &str| fs::read(folder.join(name));
        let manifest = String::from_utf8(read(MANIFEST_FILE).unwrap()).unwrap();
        Fixture {
            model: read(MODEL_FILE).unwrap(),
            tokenizer: read(TOKENIZER_FILE).unwrap(),
            memory: read(MEMORY_FILE).ok(),
            manifest,
        }
    });
    fixtures.collect()
});

/// The fixture that an input's first byte names, and its number.
fn fixture(input: &[u8]) -> (&'static Fixture, &[u8]) {
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    (&FIXTURES[usize::from(*first) % FIXTURES.len()], rest)
}

/// Loads a bundle with `content` in place of a file, and routes with it.
fn with_file(fixture: &Fixture, name: &str, content: &[u8]) -> Result<String, String> {
    let mut manifest: serde_json::Value = serde_json::from_str(&fixture.manifest).unwrap();
    let mut hashes = HashMap::new();
    for file in manifest["files"].as_array_mut().unwrap() {
        let listed = file["name"].as_str().unwrap().to_owned();
        hashes.insert(listed.clone(), file["sha256"].as_str().unwrap().to_owned());
        if listed == name {
            file["bytes"] = content.len().into();
        }
    }
    loaded(fixture, manifest.to_string().as_bytes(), (name, content), &hashes)
}

fn loaded(
    fixture: &Fixture,
    manifest: &[u8],
    (name, content): (&str, &[u8]),
    hashes: &HashMap<String, String>,
) -> Result<String, String> {
    let mut files: Vec<(&str, &[u8])> = vec![
        (MANIFEST_FILE, manifest),
        (MODEL_FILE, &fixture.model),
        (TOKENIZER_FILE, &fixture.tokenizer),
    ];
    files.extend(fixture.memory.as_ref().map(|memory| (MEMORY_FILE, &memory[..])));
    for file in &mut files {
        if file.0 == name {
            file.1 = content;
        }
    }
    let bundle = match Bundle::from_hashed(&files, hashes) {
        Ok(bundle) => bundle,
        Err(error) => return refusal(&error),
    };
    match Router::from_bundle(bundle) {
        Ok(router) => routed(&router),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &RouterError) -> Result<String, String> {
    refused(error.code(), &error.to_string())
}

/// Routes queries: what is answered is finite and in its range, whatever the bundle.
fn routed(router: &Router) -> Result<String, String> {
    let mut said = String::from("ok");
    for text in ["What is 2 + 2?", "naïve Zürich 世界 🚋 ##ing [SEP] \u{202e}x", "a"] {
        let query = Query::new(text).unwrap();
        let longest = router.info().encoder.max_tokens;
        if let Ok(tokens) = router.encoder().tokenize(text)
            && tokens.ids.len() > longest
            // Buckets of n-grams ascend; their number has another limit.
            && !tokens.ids.is_sorted_by(|a, b| a < b)
        {
            return Err(format!("{} ids, the longest sequence is {longest}", tokens.ids.len()));
        }
        let assessed = match router.assess(&query, 0.5) {
            Ok(assessed) => assessed,
            Err(error) => {
                refusal(&error)?;
                said = format!("{said} {}", error.code());
                continue;
            }
        };
        let rates = assessed.scores.iter().chain(&assessed.win_rate);
        if let Some(rate) = rates.into_iter().find(|rate| !(0.0..=1.0).contains(*rate)) {
            return Err(format!("a score or win rate is {rate}, for {text:?}"));
        }
        for policy in [Policy::threshold(0.5), Policy::strong_share(0.2), Policy::default()] {
            match router.route(&query, &policy) {
                Ok(decision) => {
                    if router.info().candidate_index(&decision.model).is_none() {
                        return Err(format!("the decision {:?} is no candidate", decision.model));
                    }
                    let written = serde_json::to_string(&decision).map_err(|e| e.to_string())?;
                    if written.contains("null") {
                        said.push_str(" with null");
                    }
                }
                Err(error) => {
                    refusal(&error)?;
                    said = format!("{said} {}", error.code());
                }
            }
        }
    }
    Ok(said)
}

pub const MANIFEST: Target = Target {
    name: "manifest",
    corpus: || {
        let with_kind =
            |(at, fixture): (usize, &Fixture)| [&[at as u8], fixture.manifest.as_bytes()].concat();
        let mut all: Vec<_> = FIXTURES.iter().enumerate().map(with_kind).collect();
        for folder in ["tests/fixtures/tiny", "tests/fixtures/pool", "bundles/default"] {
            let path = tiny::fixtures().join("../..").join(folder).join(MANIFEST_FILE);
            all.push([&[0], &fs::read(path).unwrap()[..]].concat());
        }
        all
    },
    strategies: &[Strategy::Json(MANIFEST_WORDS)],
    head: 1,
    cases: CASES,
    bytes_held: 200,
    check: |input| {
        let (fixture, input) = fixture(input);
        let manifest = match Manifest::from_json(input) {
            Ok(manifest) => manifest,
            Err(error) => return refusal(&error),
        };
        let written = serde_json::to_vec(&manifest).map_err(|e| e.to_string())?;
        match Manifest::from_json(&written) {
            Ok(again) if again == manifest => {}
            Ok(_) => return Err("a manifest is another after it was written".to_owned()),
            Err(error) => return Err(format!("a written manifest is refused: {error}")),
        }
        // The hashes that it states are taken as found: the files are those of the fixture.
        let hashes = manifest.files.iter().map(|file| (file.name.clone(), file.sha256.clone()));
        loaded(fixture, input, ("", &[]), &hashes.collect())
    },
};

pub const MODEL: Target = Target {
    name: "model",
    corpus: || {
        let model = |(at, fixture): (usize, &Fixture)| [&[at as u8], &fixture.model[..]].concat();
        FIXTURES.iter().enumerate().map(model).collect()
    },
    strategies: &[Strategy::Onnx],
    head: 1,
    cases: CASES,
    bytes_held: 200,
    check: |input| {
        let (fixture, model) = fixture(input);
        with_file(fixture, MODEL_FILE, model)
    },
};

/// A small tokenizer of another pipeline than BERT's.
fn pipeline(model: &str, normalizer: &str, pre_tokenizer: &str, post_processor: &str) -> Vec<u8> {
    format!(
        r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{{"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}},{{"id":9,"content":"zz","single_word":true,"lstrip":true,"rstrip":true,"normalized":true,"special":false}}],"normalizer":{normalizer},"pre_tokenizer":{pre_tokenizer},"post_processor":{post_processor},"decoder":null,"model":{model}}}"#
    )
    .into_bytes()
}

/// A `precompiled_charsmap` that replaces "a" by "b", in base64.
fn charsmap() -> String {
    let mut units = [0_u32; 256];
    let letter = u32::from(b'a');
    units[usize::from(b'a')] = letter | 1 << 8 | (letter ^ 1) << 10;
    let trie = units.iter().flat_map(|unit| unit.to_le_bytes());
    let bytes: Vec<u8> = 1024_u32.to_le_bytes().into_iter().chain(trie).chain(*b"bc\0").collect();
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // 1,031 bytes are not a multiple of three: two more NULs end the replacements.
    let groups = [&bytes[..], b"\0"].concat();
    let groups = groups.chunks_exact(3).flat_map(|group| {
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        [18, 12, 6, 0].map(|shift| char::from(digits[(bits >> shift & 63) as usize]))
    });
    groups.collect()
}

fn tokenizers() -> Vec<Vec<u8>> {
    let bpe = r###"{"type":"BPE","dropout":null,"unk_token":"[UNK]","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":{"[UNK]":0,"a":1,"b":2,"h":3,"t":4,"ha":5,"hat":6,"Ġ":7,"W":8},"merges":[["h","a"],["ha","t"]]}"###;
    let unigram = r#"{"type":"Unigram","unk_id":0,"vocab":[["[UNK]",0.0],["a",-1.5],["▁",-2.0],["▁W",-2.5],["h",-3.0],["hat",-3.5]],"byte_fallback":false}"#;
    let words =
        r#"{"type":"WordLevel","vocab":{"[UNK]":0,"a":1,"What":2,"is":3},"unk_token":"[UNK]"}"#;
    let pieces = r###"{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":20,"vocab":{"[UNK]":0,"a":1,"w":2,"##hat":3,"[CLS]":4,"[SEP]":5}}"###;
    let level =
        r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#;
    let template = r#"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[UNK]","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[UNK]":{"id":"[UNK]","ids":[0],"tokens":["[UNK]"]}}}"#;
    let sequence = r#"{"type":"Sequence","normalizers":[{"type":"NFKD"},{"type":"StripAccents"},{"type":"Lowercase"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Strip","strip_left":true,"strip_right":true},{"type":"Prepend","prepend":"▁"}]}"#;
    let splits = r#"{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Punctuation","behavior":"Isolated"},{"type":"Digits","individual_digits":true},{"type":"Split","pattern":{"Regex":"\\p{L}+"},"behavior":"Isolated","invert":false},{"type":"CharDelimiterSplit","delimiter":"x"}]}"#;
    let metaspace =
        r#"{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}"#;
    let roberta = r#"{"type":"RobertaProcessing","sep":["b",2],"cls":["a",1],"trim_offsets":true,"add_prefix_space":false}"#;
    let bert = r#"{"type":"BertProcessing","sep":["[SEP]",5],"cls":["[CLS]",4]}"#;
    let normal = r#"{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}"#;
    let precompiled =
        format!(r#"{{"type":"Precompiled","precompiled_charsmap":"{}"}}"#, charsmap());
    vec![
        pipeline(bpe, "null", level, level),
        pipeline(bpe, sequence, level, roberta),
        pipeline(unigram, sequence, metaspace, template),
        pipeline(unigram, &precompiled, metaspace, "null"),
        pipeline(words, "null", r#"{"type":"Whitespace"}"#, template),
        pipeline(words, r#"{"type":"NFC"}"#, splits, "null"),
        pipeline(pieces, normal, r#"{"type":"BertPreTokenizer"}"#, bert),
        pipeline(pieces, "null", r#"{"type":"BertPreTokenizer"}"#, template),
        pipeline(pieces, sequence, r#"{"type":"UnicodeScripts"}"#, bert),
    ]
}

pub const TOKENIZER: Target = Target {
    name: "tokenizer",
    corpus: || {
        let mut all: Vec<Vec<u8>> =
            FIXTURES.iter().map(|fixture| fixture.tokenizer.clone()).collect();
        all.sort();
        all.dedup();
        all.extend(tokenizers());
        // Beside the random kind's graph, with special tokens and without.
        let sides = [LENGTH_STATIC, LENGTH_TRANSFORMER];
        sides
            .iter()
            .flat_map(|&at| all.iter().map(move |json| [&[at], &json[..]].concat()))
            .collect()
    },
    strategies: &[Strategy::Json(TOKENIZER_WORDS)],
    head: 1,
    cases: CASES,
    bytes_held: 400,
    check: |input| {
        let (fixture, json) = fixture(input);
        with_file(fixture, TOKENIZER_FILE, json)
    },
};

/// Places of two small bundles among the fixtures.
const LENGTH_STATIC: u8 = 6;
const LENGTH_TRANSFORMER: u8 = 7;

pub const MEMORY: Target = Target {
    name: "memory",
    corpus: || {
        let memory = |(at, fixture): (usize, &Fixture)| {
            Some([&[at as u8], &fixture.memory.as_ref()?[..]].concat())
        };
        FIXTURES.iter().enumerate().filter_map(memory).collect()
    },
    strategies: &[Strategy::Bytes(&["SWYDMEM1"])],
    head: 1,
    cases: CASES,
    bytes_held: 200,
    check: |input| {
        let (fixture, bytes) = fixture(input);
        let memory = match Memory::from_bytes(bytes) {
            Ok(memory) => memory,
            Err(error) => return refusal(&error),
        };
        if memory.to_bytes() != bytes {
            return Err("a memory has other bytes after it was read".to_owned());
        }
        with_file(fixture, MEMORY_FILE, bytes)
    },
};

fn archive(fixture: &Fixture) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let files = [
        (MANIFEST_FILE, fixture.manifest.as_bytes()),
        (MODEL_FILE, &fixture.model),
        (TOKENIZER_FILE, &fixture.tokenizer),
    ];
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, format!("bundle/{name}"), content).unwrap();
    }
    tar.into_inner().unwrap()
}

pub const ARCHIVE: Target = Target {
    name: "archive",
    corpus: || [LENGTH_STATIC, 0].map(|at| archive(&FIXTURES[usize::from(at)])).to_vec(),
    strategies: &[Strategy::Bytes(&["ustar", "0000644", "router.json", "7777777"])],
    head: 0,
    cases: CASES,
    bytes_held: 200,
    check: |input| match files_from_tar(input) {
        Ok(files) => match Router::from_files(&files) {
            Ok(_) => Ok("ok".to_owned()),
            Err(error) => refusal(&error),
        },
        Err(error) => refusal(&error),
    },
};

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let file = |name| (name, fs::read(tiny::fixtures().join("tiny").join(name)).unwrap());
    Router::from_files(&[MANIFEST_FILE, MODEL_FILE, TOKENIZER_FILE].map(file)).unwrap()
});

pub const REQUEST: Target = Target {
    name: "request",
    corpus: || {
        let texts = [
            r#"{"query": "What is 2 + 2?", "policy": {"strongShare": 0.2}}"#,
            r#"{"query": "Prove it.", "policy": {"threshold": 0.5, "maxCost": 1.5, "outputTokens": 9}}"#,
            r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Prove it."}, {"type": "image_url", "image_url": {"url": "x"}}]}, {"role": "assistant", "content": null}, {"role": "user", "content": "Yes."}], "policy": {"costWeight": 0.1, "turnDecay": 0.5}}"#,
            r#"{"messages": [{"role": "user", "content": "世界 🚋"}], "policy": {"candidates": ["tiny-strong", "tiny-weak"]}}"#,
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
    strategies: &[Strategy::Json(REQUEST_WORDS)],
    head: 0,
    cases: CASES,
    bytes_held: 200,
    check: |input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok("not UTF-8".to_owned()) };
        let request = match RouteRequest::from_json(text) {
            Ok(request) => request,
            Err(error) => return refusal(&error),
        };
        match ROUTER.route(&request.query, &request.policy) {
            Ok(decision) => Ok(format!("ok {:?}", decision.reason)),
            Err(error) => refusal(&error),
        }
    },
};
