//! Whole calls of [`judge`], with a stand-in for the LLM.

#![allow(clippy::unwrap_used)]

mod stand_in;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use super::*;
use crate::completions::{Limits, Silent};
use crate::data::{AnswerSet, Format, ReadOptions, for_each_preference, read};
use crate::error::TrainerError;
use stand_in::{Says, Shown, StandIn};

/// Writes answers and opens them.
fn answers(folder: &Path, rows: &[Value]) -> AnswerSet {
    let path = folder.join("answers.jsonl");
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    std::fs::write(&path, text).unwrap();
    AnswerSet::open(&[path], &ReadOptions::default(), &check_gold).unwrap()
}

fn row(id: usize, model: &str, answer: &str) -> Value {
    json!({
        "id": id.to_string(), "query": format!("Question {id}?"), "dataset": "own", "model": model,
        "answer": answer, "cost_usd": if model == "large" { 0.02 } else { 0.001 },
    })
}

fn by_llm(judge: &StandIn, mode: Mode) -> JudgeSettings {
    let llm = LlmSettings {
        entry: judge.entry(),
        mode,
        ranking: Ranking::Logits,
        rubric: None,
        answer_characters: 1000,
        limits: Limits { attempts: 1, ..Limits::default() },
    };
    JudgeSettings { llm: Some(llm), ..JudgeSettings::default() }
}

fn run(
    answers: &AnswerSet,
    settings: &JudgeSettings,
    folder: &Path,
) -> Result<JudgeReport, TrainerError> {
    judge(answers, settings, &folder.join("out"), &Silent, &AtomicBool::new(false))
}

/// Targets of the preferences by id.
fn targets(folder: &Path) -> BTreeMap<String, f32> {
    let mut found = BTreeMap::new();
    let path = folder.join("out/preferences.jsonl");
    let source = for_each_preference(&path, None, &ReadOptions::default(), &mut |row| {
        found.insert(row.id, row.target);
        Ok(())
    });
    assert_eq!(source.unwrap().format, Format::PreferencesJsonl);
    found
}

/// The number in an answer.
fn quality(answer: &str) -> i32 {
    answer.split(' ').find_map(|word| word.parse().ok()).unwrap()
}

fn verdict(place: &str) -> Says {
    Says::Text(format!("I weighed both.\nVerdict: {place}"))
}

/// Prefers the better answer, and the first of two that differ by less than 3.
fn first_of_close(shown: &Shown) -> Says {
    let difference = quality(&shown.answers[0]) - quality(&shown.answers[1]);
    verdict(if difference > -3 { "A" } else { "B" })
}

/// Answers whose qualities differ by -4 to 5, each as often.
fn graded_answers(prompts: usize) -> Vec<Value> {
    let of = |id: usize| {
        let gap = (id % 10) as i32 - 4;
        let text = |kind: &str, quality: i32| format!("{kind} quality {quality} of answer {id}");
        [row(id, "large", &text("long", 20 + gap)), row(id, "small", &text("short", 20))]
    };
    (0..prompts).flat_map(of).collect()
}

#[test]
fn a_position_bias_is_found_and_cancels_in_both_orders() {
    let folder = tempfile::tempdir().unwrap();
    let judge = StandIn::start(first_of_close);
    let set = answers(folder.path(), &graded_answers(200));
    let report = run(&set, &by_llm(&judge, Mode::Pairwise), folder.path()).unwrap();
    let llm = report.llm.unwrap();
    assert_eq!((llm.questions, llm.read, llm.missing, judge.requests()), (200, 200, 0, 400));
    // Gaps of -2 to 2 are close: half of the comparisons lean to the first place.
    let bias = llm.position_bias.unwrap();
    assert_eq!((bias.leaning_to_first, bias.leaning_to_second, bias.first_share), (100, 0, 0.75));
    assert!(bias.differs && bias.low > 0.7 && bias.p_value < 1e-9, "{bias:?}");
    assert_eq!(llm.consistent.map(|share| (share.count, share.of)), Some((100, 200)));
    for (id, target) in targets(folder.path()) {
        let id: usize = id.strip_suffix("#0-1").unwrap().parse().unwrap();
        let expected = match (id % 10) as i32 - 4 {
            3.. => 1.0,
            ..=-3 => 0.0,
            _ => 0.5,
        };
        assert_eq!(target, expected, "{id}");
    }
    // 3 of 10 won, 5 tied, 2 lost.
    let means = |name: &str| report.means[name].score;
    assert!((means("large") - 0.55).abs() < 1e-9 && (means("small") - 0.45).abs() < 1e-9);
    let outcomes =
        read(&folder.path().join("out/outcomes.jsonl"), None, &ReadOptions::default()).unwrap();
    assert_eq!((outcomes.outcomes.rows.len(), outcomes.outcomes.models.len()), (200, 2));
    let first = &outcomes.outcomes.rows[0];
    let cost = |name: &str| first.cost(outcomes.outcomes.model_index(name).unwrap());
    assert_eq!((cost("large"), cost("small")), (Some(0.02), Some(0.001)));
}

