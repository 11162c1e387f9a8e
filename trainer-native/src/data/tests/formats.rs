//! Published formats of outcomes other than True/False columns and score maps.

use super::*;

const GSM8K: &str = "prompt,small,large,small_response,large_response\n\"One?\",True,False,\"It's 1,\nor so\",2\nTwo?,False,True,,\n";
const QUESTIONS: &str = "{\"question_id\": 9, \"category\": \"writing\", \"turns\": [\"Describe a lamp.\", \"Now in rhyme.\"]}\n{\"question_id\": 10, \"category\": \"maths\", \"turns\": [\"Add 2 and 3.\", \"Double it.\"]}\n";
pub(super) const BENCH: &str = ",sample_id,prompt,eval_name,small,maker/large,small|total_cost,maker/large|total_cost,small|model_response,oracle_model_to_route_to\n0,sums.7,\"['What is 3 + 4?\\nAnswer:', \"\"It's\"\"]\",sums,0.0,1.0,2e-05,0.0031,junk,maker/large\n1,sums.8,Plain?,sums,,0.5,0.00003,,,small\n";

fn judgement(question: u32, model: &str, turn: u32, score: &str) -> String {
    format!(
        "{{\"question_id\": {question}, \"model\": \"{model}\", \"judge\": [\"gpt-4\", \"single-v1\"], \"score\": {score}, \"turn\": {turn}}}\n"
    )
}

fn judgements() -> String {
    [
        judgement(9, "small", 1, "4"),
        judgement(9, "small", 2, "7.0"),
        judgement(9, "large", 1, "10"),
        judgement(9, "large", 2, "9"),
        judgement(10, "large", 1, "8"),
        judgement(10, "small", 1, "1"),
    ]
    .concat()
}

fn mt_bench(judgements: &str) -> Source {
    Source::new(&[
        ("a_judgements.jsonl", judgements.as_bytes()),
        ("contaminated_prompts.jsonl", b"{\"eval_prompt\": \"Describe a lamp.\"}\n"),
        ("question.jsonl", QUESTIONS.as_bytes()),
    ])
}

#[test]
fn gsm8k_answers_are_not_read() {
    let source = Source::new(&[("responses.csv", GSM8K.as_bytes())]);
    let loaded = source.strict("").unwrap();
    assert_eq!(loaded.format, Format::RouteLlmGsm8k);
    assert_eq!(loaded.outcomes.models, ["small", "large"]);
    let rows = &loaded.outcomes.rows;
    assert_eq!((rows[1].id.as_str(), rows[1].dataset.as_str()), ("responses-1", "gsm8k"));
    assert_eq!(rows[1].scores, [(0, 0.0), (1, 1.0)]);
}

#[test]
fn mt_bench_scores_are_means_over_turns_and_keep_their_scale() {
    let loaded = mt_bench(&judgements()).strict("").unwrap();
    assert_eq!((loaded.format, loaded.files.len()), (Format::RouteLlmMtBench, 2));
    let outcomes = &loaded.outcomes;
    assert_eq!((outcomes.score_scale, outcomes.models.join(" ")), (10.0, "small large".into()));
    let first = &outcomes.rows[0];
    assert_eq!((first.id.as_str(), first.query.as_str()), ("9", "Describe a lamp."));
    assert_eq!(first.category.as_deref(), Some("writing"));
    assert_eq!(first.scores, [(0, 0.55), (1, 0.95)]);
    assert_eq!(outcomes.rows[1].scores, [(0, 0.1), (1, 0.8)]);
}

