//! Compares a student with its teacher on the same held-out rows.

use std::fmt;

use pointsman::Router;
use serde::Serialize;

use super::Teacher;
use crate::assess::{pair_rows, pool_column, pool_rows, qualities, win_rates};
use crate::error::TrainerError;
use crate::eval::bootstrap;
use crate::eval::pair::calibration::calibrate;
use crate::eval::pair::published::PairKind;
use crate::eval::pair::{self, PairColumn, PairModels, PairSettings};
use crate::eval::pool::{self, PoolColumn, PoolSettings};
use crate::eval::{Benchmark, Origin};
use crate::recipe::Pair;
use crate::training::context::Context;

/// Part of the gap that the reported CPT recovers.
const HALF: f64 = 0.5;

/// Comparison of teacher and student on the same queries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Number of held-out rows behind the figures; 0 where none was left to score.
    pub rows: usize,
    /// Figures of both.
    pub figures: Vec<Figure>,
    /// Number of queries whose decisions were compared.
    pub queries: usize,
    /// Share of those queries, in [0, 1], that both send to the same candidate; with a pair, each
    /// at the threshold that its own calibration gives for the recipe's default share.
    pub agreement: f64,
    /// Bytes of the teacher's bundle, without `router.json`.
    pub teacher_bytes: u64,
    /// Bytes of the student's bundle, without `router.json`.
    pub student_bytes: u64,
}

/// One figure of teacher and student.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// `mean score, %`, `APGR` or `CPT(50), %`.
    pub name: &'static str,
    /// Value of the teacher; `None` where it is undefined.
    pub teacher: Option<f64>,
    pub student: Option<f64>,
}

impl Teacher {
    /// Compares `student`, a finished bundle, with its teacher on the rows to score, or where there
    /// are none on the calibration queries.
    ///
    /// # Errors
    /// Those of the engine and of the evaluation.
    pub fn compare(
        &self,
        context: &Context<'_>,
        student: &Router,
    ) -> Result<Comparison, TrainerError> {
        let bytes = |router: &Router| router.info().files.iter().map(|file| file.bytes).sum();
        let sizes = Comparison {
            rows: context.data.test.rows.len(),
            figures: Vec::new(),
            queries: 0,
            agreement: 1.0,
            teacher_bytes: bytes(self.router()),
            student_bytes: bytes(student),
        };
        match &context.recipe.pair {
            Some(pair) => self.compare_pair(context, pair, student, sizes),
            None => self.compare_picks(context, student, sizes),
        }
    }

    fn compare_pair(
        &self,
        context: &Context<'_>,
        pair: &Pair,
        student: &Router,
        sizes: Comparison,
    ) -> Result<Comparison, TrainerError> {
        let &Context { data, stop, .. } = context;
        let sample: Vec<&str> = data.calibration.iter().map(String::as_str).collect();
        // Both are calibrated on the same queries here, whatever calibration the teacher came with.
        let sides = [self.router(), student];
        let sampled = sides.map(|router| win_rates(router, &sample, stop));
        let [teacher, student] = sampled;
        let sampled = [teacher?, student?];
        let mut thresholds = [0.0; 2];
        for (threshold, rates) in thresholds.iter_mut().zip(&sampled) {
            let calibration = calibrate(rates, "queries held back")?;
            *threshold = calibration.threshold_at_share(pair.default_strong_share);
        }
        if data.test.rows.is_empty() {
            let agreement = agreement(
                &decided(&sampled[0], thresholds[0]),
                &decided(&sampled[1], thresholds[1]),
            );
            return Ok(Comparison { queries: sample.len(), agreement, ..sizes });
        }
        let rows = pair_rows(&data.test, &pair.strong, &pair.weak)?;
        let [teacher, student] = sides.map(|router| win_rates(router, &rows.queries, stop));
        let (teacher, student) = (teacher?, student?);
        let agreement =
            agreement(&decided(&teacher, thresholds[0]), &decided(&student, thresholds[1]));
        let columns = [("teacher", teacher), ("student", student)]
            .map(|(name, rates)| PairColumn::new(name, "compared", Origin::INT8, rates));
        let benchmark = Benchmark::new(&data.benchmark, PairKind::Other);
        let models = PairModels { weak: pair.weak.clone(), strong: pair.strong.clone() };
        let settings = PairSettings { bootstrap: one_resample(), ..PairSettings::default() };
        let result = pair::build(&benchmark, &models, &rows.rows, &columns, &settings)?;
        let of = |name: &str| result.routers.iter().find(|router| router.name == name);
        let apgr = |name: &str| of(name).and_then(|router| router.metrics.apgr);
        let cpt = |name: &str| {
            of(name).and_then(|router| router.cpt_at(HALF)).map(|cpt| cpt.strong_share * 100.0)
        };
        let figures = vec![
            Figure { name: "APGR", teacher: apgr("teacher"), student: apgr("student") },
            Figure { name: "CPT(50), %", teacher: cpt("teacher"), student: cpt("student") },
        ];
        let queries = rows.queries.len();
        Ok(Comparison { rows: rows.rows.len(), figures, queries, agreement, ..sizes })
    }

