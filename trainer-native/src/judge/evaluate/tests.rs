//! Tests of evaluating against a judge in memory.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::HashMap;

use super::*;

/// A prompt with one answer of each text, by LLMs 0, 1, ...
fn prompt(answers: &[(&str, Ending)]) -> AnsweredPrompt {
    let answers = answers
        .iter()
        .enumerate()
        .map(|(model, (text, ending))| Answer {
            model,
            sample: 0,
            text: (*text).into(),
            ending: *ending,
            cost_usd: None,
        })
        .collect();
    AnsweredPrompt {
        id: "1".into(),
        query: "Which?".into(),
        messages: Vec::new(),
        dataset: "own".into(),
        gold: None,
        answers,
    }
}

/// Answers requests by a function of the two answers shown; counts them.
struct StandIn<'a> {
    says: &'a dyn Fn(&str, &str, usize) -> String,
    asked: RefCell<usize>,
    answers: RefCell<HashMap<String, String>>,
}

impl<'a> StandIn<'a> {
    fn new(says: &'a dyn Fn(&str, &str, usize) -> String) -> Self {
        Self { says, asked: RefCell::new(0), answers: RefCell::default() }
    }

    fn key(request: &CompletionRequest) -> String {
        format!("{:?} {}", request.messages, request.sample)
    }

    fn look(&self) -> impl Fn(&CompletionRequest) -> Result<Option<String>, TrainerError> + '_ {
        |request| Ok(self.answers.borrow().get(&Self::key(request)).cloned())
    }

    fn answer(&self, request: &CompletionRequest) {
        let text = &request.messages[0].content;
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!(" {name}\n")).unwrap_or(("", ""));
            rest.split("\n=====").next().unwrap_or_default().to_owned()
        };
        let turn = request.messages.len() / 2 + request.sample as usize;
        let said = (self.says)(&part("answer A"), &part("answer B"), turn);
        *self.asked.borrow_mut() += 1;
        self.answers.borrow_mut().insert(Self::key(request), said);
    }
}

/// Asks depth by depth until nothing is left, and checks that no request comes twice.
fn asked(prompt: &AnsweredPrompt, ranking: Ranking, judge: &StandIn<'_>) -> Evaluation {
    let words = JudgePrompt::pairwise(None, 1000);
    for depth in 0.. {
        let found = comparisons(prompt, ranking, &words, &judge.look()).unwrap();
        let next: Vec<_> = found.next.iter().filter(|(d, _)| *d == depth).collect();
        if found.next.is_empty() {
            return found;
        }
        next.iter().for_each(|(_, request)| judge.answer(request));
        assert!(depth < 20);
    }
    unreachable!()
}

/// Prefers the longer answer.
fn longer(a: &str, b: &str) -> String {
    let word = match a.len().cmp(&b.len()) {
        std::cmp::Ordering::Greater => "A",
        std::cmp::Ordering::Less => "B",
        std::cmp::Ordering::Equal => "tie",
    };
    format!("I compared them.\nVerdict: {word}")
}

#[test]
fn every_pair_is_asked_in_both_orders() {
    let three = prompt(&[("a", Ending::Stop), ("bbb", Ending::Length), ("cc", Ending::Stop)]);
    let judge = StandIn::new(&|a, b, _| longer(a, b));
    let found = asked(&three, Ranking::Mean, &judge);
    assert_eq!(*judge.asked.borrow(), 6);
    let decided: Vec<Decided> = found.decided(&three).collect();
    assert_eq!(decided[0], Decided { a: 0, b: 1, forward: Place::Second, backward: Place::First });
    let scores = super::super::ranking::scores(3, &decided, Ranking::Mean, None);
    assert_eq!(scores, [Some(0.0), Some(1.0), Some(0.5)]);
}

#[test]
fn refusals_and_empty_answers_lose_without_a_call() {
    let judge = StandIn::new(&|_, _, _| unreachable!());
    for (a, b, expected, why) in [
        (("no", Ending::Refusal), ("yes", Ending::Stop), 0.0, NoCall::Refusal),
        (("yes", Ending::Stop), (" \n", Ending::Stop), 1.0, NoCall::Empty),
        (("no", Ending::Filtered), ("", Ending::Empty), 0.5, NoCall::Filtered),
        (("same ", Ending::Stop), ("same", Ending::Stop), 0.5, NoCall::Identical),
    ] {
        let two = prompt(&[a, b]);
        let found = asked(&two, Ranking::Mean, &judge);
        let State::NoCall { why: found_why, said: [f, b] } = found.comparisons[0].state else {
            unreachable!()
        };
        assert_eq!((verdict::target(f, b), found_why), (expected, why), "{a:?} {b:?}");
    }
}

#[test]
fn prose_is_asked_about_once_more_and_then_given_up() {
    let two = prompt(&[("a", Ending::Stop), ("bb", Ending::Stop)]);
    let later = StandIn::new(&|a, b, turn| match turn {
        0 => "Both have merits.".into(),
        _ => longer(a, b),
    });
    let found = asked(&two, Ranking::Mean, &later);
    let expected = State::Called { said: [Place::Second, Place::First], twice: true };
    assert_eq!((found.comparisons[0].state, *later.asked.borrow()), (expected, 4));
    let never = StandIn::new(&|_, _, _| "Both have merits.".into());
    let found = asked(&two, Ranking::Mean, &never);
    assert_eq!((found.comparisons[0].state, *never.asked.borrow()), (State::Unreadable, 4));
    assert_eq!(found.decided(&two).count(), 0);
    let silent = StandIn::new(&|_, _, _| String::new());
    assert_eq!(asked(&two, Ranking::Mean, &silent).comparisons[0].state, State::Unreadable);
}

#[test]
fn bubble_finds_the_best_with_one_meeting_less_than_answers() {
    let texts = ["bb", "a", "dddd", "ccc", "eeeee", "f"];
    let six = prompt(&texts.map(|text| (text, Ending::Stop)));
    let judge = StandIn::new(&|a, b, _| longer(a, b));
    let found = asked(&six, Ranking::Bubble, &judge);
    assert_eq!((found.left, *judge.asked.borrow()), (Some(4), 2 * 5));
    // A tie, and a meeting that cannot be read, leave the best so far.
    let tie = StandIn::new(&|_, _, _| "Verdict: tie".into());
    assert_eq!(asked(&six, Ranking::Bubble, &tie).left, Some(0));
    let prose = StandIn::new(&|_, _, _| "Hm.".into());
    assert_eq!(asked(&six, Ranking::Bubble, &prose).left, Some(0));
}

#[test]
fn grades_are_asked_for_each_answer() {
    let three = prompt(&[("a", Ending::Stop), ("", Ending::Empty), ("ccc", Ending::Stop)]);
    let words = JudgePrompt::score(None, 1000);
    let found = grades(&three, &words, &|_| Ok(None)).unwrap();
    assert_eq!(found.next.len(), 2);
    let found = grades(&three, &words, &|request| {
        let good = request.messages[0].content.contains("answer\nccc\n");
        Ok(Some(if good { "Score: 9" } else { "Score: 3" }.into()))
    })
    .unwrap();
    let said: Vec<Option<u8>> = found.grades.iter().map(|(_, state)| state.said()).collect();
    assert_eq!(said, [Some(3), Some(1), Some(9)]);
}
