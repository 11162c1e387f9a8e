//! Streams passed on complete, cut into any pieces, and broken off.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::config;
use crate::wire::usage::Usage;

const CHAT: &str = concat!(
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"日本\"}}]}\n\n",
    ": a comment\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\" 🚀\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
);
const MESSAGES: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",",
    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],",
    "\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"日本 🚀\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},",
    "\"usage\":{\"output_tokens\":2}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);
const RESPONSES: &str = concat!(
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"日本\"}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":",
    "{\"error\":null,\"usage\":{\"input_tokens\":5,\"output_tokens\":2}}}\n\n",
);
const WORKERS_AI: &str = concat!(
    "data: {\"response\":\"日本\"}\n\n",
    "data: {\"response\":\" 🚀\",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
);
const USAGE: Option<Usage> = Some(Usage {
    input_tokens: 5,
    output_tokens: 2,
    cached_tokens: 0,
    written_tokens: 0,
    written_1h_tokens: 0,
    stated_cost: None,
});

fn translator(client: Dialect, api: Api) -> StreamTranslator {
    let upstream = config::Upstream { api, ..config::Upstream::default() };
    let apis = ApiPair::new(client, &upstream, "m").unwrap();
    let (id, model) = ("id", "m");
    StreamTranslator::new(&StreamOptions {
        apis,
        model,
        id,
        created: 7,
        include_usage: true,
        drop_usage: false,
        checked: true,
        compared: false,
        tag: None,
        tool_names: &ToolNames::default(),
    })
}

/// The client's bytes of a chunk that is no failure.
fn pushed(translator: &mut StreamTranslator, bytes: &[u8]) -> Vec<u8> {
    let Translated { bytes, failure } = translator.push(bytes);
    assert_eq!(failure, None);
    bytes
}

/// Translates `text` in pieces of `size` bytes and returns the client's bytes.
fn translated(client: Dialect, api: Api, text: &str, size: usize) -> (Vec<u8>, StreamTranslator) {
    let mut translator = translator(client, api);
    let mut sent = Vec::new();
    for bytes in text.as_bytes().chunks(size) {
        sent.extend(pushed(&mut translator, bytes));
    }
    sent.extend(translator.end().unwrap());
    (sent, translator)
}

#[test]
fn equal_apis_pass_bytes_unchanged_wherever_the_stream_is_cut() {
    for (client, api, text) in [
        (Dialect::Chat, Api::Openai, CHAT),
        (Dialect::Completions, Api::Openai, CHAT),
        (Dialect::Responses, Api::Openai, RESPONSES),
        (Dialect::Messages, Api::Anthropic, MESSAGES),
    ] {
        for size in 1..40 {
            let (sent, translator) = translated(client, api, text, size);
            assert_eq!(String::from_utf8(sent).unwrap(), text);
            assert!(translator.is_finished(), "{client:?}");
            let received = translator.received();
            assert_eq!((received.usage, received.is_final), (USAGE, true), "{client:?}");
        }
    }
}

/// What keeps the connection alive depends on the reads.
fn without_pings(text: &str) -> String {
    let ping = String::from_utf8_lossy(PING);
    text.replace(": ping\n\n", "").replace(&*ping, "")
}

#[test]
fn translations_do_not_depend_on_where_the_stream_is_cut() {
    for (client, api, text) in [
        (Dialect::Chat, Api::Anthropic, MESSAGES),
        (Dialect::Messages, Api::Openai, CHAT),
        (Dialect::Chat, Api::WorkersAi, WORKERS_AI),
        (Dialect::Messages, Api::WorkersAi, WORKERS_AI),
    ] {
        let (whole, mut translator) = translated(client, api, text, text.len());
        let expected = if client == Dialect::Chat { "data: [DONE]" } else { "message_stop" };
        let words = String::from_utf8(whole.clone()).unwrap();
        assert!(
            words.contains("日本") && words.contains("🚀") && words.contains(expected),
            "{words}"
        );
        let received = translator.received();
        assert_eq!((received.usage, received.is_final), (USAGE, true), "{client:?} {api:?}");
        assert_eq!(translator.take_content().unwrap().text, "日本 🚀", "{client:?} {api:?}");
        for size in [1, 3, 7, 50] {
            let sent = String::from_utf8(translated(client, api, text, size).0).unwrap();
            assert_eq!(without_pings(&sent), without_pings(&words));
        }
    }
}

