//! Shares given on streams of win rates, merging and stored states.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::float_cmp)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

const STRONG: &str = "large";
const WEAK: &str = "small";

/// A bundle whose calibration has win rates spread evenly over [0.2, 0.4].
fn manifest() -> Manifest {
    manifest_of("a")
}

fn manifest_of(model_hash: &str) -> Manifest {
    let quantiles: Vec<f64> = (0..=100).map(|i| 0.2 + 0.002 * f64::from(i)).collect();
    let json = json!({
        "format": 1, "name": "test", "kind": "ridge",
        "candidates": [{"id": WEAK}, {"id": STRONG}],
        "encoder": {"tier": "static", "max_tokens": 8, "truncation_side": "right",
            "pooling": "mean", "embedding_size": 3, "special_tokens": false},
        "head": {"strong": STRONG, "weak": WEAK},
        "calibration": {"quantiles": quantiles, "sample": "s", "rows": 1000},
        "metrics": [], "trained_on": [],
        "files": [
            {"name": "model.onnx", "bytes": 1, "sha256": model_hash.repeat(64)},
            {"name": "tokenizer.json", "bytes": 1, "sha256": "b".repeat(64)},
        ],
    });
    Manifest::from_json(json.to_string().as_bytes()).unwrap()
}

/// Draws numbers in [0, 1) that look random.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Whether the strong candidate is given at a share, and what `traffic` learns of it.
fn given(traffic: &mut Traffic, share: f64, win_rate: f64) -> bool {
    let cut = traffic.cut(share, [STRONG].into_iter());
    let strong = cut.admits(win_rate, || traffic.tie_break());
    traffic.add(win_rate);
    traffic.owe(
        [(WEAK, 1.0 - share), (STRONG, share)].into_iter(),
        if strong { STRONG } else { WEAK },
    );
    strong
}

/// The `at`-th query of a stream: its win rate.
type Stream = fn(usize, &mut Draws) -> f64;

/// Streams that no calibration foresaw.
const STREAMS: [(&str, Stream); 9] = [
    ("as the calibration", |_, draws| 0.2 + 0.2 * draws.next()),
    ("all above it", |_, draws| 0.9 + 0.1 * draws.next()),
    ("all below it, in a narrow range", |_, draws| 0.1 + 1e-9 * draws.next()),
    ("bimodal", |_, draws| {
        let high = f64::from(u8::from(draws.next() < 0.4));
        0.05 + 0.9 * high + 0.01 * draws.next()
    }),
    ("half with one win rate", |_, draws| match draws.next() < 0.5 {
        true => 0.31,
        false => 0.2 + 0.2 * draws.next(),
    }),
    ("every second with one win rate", |i, draws| match i % 2 == 0 {
        true => 0.31,
        false => 0.2 + 0.2 * draws.next(),
    }),
    ("one win rate alone", |_, _| 0.7),
    ("drifting", |i, draws| 0.05 + 0.0001 * i as f64 + 0.1 * draws.next()),
    ("falling", |i, _| 1.0 - 0.0001 * i as f64),
];

#[test]
fn after_500_queries_of_any_traffic_a_share_comes_true() {
    for (name, stream) in STREAMS {
        for share in [0.02, 0.1, 0.3, 0.5, 0.8, 0.95] {
            for seed in 0..2 {
                let mut traffic = Traffic::new(&manifest());
                let mut draws = Draws(seed);
                let strong: Vec<f64> = (0..2000)
                    .map(|i| {
                        let win_rate = stream(i, &mut draws);
                        f64::from(u8::from(given(&mut traffic, share, win_rate)))
                    })
                    .collect();
                let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
                for (from, to) in [(500, 1000), (500, 2000), (1500, 2000)] {
                    let found = mean(&strong[from..to]);
                    let detail = || format!("{name}: {found} of {share} from {from} to {to}");
                    assert!((found - share).abs() < 0.03, "{}", detail());
                }
            }
        }
    }
}

#[test]
fn a_share_comes_true_soon_after_the_traffic_changes() {
    let mut traffic = Traffic::new(&manifest());
    let mut draws = Draws(1);
    for _ in 0..6000 {
        given(&mut traffic, 0.3, 0.5 * draws.next());
    }
    let mut after = Vec::new();
    for _ in 0..1000 {
        let win_rate = 0.7 + 0.1 * draws.next();
        after.push((win_rate, given(&mut traffic, 0.3, win_rate)));
    }
    let strong = |part: &[(f64, bool)]| part.iter().filter(|(_, strong)| *strong).count() as f64;
    let (first, second) = (strong(&after[..500]) / 500.0, strong(&after[500..]) / 500.0);
    assert!((first - 0.3).abs() < 0.1 && (second - 0.3).abs() < 0.03, "{first} {second}");
}

