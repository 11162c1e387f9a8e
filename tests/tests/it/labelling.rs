//! How many labels are enough, and which prompts to label next: on a pool where one word tells what labels can
//! teach, and by how much.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use pointsman::Kind;
use pointsman_tests::tiny::{self, NGRAMS};
use pointsman_trainer::TrainerError;
use pointsman_trainer::data::{OutcomeRow, Outcomes, PromptRow, Role};
use pointsman_trainer::labelling::{
    Base, LearningCurve, Measure, Numbers, Settings, Source, Strategy, Wanted, measure, next,
};
use pointsman_trainer::precision::Precision;

/// The tiny bundle of hashed n-grams, whose demands are drawn from a seed.
fn base(folder: &Path) -> Base {
    tiny::bundle_of(Kind::Difficulty, NGRAMS, Precision::Int8).unwrap().write(folder).unwrap();
    Base::read(folder).unwrap()
}

const SUBJECTS: [&str; 6] = ["harbour", "orchard", "glacier", "violin", "ledger", "comet"];

/// A question of its own for each number; those of `marked` numbers hold the word "unriddle".
fn query(at: usize, is_marked: bool) -> String {
    let verb = if is_marked { "unriddle" } else { "describe" };
    let subject = SUBJECTS[at % SUBJECTS.len()];
    format!("{verb} the {subject} of page {at} in volume {}", at * 7 + 3)
}

/// The strong LLM is always right, the weak one fails on the marked quarter alone.
fn outcomes(count: usize) -> Outcomes {
    let row = |at: usize| {
        let is_marked = at * 13 % 20 < 5;
        OutcomeRow {
            id: at.to_string(),
            query: query(at, is_marked),
            dataset: "own".into(),
            category: None,
            cluster: None,
            scores: vec![(0, 1.0), (1, f32::from(u8::from(!is_marked)))],
            costs: Vec::new(),
        }
    };
    Outcomes {
        models: vec!["ours-large".into(), "ours-small".into()],
        rows: (0..count).map(row).collect(),
        ..Outcomes::default()
    }
}

fn settings(strategies: &[Strategy]) -> Settings {
    Settings {
        labels: Vec::new(),
        strategies: strategies.to_vec(),
        first_seed: 1,
        seeds: 3,
        held_out: 1.0 / 3.0,
        strong_share: 0.3,
        uncertainty: Measure::Threshold,
    }
}

fn curve(
    outcomes: &Outcomes,
    numbers: &Numbers,
    strategies: &[Strategy],
) -> Result<LearningCurve, TrainerError> {
    let folder = tempfile::tempdir().unwrap();
    let source = Source { name: "own.jsonl", sha256: "0", outcomes };
    let pair = ("ours-large", "ours-small");
    let stop = AtomicBool::new(false);
    measure(&base(folder.path()), source, pair, numbers, settings(strategies), &stop)
}

#[test]
fn labels_bring_a_router_from_chance_to_what_the_pool_allows() {
    let numbers = Numbers::Given(vec![50, 100, 400]);
    let found = curve(&outcomes(750), &numbers, &[Strategy::Random]).unwrap();
    assert_eq!(
        (found.facts.questions, found.facts.held_out, found.facts.available),
        (750, 250.0, 500.0)
    );
    // A router that sends the marked quarter first recovers all at a quarter of the calls: 1 - 0.25 / 2.
    let untrained = found.untrained.apgr.mean;
    assert!((untrained - 0.5).abs() < 0.12, "{untrained}");
    let points = &found.series[0].points;
    let apgr: Vec<f64> = points.iter().map(|point| point.router.apgr.mean).collect();
    assert!((apgr[2] - 0.875).abs() < 0.03, "{apgr:?}");
    assert!(apgr[0] > untrained + 0.1 && apgr.is_sorted(), "{apgr:?}");
    assert!(points[2].router.auc.as_ref().unwrap().mean > 0.95);
    assert!(points[2].router.kept.mean > 0.98, "{:?}", points[2].router.kept);
    let oracle = &found.oracle;
    assert!(oracle.apgr.mean >= apgr[2] && oracle.kept.mean > 0.999, "{oracle:?}");
    assert_eq!(found.random.apgr.mean, 0.5);
    let verdict = found.series[0].verdict();
    assert!(verdict.starts_with("400 labels change the quality kept"), "{verdict}");
    assert!(verdict.contains(": a gain is shown, of which 50 labels reach "), "{verdict}");

    let page = found.markdown();
    assert!(
        page.contains("| trained | 400 |") && page.contains("| untrained bundle | – |"),
        "{page}"
    );
    let drawing = found.sheet().svg("learning-curve");
    assert!(drawing.contains(">kNN</text>") && !drawing.contains("NaN"));
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<LearningCurve>(&json).unwrap(), found);
}

