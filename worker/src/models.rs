//! `GET /v1/models`: what a client may ask for.

use serde_json::{Value, json};
use switchyard_router::Manifest;

/// The list in OpenAI's shape: `auto`, then the bundle's candidates. `created` is 0, since a
/// candidate's birthday is not known here.
pub(crate) fn list(manifest: &Manifest) -> Value {
    let ids = manifest.candidates.iter().map(|candidate| candidate.id.as_str());
    let data: Vec<Value> = std::iter::once("auto")
        .chain(ids)
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "switchyard"}))
        .collect();
    json!({"object": "list", "data": data})
}

/// `GET /healthz`: which bundle answers.
pub(crate) fn health(manifest: &Manifest) -> Value {
    json!({"status": "ok", "bundle": manifest.name, "kind": manifest.kind,
           "candidates": manifest.candidates.len()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::manifest;

    #[test]
    fn auto_comes_first_then_the_candidates_in_the_bundles_order() {
        let list = list(&manifest());
        let ids: Vec<&str> = list["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|m| m["id"].as_str())
            .collect();
        assert_eq!(ids, ["auto", "small", "large"]);
        assert_eq!(list["object"], "list");
    }

    #[test]
    fn health_names_the_bundle() {
        assert_eq!(health(&manifest())["bundle"], "test");
    }
}
