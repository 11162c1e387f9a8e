//! The names of models: which a client may request, which keys name in vain; and `GET /healthz`.

use pointsman::{Manifest, Router, RouterError};
use serde_json::{Value, json};

use crate::config::{Alias, Aliases, Keys, Settings, Upstreams, is_routing_name};
use crate::error::GatewayError;
use crate::request::model_name::{PolicyHeaders, Target, means_routing};

/// Lists the names that `may` allows: `auto`, the bundle's name, its candidates, the further models of
/// UPSTREAMS, then the aliases that are no patterns.
pub(crate) fn names(
    manifest: &Manifest,
    upstreams: &Upstreams,
    aliases: &Aliases,
    may: impl Fn(&str) -> bool,
) -> Vec<String> {
    let aliases = aliases.iter().filter(|alias| !alias.is_pattern() && may(&alias.target));
    let candidates = manifest.candidates.iter().map(|candidate| candidate.id.as_str());
    let further = upstreams.names().filter(|name| manifest.candidate_index(name).is_none());
    ["auto", manifest.name.as_str()]
        .into_iter()
        .chain(candidates)
        .chain(further)
        .filter(|name| may(name))
        .chain(aliases.map(|alias| alias.name.as_str()))
        .map(str::to_owned)
        .collect()
}

/// The bundle's router with the configuration's models in place of its candidates, where these state a role,
/// a tier, an ability or outcomes.
///
/// # Errors
/// [`GatewayError::ConfigInvalid`] where they do not fit the bundle, and the engine's errors of rating the
/// queries of outcomes.
pub(crate) fn with_candidates(
    router: Router,
    upstreams: &Upstreams,
    settings: &Settings,
) -> Result<Router, GatewayError> {
    let pair = &settings.routing;
    let (strong, weak) = (pair.strong.as_ref(), pair.weak.as_ref());
    let Some(candidates) = upstreams.candidates(router.info(), strong, weak) else {
        return Ok(router);
    };
    router.with_candidates(&candidates).map_err(|error| match error {
        RouterError::CandidatesInvalid { .. }
        | RouterError::OutcomesInvalid { .. }
        | RouterError::DemandsUnsupported { .. } => {
            let variable = "UPSTREAMS";
            let detail = format!("{error}. Correct role, tier, ability and outcomes of UPSTREAMS, or routing.strong and routing.weak of GATEWAY");
            GatewayError::ConfigInvalid { variable, detail }
        }
        other => other.into(),
    })
}

/// Checks that no candidate has a name that means routing: requests for it, and lists of keys that name
/// it, would have two meanings.
///
/// # Errors
/// [`RouterError::BundleBadManifest`].
pub(crate) fn check_candidates(manifest: &Manifest) -> Result<(), RouterError> {
    match manifest.candidates.iter().find(|candidate| is_routing_name(&candidate.id)) {
        Some(candidate) => Err(RouterError::BundleBadManifest {
            detail: format!(
                "candidate {:?} has a name that means routing: expected another one",
                candidate.id
            ),
        }),
        None => Ok(()),
    }
}

/// Checks that each alias means a model that is served, or a name that means routing under a valid policy,
/// and is no such name itself: it would never be tried.
///
/// # Errors
/// [`GatewayError::ConfigInvalid`].
pub(crate) fn check_aliases(
    aliases: &Aliases,
    manifest: &Manifest,
    upstreams: &Upstreams,
) -> Result<(), GatewayError> {
    let serves =
        |name: &str| manifest.candidate_index(name).is_some() || upstreams.get(name).is_some();
    for Alias { name, target } in aliases.iter() {
        let meant = Target::new(target, &PolicyHeaders::default(), manifest, serves);
        let valid = meant.and_then(|meant| match meant {
            Target::Named(_) => Ok(()),
            Target::Routed(policy) => Ok(policy.check(manifest)?),
        });
        let detail = match valid {
            Err(why) => format!("aliases.{name} means {target:?}: {why}"),
            Ok(()) if serves(name) || means_routing(name, &manifest.name) => {
                format!("aliases.{name} is a name that is served already: remove the alias")
            }
            Ok(()) => continue,
        };
        return Err(GatewayError::ConfigInvalid { variable: "GATEWAY", detail });
    }
    Ok(())
}

/// The names in the keys' `models` that are neither served nor mean routing, each after its key's name.
/// They match nothing.
pub(crate) fn unknown_key_names<'k>(
    keys: &'k Keys,
    manifest: &Manifest,
    upstreams: &Upstreams,
) -> Vec<(&'k str, &'k str)> {
    let known = |name: &str| {
        manifest.candidate_index(name).is_some()
            || upstreams.get(name).is_some()
            || means_routing(name, &manifest.name)
    };
    let named = keys
        .iter()
        .flat_map(|key| key.models.iter().flatten().map(|name| (key.name.as_str(), name.as_str())));
    named.filter(|(_, name)| !known(name)).collect()
}

