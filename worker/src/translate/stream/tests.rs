//! Streams passed on complete, cut into any pieces, and broken off.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::config;

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
        assert_eq!(translator.take_content().text, "日本 🚀", "{client:?} {api:?}");
        for size in [1, 3, 7, 50] {
            let sent = String::from_utf8(translated(client, api, text, size).0).unwrap();
            assert_eq!(sent.replace(": ping\n\n", ""), words.replace(": ping\n\n", ""));
        }
    }
}

#[test]
fn a_client_gets_something_for_comments_too() {
    let mut translator = translator(Dialect::Messages, Api::Openai);
    let (first, _) = CHAT.split_at(CHAT.find(": a comment").unwrap());
    assert!(!pushed(&mut translator, first.as_bytes()).is_empty());
    assert_eq!(pushed(&mut translator, b": half a com"), b"");
    assert_eq!(pushed(&mut translator, b"ment\n\n"), KEEP_ALIVE);
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
    }
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
