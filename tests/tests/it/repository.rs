//! Checks the repository's rules.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn dependencies(member: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
    let (_, after) = text.split_once("[dependencies]").unwrap();
    after
        .lines()
        .take_while(|line| !line.starts_with("[dev-dependencies]"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('['))
        .map(str::to_owned)
        .collect()
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
fn dependencies_point_one_way() {
    let forbidden = [
        ("router-wasm", &["burn", "worker", "pointsman-trainer", "pointsman-worker"][..]),
        ("trainer-native", &["wasm-bindgen", "js-sys", "worker", "pointsman-worker"]),
        ("worker", &["burn", "pointsman-trainer"]),
    ];
    for (member, names) in forbidden {
        for dependency in dependencies(member) {
            assert!(!names.contains(&dependency.as_str()), "{member} depends on {dependency}");
        }
    }
}

#[test]
fn every_source_file_begins_with_module_documentation() {
    for path in members() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} has no module documentation", path.display());
    }
}

#[test]
fn dependency_versions_are_only_in_the_workspace_table() {
    for member in ["router-wasm", "trainer-native", "worker", "tests", "xtask"] {
        let text = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let stated = text.lines().find(|line| line.contains("version = \""));
        assert_eq!(stated, None, "{member}/Cargo.toml");
    }
}

#[test]
fn the_wasm_bindgen_version_is_exact() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(text.contains("wasm-bindgen = \"="), "the CLI must have the same version");
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
    for entry in std::fs::read_dir(root().join("trainer-native/recipes")).unwrap() {
        let path = entry.unwrap().path();
        let aliases = "[aliases]";
        let mut table = String::new();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if line.starts_with('[') {
                line.clone_into(&mut table);
            }
            let Some((field, _)) = line.split_once(" = ") else { continue };
            if table != aliases && !field.starts_with('#') {
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
