//! Tests of the probe's items, the shipped ones among them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::judge::Mark;

fn shipped_lines() -> Vec<Value> {
    SHIPPED.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_shipped_set_has_as_many_items_as_its_page_says() {
    let page = include_str!("../../../probe/README.md");
    let set = ProbeSet::shipped().unwrap();
    assert!(
        page.contains(&format!("`items.jsonl`: {} questions", set.items.len())),
        "{}",
        set.items.len()
    );
    let mut counts: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for item in &set.items {
        let level = usize::from(item.level.unwrap());
        counts.entry(&item.skill).or_default()[level - 1] += 1;
    }
    for (skill, levels) in counts {
        let cells: Vec<String> = levels.iter().map(ToString::to_string).collect();
        let row = format!("| {skill} | {} | {} |", cells.join(" | "), levels.iter().sum::<usize>());
        assert!(page.contains(&row), "the page lacks {row}");
    }
    let languages: BTreeSet<String> =
        shipped_lines().iter().map(|item| item["lang"].as_str().unwrap().to_owned()).collect();
    for language in &languages {
        assert!(page.contains(&format!("`{language}`")), "{language}");
    }
    assert_eq!(languages.len(), 24);
}

#[test]
fn no_id_and_no_query_of_the_shipped_set_occurs_twice() {
    let set = ProbeSet::shipped().unwrap();
    let ids: BTreeSet<&str> = set.items.iter().map(|item| item.id.as_str()).collect();
    let queries: BTreeSet<&str> = set.items.iter().map(|item| item.query.as_str()).collect();
    assert_eq!((ids.len(), queries.len()), (set.items.len(), set.items.len()));
}

/// Answers that say what the gold answer is, in the forms in which LLMs do.
fn right_answers(gold: &Value) -> Vec<String> {
    let (kind, stated) = gold.as_object().unwrap().iter().next().unwrap();
    let (kind, stated) = match gold.get("numeric") {
        Some(number) => ("numeric", number),
        None => (kind.as_str(), stated),
    };
    let text = match stated {
        Value::String(text) => text.clone(),
        Value::Array(texts) if kind == "exact" => texts[0].as_str().unwrap().to_owned(),
        other => other.to_string(),
    };
    match kind {
        "numeric" => vec![
            text.clone(),
            format!("There are 3 steps and 17 cases.\n\nAnswer: {text}"),
            format!("**Answer: {text}**"),
            format!("2 + 3 = 5, so the result is {text}."),
        ],
        "choice" => vec![
            text.clone(),
            format!("{text})"),
            format!("The answer is ({text})."),
            format!("A friend might say otherwise.\nAnswer: {text}"),
        ],
        "exact" => vec![text.clone(), format!("{text}.\n"), format!("**{text}**")],
        "json" => vec![text.clone(), format!("```json\n{text}\n```")],
        _ => Vec::new(),
    }
}

#[test]
fn every_gold_answer_is_found_in_answers_that_state_it() {
    for line in shipped_lines() {
        let (id, query) = (&line["id"], line["query"].as_str().unwrap());
        let gold = gold(&line["gold"]).unwrap();
        for answer in right_answers(&line["gold"]) {
            let grade = gold.grade(query, &answer).unwrap();
            assert_eq!(grade.mark, Mark::Right, "{id}: {answer:?} gave {:?}", grade.extracted);
        }
        for wrong in ["", "I cannot answer that.", "Answer: -987654", "{\"none\": 4.75}", "E"] {
            assert_ne!(gold.grade(query, wrong).unwrap().mark, Mark::Right, "{id}: {wrong:?}");
        }
    }
}

#[test]
fn the_first_items_are_spread_over_the_levels() {
    for count in [10, 50, 100, 200] {
        let set = ProbeSet::shipped().unwrap().first(count).unwrap();
        for level in 1..=5_u8 {
            let found = set.items.iter().filter(|item| item.level == Some(level)).count();
            assert!(found.abs_diff(count / 5) <= 2, "{found} of {count} of level {level}");
        }
    }
    let short: Vec<String> = ProbeSet::shipped()
        .unwrap()
        .first(25)
        .unwrap()
        .items
        .into_iter()
        .map(|item| item.id)
        .collect();
    let long: Vec<String> =
        ProbeSet::shipped().unwrap().items.into_iter().take(25).map(|item| item.id).collect();
    assert_eq!(short, long);
    for count in [0, 10_000] {
        let error = ProbeSet::shipped().unwrap().first(count).unwrap_err();
        assert_eq!(error.code(), "bad_setting");
    }
}

#[test]
fn prompts_of_ones_own_need_gold_answers_that_can_be_graded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.jsonl");
    let write = |line: &str| std::fs::write(&path, line).unwrap();
    write(
        "{\"id\": \"a\", \"query\": \"Name a prime above 10.\", \"dataset\": \"own\", \"gold\": {\"numeric\": 11}}\n",
    );
    let set = ProbeSet::read(&path, None).unwrap();
    assert_eq!((set.items[0].id.as_str(), set.items[0].skill.as_str()), ("a", "own"));
    assert_eq!(set.items[0].messages.len(), 1);
    for (line, part) in [
        ("{\"id\": \"a\", \"query\": \"Why?\"}", "prompt \"a\": found no \"gold\""),
        ("{\"id\": \"b\", \"query\": \"Why?\", \"gold\": {\"nummeric\": 1}}", "prompt \"b\""),
        (
            "{\"id\": \"c\", \"query\": \"Why?\", \"gold\": {\"tests\": \"sh {answer}\"}}",
            "trainer judge --commands",
        ),
    ] {
        write(line);
        let error = ProbeSet::read(&path, None).unwrap_err();
        assert_eq!(error.code(), "bad_rows", "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}