#[test]
fn a_judge_without_a_bias_is_not_said_to_have_one() {
    let folder = tempfile::tempdir().unwrap();
    let judge = StandIn::start(|shown| {
        let difference = quality(&shown.answers[0]) - quality(&shown.answers[1]);
        verdict(["B", "tie", "A"][(difference.signum() + 1) as usize])
    });
    let set = answers(folder.path(), &graded_answers(40));
    let llm = run(&set, &by_llm(&judge, Mode::Pairwise), folder.path()).unwrap().llm.unwrap();
    let bias = llm.position_bias.unwrap();
    assert_eq!((bias.first_share, bias.differs, bias.comparisons), (0.5, false, 36));
}

#[test]
fn nothing_is_asked_twice_after_a_cap_and_what_fails_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    // Question 3 is never readable, question 5 only on a second request, and question 7 answered with HTML.
    let judge = StandIn::start(|shown| match (shown.request.as_str(), shown.turn) {
        ("Question 3?", _) | ("Question 5?", 0) => Says::Text("Both have merits.".into()),
        ("Question 7?", _) => Says::Html,
        _ => first_of_close(shown),
    });
    let set = answers(folder.path(), &graded_answers(20));
    let mut settings = by_llm(&judge, Mode::Pairwise);
    let cap = |settings: &mut JudgeSettings, usd: f64| {
        settings.llm.as_mut().unwrap().limits.max_usd = Some(usd);
        settings.llm.as_mut().unwrap().limits.concurrency = 1;
    };
    cap(&mut settings, 0.015);
    let first = run(&set, &settings, folder.path()).unwrap().llm.unwrap();
    assert_eq!(first.stopped, Some(report::EndedEarly::Cap));
    assert!(first.spent_usd <= 0.015 && first.read > 2 && first.missing > 2, "{first:?}");
    let asked = judge.requests();
    assert!(asked < 40, "{asked}");
    cap(&mut settings, 1.0);
    let second = run(&set, &settings, folder.path()).unwrap().llm.unwrap();
    let counts = (
        second.questions,
        second.read,
        second.read_on_second_request,
        second.unreadable,
        second.missing,
    );
    assert_eq!(counts, (20, 18, 1, 1, 1));
    assert_eq!((second.failed, second.stopped), (2, None));
    // 2 of each of 20 questions, 2 more of the questions 3 and 5, and 2 again of question 7 where it was
    // asked before the cap.
    let bodies = judge.bodies.lock().unwrap().clone();
    let html = |body: &&String| body.contains("Question 7?");
    let answered: Vec<&String> = bodies.iter().filter(|body| !html(body)).collect();
    assert_eq!((answered.len(), answered.iter().collect::<BTreeSet<_>>().len()), (42, 42));
    assert!(bodies.iter().filter(html).count() <= 4);
    // The same call again asks only what failed.
    let third = run(&set, &settings, folder.path()).unwrap().llm.unwrap();
    assert_eq!((third.asked, judge.requests()), (0, bodies.len() + 2));
    let ids: Vec<String> = targets(folder.path()).into_keys().collect();
    assert!(
        ids.len() == 18 && !ids.contains(&"3#0-1".to_owned()) && !ids.contains(&"7#0-1".to_owned())
    );
}

