//! Orders the models for a request without any text to rate: a picture, a file or a call's result alone.
//!
//! | | preferred |
//! | --- | --- |
//! | a threshold of 1 or a share of 0; a budget that is nearly spent | the pair's weak candidate |
//! | a threshold of 0 or a share of 1 | the pair's strong candidate |
//! | otherwise | the session's model, then `routing.default` |
//! | nothing of these | the pair's strong candidate; without a pair the best mean quality in the bundle's curves, less the weighted cost, and without curves the dearest candidate |
//!
//! Nothing is rated in place of the text: the rating of an invented one would mean nothing.

use pointsman::{Candidate, DEFAULT_OUTPUT_TOKENS, Manifest, Policy};

use super::decision::Decider;

/// The models by preference: each candidate of the bundle once, and `routing.default` if it is another model.
pub(crate) fn preferred<'a>(decider: &Decider<'a>, policy: &Policy) -> Vec<&'a str> {
    let head = &decider.manifest.head;
    let (strong, weak) = (head.strong.as_deref(), head.weak.as_deref());
    let is = |value: Option<f64>, wanted: f64| value == Some(wanted);
    let never_strong = is(policy.threshold, 1.0) || is(policy.strong_share, 0.0);
    let always_strong = is(policy.threshold, 0.0) || is(policy.strong_share, 1.0);
    let stated = match decider.settings.routing.default.as_deref() {
        Some("strong") => strong,
        Some("weak") => weak,
        other => other,
    };
    let first = match (never_strong || decider.rise() > 0.0, always_strong) {
        (true, _) => [weak, None],
        (_, true) => [strong, None],
        _ => [decider.pinned, stated],
    };
    let mut order: Vec<&str> = Vec::new();
    let rest = by_worth(decider.manifest, policy);
    for model in first.into_iter().flatten().chain(strong).chain(rest) {
        if !order.contains(&model) {
            order.push(model);
        }
    }
    order
}

/// The strong LLM of a bundle's pair, else the candidate with the best mean quality.
pub(crate) fn strongest(manifest: &Manifest) -> Option<&str> {
    let strong = manifest.head.strong.as_deref();
    strong.or_else(|| by_worth(manifest, &Policy::default()).into_iter().next())
}

/// The candidates by their worth before any text is seen, the best first.
fn by_worth<'m>(manifest: &'m Manifest, policy: &Policy) -> Vec<&'m str> {
    let qualities = mean_qualities(manifest);
    let mut rated: Vec<(&str, f64)> = manifest
        .candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| {
            let quality = qualities.as_ref().map(|qualities| qualities[at]);
            (candidate.id.as_str(), worth(candidate, quality, policy))
        })
        .collect();
    // Stable: equal ones keep the bundle's order.
    rated.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    rated.into_iter().map(|(id, _)| id).collect()
}

fn worth(candidate: &Candidate, quality: Option<f64>, policy: &Policy) -> f64 {
    let (input, output) =
        (candidate.input_price.unwrap_or_default(), candidate.output_price.unwrap_or_default());
    let Some(quality) = quality else { return output };
    let output_tokens = policy.output_tokens.unwrap_or(DEFAULT_OUTPUT_TOKENS);
    let tokens = f64::from(policy.input_tokens.unwrap_or_default());
    let cost = (tokens * input + f64::from(output_tokens) * output) / 1e6;
    quality - policy.cost_weight.unwrap_or_default() * cost
}

/// Each candidate's mean quality by its ability, else in the bundle's curves; none without either.
fn mean_qualities(manifest: &Manifest) -> Option<Vec<f64>> {
    manifest.mean_qualities().map(<[f64]>::to_vec).or_else(|| {
        let of = |candidate| mean_in_curves(manifest, candidate);
        (!manifest.curves.is_empty()).then(|| manifest.candidates.iter().map(of).collect())
    })
}

#[allow(clippy::cast_precision_loss)]
fn mean_in_curves(manifest: &Manifest, candidate: &Candidate) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for quality in manifest.curves.iter().flat_map(|curve| &curve.candidates) {
        if quality.id == candidate.id {
            sum += quality.quality;
            count += 1;
        }
    }
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Settings, manifest};
    use crate::routing::decision::tests::Letters;
    use crate::upstream::breaker::CallerId;

    fn order(manifest: &Manifest, settings: &str, policy: &Policy, used: f64) -> Vec<String> {
        let settings = Settings::from_json(Some(settings)).unwrap();
        let decider = Decider {
            manifest,
            settings: &settings,
            engine: &Letters(&[]),
            caller: CallerId::Open(""),
            budget_used: used,
            pinned: None,
        };
        preferred(&decider, policy).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn of_a_pair_the_strong_candidate_comes_first_unless_something_says_otherwise() {
        let of = |settings, policy: Policy, used| order(&manifest(), settings, &policy, used);
        let plain = Policy::default;
        assert_eq!(of("{}", plain(), 0.0), ["large", "small"]);
        let weak = r#"{"routing": {"default": "weak"}}"#;
        assert_eq!(of(weak, plain(), 0.0), ["small", "large"]);
        assert_eq!(of(weak, Policy::threshold(0.5), 0.0), ["small", "large"]);
        assert_eq!(of(weak, Policy::threshold(0.0), 0.0), ["large", "small"]);
        assert_eq!(of("{}", Policy::strong_share(0.0), 0.0), ["small", "large"]);
        assert_eq!(of("{}", Policy::threshold(1.0), 0.0), ["small", "large"]);
        assert_eq!(of("{}", plain(), 0.9), ["small", "large"]);
        let other = r#"{"routing": {"default": "other"}}"#;
        assert_eq!(of(other, plain(), 0.0), ["other", "large", "small"]);
    }

    #[test]
    fn without_a_pair_the_curves_decide_and_else_the_prices() {
        let mut manifest = manifest();
        (manifest.head.strong, manifest.head.weak) = (None, None);
        let prices = |manifest: &mut Manifest, small: f64, large: f64| {
            (manifest.candidates[0].output_price, manifest.candidates[1].output_price) =
                (Some(small), Some(large));
        };
        prices(&mut manifest, 30.0, 1.0);
        let plain = Policy::default();
        assert_eq!(order(&manifest, "{}", &plain, 0.0), ["small", "large"]);
        let curve = serde_json::json!({"dataset": "d", "rows": 9, "removed_as_leaks": 0, "held_out": true,
            "candidates": [{"id": "small", "quality": 0.5}, {"id": "large", "quality": 0.7}]});
        manifest.curves = vec![serde_json::from_value(curve).unwrap()];
        assert_eq!(order(&manifest, "{}", &plain, 0.0), ["large", "small"]);
        prices(&mut manifest, 1.0, 30.0);
        let weighing = Policy { cost_weight: Some(100.0), ..Policy::default() };
        assert_eq!(order(&manifest, "{}", &weighing, 0.0), ["small", "large"]);
    }
}
