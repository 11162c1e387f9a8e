//! Pieces of tool calls as upstreams send them.

#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;

/// The calls that a client puts together from what it learns: id, name and arguments.
fn calls(pieces: &[Value]) -> Vec<(String, String, String)> {
    let mut calls = CallPieces::default();
    let mut learnt: Vec<CallPiece> = Vec::new();
    for piece in pieces {
        learnt.extend(calls.push(&CallFields::of(piece)).unwrap());
    }
    learnt.extend(calls.end().unwrap());
    assert_eq!(calls.end(), Ok(vec![]), "the end comes once");
    let mut put_together = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for CallPiece { number, begins, arguments, .. } in learnt {
        if let Some((name, id)) = begins {
            assert!(places.insert(number, put_together.len()).is_none(), "a call begins once");
            put_together.push((id, name, String::new()));
        }
        put_together[places[&number]].2.push_str(&arguments);
    }
    put_together
}

fn expect(pieces: &[Value], expected: &[(&str, &str, &str)]) {
    let owned = |(id, name, arguments): &(&str, &str, &str)| {
        ((*id).to_owned(), (*name).to_owned(), (*arguments).to_owned())
    };
    let expected: Vec<_> = expected.iter().map(owned).collect();
    assert_eq!(calls(pieces), expected, "{pieces:?}");
}

fn piece(index: impl Into<Value>, id: &str, name: &str, arguments: &str) -> Value {
    json!({"index": index.into(), "id": id, "type": "function",
           "function": {"name": name, "arguments": arguments}})
}

const A: &str = "{\"q\": \"a}\\\"\"}";
const B: &str = "{\"q\":\"b\"}";

#[test]
fn pieces_of_several_calls_by_turns_belong_to_their_index() {
    expect(
        &[
            piece(0, "c0", "f", ""),
            piece(1, "c1", "g", ""),
            piece(1, "", "", "{\"q\":"),
            piece(0, "", "", &A[..6]),
            piece(1, "", "", "\"b\"}"),
            piece(0, "", "", &A[6..]),
        ],
        &[("c0", "f", A), ("c1", "g", B)],
    );
}

#[test]
fn calls_of_one_index_or_none_are_told_apart() {
    for index in [json!(0), Value::Null] {
        let of = |id: &str, name: &str, arguments: &str| piece(index.clone(), id, name, arguments);
        expect(&[of("c1", "f", A), of("c2", "f", A)], &[("c1", "f", A), ("c2", "f", A)]);
        expect(&[of("", "f", A), of("", "f", B)], &[("", "f", A), ("", "f", B)]);
        expect(&[of("x", "f", A), of("x", "f", B)], &[("x", "f", A), ("x", "f", B)]);
        expect(&[of("x", "f", A), of("x", "g", A)], &[("x", "f", A), ("x", "g", A)]);
        let late = [of("c1", "f", ""), of("", "", A), of("c2", "g", ""), of("", "", B)];
        expect(&late, &[("c1", "f", A), ("c2", "g", B)]);
        let no_arguments = [of("c1", "f", ""), of("c2", "g", "")];
        expect(&no_arguments, &[("c1", "f", "{}"), ("c2", "g", "{}")]);
    }
    let unnamed = |name: &str| piece(Value::Null, "", name, "");
    expect(&[unnamed("f"), unnamed("g")], &[("", "f", "{}"), ("", "g", "{}")]);
}

#[test]
fn two_calls_of_one_id_differ_by_their_index() {
    let pieces = [
        piece(0, "x", "f", "{"),
        piece(1, "x", "f", "{"),
        piece(0, "x", "", "}"),
        piece(1, "x", "", "}"),
    ];
    expect(&pieces, &[("x", "f", "{}"), ("x", "f", "{}")]);
}

#[test]
fn what_is_repeated_counts_once() {
    let pieces = [
        piece(0, "c1", "look", "{\"q\""),
        piece(0, "c1", "look", ":\"b\""),
        piece(0, "c1", "look", "}"),
        piece(0, "c1", "look", ""),
        piece(0, "c1", "look", B),
        piece(0, "", "", "\n"),
    ];
    expect(&pieces, &[("c1", "look", &format!("{B}\n"))]);
    expect(&[piece(0, "c1", "f", A), json!({"index": 0}), json!(7)], &[("c1", "f", A)]);
}