#[test]
fn labels_that_foretell_nothing_are_said_to_bring_nothing() {
    let mut outcomes = outcomes(600);
    for (at, row) in outcomes.rows.iter_mut().enumerate() {
        let fails = (at.wrapping_mul(2_654_435_761) >> 13) % 4 == 0;
        row.scores[1].1 = f32::from(u8::from(!fails));
    }
    let found = curve(&outcomes, &Numbers::Given(vec![50, 200]), &[Strategy::Random]).unwrap();
    let series = &found.series[0];
    assert!(series.points[1].gain.spread.mean.abs() < 0.02, "{:?}", series.points[1].gain);
    let verdict = series.verdict();
    assert!(
        verdict.contains("no gain is shown") || verdict.contains("a loss is shown"),
        "{verdict}"
    );
}

#[test]
fn every_strategy_learns_and_a_call_is_repeatable() {
    let strategies = [
        Strategy::Random,
        Strategy::Clusters,
        Strategy::Uncertain,
        Strategy::Typical,
        Strategy::Both,
    ];
    let numbers = Numbers::Given(vec![60, 300]);
    let found = curve(&outcomes(600), &numbers, &strategies).unwrap();
    for series in &found.series {
        let last = &series.points[1];
        assert!(last.gain.spread.mean > 0.03, "{:?}: {:?}", series.strategy, last.gain);
    }
    assert_eq!(curve(&outcomes(600), &numbers, &strategies).unwrap(), found);
    assert!(found.markdown().contains("| trained, clusters | 300 |"));
}

#[test]
fn pools_that_cannot_be_measured_are_refused_with_what_to_do() {
    let fault = |outcomes: &Outcomes, numbers: Numbers| {
        curve(outcomes, &numbers, &[Strategy::Random]).unwrap_err().to_string()
    };
    let given = |labels: &[usize]| Numbers::Given(labels.to_vec());
    let few = fault(&outcomes(20), Numbers::Doubling);
    assert!(few.contains("found 20 rows") && few.contains("label more prompts"), "{few}");
    let many = fault(&outcomes(90), given(&[30, 100]));
    assert!(many.contains("found 100 labels") && many.contains("to 60,"), "{many}");
    assert!(fault(&outcomes(90), given(&[0])).contains("found 0 labels"));
    // All rows ask one question: nothing can be held out.
    let mut same = outcomes(60);
    same.rows
        .iter_mut()
        .for_each(|row| row.query = format!("{} unriddle the comet", "so please ".repeat(12)));
    let fault_of_one = fault(&same, Numbers::Doubling);
    assert!(fault_of_one.contains("found 1 rows of 1 different questions"), "{fault_of_one}");
    let mut no_gap = outcomes(300);
    no_gap.rows.iter_mut().for_each(|row| row.scores = vec![(0, 0.5), (1, 0.5)]);
    assert!(fault(&no_gap, Numbers::Doubling).contains("expected the strong model's to be higher"));
    let folder = tempfile::tempdir().unwrap();
    let (base, stop, rows) = (base(folder.path()), AtomicBool::new(false), outcomes(300));
    let of = |strong: &str, weak: &str| {
        let source = Source { name: "own", sha256: "0", outcomes: &rows };
        let settings = settings(&[Strategy::Random]);
        let found = measure(&base, source, (strong, weak), &Numbers::Doubling, settings, &stop);
        found.unwrap_err().to_string()
    };
    assert!(of("ours-large", "ours-large").contains("as strong and as weak"));
    assert!(of("ours-large", "other").contains("ours-large, ours-small"));
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(of("ours-large", "ours-small").starts_with("interrupted"));
}

