//! A store across openings: kills, damage, the cap.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::completions::finish::Finish;

const NEVER: &dyn Fn() -> bool = &|| false;

fn key(number: u64) -> RequestKey {
    RequestKey::parse(&format!("{:032x}", u128::from(number) << 64 | u128::from(number))).unwrap()
}

fn answer(number: u64) -> Completion {
    Completion {
        key: key(number),
        model: "small".into(),
        answered_by: None,
        text: format!("Answer\n{number} é"),
        finish: Finish::Stop,
        input_tokens: 3,
        output_tokens: number,
        usage_stated: true,
        cost_usd: Some(0.25),
        latency_ms: 12,
        unix_time: 7,
    }
}

/// Claims and answers one request that costs 2 picodollars of the 5 reserved.
fn ask(store: &CompletionStore, number: u64) {
    assert_eq!(store.claim(key(number), Money(5), None, NEVER).unwrap(), Claim::Granted);
    store.put(&answer(number), Money(2)).unwrap();
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("completions.log")
}

fn spent(store: &CompletionStore) -> u64 {
    store.state().spent.0
}

#[test]
fn answers_are_there_again_after_opening() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    assert_eq!((store.len(), store.found()), (0, &Found::default()));
    for number in 0..50 {
        ask(&store, number);
    }
    drop(store);
    let store = CompletionStore::open(folder.path()).unwrap();
    assert_eq!((store.len(), spent(&store)), (50, 100));
    assert_eq!(store.found().to_string(), "50 answers");
    for number in [49, 0, 1, 2, 30, 0] {
        assert_eq!(store.get(&key(number)).unwrap(), Some(answer(number)));
    }
    assert_eq!(store.get(&key(50)).unwrap(), None);
    assert_eq!(store.claim(key(3), Money(5), None, NEVER).unwrap(), Claim::Answered);
}

#[test]
fn an_answer_can_be_read_as_soon_as_it_is_stored() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    for number in 0..5 {
        ask(&store, number);
        assert_eq!(store.get(&key(number)).unwrap(), Some(answer(number)));
    }
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_rest_stays() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    for number in 0..3 {
        ask(&store, number);
    }
    assert_eq!(store.claim(key(3), Money(5), None, NEVER).unwrap(), Claim::Granted);
    let before = fs::metadata(file(&folder)).unwrap().len() as usize;
    store.put(&answer(3), Money(2)).unwrap();
    drop(store);
    let whole = fs::read(file(&folder)).unwrap();
    for length in before..whole.len() {
        fs::write(file(&folder), &whole[..length]).unwrap();
        let store = CompletionStore::open(folder.path()).unwrap();
        let found = store.found();
        assert_eq!(found.torn_bytes, (length - before) as u64, "cut at {length}");
        assert_eq!((found.answers, found.damaged), (3, 0), "cut at {length}");
        // What was sent and has no answer may have cost its most.
        assert_eq!((found.lost, spent(&store)), (1, 3 * 2 + 5), "cut at {length}");
        assert_eq!(store.get(&key(2)).unwrap(), Some(answer(2)), "cut at {length}");
        assert_eq!(store.get(&key(3)).unwrap(), None, "cut at {length}");
        ask(&store, 3);
        drop(store);
        let store = CompletionStore::open(folder.path()).unwrap();
        assert_eq!((store.len(), spent(&store)), (4, 3 * 2 + 5 + 2), "cut at {length}");
        assert_eq!(store.found().torn_bytes, 0, "cut at {length}");
    }
    let text = |length: usize| {
        fs::write(file(&folder), &whole[..length]).unwrap();
        CompletionStore::open(folder.path()).unwrap().found().to_string()
    };
    let text = text(whole.len() - 1);
    for part in ["3 answers", "a half-written last line of", "1 requests were sent whose answers"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_file_cut_within_its_first_line_begins_anew() {
    let folder = TempDir::new().unwrap();
    drop(CompletionStore::open(folder.path()).unwrap());
    let whole = fs::read(file(&folder)).unwrap();
    for length in 0..whole.len() {
        fs::write(file(&folder), &whole[..length]).unwrap();
        let store = CompletionStore::open(folder.path()).unwrap();
        assert_eq!(store.found().torn_bytes, length as u64);
        ask(&store, 1);
        drop(store);
        assert_eq!(CompletionStore::open(folder.path()).unwrap().len(), 1, "cut at {length}");
    }
}

#[test]
fn damaged_lines_are_counted_and_asked_again() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    for number in 0..3 {
        ask(&store, number);
    }
    drop(store);
    let mut bytes = fs::read(file(&folder)).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let at = text.find(&format!("answer {}", key(1))).unwrap();
    let text_at = at + text[at..].find("Answer").unwrap();
    bytes[text_at] = b'a';
    fs::write(file(&folder), &bytes).unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    let found = store.found();
    assert_eq!((found.answers, found.damaged, found.lost), (2, 1, 1));
    assert_eq!(spent(&store), 2 + 2 + 5);
    assert!(found.to_string().contains("1 damaged lines"), "{found}");
    assert_eq!(store.get(&key(2)).unwrap(), Some(answer(2)));
    ask(&store, 1);
    assert_eq!(store.get(&key(1)).unwrap(), Some(answer(1)));
}

