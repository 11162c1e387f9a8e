//! Tests of what is extracted from answers, and of grading.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Options as prompts list them.
const METALS: &str = "Which metal is liquid at room temperature?\nA) iron\nB) mercury\nC) tin\nD) lead\n\
                      Answer with the letter only.";

fn grade(gold: &Value, answer: &str) -> (Mark, Option<String>) {
    let grade = Gold::parse(gold).unwrap().grade(METALS, answer).unwrap();
    (grade.mark, grade.extracted)
}

fn number(answer: &str) -> Option<f64> {
    number::final_number(answer)
}

fn chosen(answer: &str) -> Option<char> {
    choice::chosen(METALS, answer)
}

#[test]
fn every_answer_word_is_a_cue() {
    for word in text::ANSWER_WORDS {
        for answer in [format!("{word}: Paris"), format!("**{}**： Paris", word.to_uppercase())] {
            assert_eq!(text::final_text(&answer).as_deref(), Some("paris"), "{answer}");
        }
    }
}

#[test]
fn an_exact_answer_is_compared_without_case_marks_and_spaces() {
    let paris = json!({"exact": "Paris"});
    for answer in [
        "Paris",
        " **paris**. ",
        "I thought about it.\n\nAnswer: Paris",
        "The answer is \"Paris\".",
        "So \\boxed{\\text{Paris}} it is.",
        "Das ist leicht.\nAntwort: Paris",
        "答案是 Ｐａｒｉｓ。",
        "Final answer:\n\n`Paris`",
    ] {
        assert_eq!(grade(&paris, answer), (Mark::Right, Some("paris".into())), "{answer}");
    }
    assert_eq!(grade(&paris, "Paris or Rome").0, Mark::Wrong);
    assert_eq!(grade(&paris, "It is Paris.").1, Some("it is paris".into()));
    assert_eq!(grade(&paris, " ... \n").0, Mark::NothingFound);
    let several = json!({"exact": ["U.S.", "United  States"]});
    assert_eq!(grade(&several, "answer: united states").0, Mark::Right);
    assert_eq!(grade(&several, "u.s").0, Mark::Right);
    assert_eq!(grade(&json!({"exact": "C"}), "C++").0, Mark::Wrong);
}

#[test]
fn a_number_is_read_in_the_spellings_of_many_languages() {
    for (answer, expected) in [
        ("42", 42.0),
        ("Answer: 1,234,567.5", 1_234_567.5),
        ("réponse : 1 234,5", 1234.5),
        ("1\u{202f}234\u{202f}567 km", 1_234_567.0),
        ("Antwort: 1.234.567", 1_234_567.0),
        ("Antwort: 1.234,5", 1234.5),
        ("12,34,567 rupees", 1_234_567.0),
        ("1'234'567", 1_234_567.0),
        ("3,5", 3.5),
        ("3.25", 3.25),
        ("It weighs .5 kg", 0.5),
        ("−7", -7.0),
        ("x = -$1,200", -1200.0),
        ("3/4", 0.75),
        ("1 3/4 cups", 1.75),
        ("1½", 1.5),
        ("\\frac{3}{4}", 0.75),
        ("$-\\dfrac{1}{2}$", -0.5),
        ("2\\frac12", 2.5),
        ("1.5 × 10^6", 1.5e6),
        ("1.5 \\times 10^{-3}", 1.5e-3),
        ("2e3", 2000.0),
        ("2^{10}", 1024.0),
        ("10⁶", 1e6),
        ("1{,}234", 1234.0),
        ("الجواب: ٤٢", 42.0),
        ("उत्तर: ४२", 42.0),
        ("答案：共有42个苹果", 42.0),
        ("คำตอบ: ๔๒", 42.0),
        ("42 %", 42.0),
        ("1.", 1.0),
    ] {
        assert_eq!(number(answer), Some(expected), "{answer}");
    }
}

#[test]
fn the_number_is_that_of_the_result_and_no_other() {
    for (answer, expected) in [
        ("First 12 eggs, then 3 are eaten.\nSo 9 are left.", 9.0),
        ("Answer: 42\n\nExplanation:\n1. Six times seven.\n2. Done.", 42.0),
        ("**Answer:** 42 (since 6 × 7 = 42 and 5 < 6)", 42.0),
        ("Answer: x = 3 + 4 = 7", 7.0),
        ("Answer: Let us see. There are 12 eggs and 3 are eaten, so 9.", 9.0),
        ("Answer:\nFirst there are 12 eggs.\nThen 3 go.\n9", 9.0),
        ("We get 5, hence \\boxed{x = 6} and not 7.", 6.0),
        ("The area is 42 m².", 42.0),
        ("Of H₂O there are 3 and that is it, says GPT-4", 3.0),
        ("x2 is 10", 10.0),
        ("between 3–5", 5.0),
        ("1,2,3", 3.0),
        ("1 / 4", 0.25),
    ] {
        assert_eq!(number(answer), Some(expected), "{answer}");
    }
    for answer in ["none", "x2", "1/0", "9e999", "四十二", "COVID-19", ""] {
        assert_eq!(number(answer), None, "{answer}");
    }
}