    fn compare_picks(
        &self,
        context: &Context<'_>,
        student: &Router,
        sizes: Comparison,
    ) -> Result<Comparison, TrainerError> {
        let &Context { recipe, data, stop, .. } = context;
        let models: Vec<String> = recipe.candidates.iter().map(|c| c.id.clone()).collect();
        let set = pool_rows(&data.test, &models, data.benchmark_format);
        let queries: Vec<&str> = data.test.rows.iter().map(|row| row.query.as_str()).collect();
        let column = |name: &str, router: &Router| -> Result<PoolColumn, TrainerError> {
            let found = qualities(router, &queries, stop)?;
            let picked = pool_column(router.info(), Origin::INT8, &models, &found)?.picked;
            Ok(PoolColumn::new(name, "compared", Origin::INT8, picked))
        };
        let columns = [column("teacher", self.router())?, column("student", student)?];
        let benchmark = Benchmark::new("kept", set.kind);
        let settings = PoolSettings { bootstrap: one_resample(), ..PoolSettings::default() };
        let result = pool::build(&benchmark, &models, &set.rows, &[], &columns, &settings)?;
        let mean = |name: &str| {
            result
                .router(name, Origin::INT8)
                .and_then(|own| own.metrics.mean)
                .map(|mean| mean * 100.0)
        };
        let figures = vec![Figure {
            name: "mean score, %",
            teacher: mean("teacher"),
            student: mean("student"),
        }];
        let agreement = agreement(&columns[0].picked, &columns[1].picked);
        Ok(Comparison { figures, queries: queries.len(), agreement, ..sizes })
    }
}

/// A single resample, since no interval is reported here: the run's own report has them.
fn one_resample() -> bootstrap::Settings {
    bootstrap::Settings { resamples: 1, ..bootstrap::Settings::default() }
}

/// Decisions at a threshold: 1 for strong, 0 for weak.
fn decided(rates: &[f64], threshold: f64) -> Vec<usize> {
    rates.iter().map(|&rate| usize::from(rate >= threshold)).collect()
}

/// Share of equal decisions; 1 where there are none.
#[allow(clippy::cast_precision_loss)]
fn agreement(teacher: &[usize], student: &[usize]) -> f64 {
    let same = teacher.iter().zip(student).filter(|(a, b)| a == b).count();
    match teacher.len() {
        0 => 1.0,
        all => same as f64 / all as f64,
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24}{:>12}{:>12}", "", "teacher", "student")?;
        let shown = |value: Option<f64>, name: &str| match value {
            Some(value) if name.ends_with('%') => format!("{value:.2}"),
            Some(value) => format!("{value:.3}"),
            None => "undefined".into(),
        };
        for Figure { name, teacher, student } in &self.figures {
            let (teacher, student) = (shown(*teacher, name), shown(*student, name));
            writeln!(f, "{name:<24}{teacher:>12}{student:>12}")?;
        }
        let (teacher, student) = (self.teacher_bytes, self.student_bytes);
        writeln!(f, "{:<24}{teacher:>12}{student:>12}", "bytes")?;
        write!(
            f,
            "{} held-out rows; the same decision on {:.2} % of {} queries",
            self.rows,
            self.agreement * 100.0,
            self.queries
        )
    }
}
