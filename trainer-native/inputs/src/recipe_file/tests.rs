//! Merging of recipes written to a folder, and what every recipe of the repository builds on.

#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The text of `a.toml` among these files, resolved.
fn resolved(files: &[(&str, &str)]) -> Result<String, String> {
    let folder = folder(files);
    let recipe = resolve(&folder.path().join("a.toml")).map_err(|e| e.to_string())?;
    assert_eq!(recipe.table().get(BASE), None);
    Ok(recipe.text())
}

#[test]
fn a_recipe_without_a_base_is_its_own_settings_in_alphabetical_order() {
    let text = "# why\nseed = 1\n\n[head]\nb = 0.00005\na = [1, 2]\n";
    assert_eq!(
        resolved(&[("a.toml", text)]).unwrap(),
        "seed = 1\n\n[head]\na = [1, 2]\nb = 0.00005\n"
    );
}

#[test]
fn tables_merge_and_all_else_is_replaced() {
    let base = "seed = 1\nlist = [1, 2]\n[head]\na = 1\nb = 2\n[[sources]]\nname = \"x\"\n";
    let own = "base = \"base/b.toml\"\nlist = [3]\nname = \"a\"\n[head]\nb = 3\nc = { d = 4 }\n\
               [[sources]]\nname = \"y\"\n";
    assert_eq!(
        resolved(&[("a.toml", own), ("base/b.toml", base)]).unwrap(),
        "list = [3]\nname = \"a\"\nseed = 1\n\n[head]\na = 1\nb = 3\n\n[head.c]\nd = 4\n\n\
         [[sources]]\nname = \"y\"\n"
    );
}

#[test]
fn a_table_over_a_list_changes_the_entries_it_names() {
    let base = "[[candidates]]\nid = \"gpt-4.1\"\n[[sources]]\nname = \"x\"\ntake = 1\n\
                [[sources]]\nname = \"y z\"\ntake = 2\n";
    let own = |change: &str| {
        let text = format!("base = \"b.toml\"\n{change}\n");
        resolved(&[("a.toml", &text), ("b.toml", base)])
    };
    let changed = own("[sources.\"y z\"]\ntake = 3\nweight = 2.0\nname = \"w\"\n\
                       [candidates.\"gpt-4.1\"]\ninput_price = 1.0")
    .unwrap();
    assert_eq!(
        changed,
        "[[candidates]]\nid = \"gpt-4.1\"\ninput_price = 1.0\n\n[[sources]]\nname = \"x\"\n\
         take = 1\n\n[[sources]]\nname = \"w\"\ntake = 3\nweight = 2.0\n"
    );
    for change in ["[sources.z]\ntake = 3", "[sources]\nx = 3"] {
        let error = own(change).unwrap_err();
        assert!(error.contains("a.toml: [sources.\""), "{error}");
        assert!(error.contains("names one of [\"x\", \"y z\"]"), "{error}");
    }
}

#[test]
fn later_bases_win_and_a_shared_base_does_not_undo_them() {
    let files = [
        ("a.toml", "base = [\"b.toml\", \"deep/c.toml\"]\nown = true"),
        ("b.toml", "base = \"root.toml\"\nx = \"b\"\ny = \"b\""),
        ("deep/c.toml", "base = \"../root.toml\"\ny = \"c\""),
        ("root.toml", "x = \"root\"\ny = \"root\"\nz = \"root\""),
    ];
    assert_eq!(resolved(&files).unwrap(), "own = true\nx = \"b\"\ny = \"c\"\nz = \"root\"\n");
}

#[test]
fn bases_that_cannot_be_merged_are_named() {
    let error = |files: &[(&str, &str)]| resolved(files).unwrap_err();
    let circle = error(&[
        ("a.toml", "base = \"b.toml\""),
        ("b.toml", "base = \"base/c.toml\""),
        ("base/c.toml", "base = \"../b.toml\""),
    ]);
    assert!(circle.contains("base/c.toml: its bases lead back to it: "), "{circle}");
    let chain = circle.split_once("back to it: ").unwrap().1;
    let names: Vec<&str> =
        chain.split(" -> ").map(|path| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["b.toml", "c.toml", "b.toml"]);
    let own = error(&[("a.toml", "base = \"a.toml\"")]);
    assert!(own.contains("a.toml -> "), "{own}");
    let absent = error(&[("a.toml", "base = [\"none.toml\"]")]);
    assert!(
        absent.contains("a.toml: its base ") && absent.contains("none.toml cannot"),
        "{absent}"
    );
    let number = error(&[("a.toml", "base = [1]")]);
    assert!(number.contains("base lists a integer, expected the path"), "{number}");
    let table = error(&[("a.toml", "[base]\nfile = 1")]);
    assert!(table.contains("base is a table, expected the path"), "{table}");
    let damaged = error(&[("a.toml", "base = \"b.toml\""), ("b.toml", "x = ")]);
    assert!(damaged.contains("b.toml: TOML parse error at line 1"), "{damaged}");
    assert!(matches!(resolve(Path::new("/no/recipe.toml")), Err(RecipeFileError::Read { .. })));
}

#[test]
fn each_value_is_known_by_the_file_that_states_it() {
    let base = "seed = 1\n[head]\nlambda = 1\nsamples = 5\n[[sources]]\nname = \"x\"\n\
                path = \"data/x\"\n[[sources]]\nname = \"y\"\npath = \"y\"\n";
    let own = "base = \"b.toml\"\nname = \"a\"\n[head]\nlambda = 2\n[sources.y]\n\
               contaminated = \"z\"\n";
    let folder = folder(&[("a.toml", own), ("b.toml", base)]);
    let recipe = resolve(&folder.path().join("a.toml")).unwrap();
    assert_eq!(recipe.data_paths(), BTreeSet::from(["data/x", "y", "z"]));
    let (a, b) = (recipe.files()[1].as_path(), recipe.files()[0].as_path());
    assert!(a.ends_with("a.toml") && b.ends_with("b.toml"));
    for (key, file) in [
        ("seed", Some(b)),
        ("lambda", Some(a)),
        ("samples", Some(b)),
        ("contaminated", Some(a)),
        ("path", Some(b)),
        ("sources", Some(a)),
        ("epochs", None),
    ] {
        assert_eq!(recipe.file_with_key(key), file, "{key}");
    }
    let annotated = recipe.annotated_text();
    let short = annotated.replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(
        short,
        "# b.toml, a.toml\nname = \"a\"\nseed = 1\n\n# b.toml, a.toml\n[head]\nlambda = 2\n\
         samples = 5\n\n# b.toml\n[[sources]]\nname = \"x\"\npath = \"data/x\"\n\n\
         # b.toml, a.toml\n[[sources]]\ncontaminated = \"z\"\nname = \"y\"\npath = \"y\"\n"
    );
    assert_eq!(toml::from_str::<Table>(&annotated).unwrap(), *recipe.table());
}

#[test]
fn every_base_of_the_repository_is_used_by_a_recipe() {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes");
    let files = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let mut used = BTreeSet::new();
    for recipe in files(&recipes) {
        for file in resolve(&recipe).unwrap().files() {
            used.insert(std::fs::canonicalize(file).unwrap());
        }
    }
    let bases = ["base", "encoder"].map(|name| files(&recipes.join(name))).concat();
    assert!(bases.len() > 5, "{bases:?}");
    for base in bases {
        let base = std::fs::canonicalize(base).unwrap();
        assert!(used.contains(&base), "no recipe builds on {}", base.display());
    }
}
