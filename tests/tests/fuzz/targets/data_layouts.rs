//! A sound file of every layout of data that the trainer reads.

use std::io::{Write, sink};
use std::sync::Arc;

use flate2::write::DeflateEncoder;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use pointsman_trainer::data::Format;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// A format's file: the name under which it is read, what lies beside it, and sound contents.
pub struct Layout {
    pub format: Format,
    pub file: &'static str,
    pub beside: &'static [(&'static str, &'static str)],
    pub sound: fn() -> Vec<u8>,
}

const QUESTIONS: &str = "{\"question_id\": 9, \"category\": \"writing\", \"turns\": [\"Describe a lamp.\", \"Now in rhyme.\"]}\n{\"question_id\": 10, \"category\": \"maths\", \"turns\": [\"Add 2 and 3.\", \"Double it.\"]}\n";
const JUDGEMENTS: &str = "{\"question_id\": 9, \"model\": \"small\", \"judge\": [\"gpt-4\", \"single-v1\"], \"score\": 4, \"turn\": 1}\n{\"question_id\": 9, \"model\": \"large\", \"score\": 7.0, \"turn\": 1}\n{\"question_id\": 10, \"model\": \"large\", \"score\": 8, \"turn\": 2}\n{\"question_id\": 10, \"model\": \"small\", \"score\": 1, \"turn\": 1}\n";
const BENCH: &str = ",sample_id,prompt,eval_name,small,maker/large,small|total_cost,maker/large|total_cost,small|model_response,oracle_model_to_route_to\n0,sums.7,\"['What is 3 + 4?\\nAnswer:', \"\"It's\"\"]\",sums,0.0,1.0,2e-05,0.0031,junk,maker/large\n1,sums.8,Plain?,sums,,0.5,0.00003,,,small\n";
const ARENA: &str = "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n1,small,large,\"[\"\"One?\"\",\n \"\"And two?\"\"]\",\"[\"\"a\"\"]\",\"[null]\",1,0,0\n2,large,small,\"[\"\"Three?\"\"]\",x,y,0,1,0\n3,small,tiny,\"[\"\"Four?\"\"]\",x,y,0,0,1\n";