#[test]
fn a_client_gets_something_for_comments_too() {
    let mut translator = translator(Dialect::Messages, Api::Openai);
    // Anthropic's event may not precede the message.
    assert_eq!(pushed(&mut translator, b": wait\n\n"), COMMENT);
    let (first, _) = CHAT.split_at(CHAT.find(": a comment").unwrap());
    assert!(!pushed(&mut translator, first.as_bytes()).is_empty());
    assert_eq!(pushed(&mut translator, b": half a com"), b"");
    assert_eq!(pushed(&mut translator, b"ment\n\n"), PING);
    assert_eq!(translator.keep_alive(), PING);
}

#[test]
fn a_ping_in_front_of_the_answer_is_no_beginning() {
    for client in [Dialect::Chat, Dialect::Messages] {
        let mut translator = translator(client, Api::Anthropic);
        let sent = pushed(&mut translator, b"event: ping\ndata: {\"type\": \"ping\"}\n\n");
        assert!(!sent.is_empty() && !translator.has_begun(), "{client:?}");
    }
}

#[test]
fn an_early_end_is_a_failure() {
    for (client, api, text) in [
        (Dialect::Chat, Api::Openai, CHAT),
        (Dialect::Responses, Api::Openai, RESPONSES),
        (Dialect::Messages, Api::Anthropic, MESSAGES),
        (Dialect::Chat, Api::Anthropic, MESSAGES),
        (Dialect::Messages, Api::Openai, CHAT),
        (Dialect::Chat, Api::WorkersAi, WORKERS_AI),
    ] {
        let first = text.find("\n\n").unwrap() + 2;
        for cut in [0, first, first + 9] {
            let mut translator = translator(client, api);
            pushed(&mut translator, &text.as_bytes()[..cut]);
            assert!(translator.end().is_err(), "{client:?} {api:?} {cut}");
        }
    }
}

#[test]
fn a_stream_may_end_without_done_after_its_finish_reason() {
    let mut translator = translator(Dialect::Chat, Api::Openai);
    let end = CHAT.find("data: {\"choices\":[],").unwrap();
    pushed(&mut translator, &CHAT.as_bytes()[..end]);
    assert_eq!(translator.end(), Ok(vec![]));
}

#[test]
fn an_error_in_the_stream_is_a_failure_and_has_its_status() {
    for (client, api, text) in [
        (Dialect::Chat, Api::Openai, "data: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n"),
        (
            Dialect::Chat,
            Api::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
        ),
    ] {
        let found = translator(client, api).push(text.as_bytes()).failure.unwrap();
        assert!(found.detail.contains("busy") && found.status == 503, "{found:?}");
        assert_eq!(found.error.unwrap().message, "busy");
    }
}

#[test]
fn every_shape_of_an_error_in_a_stream_is_a_failure() {
    let chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for error in [
        "data: {\"error\":{\"message\":\"busy\"}}\n\n",
        "data: {\"error\":\"busy\"}\r\n\r\n",
        "event: error\rdata: {\"message\":\"busy\"}\r\r",
        "event: error\ndata: busy\n\n",
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"busy\"}}\n\n",
        "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"error\",\"error\":{\"message\":\"busy\"}}]}\n\n",
        "data: {\"object\":\"error\",\"message\":\"busy\",\"code\":400}\n\n",
    ] {
        for client in [Dialect::Chat, Dialect::Completions, Dialect::Messages, Dialect::Responses] {
            for begun in ["", "\u{feff}", ": hello\n\n", chunk] {
                let text = format!("{begun}{error}");
                let found = translator(client, Api::Openai).push(text.as_bytes());
                let told = found.failure.and_then(|failure| failure.error);
                assert_eq!(told.map(|error| error.message).as_deref(), Some("busy"), "{text:?}");
            }
        }
    }
}