#[test]
fn a_number_is_right_within_its_tolerance() {
    assert_eq!(grade(&json!({"numeric": 42}), "42.0").0, Mark::Right);
    assert_eq!(grade(&json!({"numeric": 42}), "42.1"), (Mark::Wrong, Some("42.1".into())));
    assert_eq!(grade(&json!({"numeric": 1_234_567}), "1234568").0, Mark::Wrong);
    assert_eq!(grade(&json!({"numeric": 3.15, "tolerance": 0.01}), "22/7").0, Mark::Right);
    assert_eq!(grade(&json!({"numeric": 0}), "-0").0, Mark::Right);
    assert_eq!(grade(&json!({"numeric": 1}), "one").0, Mark::NothingFound);
}

#[test]
fn a_choice_is_found_wherever_answers_state_it() {
    for answer in [
        "B",
        "b",
        "(B)",
        "**B**",
        "B) mercury",
        "B. mercury",
        "b) mercury",
        "**B) mercury**",
        "Answer: B",
        "**Answer:** (B)",
        "The answer is B.",
        "The answer is (B), since A is solid.",
        "The correct answer is option B because it melts at -39 °C.",
        "The answer is **B** mercury",
        "Answer: B mercury",
        "Mercury is liquid.\n\nB",
        "A) is solid. C) is solid too. Hence the answer: B",
        "\\boxed{B}",
        "$\\boxed{\\text{B}}$",
        "I would choose option B here.",
        "(A) melts at 1538 °C, but (B) is correct.",
        "It must be (B).",
        "mercury",
        "Answer: Mercury.",
        "Let me think.\nMercury",
        "答案是B。",
        "选B",
        "正确答案：Ｂ",
        "答えはBです",
        "정답은 B입니다",
        "Ответ: В",
        "Die richtige Antwort ist B.",
        "La respuesta correcta es B",
        "A resposta é (B).",
        "Đáp án đúng là B",
        "الإجابة هي B",
        "คำตอบคือ B",
    ] {
        assert_eq!(chosen(answer), Some('B'), "{answer}");
    }
}

#[test]
fn the_article_a_and_the_pronoun_i_are_no_choice() {
    for answer in [
        "A good question.",
        "A metal is liquid when it is warm.",
        "The answer is a metal.",
        "The answer is A metal that flows.",
        "I think so.",
        "The answer is I do not know.",
        "A",
        "Answer: A",
        "The answer is A because iron flows.",
        "(A) or (B)",
        "A) iron\nB) mercury",
        "option A or option B",
        "",
        "A resposta depende.",
    ] {
        let expected = match answer {
            "A" | "Answer: A" | "The answer is A because iron flows." => Some('A'),
            _ => None,
        };
        assert_eq!(chosen(answer), expected, "{answer}");
    }
}

#[test]
fn a_choice_may_have_letters_of_another_script() {
    let gold = json!({"choice": "ب"});
    assert_eq!(grade(&gold, "الجواب: ب").0, Mark::Right);
    assert_eq!(grade(&gold, "الجواب: ج").0, Mark::Wrong);
    assert_eq!(grade(&json!({"choice": "Б"}), "Ответ: Б)").0, Mark::Right);
}

#[test]
fn an_expression_matches_the_trimmed_answer() {
    let gold = json!({"regex": "^\\d{4}-\\d\\d$"});
    assert_eq!(grade(&gold, " 2026-11\n"), (Mark::Right, Some("2026-11".into())));
    assert_eq!(grade(&gold, "in 2026-11"), (Mark::Wrong, None));
}

