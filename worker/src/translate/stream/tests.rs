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
        checked: true,
    })
}

/// Translates `text` in pieces of `size` bytes and returns the client's bytes.
fn translated(client: Dialect, api: Api, text: &str, size: usize) -> (Vec<u8>, StreamTranslator) {
    let mut translator = translator(client, api);
    let mut sent = Vec::new();
    for bytes in text.as_bytes().chunks(size) {
        sent.extend(translator.push(bytes).unwrap());
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
            let mut translator = translator(client, api);
            for bytes in text.as_bytes().chunks(size) {
                assert_eq!(translator.push(bytes).unwrap(), bytes);
            }
            assert!(translator.is_finished(), "{client:?}");
            assert_eq!(translator.end().unwrap(), b"");
            assert_eq!(translator.usage(), USAGE);
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
        let (whole, translator) = translated(client, api, text, text.len());
        let expected = if client == Dialect::Chat { "data: [DONE]" } else { "message_stop" };
        let words = String::from_utf8(whole.clone()).unwrap();
        assert!(
            words.contains("日本") && words.contains("🚀") && words.contains(expected),
            "{words}"
        );
        assert_eq!(translator.usage(), USAGE);
        assert_eq!(translator.content().unwrap().text, "日本 🚀", "{client:?} {api:?}");
        for size in [1, 3, 7, 50] {
            assert_eq!(translated(client, api, text, size).0, whole);
        }
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
            translator.push(&text.as_bytes()[..cut]).unwrap();
            assert!(translator.end().is_err(), "{client:?} {api:?} {cut}");
        }
    }
}

#[test]
fn a_stream_may_end_without_done_after_its_finish_reason() {
    let mut translator = translator(Dialect::Chat, Api::Openai);
    let end = CHAT.find("data: {\"choices\":[],").unwrap();
    translator.push(&CHAT.as_bytes()[..end]).unwrap();
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
        let found = translator(client, api).push(text.as_bytes()).unwrap_err();
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
        let mut translator = translator(client, api);
        let words = |translator: &StreamTranslator| {
            String::from_utf8(translator.error_event(&error)).unwrap()
        };
        let text = words(&translator);
        assert!(text.starts_with(starts) && text.ends_with("\n\n"), "{text}");
        assert!(text.contains("silence"));
        translator.push(b"data: {\"cho").unwrap();
        assert!(words(&translator).starts_with("\n\n"));
    }
}

#[test]
fn garbage_is_passed_on_and_is_no_complete_stream() {
    let mut translator = translator(Dialect::Chat, Api::Openai);
    assert_eq!(translator.push(b"data: hello\n\n").unwrap(), b"data: hello\n\n");
    assert!(translator.end().is_err());
}