#[test]
fn a_response_that_fails_ends_with_its_own_event() {
    let created = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":4,\
        \"response\":{\"id\":\"resp_1\",\"model\":\"large\",\"created_at\":9.5}}\n\n";
    let error = GatewayError::UpstreamBrokeOff { candidate: "m".into(), detail: "silence".into() };
    for (begun, id, model) in [(created, "resp_1", "large"), ("", "resp_id", "")] {
        let mut translator = translator(Dialect::Responses, Api::Openai);
        pushed(&mut translator, begun.as_bytes());
        let text = String::from_utf8(translator.error_event(&error)).unwrap();
        let mut parser = Parser::default();
        let events = parser.push(text.as_bytes()).unwrap();
        let data = |at: usize| serde_json::from_str::<serde_json::Value>(&events[at].data).unwrap();
        let (told, failed) = (data(0), data(1));
        assert_eq!((&told["type"], &told["code"]), (&"error".into(), &"upstream_broke_off".into()));
        assert_eq!(events[1].name.as_deref(), Some("response.failed"));
        let response = &failed["response"];
        assert_eq!((&response["id"], &response["model"]), (&id.into(), &model.into()));
        assert_eq!(
            (&response["status"], &response["error"]["code"]),
            (&"failed".into(), &told["code"])
        );
        assert_eq!(
            failed["sequence_number"].as_u64(),
            told["sequence_number"].as_u64().map(|n| n + 1)
        );
    }
    // One that the upstream itself ends so is passed on.
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"message\":\"x\"}}}\n\n";
    let mut translator = translator(Dialect::Responses, Api::Openai);
    pushed(&mut translator, created.as_bytes());
    assert_eq!(pushed(&mut translator, failed.as_bytes()), failed.as_bytes());
    assert!(translator.is_finished());
}

#[test]
fn an_event_that_is_longer_than_the_limit_passes_on_in_parts() {
    let picture = "A".repeat(9 << 20);
    let created = "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\"}}\n\n";
    let last = format!(
        "event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{{\"output\":[{{\"result\":\"{picture}\"}}],\
         \"usage\":{{\"input_tokens\":5,\"output_tokens\":2}}}}}}\n\n"
    );
    let apis = translator(Dialect::Responses, Api::Openai).apis;
    let new = || {
        StreamTranslator::new(&StreamOptions {
            apis,
            model: "m",
            id: "id",
            created: 7,
            include_usage: false,
            drop_usage: false,
            checked: false,
            compared: false,
            tag: None,
            tool_names: &ToolNames::default(),
        })
    };
    let (mut whole, mut sent) = (new(), pushed(&mut new(), created.as_bytes()));
    for bytes in last.as_bytes().chunks(100_000) {
        sent.extend(pushed(&mut whole, bytes));
        assert!(whole.held.len() <= (8 << 20) + 100_000);
    }
    assert!(sent == format!("{created}{last}").into_bytes());
    assert_eq!((whole.is_finished(), whole.received().usage), (true, USAGE));
    // One that breaks off is closed in front of the error, and nothing stands within it.
    let mut broken = new();
    let mut sent = pushed(&mut broken, &last.as_bytes()[..last.len() - 100]);
    assert!(sent.len() > 8 << 20 && broken.keep_alive().is_empty());
    assert!(broken.end().is_err());
    let error = GatewayError::UpstreamBrokeOff { candidate: "m".into(), detail: "x".into() };
    sent.extend(broken.error_event(&error));
    assert!(
        sent.ends_with(b"\n\n") && String::from_utf8_lossy(&sent).contains("\n\nevent: error\n")
    );
}