const HARNESS: &str = r#"{"doc_id": 0, "arguments": {"gen_args_0": {"arg_0": "One?"}}, "filter": "none", "metrics": ["acc"], "acc": 1.0}
{"doc_id": 0, "arguments": {"gen_args_0": {"arg_0": "One?"}}, "filter": "strict", "metrics": ["acc"], "acc": 0.0}
{"doc_id": 1, "arguments": [["[{\"role\": \"user\", \"content\": \"Two?\"}]"]], "exact_match": false}
"#;
const INSPECT: &str = r#"{"version": 2, "status": "success", "eval": {"task": "metals", "model": "small", "created": "2026-11-29T10:00:00Z"},
"samples": [{"id": "a", "epoch": 1, "input": "One?", "scores": {"match": {"value": "C"}}},
{"id": 2, "epoch": 1, "input": [{"role": "user", "content": "Two?"}], "scores": {"match": {"value": NaN}}},
{"id": 3, "input": "Three?", "choices": ["tin", "zinc"], "scores": {"match": {"value": {"near": 0.5}}, "tone": {"value": 1}}, "error": null}]}"#;
const INSPECT_LARGE: &str = r#"{"status": "success", "eval": {"task": "metals", "model": "large"}, "samples": [{"id": "a", "epoch": 1, "input": "One?", "scores": {"match": {"value": 1}}}]}"#;
const PROMPTFOO: &str = r#"{"evalId": "e", "config": {"description": "metals"}, "results": {"version": 3, "timestamp": "2026-11-29", "results": [
{"provider": {"id": "x", "label": "small"}, "prompt": {"raw": "One?"}, "success": false, "score": 0.5, "namedScores": {"tone": 1}, "cost": 0.1, "failureReason": 1, "testCase": {"assert": [{}]}},
{"provider": "large", "prompt": {"raw": "[{\"role\": \"user\", \"content\": \"One?\"}]"}, "success": true, "score": 1, "failureReason": 0, "testCase": {"assert": [{}]}},
{"provider": "large", "prompt": "Two?", "success": false, "score": 0, "error": "503"}]}}"#;
const EVALS: &str = r#"{"spec": {"completion_fns": ["small"], "eval_name": "metals.dev.v0", "created_at": "2026-11-29"}}
{"run_id": "r", "event_id": 0, "sample_id": "s.0", "type": "sampling", "data": {"prompt": [{"role": "user", "content": "One?"}], "sampled": ["1"]}}
{"run_id": "r", "event_id": 1, "sample_id": "s.0", "type": "match", "data": {"correct": true}}
{"run_id": "r", "event_id": 2, "sample_id": "s.1", "type": "raw_sample", "data": {"input": "Two?"}}
{"run_id": "r", "event_id": 3, "sample_id": "s.1", "type": "metrics", "data": {"score": 0.5}}
{"final_report": {}, "run_id": "r"}
"#;
const EVALS_LARGE: &str = r#"{"spec": {"model_name": "large", "eval_name": "metals.dev.v0"}}
{"run_id": "r", "event_id": 0, "sample_id": "s.0", "type": "sampling", "data": {"prompt": "One?"}}
{"run_id": "r", "event_id": 1, "sample_id": "s.0", "type": "match", "data": {"correct": false}}
"#;
const LANGFUSE: &str = r#"[{"id": "o-1", "traceId": "t", "type": "GENERATION", "name": "chat", "model": "small", "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "One?"}], "totalCost": "0.1", "helpful": [1, 0]},
{"id": "t-2", "sessionId": null, "input": "{\"messages\": [{\"role\": \"user\", \"content\": \"Two?\"}]}", "scores": [{"name": "tone", "value": 0.5}]}]"#;
const SPEND: &str = r#"{"data": [{"request_id": "r-1", "call_type": "acompletion", "spend": 0.1, "messages": {}, "proxy_server_request": "{\"messages\": [{\"role\": \"user\", \"content\": \"One?\"}]}"},
{"request_id": "r-2", "call_type": "aresponses", "spend": 0, "proxy_server_request": {"input": "Two?", "instructions": "Be brief."}}], "total": 2}"#;
const SHARED: &str = r#"{"id": "c-1", "conversations": [{"from": "human", "value": "One?"}, {"from": "gpt", "value": "1"}, {"from": "human", "value": "Two?"}]}
{"conversations": [{"from": "system", "value": "Be brief."}, {"from": "human", "value": "Three?"}]}
"#;
const CHATS: &str = r#"[{"id": "c-1", "current_node": "c", "mapping": {"a": {"parent": null, "message": null},
"b": {"parent": "a", "message": {"author": {"role": "user"}, "recipient": "all", "content": {"content_type": "text", "parts": ["One?"]}}},
"c": {"parent": "b", "message": {"author": {"role": "assistant"}, "recipient": "python", "content": {"content_type": "code", "text": "1"}}}}},
{"conversation_id": "c-2", "current_node": "a", "mapping": {"a": {"message": {"author": {"role": "user"}, "content": {"parts": ["Two?", {"asset": 1}]}}}}}]"#;
const DECISION: &str = r#"{"id": "r-1", "decision_id": "d-1", "at": "2026-11-22T08:00:00Z", "endpoint": "chat/completions", "status": 200, "router": "default", "query": "One?"}"#;

