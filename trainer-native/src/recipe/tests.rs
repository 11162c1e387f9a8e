//! Recipes of the repository as read, and errors that name the file at fault.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use pointsman_inputs::recipe_file;

use super::*;

fn of_repository(name: &str) -> RecipeFile {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    read(&recipes.join(format!("{name}.toml"))).unwrap_or_else(|e| unreachable!("{e}"))
}

fn source<'a>(recipe: &'a Recipe, name: &str) -> &'a SourceRecipe {
    recipe.sources.iter().find(|source| source.name == name).unwrap()
}

#[test]
fn a_recipe_takes_from_its_bases_what_it_does_not_state() {
    let recipe = of_repository("ridge-static").recipe;
    assert_eq!((recipe.seed, recipe.licence.as_str()), (1, "Apache-2.0"));
    assert_eq!(recipe.pair().unwrap().strong, "gpt-4-1106-preview");
    let prices: Vec<_> =
        recipe.candidates.iter().map(|c| (c.input_price, c.output_price)).collect();
    assert_eq!(prices, [(Some(10.0), Some(30.0)), (Some(0.24), Some(0.24))]);
    assert_eq!(recipe.canonical("Mixtral-8x7B-Instruct-v0.1"), recipe.pair().unwrap().weak);
    let gold = source(&recipe, "RouteLLM MMLU");
    assert_eq!((gold.take, gold.category_prior, gold.expected_share), (Some(1500), 16.0, 0.3));
    let roles: Vec<Role> = recipe.sources.iter().map(|source| source.role).collect();
    let auxiliary = [Role::Auxiliary; 3];
    assert_eq!(roles, [&[Role::Gold][..], &auxiliary, &[Role::Held]].concat());
    assert_eq!(
        (recipe.encoder.tier(), recipe.encoder.stated().unwrap().max_tokens),
        ("static", 512)
    );

    let recipe = of_repository("knn-transformer").recipe;
    let gold = source(&recipe, "RouteLLM MMLU");
    assert_eq!((gold.take, gold.category_smoothing, gold.expected_share), (Some(1500), 0.9, 0.0));
    assert_eq!(recipe.sources.iter().filter(|s| s.role == Role::Corpus).count(), 3);
    let EncoderRecipe::Transformer(encoder) = &recipe.encoder else { unreachable!() };
    assert_eq!((encoder.layers.as_deref(), encoder.scale), (Some(&[0, 1, 2][..]), None));

    let recipe = of_repository("held-subjects").recipe;
    let gold = source(&recipe, "RouteLLM MMLU, held subjects");
    assert_eq!((gold.take, gold.held_categories, gold.category_smoothing), (None, 15, 0.0));

    let recipe = of_repository("task-identification-mini").recipe;
    assert_eq!((recipe.candidates.len(), &recipe.pair), (7, &None));
    let gold = source(&recipe, "RouterDC training files");
    assert_eq!(gold.right_above_zero, ["arc_challenge", "cmmlu", "mmlu"]);
    let EncoderRecipe::Transformer(encoder) = &recipe.encoder else { unreachable!() };
    assert_eq!(encoder.layers.as_deref(), Some(&[0, 1][..]));
    assert_eq!((encoder.vocabulary, encoder.scale), (Some(5000), Some(0.3)));
}

#[test]
fn the_hash_is_of_the_settings_and_not_of_their_files() {
    let file = of_repository("paper-mf");
    let again = RecipeFile::parse(&format!("# a comment\n{}", file.text)).unwrap();
    assert_eq!((&again.text, &again.sha256), (&file.text, &file.sha256));
    assert_eq!(again.recipe, file.recipe);
    let changed = RecipeFile::parse(&file.text.replace("seed = 1", "seed = 2")).unwrap();
    assert_ne!(changed.sha256, file.sha256);
}

#[test]
fn a_factorised_token_table_is_for_an_encoder_that_stays_as_it_is() {
    let with = |name: &str| {
        let text = settings::with(
            &of_repository(name).text,
            "encoder.token_components",
            &settings::parse("128"),
        );
        RecipeFile::parse(&text.unwrap()).map(|file| file.recipe.encoder)
    };
    let encoder = with("ridge-transformer").unwrap();
    let EncoderRecipe::Transformer(encoder) = encoder else { unreachable!() };
    assert_eq!(encoder.token_components, Some(128));
    let error = with("bert-transformer").unwrap_err();
    assert!(error.contains("kind \"bert\" trains it"), "{error}");
}

#[test]
fn the_data_paths_of_the_table_are_those_of_the_recipe() {
    for name in ["ridge-static", "default", "paper-bert", "cluster-static"] {
        let recipe = of_repository(name).recipe;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("recipes/{name}.toml"));
        let typed: BTreeSet<&str> = recipe.sources.iter().flat_map(SourceRecipe::paths).collect();
        assert_eq!(recipe_file::resolve(&path).unwrap().data_paths(), typed);
    }
}

#[test]
fn an_unknown_key_is_reported_with_the_file_in_which_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let text = of_repository("routerdc-static").text;
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let fault = |own: &str, base: &str| {
        write("own.toml", &format!("base = \"base.toml\"\n{own}"));
        write("base.toml", base);
        let error = read(&folder.path().join("own.toml")).unwrap_err();
        assert_eq!(error.code(), "bad_recipe");
        error.to_string()
    };
    let misspelt = text.replace("temperature", "temprature");
    for (own, base, file, part) in [
        ("", misspelt.as_str(), "base.toml", "[head]: unknown field `temprature`"),
        ("[head]\nlamda = 1.0", &text, "own.toml", "[head]: unknown field `lamda`"),
        ("[encoder]\nlayer = 1", &text, "own.toml", "unknown field `layer`"),
        ("sede = 1", &text, "own.toml", "unknown field `sede`"),
        ("", &text.replace("seed = 1", "seed = \"1\""), "own.toml", "in `seed`"),
        ("[head]\nlambda = -1.0", &text, "own.toml", "head.lambda is -1, expected >= 0"),
    ] {
        let message = fault(own, base);
        assert!(message.contains(&format!("{file}: ")) && message.contains(part), "{message}");
    }
}