#[test]
fn a_long_answer_without_long_strings_is_still_bounded() {
    let long = format!("data: [{}0]\n\n", "0,".repeat(EVENT_LIMIT));
    let apis = translator(Dialect::Chat, Api::Openai).apis;
    let mut translator = StreamTranslator::new(&StreamOptions {
        apis,
        model: "m",
        id: "id",
        created: 7,
        include_usage: false,
        drop_usage: false,
        checked: false,
        compared: false,
        tag: None,
        tool_names: &ToolNames::default(),
    });
    assert!(translator.push(long.as_bytes()).failure.is_some());
}

#[test]
fn a_failure_has_the_shape_of_the_clients_api() {
    let error = GatewayError::UpstreamBrokeOff { candidate: "m".into(), detail: "silence".into() };
    for (client, api, starts) in [
        (Dialect::Chat, Api::Openai, "data: {\"error\":{"),
        (Dialect::Responses, Api::Openai, "event: error\ndata: {"),
        (Dialect::Messages, Api::Anthropic, "event: error\ndata: {"),
    ] {
        let text = String::from_utf8(translator(client, api).error_event(&error)).unwrap();
        assert!(text.starts_with(starts) && text.ends_with("\n\n"), "{text}");
        assert!(text.contains("silence"));
    }
}

#[test]
fn an_error_event_never_continues_a_half_sent_event() {
    let good = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let bad = "data: {\"error\":{\"message\":\"busy\"}}\n\n";
    let both = format!("{good}{bad}{good}");
    for size in 1..=both.len() {
        let mut translator = translator(Dialect::Chat, Api::Openai);
        let mut sent = Vec::new();
        let failed = both.as_bytes().chunks(size).any(|chunk| {
            let Translated { bytes, failure } = translator.push(chunk);
            sent.extend(bytes);
            failure.is_some()
        });
        assert!(failed);
        assert_eq!(String::from_utf8(sent).unwrap(), good, "in pieces of {size}");
    }
}

#[test]
fn usage_that_only_the_gateway_asked_for_is_left_out() {
    let apis = translator(Dialect::Chat, Api::Openai).apis;
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n";
    for size in 1..40 {
        let mut translator = StreamTranslator::new(&StreamOptions {
            apis,
            model: "m",
            id: "id",
            created: 7,
            include_usage: false,
            drop_usage: true,
            checked: false,
            compared: false,
            tag: None,
            tool_names: &ToolNames::default(),
        });
        let mut sent = Vec::new();
        for bytes in CHAT.as_bytes().chunks(size) {
            sent.extend(pushed(&mut translator, bytes));
        }
        assert_eq!(String::from_utf8(sent).unwrap(), CHAT.replace(usage, ""));
        assert_eq!(translator.received().usage, USAGE);
    }
}

#[test]
fn what_arrived_is_counted_where_no_final_usage_came() {
    let counted = |client, api, text: &str| {
        let mut translator = translator(client, api);
        pushed(&mut translator, text.as_bytes());
        let found = translator.received();
        (found.is_final, found.output_tokens)
    };
    let words = "word ".repeat(100);
    let chunk = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{words}\"}}}}]}}\n\n");
    assert_eq!(counted(Dialect::Chat, Api::Openai, &chunk), (false, 125));
    let (begun, _) = MESSAGES.split_at(MESSAGES.find("event: message_delta").unwrap());
    let begun = begun.replace("日本 🚀", &words);
    for client in [Dialect::Messages, Dialect::Chat] {
        assert_eq!(counted(client, Api::Anthropic, &begun), (false, 125));
    }
    let delta = format!(
        "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"{words}\"}}\n\n"
    );
    let done = format!(
        "event: response.output_text.done\ndata: {{\"type\":\"response.output_text.done\",\"text\":\"{words}\"}}\n\n"
    );
    assert_eq!(counted(Dialect::Responses, Api::Openai, &format!("{delta}{done}")), (false, 125));
    let early = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n";
    assert_eq!(counted(Dialect::Chat, Api::Openai, early), (false, 1));
}

