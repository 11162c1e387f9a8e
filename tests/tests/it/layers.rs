//! Holds the direction of dependencies: between the members, between the folders of each crate, and
//! between files, of which no two refer to each other in a circle.

use crate::module_graph::ModuleGraph;
use crate::repository::{dependencies, manifest, root};
use std::collections::BTreeSet;

#[test]
fn members_depend_on_each_other_one_way() {
    let forbidden = [
        ("router-wasm", &["burn", "worker", "pointsman-trainer", "pointsman-worker"][..]),
        ("trainer-native", &["wasm-bindgen", "js-sys", "worker", "pointsman-worker"]),
        ("worker", &["burn", "pointsman-trainer"]),
        ("trainer-native/inputs", &["burn", "tract-onnx", "pointsman", "pointsman-trainer"]),
        ("xtask", &["burn", "tract-onnx", "pointsman", "pointsman-trainer", "pointsman-worker"]),
    ];
    for (member, names) in forbidden {
        let manifest = manifest(&format!("{member}/Cargo.toml"));
        let dependencies = dependencies(&manifest, &["dependencies", "build-dependencies"]);
        for name in dependencies.keys() {
            assert!(!names.contains(&name.as_str()), "{member} depends on {name}");
        }
    }
}

/// Each crate's root and its top-level modules in layers, the lowest first. A module refers only to
/// modules of lower layers.
const CRATES: [(&str, &[&[&str]]); 4] = [
    (
        "router-wasm/src/lib.rs",
        &[
            &["error", "kernels", "numeric"],
            &["ability", "contained", "graph", "kind", "memory", "query"],
            &["manifest"],
            &["traffic"],
            &["bundle", "candidates", "policy", "tokenizer"],
            &["cache", "encoder", "judge", "request"],
            &["js", "router"],
        ],
    ),
    (
        "trainer-native/src/lib.rs",
        &[
            &["data", "precision", "progress", "random", "report_error"],
            &["eval"],
            &["error"],
            &["completions", "device", "linear", "recipe", "shadow_log", "tensors", "verify"],
            &["collect", "dataset", "encoder", "sweep"],
            &["assess", "export"],
            &["map", "training"],
            &["finish", "report", "router", "teacher"],
            &["add_candidate", "judge", "predictions", "run", "sanity", "throughput", "transfer"],
            &["label_loop", "labelling", "probe"],
        ],
    ),
    (
        "worker/src/lib.rs",
        &[
            &["error", "wire"],
            &["config"],
            &["request"],
            &["accounting", "translate", "upstream"],
            &["routing"],
            &["fuzz", "host"],
        ],
    ),
    (
        "xtask/src/main.rs",
        &[
            &["bundle_archive", "cache", "counts", "edge_link", "process"],
            &["workspace"],
            &["native_build", "setup"],
            &["edge_build", "page_build", "train"],
            &["bench", "demo", "deploy", "dist", "fuzz", "lint"],
            &["results", "test_suite"],
        ],
    ),
];

/// Files that may refer to each other: a trait beside its implementors.
const TRAIT_AND_IMPLEMENTORS: [&str; 1] = ["router-wasm/src/kernels/isa.rs"];

#[test]
fn modules_refer_only_to_modules_of_lower_layers() {
    for (file, layers) in CRATES {
        let graph = ModuleGraph::read(&root().join(file));
        let named: BTreeSet<String> =
            layers.iter().copied().flatten().map(|name| (*name).to_owned()).collect();
        assert_eq!(named, graph.top_level(), "{file}: the layers name every top-level module once");
        let layer = |name: &String| layers.iter().position(|names| names.contains(&name.as_str()));
        for (from, targets) in &graph.folders {
            for to in targets {
                assert!(
                    layer(to) < layer(from),
                    "{file}: {from} refers to {to}, which is not below it"
                );
            }
        }
    }
}

#[test]
fn no_files_refer_to_each_other_in_a_circle() {
    for (file, _) in CRATES {
        let graph = ModuleGraph::read(&root().join(file));
        let files = graph.references.len();
        assert!(files > 10, "{file}: {files} files with references: too few to be the crate's");
        for circle in graph.circles() {
            let allowed =
                TRAIT_AND_IMPLEMENTORS.iter().any(|file| circle.contains(&root().join(file)));
            assert!(allowed, "{file}: these files refer to each other: {circle:#?}");
        }
    }
}