#[test]
fn judgements_that_say_nothing_are_placed() {
    for (bad, code) in [
        (judgement(10, "large", 2, "-1"), "score_out_of_range"),
        (judgement(10, "large", 2, "11"), "score_out_of_range"),
        (judgement(10, "large", 2, "null"), "missing_field"),
        (judgement(10, "large", 2, "\"8\""), "wrong_type"),
        (judgement(10, "large", 1, "8"), "duplicate_judgement"),
        (judgement(11, "large", 1, "8"), "unknown_question"),
        ("{\"question_id\": 10, \"turns\": [\"Again?\"]}\n{\"question_id\": 10, \"turns\": [\"Once more?\"]}\n".into(), "duplicate_id"),
        ("{\"question_id\": 12, \"turns\": []}\n".into(), "empty_query"),
    ] {
        let source = mt_bench(&format!("{}{bad}", judgements()));
        let error = source.strict("").unwrap_err();
        assert_eq!(error.code(), code, "{bad}: {error}");
        // A question defined once more among the judgements makes the file's own one the second.
        let place = if code == "duplicate_id" { ".jsonl:" } else { "a_judgements.jsonl:7" };
        assert!(error.to_string().contains(place), "{error}");
        let loaded = source.lenient("").unwrap();
        assert_eq!(loaded.outcomes.rows.len(), 2, "{bad}");
        assert!(loaded.bad_rows.iter().all(|row| row.code == code), "{:?}", loaded.bad_rows);
    }
}

#[test]
fn a_question_without_judgements_is_a_bad_row() {
    let source = mt_bench(&judgement(9, "small", 1, "4"));
    assert_eq!(source.strict("").unwrap_err().code(), "no_scores");
}

#[test]
fn half_of_mt_bench_is_an_error_that_names_the_other() {
    let source = mt_bench(&judgements());
    for name in ["question.jsonl", "a_judgements.jsonl"] {
        let error = source.strict(name).unwrap_err();
        assert_eq!(error.code(), "bad_file");
        assert!(error.to_string().contains("Give the folder that holds both"), "{error}");
    }
    assert_eq!(source.strict("contaminated_prompts.jsonl").unwrap_err().code(), "unknown_format");
}

#[test]
fn routerbench_is_read_with_costs_and_gaps() {
    let source = Source::new(&[("bench.csv", BENCH.as_bytes())]);
    let loaded = source.strict("bench.csv").unwrap();
    assert_eq!(loaded.format, Format::RouterBench);
    assert_eq!(loaded.outcomes.models, ["small", "maker/large"]);
    let rows = &loaded.outcomes.rows;
    assert_eq!(rows[0].query, "What is 3 + 4?\nAnswer:\n\nIt's");
    assert_eq!((rows[0].id.as_str(), rows[0].dataset.as_str()), ("sums.7#0", "sums"));
    assert_eq!(rows[0].costs, [(0, 2e-5), (1, 0.0031)]);
    assert_eq!((rows[1].score(0), rows[1].score(1)), (None, Some(0.5)));
    assert_eq!((rows[1].cost(0), rows[1].cost(1)), (Some(3e-5), None));
    assert_eq!(rows[1].query, "Plain?");
}

#[test]
fn routerbench_faults_are_placed_and_named() {
    for (bad, code) in [
        ("1,sums.8,Q?,sums,1,1,0,0,,", "duplicate_id"),
        ("2,sums.9,Q?,sums,1.5,1,0,0,,", "score_out_of_range"),
        ("2,sums.9,Q?,sums,many,1,0,0,,", "not_a_number"),
        ("2,sums.9,Q?,sums,nan,1,0,0,,", "not_a_number"),
        ("2,sums.9,Q?,sums,1,1,-0.1,0,,", "cost_out_of_range"),
        ("2,sums.9,Q?,sums,,,0,0,,", "no_scores"),
        ("2,sums.9,['Q?,sums,1,1,0,0,,", "prompt_not_a_list"),
        ("2,sums.9,,sums,1,1,0,0,,", "empty_cell"),
        ("2,,Q?,sums,1,1,0,0,,", "empty_cell"),
        ("2,sums.9,Q?,sums,1", "wrong_column_count"),
        ("2,sums.9,[' '],sums,1,1,0,0,,", "empty_query"),
    ] {
        let source = Source::new(&[("b.csv", format!("{BENCH}{bad}\n").as_bytes())]);
        let error = source.strict("b.csv").unwrap_err();
        assert_eq!(error.code(), code, "{bad}: {error}");
        assert!(error.to_string().contains("b.csv:4"), "{error}");
        let loaded = source.lenient("b.csv").unwrap();
        assert_eq!((loaded.bad_count, loaded.outcomes.rows.len()), (1, 2), "{bad}");
    }
}

