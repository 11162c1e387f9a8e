//! Draws results against the value of one setting (RouterDC's studies of lambda, K+ and H).
//!
//! A point is a run; runs of one value, such as several seeds, are a point at their mean. A point
//! of a single run has the interval of its evaluation, which covers the scored rows and not other
//! seeds.

use super::{Panel, Sheet, WIDTH, range};
use crate::eval::bootstrap::Interval;
use crate::eval::{Evaluated, Form, Origin, Stored};
use crate::report::svg::Look;
use crate::report::svg::chart::{Axis, Chart, Series};
use crate::report_error::ReportError;

#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub benchmark: String,
    pub metric: Metric,
    /// Value, in [0, 1] for scores.
    pub value: f64,
    pub interval: Option<Interval>,
    pub rows: usize,
}

/// The quantity that a run is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Mean over data sets of the score of the picked LLM.
    MeanScore,
    /// Average performance gap recovered, of a router of a pair.
    Apgr,
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::MeanScore => "a mean score over data sets",
            Self::Apgr => "an APGR",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::MeanScore => "mean score over data sets, %",
            Self::Apgr => "APGR",
        }
    }

    fn shown(self, value: f64) -> f64 {
        match self {
            Self::MeanScore => 100.0 * value,
            Self::Apgr => value,
        }
    }
}

/// Result of the run's own int8 bundle; `None` where the stored result has none, several, or one
/// without a value.
#[must_use]
pub fn measured(stored: &Stored) -> Option<Measured> {
    match (stored.pools.as_slice(), stored.pairs.as_slice()) {
        ([result], []) => of_bundle(result, Metric::MeanScore, |metrics| {
            Some((metrics.mean?, metrics.mean_interval))
        }),
        ([], [result]) => {
            of_bundle(result, Metric::Apgr, |metrics| Some((metrics.apgr?, metrics.apgr_interval)))
        }
        _ => None,
    }
}

fn of_bundle<F: Form>(
    result: &Evaluated<F>,
    metric: Metric,
    read: impl Fn(&F::Metrics) -> Option<(f64, Option<Interval>)>,
) -> Option<Measured> {
    let router = only(result.routers.iter().filter(|router| router.origin == Origin::INT8))?;
    let (value, interval) = read(&router.metrics)?;
    let (benchmark, rows) = (result.benchmark.name.clone(), result.rows);
    Some(Measured { benchmark, metric, value, interval, rows })
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

/// A run: its value of the setting, and its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The run's name, for messages.
    pub label: String,
    pub value: f64,
    pub measured: Measured,
}

/// Draws the results over `setting`, a path in the recipe such as `head.lambda`.
///
/// # Errors
/// [`ReportError::NoResults`], also for fewer than two values; [`ReportError::UnlikeResults`] where
/// runs are judged by different quantities, or on another benchmark or other rows than the first.
pub fn sensitivity(setting: &str, points: &[Point]) -> Result<Sheet, ReportError> {
    let first =
        points.first().ok_or_else(|| ReportError::no_results("the figure of sensitivity"))?;
    let expected = &first.measured;
    for Point { label, measured, .. } in points {
        if measured.metric != expected.metric {
            return Err(ReportError::unlike_values(
                label,
                measured.metric.name(),
                expected.metric.name(),
            ));
        }
        if measured.benchmark != expected.benchmark {
            let (found, expected) = (&measured.benchmark, &expected.benchmark);
            return Err(ReportError::mixed_benchmarks(found, expected));
        }
        if measured.rows != expected.rows {
            return Err(ReportError::unlike(&measured.benchmark, "rows"));
        }
    }
    let values = by_value(points);
    if values.len() < 2 {
        return Err(ReportError::too_few(
            setting,
            "values",
            values.len(),
            2,
            "Train further values with `trainer sweep`",
        ));
    }
    let line = Series {
        label: String::new(),
        points: values.iter().map(|value| (value.at, value.mean)).collect(),
        intervals: values
            .iter()
            .map(|value| value.interval.unwrap_or((value.mean, value.mean)))
            .collect(),
        look: Look::Slot(0),
        line: true,
        marks: true,
    };
    let ends = || {
        let intervals = line.intervals.iter().flat_map(|&(low, high)| [low, high]);
        intervals.chain(line.points.iter().map(|point| point.1))
    };
    let (low, high) = range(ends().collect::<Vec<_>>().into_iter());
    let (left, right) = range(line.points.iter().map(|point| point.0));
    let entries: Vec<String> = values.iter().map(Value::caption).collect();
    let level = first.measured.interval.map_or(0.0, |interval| 100.0 * interval.level);
    let bars = match line.intervals.iter().any(|(low, high)| high > low) {
        true => format!(" Bars are {level:.0} % intervals over the rows scored, not over seeds."),
        false => String::new(),
    };
    let note = format!(
        "{}, {} rows, by {setting}: {}.{bars}",
        expected.benchmark,
        expected.rows,
        entries.join("; ")
    );
    let title = format!("{}: sensitivity to {setting}", expected.benchmark);
    let chart = Chart {
        id: "sensitivity-0".into(),
        title: title.clone(),
        description: note.clone(),
        width: WIDTH,
        plot_height: 340.0,
        x: Axis { label: setting.to_owned(), low: left, high: right },
        y: Axis { label: expected.metric.label().into(), low, high },
        series: vec![line],
    };
    Ok(Sheet { title, note, panels: vec![Panel { heading: String::new(), chart }], columns: 1 })
}