#[test]
fn the_highest_win_rates_go_to_the_strong_candidate() {
    let mut traffic = Traffic::new(&manifest());
    let mut draws = Draws(3);
    let mut wrong = 0;
    for i in 0..3000 {
        let win_rate = 0.9 + 0.05 * draws.next();
        let strong = given(&mut traffic, 0.3, win_rate);
        // The share's exact threshold is 0.935.
        wrong += usize::from(i >= 500 && strong != (win_rate >= 0.935));
    }
    assert!(wrong < 125, "{wrong} of 2,500 decisions differ from those at the exact threshold");
}

#[test]
fn the_first_query_has_the_calibrations_threshold() {
    let manifest = manifest();
    let traffic = Traffic::new(&manifest);
    for share in [0.01, 0.123, 0.3, 0.5, 0.99] {
        let expected = manifest.calibration.as_ref().unwrap().threshold_at_share(share);
        let found = traffic.cut(share, [STRONG].into_iter()).threshold;
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}

#[test]
fn shares_of_none_and_all_stay_whatever_is_owed() {
    let mut traffic = Traffic::new(&manifest());
    for _ in 0..200 {
        assert!(given(&mut traffic, 1.0, 0.0));
    }
    traffic.owe([(STRONG, 1.0), (WEAK, 0.0)].into_iter(), WEAK);
    for _ in 0..200 {
        assert!(!given(&mut traffic, 0.0, 1.0));
    }
}

#[test]
fn a_saved_state_decides_as_the_one_that_was_saved() {
    let manifest = manifest();
    let mut traffic = Traffic::new(&manifest);
    let mut draws = Draws(5);
    for _ in 0..700 {
        given(&mut traffic, 0.3, draws.next());
    }
    let json = traffic.to_json();
    assert!(json.len() < 10_000, "{} bytes", json.len());
    let read = Traffic::from_json(&json, &manifest).unwrap();
    assert_eq!(read.to_json(), json);
    for share in [0.1, 0.5, 0.7] {
        let of = |traffic: &Traffic| traffic.cut(share, [STRONG].into_iter()).threshold;
        assert!((of(&read) - of(&traffic)).abs() < 0.02);
    }
}

#[test]
fn what_two_hosts_have_seen_adds_up() {
    let (mut one, mut other) = (Traffic::new(&manifest()), Traffic::new(&manifest()));
    let mut draws = Draws(7);
    for _ in 0..1000 {
        given(&mut one, 0.5, 0.5 * draws.next());
        given(&mut other, 0.5, 0.5 + 0.5 * draws.next());
    }
    one.merge(&other).unwrap();
    assert_eq!(one.queries(), 2000.0);
    let median = Cut::at_rank(&one.mixture(), 0.5).threshold;
    assert!((median - 0.5).abs() < 0.02, "{median}");
    let before = one.clone();
    let error = one.merge(&Traffic::new(&manifest_of("c"))).unwrap_err();
    assert_eq!((error.code(), one == before), ("traffic_bad_state", true));
}

#[test]
fn a_bad_state_is_refused_with_what_is_wrong() {
    let manifest = manifest();
    let good: serde_json::Value = serde_json::from_str(&Traffic::new(&manifest).to_json()).unwrap();
    let changed = |field: &str, value: serde_json::Value| {
        let mut state = good.clone();
        state[field] = value;
        state.to_string()
    };
    let cases = [
        (String::new(), "EOF"),
        ("[]".to_owned(), "invalid"),
        (changed("format", json!(2)), "format 2"),
        (changed("bundle", json!("other")), "another bundle"),
        (changed("queries", json!(-1.0)), "queries is -1"),
        (changed("seen", json!([[0.5, 0.4, 1.0]])), "(0.5, 0.4, 1.0)"),
        (changed("seen", json!([[0.5, 1.5, 1.0]])), "[0, 1]"),
        (changed("seen", json!([[0.5, 0.5, -1.0]])), "weight >= 0"),
        (changed("more", json!(1)), "more"),
        (" ".repeat(MAX_STATE_BYTES + 1), "limit"),
    ];
    for (json, part) in cases {
        let error = Traffic::from_json(&json, &manifest).unwrap_err();
        assert_eq!(error.code(), "traffic_bad_state");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(Traffic::from_json(&good.to_string(), &manifest).is_ok());
}

proptest! {
    #[test]
    fn thresholds_fall_with_the_share_and_few_bins_are_kept(
        values in prop::collection::vec(0.0_f64..=1.0, 0..600),
        repeated in 0_usize..3,
        a in 0.0_f64..=1.0,
        b in 0.0_f64..=1.0,
        owed in -60.0_f64..60.0,
    ) {
        let mut traffic = Traffic::new(&manifest());
        for value in &values {
            traffic.add(*value);
            for _ in 0..repeated {
                traffic.add(0.25);
            }
            prop_assert!(traffic.seen.len() <= sketch::MOST_BINS);
        }
        traffic.owed.insert(STRONG.to_owned(), owed);
        let (less, more) = (a.min(b), a.max(b));
        let of = |share| traffic.cut(share, [STRONG].into_iter());
        prop_assert!(of(more).threshold <= of(less).threshold);
        for value in &values {
            let admits = |share| of(share).admits(*value, || 0.5);
            prop_assert!(!admits(less) || admits(more));
        }
    }
}
