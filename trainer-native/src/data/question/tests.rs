//! The rules of stems, on questions written for the tests.

use proptest::prelude::*;

use super::*;

const BARE: &str = "Which of these rivers flows north?";

#[test]
fn every_layout_of_a_question_has_one_stem() {
    let layouts = [
        "Which of these rivers flows north?\nA. Nile\nB. Rhone\nC. Danube\nD. Po\nAnswer:",
        "Question: Which of these rivers flows north?\nAnswer:",
        "Q: Which of these rivers flows north?\nA:",
        "Q: Which of these rivers flows north? Answer Choices: (A)Nile (B)Rhone (C)Danube\nA: Among A through C, the answer is",
        "Which of these rivers flows north?\n(A) Nile\n(B) Rhone",
        "Which of these rivers flows north?\nA) Nile\nB) Rhone\nPrint only a single choice from \"A\" or \"B\".\nAnswer:",
        "The following are multiple choice questions (with answers) about geography.\n\nWhich of these rivers flows north?\nA. Nile\nB. Rhone\nAnswer:",
        "Which of these rivers flows north? Which of the following is the right choice? Explain your answer. (A) Nile (B) Rhone (C) Po",
        "Here are some example questions from experts. Answer the final question yourself.\nQuestion: Which of these rivers flows north?\n\nChoices:\n(A) Nile\n(B) Rhone\nAnswer:",
        "  which of these RIVERS flows north \r\n",
        "Which of these rivers flows north?\r\nA. Nile\r\nB. Rhone\r\nAnswer:",
    ];
    for layout in layouts {
        assert_eq!(question_stem(layout), question_stem(BARE), "{layout:?}");
    }
}

#[test]
fn chinese_layouts_are_taken_apart_too() {
    let with = Question::parse(
        "问题：下列哪条河向北流？ 选项：(A)尼罗河 (B)罗讷河 (C)波河\n答案：从A到C, 我们应选择",
    );
    assert_eq!(with.stem, question_stem("下列哪条河向北流\nA. 尼罗河\nB. 罗讷河\n答案："));
    assert_eq!(with.options.len(), 3);
}

#[test]
fn options_are_sorted_normalised_and_single() {
    let question = Question::parse("Pick one.\nA. Red-Blue\nB. green\nC. red blue\nAnswer:");
    assert_eq!(question.options, ["green", "redblue"]);
}

#[test]
fn questions_about_one_passage_differ() {
    let passage = "This question refers to the following information.\nThe mill closed in May; its owner left for the coast.\nA local paper\n";
    let first =
        question_stem(&format!("{passage}Why did the owner leave?\nA. debt\nB. health\nAnswer:"));
    let second =
        question_stem(&format!("{passage}When did the mill close?\nA. May\nB. June\nAnswer:"));
    assert_ne!(first, second);
    assert!(first.ends_with("whydidtheownerleave"));
}

#[test]
fn a_marker_between_passage_and_question_makes_no_difference() {
    assert_eq!(
        question_stem("The mill closed in May.Q: When did it close?"),
        question_stem("The mill closed in May.\nWhen did it close?")
    );
}

#[test]
fn lettered_statements_in_the_question_stay() {
    let question = Question::parse(
        "Given the facts\nA. It rains.\nB. It is warm.\nwhich follows?\nA. both\nB. neither\nC. only the first\nD. only the second\nAnswer:",
    );
    assert!(question.stem.contains("itrains"));
    assert_eq!(question.options, ["both", "neither", "onlythefirst", "onlythesecond"]);
}

#[test]
fn a_longer_key_before_the_options_stays() {
    let question = Question::parse(
        "Use this key.\nA: Ann sings\nB: Ben digs\nC: Cat naps\nA and not B\nA. Ann sings alone\nB. Ben digs alone\nAnswer:",
    );
    assert!(question.stem.ends_with("ccatnapsaandnotb"), "{}", question.stem);
    assert_eq!(question.options, ["annsingsalone", "bendigsalone"]);
    let bare =
        Question::parse("Use this key.\nA: Ann sings\nB: Ben digs\nC: Cat naps\nA and not B");
    assert_eq!(bare, Question { stem: question.stem, options: Vec::new() });
}

#[test]
fn announced_options_go_even_where_letters_are_in_disorder() {
    let question = Question::parse(
        "Q: Why? Answer Choices: A no B yes (C)maybe\nA: Among A through C, the answer is",
    );
    assert_eq!((question.stem.as_str(), question.options.len()), ("why", 0));
}

#[test]
fn options_of_signs_only_are_kept_as_they_are() {
    let question = Question::parse("Which operator divides?\nA. /\nB. *\nAnswer:");
    assert_eq!(question.options, ["*", "/"]);
}

#[test]
fn labels_inside_a_sentence_are_no_options() {
    let question = Question::parse("If (A) is true and (B) is false, what is (A) or (B)?");
    assert!(question.options.is_empty());
    assert!(question.stem.ends_with("aorb"));
}

#[test]
fn worked_examples_are_left_out() {
    let shots = "Q: How many legs has an ant?\nA: six\n\nQ: How many legs has a crab?\nA:";
    assert_eq!(question_stem(shots), "howmanylegshasacrab");
    let dialogue = "Q: is a crab an insect\nand is an ant one";
    assert_eq!(question_stem(dialogue), "isacrabaninsectandisanantone");
}

#[test]
fn a_query_of_wrappers_only_is_its_own_stem() {
    assert_eq!(question_stem("A. red\nB. green"), "aredbgreen");
    assert_eq!(question_stem("?!"), "?!");
    assert_ne!(question_stem("🙂"), question_stem("🙃"));
    assert_eq!(question_stem("  "), "");
}

proptest! {
    #[test]
    fn stems_are_idempotent(query in "\\PC{0,60}") {
        let stem = question_stem(&query);
        prop_assert_eq!(question_stem(&stem), stem);
    }

    #[test]
    fn stems_of_wrapped_text_are_idempotent(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "Q: ", "Question: ", "\n", "A. ", "B. ", "C. ", "(A) ", "(B) ", "(C) ", "Answer:", "A: ",
                "Answer Choices: ", "why", " is ", "it", "?", "问题：", "选项：", "答案：", "İ", "ß",
            ]),
            0..14,
        ),
    ) {
        let stem = question_stem(&parts.concat());
        prop_assert_eq!(question_stem(&stem), stem);
    }

    #[test]
    fn case_spaces_and_punctuation_do_not_matter(words in prop::collection::vec("[b-z]{2,8}", 1..10)) {
        let plain = words.join(" ");
        let noisy = format!("  {}!  ", words.join(" ,\t- ").to_uppercase());
        prop_assert_eq!(question_stem(&plain), question_stem(&noisy));
    }

    #[test]
    fn a_query_with_text_has_a_stem(query in "\\PC*[a-zA-Z0-9]\\PC*") {
        prop_assert!(!question_stem(&query).is_empty());
    }
}

#[test]
fn an_instruction_on_how_to_answer_makes_no_other_question() {
    let bare = "A crate holds six pears and a box holds two crates. How many pears are that?";
    let instructed =
        format!("{bare}\nAfter careful thought, put you final answer in \\boxed{{...}}.");
    assert_eq!(question_stem(&instructed), question_stem(bare));
}