/// A sound file of each layout. Stored inputs name one by its place: add at the end.
pub const LAYOUTS: [Layout; 30] = [
    Layout {
        format: Format::RouteLlmMmlu,
        file: "mmlu_logic.csv",
        beside: &[],
        sound: || {
            b"prompt,small,large\n\"One?\nA. x\nB. y\nAnswer:\",True,False\nTwo?,False,True\n"
                .to_vec()
        },
    },
    Layout {
        format: Format::RouteLlmGsm8k,
        file: "gsm8k.csv",
        beside: &[],
        sound: || {
            b"prompt,small,large,small_response,large_response\n\"One?\",True,False,\"It's 1,\nor so\",2\nTwo?,False,True,,\n".to_vec()
        },
    },
    Layout {
        format: Format::RouteLlmMtBench,
        file: "a_judgements.jsonl",
        beside: &[("question.jsonl", QUESTIONS)],
        sound: || JUDGEMENTS.into(),
    },
    Layout {
        format: Format::RouteLlmMtBench,
        file: "question.jsonl",
        beside: &[("a_judgements.jsonl", JUDGEMENTS)],
        sound: || QUESTIONS.into(),
    },
    Layout {
        format: Format::RouterDc,
        file: "dc.json",
        beside: &[],
        sound: || {
            b"[{\"question\": \"One?\", \"scores\": {\"small\": 0, \"large\": 0.5}, \"cluster_id\": 3},\n {\"question\": \"Two?\", \"scores\": {\"small\": 1.0, \"large\": 1}}]".to_vec()
        },
    },
    Layout { format: Format::RouterBench, file: "bench.csv", beside: &[], sound: || BENCH.into() },
    Layout {
        format: Format::RouterBench,
        file: "bench.parquet",
        beside: &[],
        sound: bench_parquet,
    },
    Layout {
        format: Format::Rorf,
        file: "rorf.csv",
        beside: &[],
        sound: || b"Input,small/score,large/score,note\nOne?,0.5,1,x\n\"Two, and\",0,1,\n".to_vec(),
    },
    Layout {
        format: Format::OutcomesJsonl,
        file: "outcomes.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"scores\": {\"small\": 0.25, \"large\": 1.0}, \"costs\": {\"small\": 0.1}}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"category\": \"c\", \"scores\": {\"large\": 0.5}}\n".to_vec()
        },
    },
    Layout { format: Format::Arena, file: "arena.csv", beside: &[], sound: || ARENA.into() },
    Layout { format: Format::Arena, file: "arena.parquet", beside: &[], sound: arena_parquet },
    Layout {
        format: Format::Gpt4Dataset,
        file: "gpt4.jsonl",
        beside: &[],
        sound: || {
            b"{\"prompt\": \"One?\", \"source\": \"own/chats\", \"mixtral_score\": 3}\n{\"prompt\": \"Two?\", \"mixtral_score\": \"4\"}\n".to_vec()
        },
    },
    Layout {
        format: Format::PreferencesJsonl,
        file: "preferences.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"model_a\": \"small\", \"model_b\": \"large\", \"winner\": \"model_b\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"model_a\": \"small\", \"model_b\": \"large\", \"winner\": \"tie\", \"weight\": 0.5}\n".to_vec()
        },
    },
    Layout {
        format: Format::DifficultyJsonl,
        file: "levels.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"difficulty\": 2, \"scale\": \"grade\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"difficulty\": -0.5, \"scale\": \"grade\", \"category\": \"c\"}\n".to_vec()
        },
    },
    Layout {
        format: Format::NeedJsonl,
        file: "needs.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"need\": 3, \"lang\": \"en\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"need\": 60.5, \"kind\": \"maths\"}\n".to_vec()
        },
    },
    Layout {
        format: Format::PromptsJsonl,
        file: "prompts.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": 1, \"query\": \"One?\", \"dataset\": \"own\", \"gold\": {\"numeric\": 1}}\n{\"prompt\": \"Two?\"}\n{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"Three?\"}]}]}\n".to_vec()
        },
    },
    Layout {
        format: Format::LmEval,
        file: "samples_metals_2026-11-29T10-00-00.jsonl",
        beside: &[],
        sound: || HARNESS.into(),
    },
    Layout {
        format: Format::InspectAi,
        file: "small.json",
        beside: &[("large.json", INSPECT_LARGE)],
        sound: || INSPECT.into(),
    },
    Layout {
        format: Format::InspectAi,
        file: "small.eval",
        beside: &[("large.json", INSPECT_LARGE)],
        sound: inspect_archive,
    },
    Layout {
        format: Format::Promptfoo,
        file: "output.json",
        beside: &[],
        sound: || PROMPTFOO.into(),
    },
    Layout {
        format: Format::OpenaiEvals,
        file: "small.jsonl",
        beside: &[("large.jsonl", EVALS_LARGE)],
        sound: || EVALS.into(),
    },
    Layout {
        format: Format::Langfuse,
        file: "langfuse.json",
        beside: &[],
        sound: || LANGFUSE.into(),
    },
    Layout {
        format: Format::Langfuse,
        file: "langfuse.csv",
        beside: &[],
        sound: || {
            b"id,traceId,type,name,input,helpful\no-1,t,GENERATION,chat,\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"One?\"\"}]\",[1]\no-2,t,SPAN,,One?,\no-3,t,GENERATION,,\"Two?\nThree?\",\n".to_vec()
        },
    },
    Layout { format: Format::LiteLlm, file: "spend.json", beside: &[], sound: || SPEND.into() },
    Layout {
        format: Format::LiteLlm,
        file: "spend.jsonl",
        beside: &[],
        sound: || {
            b"{\"request_id\": \"r-1\", \"call_type\": \"acompletion\", \"spend\": 0.1, \"messages\": [{\"role\": \"user\", \"content\": \"One?\"}]}\n{\"request_id\": \"r-2\", \"call_type\": \"aembedding\", \"spend\": 0, \"messages\": {}}\n".to_vec()
        },
    },
    Layout {
        format: Format::PromptsCsv,
        file: "asked.csv",
        beside: &[],
        sound: || {
            b"query,gold,id\n\"One,\ntwo?\",\"{\"\"numeric\"\": 3}\",q1\nThree?,3,\n".to_vec()
        },
    },
    Layout {
        format: Format::PromptsText,
        file: "asked.txt",
        beside: &[],
        sound: || b"One?\n\n{\"two\": 2}?\n".to_vec(),
    },
    Layout { format: Format::ShareGpt, file: "shared.jsonl", beside: &[], sound: || SHARED.into() },
    Layout {
        format: Format::ChatGptExport,
        file: "chats.json",
        beside: &[],
        sound: || CHATS.into(),
    },
    Layout { format: Format::Decisions, file: "d-1.json", beside: &[], sound: || DECISION.into() },
];

