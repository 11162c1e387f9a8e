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
const USAGE: Option<Usage> = Some(Usage { input_tokens: 5, cached_tokens: 0, output_tokens: 2 });

fn relay(client: Dialect, api: Api) -> Relay {
    let upstream = config::Upstream { api, ..config::Upstream::default() };
    let exchange = Exchange::new(client, &upstream, "m").unwrap();
    let (id, model) = ("id", "m");
    Relay::new(&Relayed { exchange, model, id, created: 7, include_usage: true, checked: true })
}

/// Relays `text` in pieces of `size` bytes and returns the client's bytes.
fn relayed(client: Dialect, api: Api, text: &str, size: usize) -> (Vec<u8>, Relay) {
    let mut relay = relay(client, api);
    let mut sent = Vec::new();
    for bytes in text.as_bytes().chunks(size) {
        sent.extend(relay.push(bytes).unwrap());
    }
    sent.extend(relay.end().unwrap());
    (sent, relay)
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
            let mut relay = relay(client, api);
            for bytes in text.as_bytes().chunks(size) {
                assert_eq!(relay.push(bytes).unwrap(), bytes);
            }
            assert!(relay.is_finished(), "{client:?}");
            assert_eq!(relay.end().unwrap(), b"");
            assert_eq!(relay.usage(), USAGE);
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
        let (whole, relay) = relayed(client, api, text, text.len());
        let expected = if client == Dialect::Chat { "data: [DONE]" } else { "message_stop" };
        let words = String::from_utf8(whole.clone()).unwrap();
        assert!(
            words.contains("日本") && words.contains("🚀") && words.contains(expected),
            "{words}"
        );
        assert_eq!(relay.usage(), USAGE);
        assert_eq!(relay.said().unwrap().text, "日本 🚀", "{client:?} {api:?}");
        for size in [1, 3, 7, 50] {
            assert_eq!(relayed(client, api, text, size).0, whole);
        }
    }
}

#[test]
fn an_early_end_is_a_break() {
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
            let mut relay = relay(client, api);
            relay.push(&text.as_bytes()[..cut]).unwrap();
            assert!(relay.end().is_err(), "{client:?} {api:?} {cut}");
        }
    }
}

#[test]
fn a_stream_may_end_without_done_after_its_finish_reason() {
    let mut relay = relay(Dialect::Chat, Api::Openai);
    let end = CHAT.find("data: {\"choices\":[],").unwrap();
    relay.push(&CHAT.as_bytes()[..end]).unwrap();
    assert_eq!(relay.end(), Ok(vec![]));
}

#[test]
fn an_error_in_the_stream_is_a_break_and_has_its_status() {
    for (client, api, text) in [
        (Dialect::Chat, Api::Openai, "data: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n"),
        (
            Dialect::Chat,
            Api::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
        ),
    ] {
        let found = relay(client, api).push(text.as_bytes()).unwrap_err();
        assert!(found.detail.contains("busy") && found.status == 503, "{found:?}");
    }
}

#[test]
fn a_break_has_the_shape_of_the_clients_api() {
    let error = GatewayError::UpstreamBrokeOff { candidate: "m".into(), detail: "silence".into() };
    for (client, api, starts) in [
        (Dialect::Chat, Api::Openai, "data: {\"error\":{"),
        (Dialect::Responses, Api::Openai, "event: error\ndata: {"),
        (Dialect::Messages, Api::Anthropic, "event: error\ndata: {"),
    ] {
        let mut relay = relay(client, api);
        let words = |relay: &Relay| String::from_utf8(relay.broken(&error)).unwrap();
        let text = words(&relay);
        assert!(text.starts_with(starts) && text.ends_with("\n\n"), "{text}");
        assert!(text.contains("silence"));
        relay.push(b"data: {\"cho").unwrap();
        assert!(words(&relay).starts_with("\n\n"));
    }
}

#[test]
fn garbage_is_passed_on_and_is_no_complete_stream() {
    let mut relay = relay(Dialect::Chat, Api::Openai);
    assert_eq!(relay.push(b"data: hello\n\n").unwrap(), b"data: hello\n\n");
    assert!(relay.end().is_err());
}
