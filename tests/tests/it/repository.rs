//! Checks the repository's rules.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | "pkg" | "build") {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn members() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for member in ["router-wasm", "trainer-native", "worker", "xtask", "tests"] {
        sources(&root().join(member), &mut found);
    }
    found
}

#[test]
fn every_source_file_begins_with_module_documentation() {
    for path in members() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} has no module documentation", path.display());
    }
}

/// The tables of a manifest that state dependencies.
const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Reads a `Cargo.toml`.
pub fn manifest(path: &str) -> toml::Table {
    std::fs::read_to_string(root().join(path)).unwrap().parse().unwrap()
}

#[test]
fn dependency_versions_are_only_in_the_workspace_table() {
    let workspace = manifest("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    for member in members.iter().map(|member| member.as_str().unwrap()) {
        let manifest = manifest(&format!("{member}/Cargo.toml"));
        for (name, dependency) in dependencies(&manifest, &DEPENDENCY_TABLES) {
            let inherits = dependency.get("workspace") == Some(&toml::Value::Boolean(true));
            assert!(inherits, "{member}/Cargo.toml: {name} states a version or a place of its own");
        }
    }
}

/// The dependencies in the tables named `tables` of a manifest, those for a single target included.
pub fn dependencies(manifest: &toml::Table, tables: &[&str]) -> toml::Table {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let of_targets = targets.into_iter().flat_map(toml::Table::values);
    let holders = of_targets.filter_map(toml::Value::as_table).chain([manifest]);
    let found =
        holders.flat_map(|holder| tables.iter().filter_map(|name| holder.get(*name)?.as_table()));
    found.flatten().map(|(name, dependency)| (name.clone(), dependency.clone())).collect()
}

#[test]
fn the_wasm_bindgen_version_is_exact() {
    let workspace = manifest("Cargo.toml");
    let versions = &workspace["workspace"]["dependencies"];
    let crate_version = versions["wasm-bindgen"].as_str().unwrap();
    assert!(crate_version.starts_with('='), "the binding program must have the same version");
    assert_eq!(Some(crate_version), versions["wasm-bindgen-cli-support"].as_str());
}

/// The product's earlier name, which another company's LLM proxy has. It is written in two halves, so
/// that this file does not contain it.
const EARLIER_NAME: [&str; 2] = ["switch", "yard"];

#[test]
fn no_file_and_no_path_contains_the_earlier_name() {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git, which lists the repository's files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let name = EARLIER_NAME.concat().into_bytes();
    let holds = |bytes: &[u8]| bytes.to_ascii_lowercase().windows(name.len()).any(|at| at == name);
    let paths: Vec<&[u8]> = listed.stdout.split(|byte| *byte == 0).collect();
    assert!(paths.len() > 500, "git lists {} files: too few to be the repository's", paths.len());
    for path in paths {
        let text = String::from_utf8_lossy(path);
        assert!(!holds(path), "{text}: the path contains the earlier name");
        // A file that git lists may be gone from the working tree.
        if let Ok(bytes) = std::fs::read(root().join(&*text)) {
            assert!(!holds(&bytes), "{text} contains the earlier name");
        }
    }
}

#[test]
fn every_field_of_every_recipe_stands_in_the_trainers_page() {
    let page = std::fs::read_to_string(root().join("docs/TRAINER.md")).unwrap();
    let mut fields = 0;
    let folders =
        ["", "base", "encoder"].map(|name| root().join("trainer-native/recipes").join(name));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    for path in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let aliases = |table: &str| table.ends_with("aliases]");
        let mut table = String::new();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if line.starts_with('[') {
                line.clone_into(&mut table);
            }
            let Some((field, _)) = line.split_once(" = ") else { continue };
            if !aliases(&table) && !field.starts_with('#') {
                let named = [format!("`{field}`"), format!("`{field} = ")];
                assert!(
                    named.iter().any(|name| page.contains(name)),
                    "{}: {field}",
                    path.display()
                );
                fields += 1;
            }
        }
    }
    assert!(fields > 100, "{fields} fields: too few to be those of the recipes");
}

#[test]
fn a_shipped_bundle_states_the_hash_of_its_recipe() {
    for (bundle, recipe) in [("default", "default"), ("accurate", "accurate")] {
        let text = std::fs::read(root().join("bundles").join(bundle).join("router.json")).unwrap();
        let manifest: pointsman::Manifest = serde_json::from_slice(&text).unwrap();
        let stated = manifest.provenance.unwrap();
        let path = root().join(format!("trainer-native/recipes/{recipe}.toml"));
        let file = pointsman_trainer::recipe::read(&path).unwrap();
        assert_eq!(
            (stated.recipe.as_str(), stated.recipe_sha256),
            (recipe, file.sha256),
            "{bundle}"
        );
    }
}

#[test]
fn the_readme_is_a_door() {
    for readme in ["README.md", "README.zh.md"] {
        let lines = std::fs::read_to_string(root().join(readme)).unwrap().lines().count();
        assert!(lines <= 120, "{readme} has {lines} lines, expected at most 120");
    }
}

#[test]
fn links_between_documents_lead_to_files() {
    let mut documents = vec![root().join("README.md"), root().join("README.zh.md")];
    documents.extend(
        ["CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"].map(|name| root().join(name)),
    );
    documents.extend(
        ["router-wasm/README.md", "router-wasm/js/README.md"].map(|name| root().join(name)),
    );
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        documents.push(entry.unwrap().path());
    }
    let mut links = 0;
    for document in documents.iter().filter(|path| path.extension().is_some_and(|end| end == "md"))
    {
        let text = std::fs::read_to_string(document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !target.is_empty() && !target.contains("://") {
                let place = document.parent().unwrap().join(target);
                assert!(place.exists(), "{}: no {target}", document.display());
                links += 1;
            }
        }
    }
    assert!(links > 50, "{links} links: too few to be those of the documents");
}