#[test]
fn json_is_compared_by_structure() {
    let gold = json!({"json": {"name": "Ann", "ages": [1, 2.5]}});
    for answer in [
        r#"{"ages": [1.0, 2.5], "name": "Ann"}"#,
        "Here you are:\n```json\n{\"name\": \"Ann\",\n \"ages\": [1, 25e-1]}\n```\nAnything else?",
        r#"The object {"name": "Bob"} is wrong, it is {"name": "Ann", "ages": [1, 2.5]} then."#,
    ] {
        let expected = Some(r#"{"ages":[1,2.5],"name":"Ann"}"#.to_owned());
        assert_eq!(grade(&gold, answer), (Mark::Right, expected), "{answer}");
    }
    for answer in [
        r#"{"name": "Ann", "ages": [2.5, 1]}"#,
        r#"{"name": "Ann", "ages": [1, 2.5], "more": null}"#,
        r#"{"name": "ann", "ages": [1, 2.5]}"#,
    ] {
        assert_eq!(grade(&gold, answer).0, Mark::Wrong, "{answer}");
    }
    assert_eq!(grade(&gold, "{name: Ann}").0, Mark::NothingFound);
    let exact = json!({"json": 9_007_199_254_740_993_i64});
    assert_eq!(grade(&exact, "9007199254740992").0, Mark::Wrong);
    assert_eq!(json::final_json(&"[".repeat(100_000)), None);
}

#[test]
fn a_gold_answer_that_cannot_be_used_says_why() {
    for (gold, parts) in [
        (json!("Paris"), &["\"Paris\"", "one of exact, numeric"][..]),
        (json!({"answer": 1}), &["one of exact"]),
        (json!({"exact": "a", "numeric": 1}), &["exact and numeric"]),
        (json!({"exact": 5}), &["5", "\"numeric\""]),
        (json!({"exact": []}), &["[]", "list of texts"]),
        (json!({"exact": " * "}), &["none empty"]),
        (json!({"numeric": "5"}), &["\"5\"", "a number"]),
        (json!({"numeric": 5, "tolerance": -1}), &["-1", "0 or more"]),
        (json!({"numeric": 5, "tolerence": 1}), &["\"tolerence\"", "numeric, tolerance"]),
        (json!({"choice": "AB"}), &["\"AB\"", "a letter"]),
        (json!({"choice": "7"}), &["\"7\"", "a letter"]),
        (json!({"regex": "(a"}), &["\"(a\"", "does not parse"]),
        (json!({"regex": "(?=a)b"}), &["look-around"]),
        (json!({"tests": "python3 t.py"}), &["{answer}"]),
        (json!({"tests": " "}), &["a command"]),
        (json!({"tests": "x {answer}", "file": "../a"}), &["../a", "without folders"]),
        (json!({"tests": "x", "file": "a", "files": {"a": ""}}), &["\"a\"", "another than"]),
    ] {
        let error = Gold::parse(&gold).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn reasoning_is_no_part_of_an_answer() {
    let said = "<think>Answer: 8? No.\n</think>\nseven, so 7";
    assert_eq!(grade(&json!({"numeric": 7}), said).0, Mark::Right);
    assert_eq!(grade(&json!({"regex": "8"}), said).0, Mark::Wrong);
    assert_eq!(grade(&json!({"numeric": 8}), "<think>Answer: 8").0, Mark::NothingFound);
}

#[test]
fn votes_are_equal_where_answers_say_the_same() {
    let numeric = Gold::parse(&json!({"numeric": 1})).unwrap();
    assert_eq!(numeric.vote("", "Answer: 1,000"), numeric.vote("", "it is 1000.0"));
    assert_eq!(numeric.vote("", "none"), None);
    let regex = Gold::parse(&json!({"regex": "."})).unwrap();
    assert_eq!(regex.vote("", "a"), None);
}

proptest! {
    /// Whatever a model writes, it is graded.
    #[test]
    fn any_text_can_be_graded(
        answer in "(?s)(\\PC|\\\\frac|\\\\text\\{|answer:|答案|[0-9,.]{1,6}|[\\[\\](){}*`'^/ -]|\n){0,60}"
    ) {
        for gold in [
            json!({"exact": "a"}), json!({"numeric": 1}), json!({"choice": "A"}), json!({"regex": "a"}), json!({"json": [1]}),
        ] {
            let gold = Gold::parse(&gold).unwrap();
            let grade = gold.grade(METALS, &answer).unwrap();
            prop_assert!(grade.mark != Mark::Right || grade.extracted.is_some());
        }
        prop_assert!(number::numbers(&answer).iter().all(|number| number.is_finite()));
    }

    /// A number is read as it was written, with thousands set apart in any of the ways.
    #[test]
    fn a_number_is_read_as_written(whole in 0_u64..1_000_000_000_000, negative: bool, mark in 0..4_usize) {
        let digits = whole.to_string();
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push_str(["", ",", "\u{202f}", "'"][mark]);
            }
            text.push(digit);
        }
        let sign = if negative { "-" } else { "" };
        let value = if negative { -(whole as f64) } else { whole as f64 };
        prop_assert_eq!(number(&format!("Answer: {sign}{text}.")), Some(value + 0.0));
        prop_assert_eq!(number(&format!("So it is {sign}{text} in the end.")), Some(value + 0.0));
    }

    /// Normalising twice changes nothing more.
    #[test]
    fn normalising_is_idempotent(text in "\\PC{0,40}") {
        let once = text::normalised(&text);
        prop_assert_eq!(text::normalised(&once), once);
    }
}
