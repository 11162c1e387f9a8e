//! `GET /v1/models`: the model names that a client may request.

use pointsman::Manifest;
use serde_json::{Value, json};

use crate::config::Upstreams;

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

/// A list in OpenAI's shape.
pub(crate) fn list(names: &[String]) -> Value {
    json!({"object": "list", "data": names.iter().map(|name| model(name)).collect::<Vec<_>>()})
}

/// One model in OpenAI's shape. `created` is 0, since the gateway does not know it.
pub(crate) fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": "pointsman"})
}

/// `GET /healthz`: which bundle is served, and why a newer one failed to load.
pub(crate) fn health(manifest: &Manifest, newer_failed: Option<&str>) -> Value {
    let mut health = json!({"status": "ok", "bundle": manifest.name, "kind": manifest.kind,
                            "candidates": manifest.candidates.len()});
    if let Some(why) = newer_failed {
        health["newer_bundle"] = why.into();
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
        let list = list(&some);
        assert_eq!((&list["object"], &list["data"][3]["id"]), (&json!("list"), &json!("other")));
    }

    #[test]
    fn health_names_the_bundle() {
        assert_eq!(health(&manifest(), None)["bundle"], "test");
        assert_eq!(health(&manifest(), Some("bad hash"))["newer_bundle"], "bad hash");
    }
}
