//! Properties of every translation, for any input.

use super::*;
use crate::translate::anthropic::tests::{DEFAULTS, chat, distorted};
use crate::wire::sse::Event;
use serde_json::{Value, json};

fn call() -> Value {
    json!({"index": 0, "id": "c", "function": {"name": "f", "arguments": {"a": 1}}})
}

#[test]
fn no_request_and_no_answer_makes_a_translation_panic() {
    for chat in distorted(&chat()) {
        let inputs = request_to_inputs(&chat).unwrap_or_else(|_| json!({"messages": []}));
        assert!(inputs["messages"].is_array(), "{chat}");
    }
    let classic = json!({"response": "x", "tool_calls": [call(), {"name": "f", "arguments": "{}"}],
                         "usage": {"prompt_tokens": 1}});
    let openai = json!({"choices": [{"message": {"content": "x", "tool_calls": [call()]}}]});
    for answer in [classic, openai].iter().flat_map(distorted) {
        let _ = answer_to_completion(&answer, &DEFAULTS);
    }
}

#[test]
fn no_event_makes_a_stream_panic() {
    let classic = json!({"response": "x", "tool_calls": [call()], "usage": {"prompt_tokens": 1},
                         "finish_reason": "stop", "errors": null});
    let openai = json!({"choices": [{"delta": {"role": "assistant", "tool_calls": [call()]},
                                     "finish_reason": "stop"}], "usage": {}});
    for before in [&classic, &openai] {
        for odd in [&classic, &openai].into_iter().flat_map(distorted) {
            let mut stream = AnswerStream::new(&DEFAULTS, true);
            for data in [before, &odd, before] {
                let _ = stream.push(&Event { name: None, data: data.to_string() });
            }
            let _ = stream.end();
        }
    }
}
