//! The recipe that a loop trains: a bundle's demands as they are, abilities and a correction fitted to own labels.

use std::fmt::Write as _;
use std::path::Path;

use pointsman::Manifest;

use super::settings::{Stated, quoted};
use crate::completions::ModelEntry;
use crate::error::TrainerError;
use crate::recipe::{Recipe, Role};

/// Labelled prompts to train on, and those held out, in the loop's folder.
pub const TRAIN: &str = "labels/train.jsonl";
pub const HELD_OUT: &str = "labels/held-out.jsonl";
/// Scores that callers gave the answer they got, by a gateway's log.
pub const FEEDBACK: &str = "judged/feedback.jsonl";

/// Share of the prompts to train on that is kept for the calibration which a run makes before the loop's own. The
/// loop calibrates on all of them.
const CALIBRATION_SHARE: f64 = 0.05;

/// What the recipe depends on.
#[derive(Debug, Clone, Copy)]
pub struct OwnRecipe<'a> {
    pub stated: &'a Stated,
    pub strong: &'a Priced,
    pub weak: &'a Priced,
    /// The bundle that training starts from.
    pub base: &'a Manifest,
    /// Rows to train on.
    pub rows: usize,
    /// Whether the run scores the held-out rows; it cannot where the strong LLM does no better on them.
    pub is_scored: bool,
    /// Whether [`FEEDBACK`] is learnt from.
    pub has_feedback: bool,
}

/// An LLM and its prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    pub id: String,
    /// Input and output price in USD per million tokens.
    pub prices: Option<(f64, f64)>,
    /// Day on which they held.
    pub prices_as_of: Option<String>,
}

impl Priced {
    /// As `models.toml` states it.
    #[must_use]
    pub fn of_entry(entry: &ModelEntry) -> Self {
        let (prices, prices_as_of) = (entry.prices(), entry.prices_as_of.clone());
        Self { id: entry.id.clone(), prices, prices_as_of }
    }

    /// As a bundle states it; without prices where the bundle does not know the LLM.
    #[must_use]
    pub fn of_bundle(id: &str, manifest: &Manifest) -> Self {
        let known = manifest.candidates.iter().find(|candidate| candidate.id == id);
        Self {
            id: id.to_owned(),
            prices: known.and_then(|known| known.input_price.zip(known.output_price)),
            prices_as_of: known.and_then(|known| known.prices_as_of.clone()),
        }
    }
}

impl OwnRecipe<'_> {
    /// The text of the recipe.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { stated, strong, weak, base, .. } = self;
        let mut text = format!(
            "# Written by trainer loop. To train another, copy this file and name the copy in loop.toml: recipe = \"...\"\n\
             name = {}\n\
             kind = \"difficulty\"\n\
             seed = {}\n\
             licence = {}\n\
             strong = {}\n\
             weak = {}\n\
             default_strong_share = {:?}\n\n",
            quoted(&stated.name),
            stated.seed,
            quoted(&stated.licence),
            quoted(&stated.strong),
            quoted(&stated.weak),
            stated.default_strong_share,
        );
        for model in [strong, weak] {
            let _ = writeln!(text, "[[candidates]]\nid = {}", quoted(&model.id));
            if let Some((input, output)) = model.prices {
                let _ = writeln!(text, "input_price = {input:?}\noutput_price = {output:?}");
                if let Some(day) = &model.prices_as_of {
                    let _ = writeln!(text, "prices_as_of = {}", quoted(day));
                }
            }
            text.push('\n');
        }
        // The usual abilities of the base's tiers are what the fit starts from.
        let tiers = base.head.abilities.as_ref();
        let tier =
            |id: &Option<String>| id.clone().filter(|id| tiers.is_some_and(|t| t.contains_key(id)));
        if let (Some(of_strong), Some(of_weak)) = (tier(&base.head.strong), tier(&base.head.weak)) {
            let _ = writeln!(
                text,
                "[head.tiers]\n{} = {}\n{} = {}\n",
                quoted(&stated.strong),
                quoted(&of_strong),
                quoted(&stated.weak),
                quoted(&of_weak)
            );
        }
        let (take, role) = match self.is_scored {
            true => (String::new(), "test"),
            false => (format!("take = {}\n", self.rows), "held"),
        };
        let licence = quoted(&stated.licence);
        let _ = write!(
            text,
            "[encoder]\n\
             tier = \"bundle\"\n\n\
             [[sources]]\n\
             name = \"own labels\"\n\
             path = \"{TRAIN}\"\n\
             format = \"outcomes-jsonl\"\n\
             licence = {licence}\n\
             role = \"gold\"\n\
             {take}calibration_share = {CALIBRATION_SHARE}\n\n\
             [[sources]]\n\
             name = \"held-out prompts\"\n\
             path = \"{HELD_OUT}\"\n\
             format = \"outcomes-jsonl\"\n\
             licence = {licence}\n\
             role = \"{role}\"\n",
        );
        if self.has_feedback {
            let _ = write!(
                text,
                "\n[[sources]]\nname = \"feedback\"\npath = \"{FEEDBACK}\"\nformat = \"outcomes-jsonl\"\n\
                 licence = {licence}\nrole = \"auxiliary\"\n",
            );
        }
        text
    }
}