/// An archive of Inspect with a member of each compression.
fn inspect_archive() -> Vec<u8> {
    let members = [
        (
            CompressionMethod::STORE,
            "header.json",
            r#"{"eval": {"task": "metals", "model": "small", "created": "2026-11-29T10:00:00Z"}}"#,
        ),
        (
            CompressionMethod::DEFLATE,
            "samples/a_epoch_1.json",
            r#"{"id": "a", "epoch": 1, "input": "One?", "scores": {"match": {"value": "C"}}}"#,
        ),
        (
            CompressionMethod::ZSTD,
            "samples/2_epoch_1.json",
            r#"{"id": 2, "epoch": 1, "input": "Two?", "scores": {"match": {"value": NaN}, "tone": {"value": 1}}}"#,
        ),
        (
            CompressionMethod::STORE,
            "samples/3_epoch_1/sample.json",
            r#"{"id": 3, "epoch": 2, "input": [{"role": "user", "content": "Three?"}], "choices": ["tin"], "scores": {"match": {"value": 0.5}}}"#,
        ),
    ];
    let mut bytes = Vec::new();
    let mut zip = ZipArchiveWriter::new(&mut bytes);
    for (method, name, text) in members {
        let stored = match method {
            CompressionMethod::DEFLATE => {
                let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            CompressionMethod::ZSTD => compress_to_vec(text.as_bytes(), CompressionLevel::Fastest),
            _ => text.into(),
        };
        let (mut entry, config) = zip.new_file(name).compression_method(method).start().unwrap();
        let mut plain = config.wrap(sink());
        plain.write_all(text.as_bytes()).unwrap();
        entry.write_all(&stored).unwrap();
        entry.finish(plain.finish().unwrap().1).unwrap();
    }
    zip.finish().unwrap();
    bytes
}

/// A column of texts, of whole numbers or of others.
enum Column<'a> {
    Texts(&'a [&'a str]),
    Whole(&'a [i64]),
    Real(&'a [f64]),
}

fn table(fields: &str, compression: Compression, columns: &[Column<'_>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message own {{ {fields}; }}")).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for values in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match values {
            Column::Texts(values) => {
                let stored: Vec<ByteArray> =
                    values.iter().map(|value| value.as_bytes().to_vec().into()).collect();
                let levels = vec![1; stored.len()];
                column.typed::<ByteArrayType>().write_batch(&stored, Some(&levels), None)
            }
            Column::Whole(values) => column.typed::<Int64Type>().write_batch(values, None, None),
            Column::Real(values) => {
                let levels = vec![1; values.len()];
                column.typed::<DoubleType>().write_batch(values, Some(&levels), None)
            }
        }
        .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn bench_parquet() -> Vec<u8> {
    table(
        "optional binary sample_id (UTF8); optional binary prompt (UTF8); \
         optional binary eval_name (UTF8); optional double small; optional double large",
        Compression::SNAPPY,
        &[
            Column::Texts(&["sums.7", "sums.8"]),
            Column::Texts(&["['One?', 'Two?']", "Plain?"]),
            Column::Texts(&["sums", "sums"]),
            Column::Real(&[0.0, 1.0]),
            Column::Real(&[1.0, 0.5]),
        ],
    )
}

fn arena_parquet() -> Vec<u8> {
    table(
        "required int64 id; optional binary model_a (UTF8); optional binary model_b (UTF8); \
         optional binary prompt (UTF8); required int64 winner_model_a; \
         required int64 winner_model_b; required int64 winner_tie",
        Compression::UNCOMPRESSED,
        &[
            Column::Whole(&[1, 2]),
            Column::Texts(&["small", "large"]),
            Column::Texts(&["large", "small"]),
            Column::Texts(&["[\"One?\"]", "[\"Two?\"]"]),
            Column::Whole(&[1, 0]),
            Column::Whole(&[0, 0]),
            Column::Whole(&[0, 1]),
        ],
    )
}
