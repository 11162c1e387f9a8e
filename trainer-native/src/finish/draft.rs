//! Makes the draft of a bundle, without calibration and metrics.

use pointsman::{Head, Provenance, Source};

use crate::error::TrainerError;
use crate::export::bundle::{BundleDraft, BundleFacts};
use crate::export::{Precision, router_graph};
use crate::recipe::{HeadRecipe, Recipe, RecipeFile};
use crate::router::TrainedHead;
use crate::run::Trained;

/// The bundle of a trained router, without calibration and metrics.
///
/// # Errors
/// [`TrainerError::NotFinite`], [`TrainerError::BadEncoder`].
pub fn draft(
    recipe_file: &RecipeFile,
    sources: Vec<Source>,
    trained: &Trained,
    device: &str,
    precision: Precision,
) -> Result<BundleDraft, TrainerError> {
    let recipe = &recipe_file.recipe;
    let graph_head = match &trained.head {
        TrainedHead::Graph(head) => Some((head.as_ref(), trained.columns.as_slice())),
        _ => None,
    };
    let model = router_graph::build(&trained.encoder.network, graph_head, precision)?;
    let memory = match &trained.head {
        TrainedHead::SwRanking { memory, .. } | TrainedHead::Knn(memory) => Some(memory),
        TrainedHead::Graph(_) | TrainedHead::Random => None,
    };
    let stated = BundleFacts {
        name: recipe.name.clone(),
        kind: recipe.head.kind().name().into(),
        candidates: recipe.candidates.clone(),
        encoder: trained.encoder.info(&recipe.encoder),
        head: head(recipe, trained),
        trained_on: sources,
        provenance: Some(Provenance {
            trainer: env!("CARGO_PKG_VERSION").into(),
            recipe: recipe.name.clone(),
            recipe_sha256: recipe_file.sha256.clone(),
            seed: recipe.seed,
            device: device.to_owned(),
            licence: recipe.licence.clone(),
            teacher: None,
        }),
    };
    Ok(BundleDraft::new(stated, model, trained.encoder.tokenizer_json.clone(), memory))
}

fn head(recipe: &Recipe, trained: &Trained) -> Head {
    let pair = recipe.pair.as_ref();
    let mut head = Head {
        strong: pair.map(|pair| pair.strong.clone()),
        weak: pair.map(|pair| pair.weak.clone()),
        default_strong_share: pair.map(|pair| pair.default_strong_share),
        ..Head::default()
    };
    match (&recipe.head, &trained.head) {
        (HeadRecipe::SwRanking(settings), TrainedHead::SwRanking { elo_groups, .. }) => {
            head.gamma = Some(settings.gamma);
            head.tiers = Some(trained.columns.iter().map(|&model| elo_groups[model]).collect());
        }
        (HeadRecipe::Knn(settings), _) => head.neighbours = Some(settings.neighbours),
        (HeadRecipe::Random, _) => head.seed = Some(recipe.seed),
        _ => {}
    }
    head
}