/// Checks that a recipe of the user's own trains the loop's router, and never on what is held out.
///
/// # Errors
/// [`TrainerError::BadRecipe`].
pub fn check(recipe: &Recipe, path: &Path, stated: &Stated) -> Result<(), TrainerError> {
    let bad = |detail: String| Err(TrainerError::BadRecipe { path: path.to_owned(), detail });
    let pair = recipe.pair()?;
    if (&pair.strong, &pair.weak) != (&stated.strong, &stated.weak) {
        return bad(format!(
            "its pair is {:?} and {:?}, expected strong = {:?} and weak = {:?} as in loop.toml",
            pair.strong, pair.weak, stated.strong, stated.weak
        ));
    }
    let kept_out = |role: Role| matches!(role, Role::Test | Role::Held);
    if !recipe.sources.iter().any(|source| source.path == HELD_OUT && kept_out(source.role)) {
        return bad(format!(
            "no source keeps the held-out prompts out of training: add one with path = {HELD_OUT:?} and role = \
             \"test\", as in the recipe.toml that the loop writes"
        ));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::completions::ModelsFile;
    use crate::recipe::{HeadRecipe, RecipeFile};

    const MODELS: &str = "[[models]]\nid = \"my \\\"large\\\"\"\napi = \"openai\"\nendpoint = \"http://a\"\nmax_tokens = 9\n\
                          input_price = 2.5\noutput_price = 10.0\nprices_as_of = \"2026-11-29\"\n\
                          [[models]]\nid = \"small\"\napi = \"openai\"\nendpoint = \"http://a\"\nmax_tokens = 9\n";

    fn stated() -> Stated {
        toml::from_str(
            "name = \"support\"\nprompts = [\"p.jsonl\"]\nmodels = \"m.toml\"\nstrong = 'my \"large\"'\nweak = \"small\"\n\
             labels = \"gold\"\nbase = \"base\"\nseed = 3\n",
        )
        .unwrap()
    }

    fn text(is_scored: bool) -> String {
        let models = ModelsFile::parse(MODELS).unwrap().models;
        let models: Vec<Priced> = models.iter().map(Priced::of_entry).collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bundles/default/router.json");
        let base = Manifest::from_json(&std::fs::read(path).unwrap()).unwrap();
        let (strong, weak) = (&models[0], &models[1]);
        let stated = stated();
        let has_feedback = !is_scored;
        OwnRecipe { stated: &stated, strong, weak, base: &base, rows: 420, is_scored, has_feedback }
            .text()
    }

    #[test]
    fn the_recipe_is_read_back_with_its_prices_and_the_tiers_that_the_fit_starts_from() {
        let recipe = RecipeFile::parse(&text(true)).unwrap().recipe;
        assert_eq!((recipe.name.as_str(), recipe.seed), ("support", 3));
        assert_eq!(recipe.candidates[0].id, "my \"large\"");
        assert_eq!(recipe.candidates[0].output_price, Some(10.0));
        assert_eq!(recipe.candidates[1].input_price, None);
        let HeadRecipe::Difficulty(head) = &recipe.head else { unreachable!() };
        assert_eq!((head.tier_name("my \"large\""), head.tier_name("small")), ("large", "small"));
        check(&recipe, Path::new("recipe.toml"), &stated()).unwrap();
        let unscored = RecipeFile::parse(&text(false)).unwrap().recipe;
        assert_eq!((unscored.sources[0].take, unscored.sources[1].role), (Some(420), Role::Held));
        assert_eq!(
            (unscored.sources[2].path.as_str(), unscored.sources[2].role),
            (FEEDBACK, Role::Auxiliary)
        );
        assert_eq!(recipe.sources.len(), 2);
    }

    #[test]
    fn a_recipe_that_trains_another_pair_or_on_held_out_prompts_is_refused() {
        let fault = |text: &str| {
            let recipe = RecipeFile::parse(text).unwrap().recipe;
            check(&recipe, Path::new("mine.toml"), &stated()).unwrap_err().to_string()
        };
        let other = text(true)
            .replace("strong = ", "strong = \"small\" # ")
            .replace("weak = ", "weak = 'my \"large\"' # ");
        assert!(fault(&other).contains("expected strong = "), "{}", fault(&other));
        let trained_on = text(false).replace("role = \"held\"", "role = \"auxiliary\"");
        assert!(fault(&trained_on).contains("labels/held-out.jsonl"), "{}", fault(&trained_on));
    }
}
