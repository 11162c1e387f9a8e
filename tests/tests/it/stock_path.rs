//! The engine's fused operators give the results of tract's stock operators on the same file, expanded.

use pointsman::{Kind, Router, Tokens};
use pointsman_tests::{functions, tiny};
use pointsman_trainer::precision::Precision;
use tract_onnx::prelude::*;

/// tract's own model of an expanded file.
struct Stock {
    plan: std::sync::Arc<TypedSimplePlan>,
    outputs: Vec<String>,
}

impl Stock {
    fn of(model: &[u8]) -> Self {
        let expanded = functions::expanded(model).unwrap();
        let mut model = tract_onnx::onnx().model_for_read(&mut expanded.as_slice()).unwrap();
        let length = model.symbols.sym("S");
        for input in 0..2 {
            let fact = i64::fact([1.to_dim(), length.to_dim()]);
            model.set_input_fact(input, fact.into()).unwrap();
        }
        let outputs = model.output_outlets().unwrap();
        let outputs = outputs.iter().map(|&o| model.outlet_label(o).unwrap().to_owned()).collect();
        let plan = model.into_optimized().unwrap().into_runnable().unwrap();
        Self { plan, outputs }
    }

    fn run(&self, tokens: &Tokens, output: &str) -> Vec<f32> {
        let Tokens { ids, counts, .. } = tokens;
        let shape = [1, ids.len()];
        let found = self.plan.run(tvec![
            Tensor::from_shape(&shape, ids).unwrap().into_tvalue(),
            Tensor::from_shape(&shape, counts).unwrap().into_tvalue(),
        ]);
        let slot = self.outputs.iter().position(|name| name == output).unwrap();
        let found = found.unwrap();
        found[slot].try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
    }
}

fn ids(length: usize, vocabulary: usize) -> Vec<i64> {
    (0..length).map(|at| ((at * 37 + length * 11) % vocabulary) as i64).collect()
}

fn compare(router: &Router, stock: &Stock, precision: Precision, what: &str) {
    // Where two runtimes round a sum of floats differently, a quantised activation can differ by a step.
    let tolerance = if precision == Precision::Int8 { 1e-2 } else { 1e-4 };
    for length in (1..=9).chain([15, 16, 17, 31, 33, 60]) {
        let mut tokens = Tokens::from_ids(ids(length, router.encoder().vocabulary()));
        if what.contains(tiny::NGRAMS) {
            tokens
                .counts
                .iter_mut()
                .zip([1, 1, 7, 2, 300].iter().cycle())
                .for_each(|(c, n)| *c = *n);
        }
        let found = router.encoder().run(&tokens).unwrap();
        let mut pairs = vec![("embedding", found.embedding)];
        if !found.scores.is_empty() {
            pairs.push(("scores", found.scores));
        }
        for (output, found) in pairs {
            let expected = stock.run(&tokens, output);
            assert_eq!(found.len(), expected.len(), "{what}, {output}");
            for (f, e) in found.iter().zip(&expected) {
                let near = (f - e).abs() <= tolerance * e.abs().max(1.0);
                assert!(near, "{what}, {output} of {length} tokens: {f} and {e}");
            }
        }
    }
}

#[test]
fn every_kind_and_tier_equals_the_stock_operators() {
    for (kind, tier) in tiny::kinds_and_tiers() {
        for precision in [Precision::Int8, Precision::Float] {
            let draft = tiny::bundle_of(kind, tier, precision).unwrap();
            let stock = Stock::of(draft.model());
            let what = format!("{}-{tier}, {precision:?}", kind.name());
            compare(&draft.router().unwrap(), &stock, precision, &what);
        }
    }
}

#[test]
fn factorised_words_and_token_rows_equal_the_stock_operators() {
    for precision in [Precision::Int8, Precision::Float] {
        let draft = tiny::factorised_bundle_with_token_rows(precision).unwrap();
        let stock = Stock::of(draft.model());
        compare(&draft.router().unwrap(), &stock, precision, &format!("factorised, {precision:?}"));
    }
}

#[test]
fn one_scale_per_tensor_gives_a_coarser_result_of_the_same_weights() {
    let draft = tiny::bundle_of(Kind::Mf, "transformer", Precision::Int8).unwrap();
    let coarse = functions::with_tensor_scales(draft.model()).unwrap();
    let (stock, coarse) = (Stock::of(draft.model()), Stock::of(&coarse));
    let tokens = Tokens::from_ids(ids(20, 60));
    let [fine, coarse] = [&stock, &coarse].map(|graph| graph.run(&tokens, "embedding"));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let cosine = dot(&fine, &coarse) / (dot(&fine, &fine) * dot(&coarse, &coarse)).sqrt();
    assert!(cosine > 0.98 && fine != coarse, "{cosine}");
}
