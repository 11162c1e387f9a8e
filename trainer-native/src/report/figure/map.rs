//! Draws embeddings of queries on a plane, coloured by data set, one panel for each bundle
//! (RouterDC, figure 3).
//!
//! Places come from [`projection`](crate::linear::t_sne). How well data sets separate is also stated
//! as a number: the share of queries whose nearest neighbour *in the map* is of the same data set,
//! beside the share expected by chance.

use std::collections::BTreeMap;

use super::{Panel, Sheet, range};
use crate::report::svg::chart::{Axis, Chart, Series};
use crate::report::svg::{Look, MARKERS};
use crate::report_error::ReportError;

/// The points of one bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    pub label: String,
    /// The place of each query.
    pub places: Vec<[f32; 2]>,
    /// The data set of each query, in the same order.
    pub datasets: Vec<String>,
}

/// Name of the data sets past the eleventh where there are more than twelve.
const OTHERS: &str = "other data sets";

/// Draws the maps; `facts` say where the queries are from and how they were drawn.
///
/// # Errors
/// [`ReportError::NoResults`] without bundles, for fewer than two queries, or where a query has not exactly one data set.
pub fn map(clouds: &[Cloud], facts: &str) -> Result<Sheet, ReportError> {
    if clouds.is_empty() {
        return Err(ReportError::no_results("the map of embeddings"));
    }
    for cloud in clouds {
        let found = cloud.places.len().min(cloud.datasets.len());
        if found < 2 || cloud.places.len() != cloud.datasets.len() {
            return Err(ReportError::too_few(
                &cloud.label,
                "queries with a place and a data set",
                found,
                cloud.places.len().max(2),
                "Give more queries",
            ));
        }
    }
    let legend = legend(clouds);
    let mut shares = Vec::new();
    let mut panels = Vec::new();
    for (at, cloud) in clouds.iter().enumerate() {
        let (found, chance) = (own_neighbours(cloud), by_chance(cloud));
        shares.push(format!(
            "{} {:.1} % (chance {:.1} %)",
            cloud.label,
            100.0 * found,
            100.0 * chance
        ));
        panels.push(Panel {
            heading: cloud.label.clone(),
            chart: chart(cloud, &legend, format!("map-{at}"), facts),
        });
    }
    let note = format!(
        "t-SNE of the bundles' embeddings at length 1; {facts}. Axes have no unit. Nearest neighbour \
         in the map of the same data set: {}.",
        shares.join("; ")
    );
    Ok(Sheet { title: "Embeddings of queries by data set".into(), note, panels, columns: 2 })
}

/// The data sets of all panels, the largest first, at most as many as there are markers.
fn legend(clouds: &[Cloud]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for dataset in clouds.iter().flat_map(|cloud| &cloud.datasets) {
        *counts.entry(dataset).or_default() += 1;
    }
    let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.1));
    if names.len() > MARKERS {
        names.truncate(MARKERS - 1);
        names.push((OTHERS, 0));
    }
    names.into_iter().map(|name| name.0.to_owned()).collect()
}

fn chart(cloud: &Cloud, legend: &[String], id: String, facts: &str) -> Chart {
    let slot = |dataset: &String| legend.iter().position(|name| name == dataset);
    let mut series: Vec<Series> = legend
        .iter()
        .enumerate()
        .map(|(slot, name)| Series {
            label: name.clone(),
            points: Vec::new(),
            intervals: Vec::new(),
            look: Look::Slot(slot),
            line: false,
            marks: true,
        })
        .collect();
    for (place, dataset) in cloud.places.iter().zip(&cloud.datasets) {
        let at = slot(dataset).unwrap_or(series.len().saturating_sub(1));
        if let Some(own) = series.get_mut(at) {
            own.points.push((f64::from(place[0]), f64::from(place[1])));
        }
    }
    let axis = |axis: usize| {
        let values = cloud.places.iter().map(move |place| f64::from(place[axis]));
        let (low, high) = range(values);
        Axis { label: String::new(), low, high }
    };
    Chart {
        id,
        title: format!("Embeddings of {}", cloud.label),
        description: format!("{} queries by data set; {facts}.", cloud.places.len()),
        width: 480.0,
        plot_height: 398.0,
        x: axis(0),
        y: axis(1),
        series,
    }
}

