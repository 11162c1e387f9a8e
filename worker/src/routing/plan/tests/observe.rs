//! Plans whose decision is only logged, and the other LLM of requests that can be compared.

use super::*;

const SHADOW: &str = r#"{"shadow": {"share": 1, "judge": "other", "usdPerDay": 1}}"#;

fn observed(body: &str, with: With<'_>) -> Plan {
    plan(body, &With { mode: Mode::Observe, ..with }).unwrap()
}

fn chosen(plan: &Plan) -> (&str, &str, Option<(&str, &str)>) {
    let chosen = plan.chosen.as_ref().map(|(model, reason)| (model.as_str(), *reason));
    (&plan.chain[0], plan.reason, chosen)
}

#[test]
fn the_strong_model_is_called_whatever_routing_chooses() {
    let weak = observed(&body(HALF, EASY, ""), With::default());
    assert_eq!(chosen(&weak), ("large", "observed", Some(("small", "below_threshold"))));
    assert!(weak.routed && weak.decision.is_some());
    let strong = observed(&body(HALF, HARD, ""), With::default());
    assert_eq!(chosen(&strong), ("large", "observed", Some(("large", "above_threshold"))));
}

#[test]
fn a_named_model_is_called_and_what_routing_would_choose_is_known() {
    let named = observed(&body("other", EASY, ""), With::default());
    let (called, reason, found) = chosen(&named);
    assert_eq!((called, reason), ("other", "requested"));
    assert!(found.is_some() && named.decision.is_some() && !named.routed);
    let on = plan(&body("other", EASY, ""), &With::default()).unwrap();
    assert_eq!(chosen(&on), ("other", "requested", None));
    let unreadable = observed(r#"{"model": "small", "messages": "no list"}"#, With::default());
    assert!(unreadable.decision.is_none());
}

#[test]
fn a_strong_model_that_may_not_answer_is_not_called() {
    let options = RequestOptions { exclude: listed("large"), ..RequestOptions::default() };
    let found = observed(&body(HALF, EASY, ""), With { options, ..With::default() });
    assert_eq!(chosen(&found), ("small", "observed", Some(("small", "only_candidate"))));
    let with = With { key_models: Some(r#"["auto", "small"]"#), ..With::default() };
    assert_eq!(observed(&body(HALF, EASY, ""), with).chain[0], "small");
}

#[test]
fn an_observed_decision_keeps_no_sessions_model_and_no_cascade() {
    let with = With { pinned: Some("large"), ..With::default() };
    let found = observed(&body(HALF, EASY, ""), with);
    assert_eq!(chosen(&found).2, Some(("small", "below_threshold")));
    let settings = r#"{"cascade": {"from": ["small"], "to": "large"}}"#;
    let found = observed(&body(HALF, EASY, ""), With { settings, ..With::default() });
    assert_eq!(found.escalate_to, None);
}

#[test]
fn a_request_is_compared_with_the_other_of_the_pair_where_both_can_answer() {
    let shadow = || With { settings: SHADOW, ..With::default() };
    let other = |body: &str, with: With<'_>| plan(body, &with).unwrap().counterpart;
    assert_eq!(other(&body(HALF, EASY, ""), shadow()).as_deref(), Some("large"));
    assert_eq!(other(&body(HALF, HARD, ""), shadow()).as_deref(), Some("small"));
    assert_eq!(other(&body(HALF, HARD, ""), With::default()), None);
    assert_eq!(other(&body("large", HARD, ""), shadow()), None, "named, and nothing was decided");
    let named = observed(&body("large", EASY, ""), shadow());
    assert_eq!(named.counterpart.as_deref(), Some("small"));
    let none = |body: &str, with: With<'_>| assert_eq!(other(body, with), None, "{body}");
    none(&body(HALF, HARD, r#", "n": 2"#), shadow());
    none(&body(HALF, HARD, r#", "tools": [{"type": "web_search"}]"#), shadow());
    let options = RequestOptions { exclude: listed("small"), ..RequestOptions::default() };
    none(&body(HALF, HARD, ""), With { options, ..shadow() });
    let long = format!("{HARD} {}", "a".repeat(900));
    none(&body(HALF, &long, ""), shadow());
    let settings = r#"{"shadow": {"share": 1, "judge": "other", "usdPerDay": 1,
                                  "models": ["large"]}}"#;
    none(&body(HALF, HARD, ""), With { settings, ..shadow() });
    assert!(other(&body(HALF, EASY, ""), With { settings, ..shadow() }).is_some());
    let settings = r#"{"shadow": {"share": 1, "judge": "other", "usdPerDay": 1},
                       "cascade": {"from": ["small"], "to": "large"}}"#;
    none(&body(HALF, EASY, ""), With { settings, ..shadow() });
}
