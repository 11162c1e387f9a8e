//! Tests what the example `route` prints, and its errors; runs the READMEs' example.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../examples/route.rs"]
#[allow(dead_code)]
mod route;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn run(arguments: &[&str]) -> Result<String, String> {
    route::run(arguments.iter().map(|argument| (*argument).to_owned()))
}

#[test]
fn each_query_has_its_decision() {
    let hard = "Prove that every finite integral domain is a field.";
    let text = run(&["What is the capital of Italy?", hard]).unwrap();
    let decisions = text.lines().filter_map(|line| line.strip_prefix("  -> "));
    let models: Vec<_> = decisions.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(models, ["small", "large"], "{text}");
    assert!(text.contains("win rate 0."), "{text}");
}

#[test]
fn a_share_of_strong_calls_moves_the_decision() {
    let model = |share| {
        let text = run(&["--strong-share", share, "Hello!"]).unwrap();
        text.split("  -> ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(model("1"), "large");
    assert_eq!(model("0"), "small");
}

#[test]
fn another_bundle_decides_among_its_own_candidates() {
    let pool = format!("{ROOT}/tests/fixtures/pool");
    let text = run(&["--bundle", &pool, "code the function of python"]).unwrap();
    assert_eq!(text.lines().count(), 2 + 5, "a query, its decision, five scores: {text}");
    assert!(text.contains("  -> tiny-coder"), "{text}");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    for (arguments, part) in [
        (&[][..], "no query\nusage: "),
        (&["--bundel", "x", "hi"], "no flag --bundel"),
        (&["hi", "--bundle"], "--bundle lacks its value"),
        (&["--strong-share", "half", "hi"], "--strong-share half: expected a number in [0, 1]"),
        (&["--strong-share", "2", "hi"], "\"hi\" (policy_out_of_range)"),
        (&["--bundle", "no/such", "hi"], "Name a bundle's folder with --bundle"),
        (&[" "], "(query_empty)"),
    ] {
        let found = run(arguments).unwrap_err();
        assert!(found.contains(part), "{arguments:?}: {found}");
    }
}

#[test]
fn the_readmes_print_the_example_and_it_runs_in_the_clones_root() {
    let source = include_str!("../examples/quickstart.rs");
    let (_, code) = source.split_once("\n\n").unwrap();
    for readme in ["README.md", "README.zh.md"] {
        let text = std::fs::read_to_string(format!("{ROOT}/{readme}")).unwrap();
        assert!(text.contains(&format!("```rust\n{code}```\n")), "{readme}: the Rust example");
    }
    // `cargo test` builds the examples beside its tests' folder.
    let tests = std::env::current_exe().unwrap();
    let name = format!("quickstart{}", std::env::consts::EXE_SUFFIX);
    let program = tests.parent().unwrap().with_file_name("examples").join(name);
    let output = std::process::Command::new(&program).current_dir(ROOT).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo test --examples` builds it", program.display())
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
