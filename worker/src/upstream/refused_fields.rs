//! Fields, tools and betas of a request that choose another model, another price, or state at the
//! upstream that all callers share.
//!
//! A key with `models` or a `budget` may not send them, since neither would hold. A value that asks for
//! nothing, such as `null`, `false` or `service_tier: "default"`, passes. Names are compared as lenient
//! parsers read them: some servers take `Models` for `models`.

use serde_json::{Value, json};

use crate::request::endpoint::Dialect;
use crate::wire::fields::folded;

/// Refused in every API.
///
/// OpenAI and Anthropic: the tier that serves and prices. OpenRouter: other models, providers, plugins and
/// presets. Proxies such as LiteLLM: other models, keys, addresses and made-up answers. Others: answers
/// that are fetched later, and searches that are billed.
const EVERYWHERE: [&str; 37] = [
    "api_base",
    "api_key",
    "api_version",
    "background",
    "base_url",
    "context_window_fallback_dict",
    "custom_llm_provider",
    "data_sources",
    "debug",
    "deferred",
    "deployment_id",
    "enable_search",
    "extra_body",
    "extra_headers",
    "fallback",
    "fallbacks",
    "mock_response",
    "model_group",
    "model_list",
    "models",
    "num_retries",
    "organization",
    "plugins",
    "preset",
    "provider",
    "provideroptions",
    "provider_options",
    "route",
    "router_settings_override",
    "search_options",
    "search_parameters",
    "service_tier",
    "speed",
    "store",
    "transforms",
    "user_config",
    "web_search_options",
];
/// OpenAI's Responses: what is kept at the upstream, under one account for all callers.
const RESPONSES: [&str; 3] = ["conversation", "previous_response_id", "prompt"];
/// Anthropic's Messages: what is kept or called at the upstream, and another price by region.
const MESSAGES: [&str; 4] = ["container", "inference_geo", "mcp_servers", "user_profile_id"];

/// What an upstream's configuration says of a caller's fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// Whether the caller has a list of models or a budget.
    pub(crate) restricted: bool,
    /// Further fields that no caller may send (`refuse`).
    pub(crate) refuse: &'a [String],
    /// Fields and types of tools that every caller may send (`allow`).
    pub(crate) allow: &'a [String],
}

/// Tools that run at the caller, by their type; `*` stands for the rest. Any other runs at the upstream,
/// which bills it.
const CALLERS_TOOLS: [&str; 12] = [
    "function",
    "custom",
    "namespace",
    "apply_patch",
    "local_shell",
    "tool_search",
    "tool_search_tool_*",
    "bash_*",
    "text_editor_*",
    "memory_*",
    "computer",
    "computer_2*",
];

/// Values of `anthropic-beta` that change neither price nor state at the upstream. Not among them, for
/// example: `context-1m-*`, `fast-mode-*`, `extended-cache-ttl-*`, `compact-*` and `advisor-tool-*`, which
/// are priced otherwise; `server-side-fallback-*`, which is another model; `files-api-*`, `skills-*`,
/// `mcp-client-*`, `code-execution-*` and `managed-agents-*`, which keep or call something.
pub(crate) const DEFAULT_BETAS: [&str; 28] = [
    "advanced-tool-use-2025-11-20",
    "cache-diagnosis-2026-04-07",
    "claude-code-20250219",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-management-2025-06-27",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "mid-conversation-output-config-2026-07-01",
    "mid-conversation-system-clear-at-2026-08-21",
    "mid-conversation-tool-changes-2026-07-01",
    "model-context-window-exceeded-2025-08-26",
    "output-128k-2025-02-19",
    "pdfs-2024-09-25",
    "prompt-caching-2024-07-31",
    "prompt-caching-scope-2026-01-05",
    "redact-thinking-2026-02-12",
    "structured-outputs-2025-11-13",
    "task-budgets-2026-03-13",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
    "thinking-token-count-2026-05-13",
    "token-counting-2024-11-01",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
];