/// Share of queries, in [0, 1], whose nearest neighbour in the map is of the same data set.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn own_neighbours(cloud: &Cloud) -> f64 {
    let distance = |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let labelled = || cloud.places.iter().zip(&cloud.datasets);
    let own = labelled().enumerate().filter(|(at, (place, dataset))| {
        let others = labelled().enumerate().filter(|(other, _)| other != at);
        let nearest = others
            .min_by(|(_, (a, _)), (_, (b, _))| distance(a, place).total_cmp(&distance(b, place)));
        nearest.is_some_and(|(_, (_, found))| found == *dataset)
    });
    own.count() as f64 / cloud.places.len().max(1) as f64
}

/// That share for neighbours drawn at random.
#[allow(clippy::cast_precision_loss)]
fn by_chance(cloud: &Cloud) -> f64 {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for dataset in &cloud.datasets {
        *counts.entry(dataset).or_default() += 1;
    }
    let all = cloud.datasets.len();
    let pairs: usize = counts.values().map(|count| count * (count - 1)).sum();
    pairs as f64 / (all * all.saturating_sub(1)).max(1) as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cloud(label: &str, sets: usize, count: usize) -> Cloud {
        let place = |at: usize| {
            #[allow(clippy::cast_precision_loss)]
            let (set, at) = ((at % sets) as f32, at as f32);
            [set * 100.0, at]
        };
        Cloud {
            label: label.into(),
            places: (0..count).map(place).collect(),
            datasets: (0..count).map(|at| format!("set <{}>", at % sets)).collect(),
        }
    }

    #[test]
    fn every_query_is_marked_in_the_look_of_its_data_set() {
        let sheet = map(&[cloud("a", 3, 30), cloud("b", 3, 12)], "drawn by seed 1").unwrap();
        assert_eq!(sheet.panels.len(), 2);
        for (panel, each) in sheet.panels.iter().zip([10, 4]) {
            let counts = panel.chart.series.iter().map(|series| series.points.len());
            assert_eq!(counts.collect::<Vec<_>>(), [each; 3]);
        }
        let text = sheet.svg("map");
        assert!(text.contains(">set &lt;2&gt;</text>") && text.contains(">a</text>"));
        // Queries and one mark a panel in the legend.
        assert_eq!(text.matches("class=\"mark s1\"").count(), 10 + 4 + 2);
        assert!(!text.contains("class=\"grid\"") && !text.contains("NaN"));
        assert!(sheet.note.contains("drawn by seed 1") && sheet.note.contains("a 100.0 %"));
    }

    #[test]
    fn more_data_sets_than_markers_share_the_last() {
        let sheet = map(&[cloud("many", 20, 60)], "all").unwrap();
        let series = &sheet.panels[0].chart.series;
        assert_eq!((series.len(), series[MARKERS - 1].label.as_str()), (MARKERS, OTHERS));
        assert_eq!(series.iter().map(|series| series.points.len()).sum::<usize>(), 60);
        let seven = map(&[cloud("seven", 7, 70)], "all").unwrap().svg("map");
        assert_eq!(seven.matches("class=\"mark s0\"").count(), 11);
        assert_eq!(seven.matches("class=\"mark s0 hollow\"").count(), 11);
    }

    #[test]
    fn neighbours_are_counted_by_data_set() {
        let mut mixed = cloud("mixed", 2, 4);
        // On a line: 0 and 1 apart by 1, 2 and 3 far off.
        mixed.places = vec![[0.0, 0.0], [1.0, 0.0], [10.0, 0.0], [11.5, 0.0]];
        mixed.datasets = ["a", "a", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(own_neighbours(&mixed), 0.5);
        assert_eq!(by_chance(&mixed), 0.5);
    }

    #[test]
    fn one_place_for_all_is_drawn_and_one_query_is_not() {
        let mut level = cloud("level", 1, 5);
        level.places = vec![[1.0, 1.0]; 5];
        assert!(!map(&[level], "all").unwrap().svg("map").contains("NaN"));
        let error = map(&[cloud("one", 1, 1)], "all").unwrap_err();
        assert!(error.to_string().starts_with("one: found 1 queries with a place"), "{error}");
        assert_eq!(map(&[], "all").unwrap_err().code(), "no_results");
    }
}
