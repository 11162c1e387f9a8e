//! Tests of leaving LLMs out.

use super::*;
use crate::data::OutcomeRow;

static GO: AtomicBool = AtomicBool::new(false);

fn info() -> Manifest {
    Manifest::from_json(include_bytes!("../../../../bundles/default/router.json")).unwrap()
}

fn settings(answers: &[usize], draws: usize, seed: u64) -> Settings {
    Settings { answers: answers.to_vec(), draws, seed }
}

/// Demands of `rows` queries, and answers to them of LLMs with these intercepts, drawn by their abilities. The
/// last LLM answered only a tenth.
fn pool(rows: usize, intercepts: &[f64]) -> (Outcomes, Vec<Option<Vec<f64>>>) {
    let normal = |stream: usize, count: usize| {
        RandomStream::new(4, stream).normal(count, 1.0).into_iter().map(f64::from)
    };
    let flat: Vec<f64> = normal(0, 2 * rows).collect();
    let demands: Vec<Vec<f64>> = flat.chunks(2).map(<[f64]>::to_vec).collect();
    let mut table: Vec<OutcomeRow> = (0..rows)
        .map(|at| OutcomeRow {
            id: at.to_string(),
            query: format!("query {at}"),
            dataset: "own".into(),
            category: None,
            cluster: None,
            scores: Vec::new(),
            costs: Vec::new(),
        })
        .collect();
    for (llm, intercept) in intercepts.iter().enumerate() {
        let ability = Ability { intercept: *intercept, slopes: vec![0.9, 0.5] };
        let last = llm + 1 == intercepts.len();
        for ((row, demands), z) in table.iter_mut().zip(&demands).zip(normal(llm + 1, rows)) {
            if last && !row.id.ends_with('7') {
                continue;
            }
            // A logistic curve of a normal draw is near enough to uniform.
            let uniform = 1.0 / (1.0 + (-1.702 * z).exp());
            row.scores.push((llm, f32::from(u8::from(uniform < ability.quality(demands)))));
        }
    }
    let models = (0..intercepts.len()).map(|llm| format!("llm-{llm}")).collect();
    let demands = demands.into_iter().map(Some).collect();
    (Outcomes { models, rows: table, score_scale: 1.0 }, demands)
}

const INTERCEPTS: [f64; 7] = [2.4, 1.4, 0.8, 0.2, -0.6, -1.4, 0.0];

fn found(settings: &Settings) -> LeftOut {
    let (outcomes, demands) = pool(900, &INTERCEPTS);
    of_demands(&info(), &outcomes, demands, settings, &GO).unwrap()
}

fn line(found: &LeftOut, basis: Basis) -> Line {
    found.lines.iter().find(|line| line.basis == basis).unwrap().clone()
}

#[test]
fn more_answers_predict_an_llm_better_and_all_of_them_best() {
    let found = found(&settings(&[25, 200], 12, 1));
    assert_eq!(found.llms.len(), 6);
    assert_eq!(found.too_few, ["llm-6"]);
    assert!(found.llms.windows(2).all(|pair| pair[0].mean >= pair[1].mean));
    let of = |basis| line(&found, basis);
    let (prior, few, many, all) =
        (of(Basis::Prior), of(Basis::Answers(25)), of(Basis::Answers(200)), of(Basis::All));
    assert!(prior.mean_error > few.mean_error && few.mean_error > many.mean_error, "{found:?}");
    assert!(many.mean_error > all.mean_error, "{found:?}");
    assert!(prior.brier > few.brier && few.brier > many.brier && many.brier > all.brier);
    assert!(prior.log_loss > few.log_loss && few.log_loss > many.log_loss);
    // The demands tell hard queries from easy ones, which a mean cannot.
    let mean = of(Basis::Mean(200));
    assert!(mean.brier > many.brier + 0.01 && mean.log_loss > many.log_loss, "{found:?}");
    assert!(many.rank_correlation.unwrap() > 0.95 && many.mean_error_95 < 0.08, "{many:?}");
    assert_eq!(prior.rank_correlation, None);
    for line in [few, many] {
        let held = line.in_interval.unwrap();
        assert!((0.85..=1.0).contains(&held), "{held}");
    }
    assert!(found.pairs >= 5 && of(Basis::All).apgr.unwrap() > 0.55, "{found:?}");
}

#[test]
fn the_seed_determines_the_figures() {
    let of = |seed| found(&settings(&[30], 2, seed)).lines;
    assert_eq!(of(3), of(3));
    assert_ne!(of(3), of(4));
}

#[test]
fn a_line_does_not_depend_on_the_lines_of_fewer_answers() {
    let one = found(&settings(&[100], 2, 1));
    let two = found(&settings(&[25, 100], 2, 1));
    assert_eq!(line(&one, Basis::Answers(100)), line(&two, Basis::Answers(100)));
    assert_eq!(line(&one, Basis::All), line(&two, Basis::All));
}

#[test]
fn pools_and_settings_that_say_nothing_are_errors() {
    let (outcomes, demands) = pool(400, &[1.0, 0.0, -1.0]);
    let error = of_demands(&info(), &outcomes, demands, &settings(&[25], 1, 1), &GO).unwrap_err();
    assert_eq!(error.code(), "nothing_to_score");
    assert!(error.to_string().contains("2 LLMs have scores on 280 of the 400 rows"), "{error}");
    for (bad, part) in [
        (settings(&[], 1, 1), "answers"),
        (settings(&[0, 5], 1, 1), "answers"),
        (settings(&[50, 25], 1, 1), "ascending"),
        (settings(&[25], 0, 1), "draws"),
    ] {
        let error = check(&bad).unwrap_err();
        assert_eq!(error.code(), "bad_setting");
        assert!(error.to_string().contains(part), "{error}");
    }
}