/// The first field that is refused. `fields` are a body's top-level fields with their values as JSON
/// texts.
pub(crate) fn refused_field<'f>(
    fields: impl IntoIterator<Item = (&'f str, &'f str)>,
    dialect: Dialect,
    rules: Rules<'_>,
) -> Option<&'f str> {
    let own: &[&str] = match dialect {
        Dialect::Responses => &RESPONSES,
        Dialect::Messages => &MESSAGES,
        Dialect::Chat | Dialect::Completions | Dialect::Embeddings => &[],
    };
    let refused = |name: &str, value: &str| {
        let folded = folded(name);
        let holds = |list: &[String]| list.iter().any(|field| field.eq_ignore_ascii_case(&folded));
        let listed = EVERYWHERE.contains(&folded.as_str()) || own.contains(&folded.as_str());
        let by_default = rules.restricted && listed && !holds(rules.allow);
        (by_default || holds(rules.refuse)) && !asks_for_nothing(&folded, value)
    };
    fields.into_iter().find(|(name, value)| refused(name, value)).map(|(name, _)| name)
}

/// The first type of a tool that runs at the upstream. `kinds` are the `type`s of a body's `tools`,
/// `allowed` the further types that may run there.
pub(crate) fn refused_tool<'f>(
    kinds: impl IntoIterator<Item = &'f str>,
    allowed: &[String],
) -> Option<&'f str> {
    let matches = |pattern: &str, kind: &str| match pattern.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => kind == pattern,
    };
    kinds.into_iter().find(|kind| {
        !CALLERS_TOOLS.iter().any(|pattern| matches(pattern, kind))
            && !allowed.iter().any(|pattern| matches(pattern, kind))
    })
}

/// The header `anthropic-beta` with the allowed values alone: those of `allowed`, else [`DEFAULT_BETAS`].
/// Empty if none is left.
pub(crate) fn anthropic_betas(header: &str, allowed: Option<&[String]>) -> String {
    let may = |beta: &str| match allowed {
        Some(allowed) => allowed.iter().any(|name| name == beta),
        None => DEFAULT_BETAS.contains(&beta),
    };
    header.split(',').map(str::trim).filter(|beta| may(beta)).collect::<Vec<_>>().join(",")
}