#[test]
fn ids_and_names_may_come_late_or_in_pieces() {
    for pieces in [
        [piece(0, "c1", "", ""), piece(0, "", "look", ""), piece(0, "", "", B)],
        [piece(0, "", "look", ""), piece(0, "c1", "", ""), piece(0, "", "", B)],
        [piece(0, "", "", B), piece(0, "", "look", ""), piece(0, "c1", "", "")],
        [piece(0, "", "", "{"), piece(0, "c1", "look", "\"q\":\"b\""), piece(0, "", "", "}")],
        [piece(0, "c1", "lo", ""), piece(0, "", "ok", ""), piece(0, "", "", B)],
        [piece(0, "c1", "lo", ""), piece(0, "c1", "look", ""), piece(0, "c1", "look", B)],
        [piece(0, "c", "", ""), piece(0, "1", "", ""), piece(0, "", "look", B)],
        [piece(0, "c1", "look", ""), piece(0, "c1", "look", B), piece(0, "c1", "look", B)],
    ] {
        let found = calls(&pieces);
        let of_name_first = pieces[1]["id"] == "c1" || pieces[0]["id"] != "";
        assert_eq!(found.len(), 1, "{pieces:?}");
        assert_eq!((&*found[0].1, &*found[0].2), ("look", B), "{pieces:?}");
        if of_name_first {
            assert_eq!(found[0].0, "c1", "{pieces:?}");
        }
    }
}

#[test]
fn other_shapes_of_a_call_are_read() {
    let object = json!({"function": {"name": "f", "arguments": {"a": 1}}});
    expect(&[object.clone(), object], &[("", "f", "{\"a\":1}"), ("", "f", "{\"a\":1}")]);
    expect(&[json!({"id": 7, "name": "f", "arguments": "{}"})], &[("7", "f", "{}")]);
    let delta = json!({"function_call": {"name": "f", "arguments": "{}"}});
    let one: Vec<_> = CallFields::all(&delta).collect();
    assert_eq!((one.len(), one[0].name, &*one[0].arguments), (1, "f", "{}"));
}

#[test]
fn a_call_begins_with_its_arguments_or_before_what_follows() {
    let mut calls = CallPieces::default();
    assert_eq!(calls.push(&CallFields::of(&piece(0, "c1", "f", ""))), Ok(vec![]));
    assert!(!calls.has_begun());
    let begun = calls.begin_all();
    assert_eq!(begun[0].begins, Some(("f".to_owned(), "c1".to_owned())));
    assert!(calls.has_begun() && calls.begin_all().is_empty());
    let more = calls.push(&CallFields::of(&piece(0, "", "", B))).unwrap();
    assert_eq!((&more[0].begins, more[0].complete), (&None, true));
    assert_eq!(calls.end(), Ok(vec![]));
}

#[test]
fn calls_are_bounded_and_need_a_name() {
    let mut calls = CallPieces::default();
    for index in 0..MAX_CALLS {
        calls.push(&CallFields::of(&piece(index, "", "f", ""))).unwrap();
    }
    assert!(calls.push(&CallFields::of(&piece(MAX_CALLS, "", "f", ""))).is_err());
    let mut calls = CallPieces::default();
    let long = "x".repeat(MAX_BYTES - 1);
    calls.push(&CallFields::of(&piece(0, "", "f", &long))).unwrap();
    assert!(calls.push(&CallFields::of(&piece(0, "", "", "x"))).is_err());
    for (id, name) in [("x", ""), ("", "x")] {
        let mut calls = CallPieces::default();
        let (id, name) = (id.repeat(1 << 20), name.repeat(1 << 20));
        let pieces = (0..6).map(|at| calls.push(&CallFields::of(&piece(at, &id, &name, ""))));
        assert!(pieces.collect::<Vec<_>>().iter().any(Result::is_err));
    }
    let (mut calls, id) = (CallPieces::default(), "x".repeat(MAX_BYTES / 2));
    for _ in 0..3 {
        calls.push(&CallFields::of(&piece(0, &id, "f", "x"))).unwrap();
    }
    let mut calls = CallPieces::default();
    calls.push(&CallFields::of(&piece(0, "c1", "", B))).unwrap();
    assert!(calls.end().is_err());
    let mut calls = CallPieces::default();
    calls.push(&CallFields::of(&piece(0, "c1", "", ""))).unwrap();
    assert_eq!(calls.end(), Ok(vec![]));
}