/// `GET /healthz`: which bundle is served and from where, the code of the error by which a newer one failed
/// to load, and the codes of faults in the configuration that stop no request. Strangers read it.
pub(crate) fn health(
    manifest: &Manifest,
    source: &str,
    newer_failed: Option<&str>,
    warnings: &[&str],
) -> Value {
    let mut health = json!({"status": "ok", "bundle": manifest.name, "kind": manifest.kind,
                            "candidates": manifest.candidates.len(), "source": source});
    if let Some(code) = newer_failed {
        health["newer_bundle"] = code.into();
    }
    if !warnings.is_empty() {
        health["warnings"] = warnings.into();
    }
    health
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;

    #[test]
    fn routing_comes_first_then_the_candidates_in_the_bundles_order() {
        let json = r#"{"other": {"baseUrl": "https://x"}, "large": {"baseUrl": "https://x"}}"#;
        let upstreams = Upstreams::from_json(Some(json)).unwrap();
        let aliases: Aliases =
            serde_json::from_str(r#"{"opus": "large", "haiku": "small", "gpt-*": "auto"}"#)
                .unwrap();
        let all = names(&manifest(), &upstreams, &aliases, |_| true);
        assert_eq!(all, ["auto", "test", "small", "large", "other", "haiku", "opus"]);
        let some = names(&manifest(), &upstreams, &aliases, |name| name != "small");
        assert_eq!(some, ["auto", "test", "large", "other", "opus"]);
    }

    #[test]
    fn an_alias_means_a_served_model_or_routing_and_is_neither() {
        let upstreams =
            Upstreams::from_json(Some(r#"{"other": {"baseUrl": "https://x"}}"#)).unwrap();
        let check = |name: &str, target: &str| {
            let aliases = serde_json::from_value(json!({name: target})).unwrap();
            check_aliases(&aliases, &manifest(), &upstreams)
        };
        for target in ["small", "other", "auto", "test", "auto:threshold:0.3", "router-mf-0.5"] {
            assert_eq!(check("claude-*", target), Ok(()), "{target}");
        }
        for target in ["gone", "claude-x", "auto:share:2", "auto:share", "router-mf-half", ""] {
            let why = check("claude-*", target).unwrap_err();
            assert_eq!((why.status(), why.code()), (500, "config_invalid"));
            assert!(why.to_string().contains("aliases.claude-*"), "{why}");
        }
        for name in ["small", "other", "auto", "test", "router-x-1"] {
            assert_eq!(check(name, "large").unwrap_err().code(), "config_invalid", "{name}");
        }
    }

    #[test]
    fn health_names_the_bundle() {
        let found = health(&manifest(), "deployed", None, &[]);
        assert_eq!((&found["bundle"], &found["source"]), (&json!("test"), &json!("deployed")));
        assert_eq!((&found["newer_bundle"], &found["warnings"]), (&Value::Null, &Value::Null));
        let found = health(&manifest(), "previous", Some("bundle_wrong_hash"), &["a_code"]);
        assert_eq!(found["newer_bundle"], "bundle_wrong_hash");
        assert_eq!(found["warnings"], json!(["a_code"]));
    }

    #[test]
    fn unknown_names_of_keys_are_listed_with_their_key() {
        let hash = "0".repeat(64);
        let json = format!(
            r#"[{{"name": "a", "sha256": "{hash}", "models": ["auto", "auto:share:0.5", "test",
                  "router-x-1", "small", "other", "gone", "Auto", "auto:x"]}},
                {{"name": "b", "sha256": "{hash}"}}]"#
        );
        let keys = Keys::from_json(Some(&json)).unwrap();
        let json = r#"{"other": {"baseUrl": "https://x"}}"#;
        let upstreams = Upstreams::from_json(Some(json)).unwrap();
        let found = unknown_key_names(&keys, &manifest(), &upstreams);
        assert_eq!(found, [("a", "gone"), ("a", "Auto"), ("a", "auto:x")]);
    }

    #[test]
    fn a_candidate_is_not_named_like_routing() {
        for (id, fits) in [
            ("small", true),
            ("router", true),
            ("auto", false),
            ("auto:free", false),
            ("router-x", false),
        ] {
            let mut manifest = manifest();
            manifest.candidates[0].id = id.into();
            assert_eq!(check_candidates(&manifest).is_ok(), fits, "{id}");
        }
    }
}
