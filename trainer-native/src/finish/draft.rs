//! Makes the draft of a bundle, without calibration and metrics.

use pointsman::{Head, Provenance, Source};

use crate::error::TrainerError;
use crate::export::bundle::{BundleDraft, BundleFacts};
use crate::export::router_graph;
use crate::precision::Precision;
use crate::recipe::Recipe;
use crate::training::fit::Trained;

/// The bundle of a trained router, without calibration and metrics.
///
/// # Errors
/// [`TrainerError::NotFinite`], [`TrainerError::BadEncoder`].
pub fn draft(
    recipe: &Recipe,
    recipe_sha256: &str,
    sources: Vec<Source>,
    trained: &Trained,
    device: &str,
    precision: Precision,
) -> Result<BundleDraft, TrainerError> {
    let Trained { encoder, head } = trained;
    let graph_head =
        head.graph.as_ref().map(|graph| (graph.head.as_ref(), graph.columns.as_slice()));
    let model = router_graph::build(&encoder.network, graph_head, precision)?;
    let pair = recipe.pair.as_ref();
    let mut candidates = recipe.candidates.clone();
    if let Some(abilities) = &head.abilities {
        let own = candidates.iter_mut().zip(abilities);
        own.for_each(|(candidate, ability)| candidate.ability = Some(ability.clone()));
    }
    let facts = BundleFacts {
        name: recipe.name.clone(),
        kind: recipe.head.kind().name().into(),
        candidates,
        encoder: encoder.info(&recipe.encoder),
        head: Head {
            strong: pair.map(|pair| pair.strong.clone()),
            weak: pair.map(|pair| pair.weak.clone()),
            default_strong_share: pair.map(|pair| pair.default_strong_share),
            ..head.stated.clone()
        },
        trained_on: sources,
        provenance: Some(Provenance {
            trainer: env!("CARGO_PKG_VERSION").into(),
            recipe: recipe.name.clone(),
            recipe_sha256: recipe_sha256.to_owned(),
            seed: recipe.seed,
            device: device.to_owned(),
            licence: recipe.licence.clone(),
            teacher: None,
        }),
    };
    Ok(BundleDraft::new(facts, model, encoder.tokenizer_json.clone(), head.memory.as_ref()))
}