#[test]
fn routerbench_columns_are_checked() {
    for (header, missing) in [
        ("sample_id,prompt,small,small|total_cost", "eval_name"),
        ("sample_id,prompt,eval_name,large,small|total_cost", "\"small\""),
        ("sample_id,prompt,eval_name", "<model>"),
        ("sample_id,prompt,eval_name,small,small", "once"),
    ] {
        let source = Source::new(&[("b.csv", format!("{header}\n").as_bytes())]);
        let error = source.strict("b.csv").unwrap_err();
        assert_eq!(error.code(), "bad_file", "{header}: {error}");
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn rorf_models_keep_their_slashes() {
    let text = "Input,maker/small/score,large/score,large/answer\nOne?,0.5,1,x\nTwo?,,0,y\n";
    let source = Source::new(&[("own.csv", text.as_bytes())]);
    let loaded = source.strict("own.csv").unwrap();
    assert_eq!(loaded.format, Format::Rorf);
    assert_eq!(loaded.outcomes.models, ["maker/small", "large"]);
    assert_eq!(loaded.outcomes.rows[0].scores, [(0, 0.5), (1, 1.0)]);
    assert_eq!(loaded.outcomes.rows[1].scores, [(1, 0.0)]);
    assert_eq!(loaded.outcomes.rows[1].id, "own-1");
    for (bad, code) in [("Three?,2,1,x", "score_out_of_range"), (",1,1,x", "empty_cell")] {
        let source = Source::new(&[("own.csv", format!("{text}{bad}\n").as_bytes())]);
        assert_eq!(source.strict("own.csv").unwrap_err().code(), code);
    }
    let source = Source::new(&[("own.csv", b"Input,Score\nOne?,1\n")]);
    let error = source.strict("own.csv").unwrap_err();
    assert!(error.to_string().contains("found the columns Input, Score, expected"), "{error}");
}

#[test]
fn costs_and_scale_survive_writing() {
    let mut outcomes = Source::new(&[("b.csv", BENCH.as_bytes())]).strict("").unwrap().outcomes;
    outcomes.score_scale = 10.0;
    let mut bytes = Vec::new();
    outcomes_jsonl::write(&outcomes, &mut bytes).unwrap();
    let read = Source::new(&[("b.jsonl", &bytes)]).strict("b.jsonl").unwrap().outcomes;
    assert_eq!(in_name_order(read), in_name_order(outcomes));
    let row = |rest: &str| {
        format!(
            "{{\"id\": \"z\", \"query\": \"q\", \"dataset\": \"d\", \"scores\": {{\"small\": 1}}, {rest}}}\n"
        )
    };
    for (rest, code) in [
        ("\"score_scale\": 5", "mixed_score_scale"),
        ("\"score_scale\": 0", "bad_score_scale"),
        ("\"score_scale\": 10, \"costs\": {\"small\": -1}", "cost_out_of_range"),
        ("\"score_scale\": 10, \"costs\": {\"small\": \"1\"}", "cost_not_a_number"),
    ] {
        let source = Source::new(&[("b.jsonl", &[&bytes, row(rest).as_bytes()].concat())]);
        assert_eq!(source.strict("b.jsonl").unwrap_err().code(), code);
    }
}

#[test]
fn a_row_larger_than_the_limit_does_not_end_up_in_memory() {
    let long = "x".repeat(lines::MAX_ROW_BYTES);
    let jsonl = format!(
        "{JSONL}{{\"id\": \"{long}\"}}\n{{\"id\": \"c\", \"query\": \"q\", \"dataset\": \"d\", \"scores\": {{\"small\": 1}}}}\n"
    );
    let source = Source::new(&[("x.jsonl", jsonl.as_bytes())]);
    let loaded = source.lenient("x.jsonl").unwrap();
    assert_eq!((loaded.outcomes.rows.len(), loaded.bad_rows[0].code), (3, "row_too_large"));
    assert_eq!(loaded.bad_rows[0].line, 3);
    assert_eq!(loaded.bytes, jsonl.len() as u64);
    // A quote that is never closed: what comes after it cannot be told apart.
    let csv = format!("{MMLU}\"{long}{long}");
    let source = Source::new(&[("mmlu_x.csv", csv.as_bytes())]);
    let error = source.lenient("mmlu_x.csv").unwrap_err();
    assert_eq!(error.code(), "bad_file");
    assert!(error.to_string().contains("mmlu_x.csv:7: found a record of more than"), "{error}");
}
