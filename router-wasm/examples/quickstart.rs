//! The README's example: routes two queries with the default bundle. Run it in the clone's root:
//! `cargo run --release -p pointsman --example quickstart`.

use pointsman::{Policy, Query, Router};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    for name in ["router.json", "model.onnx", "tokenizer.json"] {
        files.push((name, std::fs::read(format!("bundles/default/{name}"))?));
    }
    let router = Router::from_files(&files)?;
    let query = Query::new("What is the capital of Italy?")?;
    let decision = router.route(&query, &Policy::strong_share(0.3))?;
    assert_eq!(decision.model, "small");
    println!("{} at a win rate of {:.3}", decision.model, decision.win_rate.unwrap_or_default());
    Ok(())
}
