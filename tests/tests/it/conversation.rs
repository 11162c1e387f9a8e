//! The rating of a conversation, computed from the ratings of its turns.

use pointsman::{Assessment, DEFAULT_TURN_DECAY, MAX_TURNS, Message, Policy, Query, Router};
use pointsman_tests::tiny;
use pointsman_trainer::export::bundle;

fn rating(win_rate: f64, tokens: usize) -> Assessment {
    Assessment {
        scores: vec![win_rate, 1.0 - win_rate],
        win_rate: Some(win_rate),
        tokens,
        rated_tokens: tokens,
    }
}

fn scores(scores: &[f64]) -> Assessment {
    Assessment { scores: scores.to_vec(), win_rate: None, tokens: 1, rated_tokens: 1 }
}

fn users(texts: &[&str]) -> Query {
    let messages: Vec<Message> = texts
        .iter()
        .map(|text| {
            serde_json::from_value(serde_json::json!({"role": "user", "content": text})).unwrap()
        })
        .collect();
    Query::from_messages(&messages).unwrap()
}

#[test]
fn the_rating_rises_at_once_and_decays_by_a_share() {
    assert_eq!(rating(0.2, 3).then(rating(0.8, 4), 0.25), rating(0.8, 7));
    let fallen = rating(0.8, 3).then(rating(0.2, 4), 0.25);
    assert!((fallen.win_rate.unwrap() - 0.65).abs() < 1e-12);
    assert!((fallen.scores[1] - 0.35).abs() < 1e-12);
    assert_eq!((fallen.tokens, fallen.rated_tokens), (7, 7));
}

#[test]
fn a_decay_of_one_takes_the_last_turn_and_of_zero_the_hardest() {
    assert_eq!(rating(0.75, 1).then(rating(0.25, 1), 1.0), rating(0.25, 2));
    assert_eq!(rating(0.75, 1).then(rating(0.25, 1), 0.0), rating(0.75, 2));
}

#[test]
fn without_a_pair_the_turn_with_lower_scores_is_the_harder_one() {
    let (easy, hard) = (scores(&[0.75, 0.5, 1.0]), scores(&[0.25, 0.0, 0.5]));
    assert_eq!(easy.clone().then(hard.clone(), 0.5).scores, hard.scores);
    assert_eq!(hard.then(easy, 0.5).scores, [0.5, 0.25, 0.75]);
}

#[test]
fn a_conversation_is_rated_by_its_turns_in_order() {
    let folder = tiny::fixtures().join("tiny");
    let router = Router::from_files(&bundle::read_files(&folder).unwrap()).unwrap();
    let of = |text: &str| router.assess(&Query::new(text).unwrap(), DEFAULT_TURN_DECAY).unwrap();
    let turns = ["prove the theorem", "hi", "why", "hi"];
    let expected = turns[1..].iter().fold(of(turns[0]), |before, text| before.then(of(text), 0.3));
    let found = router.assess(&users(&turns), 0.3).unwrap();
    assert_eq!(found, expected);
    let decision = router.route(&users(&turns), &Policy::default()).unwrap();
    assert_eq!(decision.win_rate, expected.win_rate);
}

#[test]
fn only_the_last_turns_with_tokens_are_rated() {
    let many: Vec<String> = (0..MAX_TURNS + 3).map(|i| format!("turn {i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(users(&many).turns(), &many[3..]);
    assert_eq!(users(&["one", " ", "two"]).turns(), ["one", "two"]);
}