#[test]
fn an_answer_that_stands_there_twice_counts_once_and_its_money_twice() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    ask(&store, 1);
    drop(store);
    let text = fs::read_to_string(file(&folder)).unwrap();
    let last = text.lines().last().unwrap();
    fs::write(file(&folder), format!("{text}{last}\n")).unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    assert_eq!((store.len(), store.found().repeated, spent(&store)), (1, 1, 4));
}

#[test]
fn a_folder_with_something_else_is_an_error_and_left_alone() {
    for text in ["notes\n", "n", "pointsman completions 2\n", "\n"] {
        let folder = TempDir::new().unwrap();
        fs::write(file(&folder), text).unwrap();
        let error = CompletionStore::open(folder.path()).unwrap_err();
        assert_eq!(error.code(), "bad_store", "{text:?}: {error}");
        assert_eq!(fs::read_to_string(file(&folder)).unwrap(), text);
    }
}

#[test]
fn a_second_opening_is_refused_while_the_first_lasts() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    let error = CompletionStore::open(folder.path()).unwrap_err();
    assert_eq!(error.code(), "store_in_use");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    drop(store);
    // The file of a lock that nobody holds is no lock.
    assert!(folder.path().join("lock").exists());
    CompletionStore::open(folder.path()).unwrap();
}

#[test]
fn reservations_and_costs_stay_below_the_cap() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    let claim = |number, most| store.claim(key(number), Money(most), Some(Money(10)), NEVER);
    assert_eq!(claim(1, 6).unwrap(), Claim::Granted);
    assert_eq!(claim(1, 6).unwrap(), Claim::InFlight);
    // 4 are left, but more may be when the first ends: whoever waits is told that the call ended.
    let ended = || true;
    assert_eq!(store.claim(key(2), Money(5), Some(Money(10)), &ended).unwrap(), Claim::Ended);
    assert_eq!(claim(2, 4).unwrap(), Claim::Granted);
    store.put(&answer(1), Money(3)).unwrap();
    store.close(key(2), Money(4), "timeout").unwrap();
    assert_eq!(spent(&store), 7);
    assert_eq!(claim(2, 4).unwrap(), Claim::Cap);
    assert_eq!(claim(2, 3).unwrap(), Claim::Granted);
    store.close(key(2), Money::ZERO, "status 500").unwrap();
    drop(store);
    let store = CompletionStore::open(folder.path()).unwrap();
    assert_eq!((spent(&store), store.found().lost), (7, 0));
}

#[test]
fn money_of_a_killed_process_stays_spent_however_often_it_is_killed() {
    let folder = TempDir::new().unwrap();
    for killed in 0..3 {
        let store = CompletionStore::open(folder.path()).unwrap();
        assert_eq!((store.found().lost, spent(&store)), (killed, killed * 5));
        assert_eq!(store.claim(key(1), Money(5), None, NEVER).unwrap(), Claim::Granted);
    }
    let store = CompletionStore::open(folder.path()).unwrap();
    ask(&store, 1);
    drop(store);
    let store = CompletionStore::open(folder.path()).unwrap();
    assert_eq!((store.found().lost, spent(&store)), (3, 3 * 5 + 2));
}

#[test]
fn sixteen_threads_never_pass_the_cap() {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    let cap = Money(1000);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..20 {
                    let number = thread * 100 + number;
                    let most = 5 + number % 7;
                    match store.claim(key(number), Money(most), Some(cap), NEVER).unwrap() {
                        Claim::Granted => {}
                        Claim::Cap => break,
                        other => panic!("{other:?}"),
                    }
                    let state = store.state();
                    assert!(state.spent.plus(state.reserved) <= cap);
                    drop(state);
                    store.put(&answer(number), Money(most - number % 3)).unwrap();
                }
            });
        }
    });
    let spent = spent(&store);
    assert!((1000 - 11..=1000).contains(&spent), "{spent}");
}