/// The runs of one value, on the display scale.
struct Value {
    at: f64,
    mean: f64,
    interval: Option<(f64, f64)>,
    runs: usize,
}

impl Value {
    fn caption(&self) -> String {
        let of =
            if self.runs > 1 { format!(" (mean of {} runs)", self.runs) } else { String::new() };
        format!("{} gives {:.2}{of}", self.at, self.mean)
    }
}

/// Groups points by value, ascending.
#[allow(clippy::cast_precision_loss)]
fn by_value(points: &[Point]) -> Vec<Value> {
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|a, b| a.value.total_cmp(&b.value));
    let shown = |point: &Point, value: f64| point.measured.metric.shown(value);
    let one = |group: &[&Point]| {
        let point = group.first()?;
        let sum: f64 = group.iter().map(|point| shown(point, point.measured.value)).sum();
        let interval = point.measured.interval.filter(|_| group.len() == 1);
        Some(Value {
            at: point.value,
            mean: sum / group.len() as f64,
            interval: interval.map(|i| (shown(point, i.low), shown(point, i.high))),
            runs: group.len(),
        })
    };
    #[allow(clippy::float_cmp)]
    sorted.chunk_by(|a, b| a.value == b.value).filter_map(one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;
    use crate::eval::pool::build::tests::example as example_of_a_pool;

    fn point(value: f64, score: f64) -> Point {
        let interval = Interval {
            low: score - 0.01,
            median: score,
            high: score + 0.02,
            level: 0.95,
            resamples: 100,
            undefined: 0,
        };
        let measured = Measured {
            benchmark: "own <tasks>".into(),
            metric: Metric::MeanScore,
            value: score,
            interval: Some(interval),
            rows: 300,
        };
        Point { label: format!("run {value}"), value, measured }
    }

    #[test]
    fn runs_are_drawn_by_value_and_those_of_one_value_as_their_mean() {
        let runs = [point(1.0, 0.6), point(0.0, 0.5), point(1.0, 0.625), point(0.5, 0.55)];
        let sheet = sensitivity("head.lambda", &runs).unwrap();
        let line = &sheet.panels[0].chart.series[0];
        let rounded: Vec<(f64, f64)> =
            line.points.iter().map(|p| (p.0, (p.1 * 1e6).round() / 1e6)).collect();
        assert_eq!(rounded, [(0.0, 50.0), (0.5, 55.0), (1.0, 61.25)]);
        assert!(
            (line.intervals[0].0 - 49.0).abs() < 1e-9 && (line.intervals[0].1 - 52.0).abs() < 1e-9
        );
        assert!(sheet.note.contains("1 gives 61.25 (mean of 2 runs)"), "{}", sheet.note);
        let text = sheet.svg("sensitivity");
        assert!(text.contains(">head.lambda</text>") && text.contains("own &lt;tasks&gt;"));
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn runs_that_do_not_belong_together_are_named() {
        let fault = |runs: &[Point], code: &str, expected: &str| {
            let error = sensitivity("head.lambda", runs).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(expected), "{error}");
        };
        fault(&[], "no_results", "no results for the figure of sensitivity");
        let one = [point(1.0, 0.5), point(1.0, 0.6)];
        fault(&one, "no_results", "head.lambda: found 1 values, expected at least 2");
        let mut other = point(2.0, 0.5);
        other.measured.benchmark = "another".into();
        fault(&[point(1.0, 0.5), other], "unlike_results", "found results of \"another\" beside");
        let mut other = point(2.0, 0.5);
        other.measured.metric = Metric::Apgr;
        fault(&[point(1.0, 0.5), other], "unlike_results", "found an APGR, expected a mean score");
        let mut other = point(2.0, 0.5);
        other.measured.rows += 1;
        fault(&[point(1.0, 0.5), other], "unlike_results", "with other rows than the first");
    }

    #[test]
    fn a_result_of_one_bundle_states_what_it_was_measured_at() {
        let many = Stored { pools: vec![example_of_a_pool()], ..Stored::default() };
        let found = measured(&many).unwrap();
        assert_eq!((found.metric, found.rows), (Metric::MeanScore, 240));
        assert_eq!(Some(found.value), many.pools[0].routers[0].metrics.mean);
        let pair = Stored { pairs: vec![example()], ..Stored::default() };
        let found = measured(&pair).unwrap();
        assert_eq!(
            (found.metric, Some(found.value)),
            (Metric::Apgr, pair.pairs[0].routers[0].metrics.apgr)
        );
        assert_eq!(measured(&Stored::default()), None);
        let both = Stored {
            pairs: vec![example()],
            pools: vec![example_of_a_pool()],
            ..Stored::default()
        };
        assert_eq!(measured(&both), None);
    }
}
