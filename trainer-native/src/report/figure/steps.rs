//! Draws validation against optimiser steps, one line for each run (RouterDC, figure 2).
//!
//! The validation rows are a part of the *training* files, whereas the article's figure shows test
//! files: no test row is read during training. A `routerdc` run validates by 1 less the mean, over
//! data sets, of the picked LLM's score; the line shows the score. A `bert` run validates by its
//! loss, which is shown as it is.

use super::{Panel, Sheet, WIDTH, range};
use crate::report::svg::Look;
use crate::report::svg::chart::{Axis, Chart, Series};
use crate::report_error::ReportError;
use crate::training::history::Check;

/// The quantity that a run validates by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// 1 less a score in [0, 1].
    Score,
    /// A loss, in nats.
    Loss,
}

impl Validation {
    fn name(self) -> &'static str {
        match self {
            Self::Score => "a validation score",
            Self::Loss => "a validation loss",
        }
    }
}

/// The checks of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Name of the run in the legend.
    pub label: String,
    pub validation: Validation,
    /// Checks by ascending step.
    pub checks: Vec<Check>,
}

/// Draws the runs.
///
/// # Errors
/// [`ReportError::NoResults`] without runs, and for a run with fewer than two validated checks;
/// [`ReportError::UnlikeResults`] where one run validates by a score and another
/// by a loss.
pub fn steps(traces: &[Trace]) -> Result<Sheet, ReportError> {
    let first = traces.first().ok_or_else(|| ReportError::no_results("the figure of steps"))?;
    let mut series = Vec::new();
    let mut best_checks = Vec::new();
    for (slot, trace) in traces.iter().enumerate() {
        if trace.validation != first.validation {
            return Err(ReportError::unlike_values(
                &trace.label,
                trace.validation.name(),
                first.validation.name(),
            ));
        }
        let points = points(trace)?;
        let best = points.iter().copied().reduce(|best, point| match trace.validation {
            Validation::Score if point.1 > best.1 => point,
            Validation::Loss if point.1 < best.1 => point,
            _ => best,
        });
        if let Some((step, value)) = best {
            best_checks.push(format!("{} {value:.2} at step {step:.0}", trace.label));
        }
        series.push(Series {
            label: trace.label.clone(),
            points,
            intervals: Vec::new(),
            look: Look::Slot(slot),
            line: true,
            marks: true,
        });
    }
    let all = || series.iter().flat_map(|series| &series.points);
    let (low, high) = range(all().map(|point| point.1));
    let last = all().map(|point| point.0).fold(0.0, f64::max);
    let (label, what) = match first.validation {
        Validation::Score => (
            "validation score (part of the training files), %",
            "the mean score, over data sets, of the picked LLM on a part of the training files kept \
             for validation",
        ),
        Validation::Loss => (
            "validation loss (part of the training files)",
            "the loss on a part of the training files kept for validation",
        ),
    };
    let note = format!("Against optimiser steps: {what}. Best check: {}.", best_checks.join("; "));
    let title = "Validation while training".to_owned();
    let chart = Chart {
        id: "steps-0".into(),
        title: title.clone(),
        description: note.clone(),
        width: WIDTH,
        plot_height: 340.0,
        x: Axis { label: "optimiser steps".into(), low: 0.0, high: last },
        y: Axis { label: label.into(), low, high },
        series,
    };
    Ok(Sheet { title, note, panels: vec![Panel { heading: String::new(), chart }], columns: 1 })
}

#[allow(clippy::cast_precision_loss)]
fn points(trace: &Trace) -> Result<Vec<(f64, f64)>, ReportError> {
    let shown = |value: f64| match trace.validation {
        Validation::Score => 100.0 * (1.0 - value),
        Validation::Loss => value,
    };
    let checks = trace.checks.iter();
    let points: Vec<(f64, f64)> = checks
        .filter_map(|check| Some((check.step as f64, shown(check.validation?))))
        .filter(|point| point.1.is_finite())
        .collect();
    match points.len() {
        0 | 1 => Err(ReportError::too_few(
            &trace.label,
            "checks with a validation",
            points.len(),
            2,
            "Train it longer, with fewer check_steps or with a validation_share",
        )),
        _ => Ok(points),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn trace(label: &str, values: &[Option<f64>]) -> Trace {
        let check = |(at, validation): (usize, &Option<f64>)| Check {
            step: 10 * (at + 1),
            loss: 1.0,
            validation: *validation,
        };
        Trace {
            label: label.into(),
            validation: Validation::Score,
            checks: values.iter().enumerate().map(check).collect(),
        }
    }

    #[test]
    fn each_run_has_its_line_and_the_axis_says_what_was_validated() {
        let runs = [
            trace("lambda 0", &[Some(0.5), Some(0.45), Some(0.46)]),
            trace("lambda 1", &[Some(0.5), None, Some(0.4)]),
        ];
        let sheet = steps(&runs).unwrap();
        let series = &sheet.panels[0].chart.series;
        let rounded = |at: usize| -> Vec<(f64, f64)> {
            series[at].points.iter().map(|p| (p.0, (p.1 * 1e6).round() / 1e6)).collect()
        };
        assert_eq!(rounded(0), [(10.0, 50.0), (20.0, 55.0), (30.0, 54.0)]);
        assert_eq!(rounded(1), [(10.0, 50.0), (30.0, 60.0)]);
        assert!(sheet.note.contains("lambda 0 55.00 at step 20"), "{}", sheet.note);
        let text = sheet.svg("steps");
        assert!(text.contains(">validation score (part of the training files), %</text>"));
        assert!(text.contains(">lambda 0</text>") && text.contains(">lambda 1</text>"));
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn a_level_line_is_drawn_and_a_single_point_is_not() {
        let level = trace("level", &[Some(0.5), Some(0.5)]);
        assert!(!steps(&[level]).unwrap().svg("steps").contains("NaN"));
        for values in [&[Some(0.5)][..], &[None, None], &[Some(0.5), Some(f64::NAN)]] {
            let error = steps(&[trace("short", values)]).unwrap_err();
            let points = values.iter().flatten().filter(|value| value.is_finite()).count();
            let expected = format!("short: found {points} checks with a validation, expected at");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
        assert_eq!(steps(&[]).unwrap_err().code(), "no_results");
    }

    #[test]
    fn scores_and_losses_do_not_share_an_axis() {
        let score = trace("router", &[Some(0.5), Some(0.4)]);
        let loss = Trace { validation: Validation::Loss, ..score.clone() };
        let error = steps(&[score, loss.clone()]).unwrap_err().to_string();
        assert!(error.starts_with("router: found a validation loss, expected a validation score"));
        let sheet = steps(&[loss]).unwrap();
        assert_eq!(sheet.panels[0].chart.series[0].points[1], (20.0, 0.4));
    }
}