#[test]
fn the_cost_is_bounded_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let judge = StandIn::start(first_of_close);
    let set = answers(folder.path(), &graded_answers(20));
    let mut settings = by_llm(&judge, Mode::Pairwise);
    let out = folder.path().join("out");
    let plan =
        |settings: &JudgeSettings| Judging::open(&set, settings, &out).unwrap().plan().unwrap();
    let before = plan(&settings);
    assert_eq!((before.requests, before.answered, judge.requests()), (40, 0, 0));
    assert_eq!(before.confirm(None, false).unwrap_err().code(), "cost_unconfirmed");
    assert!(before.confirm(None, true).is_ok() && before.confirm(Some(1.0), false).is_ok());
    let spent = run(&set, &settings, folder.path()).unwrap().llm.unwrap().spent_usd;
    let cost = before.cost.unwrap();
    assert!(cost.lowest_usd() < spent && spent < cost.highest_usd(), "{cost:?} {spent}");
    let after = plan(&settings);
    assert_eq!((after.requests, after.answered), (0, 40));
    assert!(after.confirm(None, false).is_ok(), "nothing is left to pay");
    let entry = &mut settings.llm.as_mut().unwrap().entry;
    (entry.input_price, entry.output_price, entry.max_tokens) = (None, None, 99);
    let unpriced = plan(&settings);
    assert_eq!((unpriced.requests, unpriced.cost), (40, None));
    assert_eq!(unpriced.confirm(Some(1.0), false).unwrap_err().code(), "unknown_price");
    assert_eq!(unpriced.confirm(None, false).unwrap_err().code(), "cost_unconfirmed");
}

#[test]
fn agreement_with_labels_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let judge = StandIn::start(first_of_close);
    let set = answers(folder.path(), &graded_answers(30));
    // People say: the better one, whatever the gap; written with the weak LLM first.
    let labels: String = (0..30)
        .map(|id| {
            let winner = match (id % 10) - 4 {
                1.. => "model_b",
                0 => "tie",
                _ => "model_a",
            };
            let label = json!({
                "id": format!("label {id}"), "query": format!("Question {id}?"), "dataset": "own",
                "model_a": "small", "model_b": "large", "winner": winner,
            });
            format!("{label}\n")
        })
        .collect();
    let path = folder.path().join("labels.jsonl");
    let other = json!({"id": "x", "query": "Another?", "dataset": "own", "model_a": "small", "model_b": "large", "winner": "tie"});
    std::fs::write(&path, format!("{labels}{other}\n")).unwrap();
    let mut settings = by_llm(&judge, Mode::Pairwise);
    settings.labelled = Some(path.clone());
    let llm = run(&set, &settings, folder.path()).unwrap().llm.unwrap();
    let agreement = llm.agreement.unwrap();
    // Agreed: gaps 3, 4, 5 and -3, -4, and 0; the judge ties at the others.
    assert_eq!(
        (agreement.agreed.count, agreement.agreed.of, llm.labels_without_verdict),
        (18, 30, 1)
    );
    assert_eq!(agreement.agreed_without_ties.map(|share| share.share), Some(1.0));
    assert_eq!(agreement.table, [[9, 0, 6], [0, 6, 6], [0, 0, 3]]);
    let asked = judge.requests();
    std::fs::write(&path, format!("{other}\n")).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let error = run(&set, &settings, fresh.path()).unwrap_err();
    assert!(error.to_string().contains("labels.jsonl: found no label among 1 rows"), "{error}");
    assert_eq!(judge.requests(), asked, "nothing is paid before");
}

#[test]
fn grades_become_outcomes_on_a_scale_of_ten() {
    let folder = tempfile::tempdir().unwrap();
    let judge = StandIn::start(|shown| {
        Says::Text(format!("Fine.\nScore: {}", quality(&shown.answers[0]) - 15))
    });
    let mut rows = graded_answers(10);
    rows.push(json!({"id": "0", "query": "Question 0?", "dataset": "own", "model": "none", "answer": "", "finish": "empty"}));
    let set = answers(folder.path(), &rows);
    let report = run(&set, &by_llm(&judge, Mode::Score), folder.path()).unwrap();
    let llm = report.llm.unwrap();
    assert_eq!((llm.questions, llm.read, judge.requests()), (21, 20, 20));
    assert_eq!(llm.without_call, BTreeMap::from([("empty".to_owned(), 1)]));
    let outcomes = read(&folder.path().join("out/outcomes.jsonl"), None, &ReadOptions::default())
        .unwrap()
        .outcomes;
    assert_eq!(outcomes.score_scale, 10.0);
    let score =
        |row: usize, name: &str| outcomes.rows[row].score(outcomes.model_index(name).unwrap());
    assert_eq!(
        (score(0, "large"), score(0, "small"), score(0, "none")),
        (Some(0.1), Some(0.5), Some(0.1))
    );
    assert_eq!(targets(folder.path())["9#0-1"], 1.0);
    let line = std::fs::read_to_string(folder.path().join("out/outcomes.jsonl")).unwrap();
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(line["judge"], "judge");
    assert!(line["prompt_version"].as_str().unwrap().starts_with("score-"), "{line}");
}