fn asks_for_nothing(name: &str, value: &str) -> bool {
    // No harmless value is longer.
    let Some(value) =
        (value.len() <= 64).then(|| serde_json::from_str::<Value>(value).ok()).flatten()
    else {
        return false;
    };
    let harmless: &[&str] = match name {
        "service_tier" => &["auto", "default", "standard", "standard_only"],
        "speed" => &["standard"],
        _ => &[],
    };
    // An empty object of options asks for a search with the default ones.
    let empty_asks = name.contains("search");
    let nothing = [Value::Null, json!(false), json!([]), json!("")].contains(&value);
    nothing
        || (value == json!({}) && !empty_asks)
        || value.as_str().is_some_and(|text| harmless.contains(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<'f>(name: &'f str, value: &'f str, dialect: Dialect) -> Option<&'f str> {
        refused_field([("model", "\"m\""), (name, value), ("x", "1")], dialect, RESTRICTED)
    }

    const RESTRICTED: Rules<'static> = Rules { restricted: true, refuse: &[], allow: &[] };

    #[test]
    fn fields_that_choose_model_price_or_state_are_refused() {
        for (name, value) in [
            ("models", r#"["gpt-5-pro"]"#),
            ("route", "\"fallback\""),
            ("provider", r#"{"sort": "latency"}"#),
            ("plugins", r#"[{"id": "web"}]"#),
            ("service_tier", "\"priority\""),
            ("service_tier", "\"flex\""),
            ("speed", "\"fast\""),
            ("background", "true"),
            ("store", "true"),
            ("web_search_options", r#"{"search_context_size": "high"}"#),
            ("web_search_options", "{}"),
            ("search_parameters", "{ }"),
            ("api_base", "\"https://elsewhere.example\""),
        ] {
            for dialect in [Dialect::Chat, Dialect::Responses, Dialect::Messages] {
                assert_eq!(field(name, value, dialect), Some(name), "{name}");
            }
        }
        for (name, dialect) in [
            ("conversation", Dialect::Responses),
            ("previous_response_id", Dialect::Responses),
            ("prompt", Dialect::Responses),
            ("container", Dialect::Messages),
            ("mcp_servers", Dialect::Messages),
            ("inference_geo", Dialect::Messages),
        ] {
            assert_eq!(field(name, r#""x""#, dialect), Some(name));
            assert_eq!(field(name, r#""x""#, Dialect::Completions), None);
        }
    }

    #[test]
    fn values_that_ask_for_nothing_pass() {
        for (name, value) in [
            ("models", "null"),
            ("models", "[ ]"),
            ("store", "false"),
            ("background", " false"),
            ("service_tier", "\"default\""),
            ("service_tier", "\"standard_only\""),
            ("speed", "\"standard\""),
            ("provider", "{}"),
            ("temperature", "1"),
            ("metadata", r#"{"models": "x"}"#),
        ] {
            assert_eq!(field(name, value, Dialect::Chat), None, "{name}: {value}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for name in ["Models", "ROUTE", "\u{17f}tore", "bac\u{212a}ground"] {
            assert_eq!(field(name, "1", Dialect::Chat), Some(name), "{name}");
        }
    }

    #[test]
    fn an_upstreams_rules_add_and_remove_fields() {
        let (seed, route) = (["seed".to_owned()], ["route".to_owned()]);
        let open = Rules { restricted: false, refuse: &seed, allow: &[] };
        assert_eq!(refused_field([("Seed", "1")], Dialect::Chat, open), Some("Seed"));
        assert_eq!(refused_field([("seed", "null")], Dialect::Chat, open), None);
        assert_eq!(refused_field([("route", "1")], Dialect::Chat, open), None);
        let allowed = Rules { allow: &route, ..RESTRICTED };
        assert_eq!(refused_field([("route", "1")], Dialect::Chat, allowed), None);
        assert_eq!(refused_field([("models", "1")], Dialect::Chat, allowed), Some("models"));
    }

    #[test]
    fn tools_that_run_at_the_upstream_are_refused() {
        for kind in [
            "web_search",
            "web_search_preview_2025_03_11",
            "web_search_20260318",
            "web_fetch_20250910",
            "code_interpreter",
            "code_execution_20250825",
            "file_search",
            "computer_use_preview",
            "image_generation",
            "mcp",
            "mcp_toolset",
            "advisor_20260301",
            "shell",
            "programmatic_tool_calling",
            "openrouter:web_search",
            "x_search",
            "builtin_function",
            "of_tomorrow",
        ] {
            assert_eq!(refused_tool(["function", kind], &[]), Some(kind));
            assert_eq!(refused_tool([kind], &[kind.to_owned()]), None);
        }
        let callers = [
            "function",
            "custom",
            "bash_20250124",
            "text_editor_20250728",
            "computer_20250124",
            "memory_20250818",
            "tool_search_tool_regex_20251119",
            "local_shell",
        ];
        assert_eq!(refused_tool(callers, &[]), None);
    }

    #[test]
    fn betas_are_kept_by_name() {
        let header = "context-1m-2025-08-07, interleaved-thinking-2025-05-14,fast-mode-2026-02-01,\
                      prompt-caching-2024-07-31, Files-API-2025-04-14,";
        let kept = "interleaved-thinking-2025-05-14,prompt-caching-2024-07-31";
        assert_eq!(anthropic_betas(header, None), kept);
        let own = ["context-1m-2025-08-07".to_owned()];
        assert_eq!(anthropic_betas(header, Some(&own)), own[0]);
        assert_eq!(anthropic_betas(header, Some(&[])), "");
    }
}