fn prompt(id: usize, query: String) -> PromptRow {
    let messages = vec![(Role::User, query.clone())];
    PromptRow { id: id.to_string(), query, messages, dataset: "own".into(), gold: None }
}

#[test]
fn no_strategy_chooses_a_labelled_prompt_or_two_near_copies() {
    let folder = tempfile::tempdir().unwrap();
    let (base, stop) = (base(folder.path()), AtomicBool::new(false));
    let passage = "The night porter counts the keys, writes the number in the green book and locks the small door by the river.";
    // Of 40 texts each stands there three times: as it is, in capitals, and with a word more at its end.
    let mut rows = Vec::new();
    for at in 0..40 {
        let text = format!(
            "{} and say why the {} matters to the people of town {at}",
            query(at, false),
            SUBJECTS[at % 5]
        );
        for copy in [text.clone(), text.to_uppercase(), format!("{text} today")] {
            rows.push(prompt(rows.len(), copy));
        }
    }
    rows.push(prompt(120, format!("Translate: {passage}")));
    rows.push(prompt(121, format!("{passage} How many doors are there?")));
    let labelled = vec![rows[0].query.clone(), format!("Sum up. {passage}")];
    for strategy in [
        Strategy::Random,
        Strategy::Clusters,
        Strategy::Uncertain,
        Strategy::Typical,
        Strategy::Both,
    ] {
        let wanted = Wanted { count: 39, strategy, strong_share: 0.3, seed: 5 };
        let chosen = next(&base, &rows, &labelled, wanted, &stop).unwrap();
        let texts: HashSet<usize> =
            chosen.iter().map(|next| next.id.parse::<usize>().unwrap() / 3).collect();
        assert_eq!((chosen.len(), texts.len()), (39, 39), "{strategy:?}");
        assert!(!texts.contains(&0) && !texts.contains(&40), "{strategy:?}: {texts:?}");
        assert_eq!(next(&base, &rows, &labelled, wanted, &stop).unwrap(), chosen, "{strategy:?}");
        let error =
            next(&base, &rows, &labelled, Wanted { count: 40, ..wanted }, &stop).unwrap_err();
        assert_eq!(error.code(), "too_few_prompts");
        assert!(error.to_string().starts_with("found 39 of 122 prompts"), "{error}");
    }
}

#[test]
fn clusters_are_represented_as_they_are_large_and_uncertain_prompts_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let (base, stop) = (base(folder.path()), AtomicBool::new(false));
    // Ten prompts about ships in ninety about bread.
    let row = |at: usize| {
        let text = match at % 10 {
            0 => format!("captain harbour anchor mast sail tide number {}", at * 37),
            _ => format!("flour yeast oven dough crust baker number {}", at * 37),
        };
        prompt(at, text)
    };
    let rows: Vec<PromptRow> = (0..100).map(row).collect();
    let of = |strategy, count| {
        let wanted = Wanted { count, strategy, strong_share: 0.3, seed: 5 };
        next(&base, &rows, &[], wanted, &stop).unwrap()
    };
    let ships = of(Strategy::Clusters, 20).iter().filter(|next| next.id.ends_with('0')).count();
    assert!((1..=3).contains(&ships), "{ships}");
    let mut rates: Vec<f64> = of(Strategy::Random, 100).iter().map(|next| next.win_rate).collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    let distances: Vec<f64> =
        of(Strategy::Uncertain, 100).iter().map(|next| (next.win_rate - rates[30]).abs()).collect();
    assert!(distances.is_sorted() && distances[0] == 0.0, "{distances:?}");
}