#[test]
fn a_ranking_of_several_answers_is_asked_in_full_or_by_bubble() {
    let rows = |folder: &Path| {
        let texts = [("a", 12), ("b", 30), ("c", 21), ("d", 24)];
        let rows: Vec<Value> = (0..3)
            .flat_map(|id| texts.map(|(model, q)| row(id, model, &format!("quality {q}"))))
            .collect();
        answers(folder, &rows)
    };
    for (ranking, requests, expected) in [
        (Ranking::Logits, 12, [0.0, 1.0, 1.0 / 3.0, 2.0 / 3.0]),
        (Ranking::Wins, 12, [0.0, 1.0, 1.0 / 3.0, 2.0 / 3.0]),
        (Ranking::Bubble, 6, [0.0, 1.0, 0.0, 0.0]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let judge = StandIn::start(first_of_close);
        let mut settings = by_llm(&judge, Mode::Ranking);
        settings.llm.as_mut().unwrap().ranking = ranking;
        let report = run(&rows(folder.path()), &settings, folder.path()).unwrap();
        // The prompts have different texts, so that each is asked.
        assert_eq!(judge.requests(), 3 * requests, "{ranking:?}");
        let scores: Vec<f64> = report.means.values().map(|means| means.score).collect();
        for (found, expected) in scores.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{ranking:?}: {scores:?}");
        }
    }
}

fn gold_rows(sample_answers: &[(&str, &[&str])], prompts: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    for id in 0..prompts {
        for (model, samples) in sample_answers {
            for (sample, answer) in samples.iter().enumerate() {
                rows.push(json!({
                    "id": id.to_string(), "query": format!("Question {id}?"), "model": model,
                    "sample": sample, "answer": answer, "gold": {"numeric": 7},
                }));
            }
        }
    }
    rows
}

#[test]
fn gold_answers_give_outcomes_preferences_and_votes() {
    let folder = tempfile::tempdir().unwrap();
    let set = answers(
        folder.path(),
        &gold_rows(&[("a", &["Answer: 7"]), ("b", &["8", "so 7"]), ("c", &["none"])], 5),
    );
    let settings = JudgeSettings { gold: true, ..JudgeSettings::default() };
    let report = run(&set, &settings, folder.path()).unwrap();
    assert_eq!((report.outcome_rows, report.preference_rows), (5, 15));
    let gold = report.gold.unwrap();
    let numeric = gold.kinds["numeric"];
    assert_eq!(
        (numeric.right, numeric.wrong, numeric.nothing_found, numeric.graded()),
        (10, 5, 5, 20)
    );
    let found = targets(folder.path());
    assert_eq!((found["0#0-1"], found["0#0-2"], found["0#1-2"]), (0.75, 1.0, 0.75));
    let voting = report.voting.unwrap();
    assert_eq!((voting.prompts, voting.datasets.len()), (5, 1));
    assert_eq!(
        (voting.datasets[0].voting, voting.datasets[0].models.clone()),
        (1.0, vec![1.0, 0.5, 0.0])
    );
    let said = std::fs::read_to_string(folder.path().join("out/judged.jsonl")).unwrap();
    let first: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["extracted"], &first["mark"], &first["judge"]),
        (&json!("7"), &json!("right"), &json!("gold"))
    );
}

#[test]
fn hybrid_labels_are_shares_of_pairs_of_samples() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = gold_rows(&[("weak", &["7", "8"]), ("strong", &["7", "7"])], 1);
    for (model, answer) in [("weak", "8"), ("strong", "7")] {
        rows.push(json!({"id": "x", "query": "Hard?", "model": model, "answer": answer, "gold": {"numeric": 7}}));
    }
    let set = answers(folder.path(), &rows);
    let labelled = |labels| JudgeSettings {
        gold: true,
        labels,
        pair: Some(["strong".into(), "weak".into()]),
        ..JudgeSettings::default()
    };
    let report = run(&set, &labelled(Labels::Soft), folder.path()).unwrap();
    // P(strong is better) = 1 - y.
    assert_eq!(
        targets(folder.path()),
        BTreeMap::from([("0#0-1".into(), 0.5), ("x#0-1".into(), 1.0)])
    );
    assert_eq!(report.hybrid.unwrap().mean_label, 0.25);
    let report = run(&set, &labelled(Labels::Transformed), folder.path()).unwrap();
    let found = report.hybrid.unwrap().transformation.unwrap();
    // At a threshold of 1 every label is 1: soft labels set the two prompts further apart.
    assert_eq!((found.threshold, found.mean_difference, found.tried), (0.0, 0.25, 2));
    let error = run(&set, &JudgeSettings { pair: None, ..labelled(Labels::Soft) }, folder.path())
        .unwrap_err();
    assert!(error.to_string().contains("--pair"), "{error}");
}

