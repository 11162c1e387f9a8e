//! The names of models: which a client may request, which keys name in vain; and `GET /healthz`.

use pointsman::{Manifest, RouterError};
use serde_json::{Value, json};

use crate::config::{Keys, Upstreams, is_routing_name};
use crate::request::model_name::means_routing;

/// Lists the names that `may` allows: `auto`, the bundle's name, its candidates, then the further
/// models of UPSTREAMS.
pub(crate) fn names(
    manifest: &Manifest,
    upstreams: &Upstreams,
    may: impl Fn(&str) -> bool,
) -> Vec<String> {
    let candidates = manifest.candidates.iter().map(|candidate| candidate.id.as_str());
    let further = upstreams.names().filter(|name| manifest.candidate_index(name).is_none());
    ["auto", manifest.name.as_str()]
        .into_iter()
        .chain(candidates)
        .chain(further)
        .filter(|name| may(name))
        .map(str::to_owned)
        .collect()
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
        let all = names(&manifest(), &upstreams, |_| true);
        assert_eq!(all, ["auto", "test", "small", "large", "other"]);
        let some = names(&manifest(), &upstreams, |name| name != "small");
        assert_eq!(some, ["auto", "test", "large", "other"]);
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