#[test]
fn usage_is_final_only_once_every_choice_has_ended() {
    let chunk = |index: u64, reason: &str, tokens: u64| {
        format!(
            "data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"a\"}},\"finish_reason\":{reason}}}],\
             \"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":{tokens}}}}}\n\n"
        )
    };
    let mut translator = translator(Dialect::Chat, Api::Openai);
    for (index, reason, tokens, is_final) in [
        (0, "null", 1, false),
        (1, "null", 2, false),
        (0, "\"stop\"", 3, false),
        (1, "\"length\"", 4, true),
    ] {
        pushed(&mut translator, chunk(index, reason, tokens).as_bytes());
        let received = translator.received();
        assert_eq!(received.usage.map(|usage| usage.output_tokens), Some(tokens));
        assert_eq!(received.is_final, is_final, "after {tokens} tokens");
    }
}

#[test]
fn garbage_is_passed_on_and_is_no_complete_stream() {
    let mut translator = translator(Dialect::Chat, Api::Openai);
    assert_eq!(pushed(&mut translator, b"data: hello\n\n"), b"data: hello\n\n");
    assert!(translator.end().is_err());
}

#[test]
fn a_shortened_name_of_a_tool_comes_back_in_a_stream() {
    let long = "n".repeat(80);
    let mut request = serde_json::json!({"tools": [{"name": long}]});
    let names = ToolNames::change(&mut request, Dialect::Messages, Api::Openai);
    let sent = request["tools"][0]["name"].clone();
    let options = |apis| StreamOptions {
        apis,
        model: "m",
        id: "id",
        created: 7,
        include_usage: false,
        drop_usage: false,
        checked: false,
        compared: false,
        tag: None,
        tool_names: &names,
    };
    let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"tool_calls": [
        {"index": 0, "id": "c", "function": {"name": sent, "arguments": "{}"}}]}}]});
    let event = format!("data: {chunk}\n\n");
    for api in [Api::Openai, Api::WorkersAi] {
        let upstream = config::Upstream { api, ..Default::default() };
        let apis = ApiPair::new(Dialect::Messages, &upstream, "m").unwrap();
        let translated = StreamTranslator::new(&options(apis)).push(event.as_bytes());
        let text = String::from_utf8(translated.bytes).unwrap();
        assert!(text.contains(&long), "{text}");
    }
}

#[test]
fn the_ids_of_a_long_event_are_tagged_and_nothing_of_it_is_lost() {
    let picture = "A".repeat(1 << 20);
    let event = format!(
        "data: {{\"type\":\"response.completed\",\"response\":{{\"id\":\"resp_1\",\"output\":[{{\"result\":\"{picture}\"}}]}}}}\n\n"
    );
    let apis = translator(Dialect::Responses, Api::Openai).apis;
    let mut translator = StreamTranslator::new(&StreamOptions {
        apis,
        model: "m",
        id: "id",
        created: 7,
        include_usage: false,
        drop_usage: false,
        checked: false,
        compared: false,
        tag: Some("pm0123456789ab_"),
        tool_names: &ToolNames::default(),
    });
    let sent = pushed(&mut translator, event.as_bytes());
    assert!(sent == event.replace("resp_1", "resp_pm0123456789ab_1").into_bytes());
    let error = GatewayError::UpstreamBrokeOff { candidate: "m".into(), detail: "x".into() };
    let text = String::from_utf8(translator.error_event(&error)).unwrap();
    assert!(text.contains("\"id\":\"resp_pm0123456789ab_1\""), "{text}");
}