#[test]
fn gold_answers_and_a_judge_share_the_prompts() {
    let folder = tempfile::tempdir().unwrap();
    let judge = StandIn::start(first_of_close);
    let mut rows = graded_answers(4);
    for (model, answer) in [("large", "7"), ("small", "8")] {
        rows.push(json!({"id": "g", "query": "Gold?", "model": model, "answer": answer, "gold": {"numeric": 7}}));
        rows.push(json!({"id": "t", "query": "Code?", "model": model, "answer": "quality 9", "gold": {"tests": "sh {answer}"}}));
    }
    let set = answers(folder.path(), &rows);
    let settings = JudgeSettings { gold: true, ..by_llm(&judge, Mode::Pairwise) };
    let report = run(&set, &settings, folder.path()).unwrap();
    // Tests that are not run are judged by the LLM, which is not asked about identical answers.
    assert_eq!(
        (report.gold.unwrap().prompts, report.llm.unwrap().prompts, judge.requests()),
        (1, 5, 8)
    );
    let judges: Vec<String> = std::fs::read_to_string(folder.path().join("out/preferences.jsonl"))
        .unwrap()
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["judge"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(judges, ["judge", "judge", "judge", "judge", "gold", "judge"]);
}

#[cfg(target_os = "linux")]
#[test]
fn commands_are_run_only_where_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    for (model, answer) in [("a", "```sh\nexit 0\n```"), ("b", "exit 1"), ("c", "")] {
        rows.push(json!({"id": "1", "query": "Code?", "model": model, "answer": answer, "gold": {"tests": "sh {answer}"}}));
    }
    let set = answers(folder.path(), &rows);
    let off = JudgeSettings { gold: true, ..JudgeSettings::default() };
    let report = run(&set, &off, folder.path()).unwrap();
    let counts = report.gold.unwrap().kinds["tests"];
    assert_eq!((counts.not_run, counts.no_answer, counts.graded()), (2, 1, 1));
    let on = JudgeSettings { commands: Some(command::CommandLimits::default()), ..off };
    let report = run(&set, &on, folder.path()).unwrap();
    let scores: Vec<f64> = report.means.values().map(|means| means.score).collect();
    assert_eq!(scores, [1.0, 0.0, 0.0]);
    assert!(folder.path().join("out/commands.jsonl").exists());
}

#[test]
fn settings_that_cannot_be_met_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let set = answers(folder.path(), &graded_answers(2));
    let judge = StandIn::start(first_of_close);
    let compare = || by_llm(&judge, Mode::Pairwise);
    let pair = |a: &str, b: &str| Some([a.to_owned(), b.to_owned()]);
    for (settings, parts) in [
        (JudgeSettings::default(), &["--gold", "--judge"][..]),
        (JudgeSettings { pair: pair("large", "huge"), ..compare() }, &["\"huge\"", "large, small"]),
        (JudgeSettings { pair: pair("large", "large"), ..compare() }, &["twice"]),
        (JudgeSettings { labels: Labels::Soft, ..compare() }, &["--pair"]),
        (
            JudgeSettings {
                labels: Labels::Transformed,
                pair: pair("large", "small"),
                ..compare()
            },
            &["--mode score"],
        ),
        (
            JudgeSettings { gold: true, ..JudgeSettings::default() },
            &["none of 4 answers", "\"gold\""],
        ),
        (
            JudgeSettings { commands: Some(command::CommandLimits::default()), ..compare() },
            &["--gold"],
        ),
    ] {
        let error = run(&set, &settings, folder.path()).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    assert_eq!(judge.requests(), 0);
    let left: Vec<String> = std::fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(left.iter().all(|name| !name.ends_with("partial")), "{left:?}");
}
