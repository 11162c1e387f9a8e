//! Runs the commands of `docs/TUTORIAL.md` as they are printed, against stand-ins for the APIs that they name.
//!
//! Those of other programs than the trainer run in `tests/hosts/tutorial.test.mjs`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::stand_in::StandIn;
use crate::world;

/// A code block of the page.
struct Block {
    language: String,
    code: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code = lines.by_ref().take_while(|line| *line != "```");
            let code = code.map(|line| format!("{line}\n")).collect();
            found.push(Block { language: language.to_owned(), code });
        }
    }
    found
}

/// How the page has the trainer built. The tests' own build stands in for it.
const BUILD: &str =
    "cargo build --release --package pointsman-trainer\nPATH=$PWD/target/release:$PATH\n";

#[test]
fn the_commands_of_the_tutorial_run_as_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/TUTORIAL.md")).unwrap();
    let server = StandIn::start(|seen| {
        let model = match seen.body["model"].as_str() {
            Some("a-strong-model") => "large",
            Some("a-cheap-model") => "small",
            Some("a-judge-model") => "judge",
            _ => "newcomer",
        };
        world::reply_as(model, seen)
    });
    // The page's commands run in the clone's root, of which they need the bundles.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(root.canonicalize().unwrap().join("bundles"), at("bundles"))
        .unwrap();
    fs::write(at("prompts.jsonl"), world::prompts(0..600, false)).unwrap();
    fs::write(at("more-prompts.jsonl"), world::prompts(600..640, false)).unwrap();
    fs::create_dir(at("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_trainer"), at("bin/trainer")).unwrap();
    let all = blocks(&page);
    let shell = all.iter().filter(|block| block.language == "sh");
    let (mut script, mut elsewhere) = (String::from("set -euo pipefail\n"), Vec::new());
    for block in shell {
        match block.code.split(' ').next().unwrap_or_default() {
            "cargo" => assert_eq!(block.code, BUILD),
            "npx" => elsewhere.push(block.code.as_str()),
            _ => script += &block.code,
        }
    }
    assert_eq!(elsewhere.len(), 1, "{elsewhere:?}: the suite hosts/tutorial runs one");
    for endpoint in ["https://api.openai.com/v1", "https://api.anthropic.com/v1"] {
        assert!(script.contains(endpoint), "{endpoint}");
        script = script.replace(endpoint, &server.url());
    }
    let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(&script).current_dir(folder.path()).env("PATH", path);
    let output = bash.output().unwrap();
    let (said, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{stderr}");
    // What the page promises: one report a run, only new prompts asked, a newcomer beside the pair.
    assert!(said.contains("# Routing of support\n\n**With "), "{said}");
    let strong = server.seen().iter().filter(|seen| seen.body["model"] == "a-strong-model").count();
    assert_eq!(strong, 640);
    assert!(at("support/report.html").is_file() && at("support/bundle/router.json").is_file());
    let manifest = fs::read_to_string(at("support/newcomer/bundle/router.json")).unwrap();
    let manifest = pointsman::Manifest::from_json(manifest.as_bytes()).unwrap();
    let ids: Vec<&str> =
        manifest.candidates.iter().map(|candidate| candidate.id.as_str()).collect();
    assert_eq!(ids, ["large", "small", "newcomer"]);
    assert_eq!(manifest.head.default_strong_share, Some(0.2));
    // Prompts are read as the page prints them.
    let json = all.iter().filter(|block| block.language == "json");
    let printed: String = json.map(|block| block.code.as_str()).collect();
    fs::write(at("printed.jsonl"), printed).unwrap();
    let read =
        pointsman_trainer::data::read_prompts(&at("printed.jsonl"), None, &Default::default())
            .unwrap();
    assert_eq!(read.rows.len(), 2);
}
