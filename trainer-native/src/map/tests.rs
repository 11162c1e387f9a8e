//! Clusters by data set, their order, and the form of the points.

use super::*;

fn query(dataset: Option<&str>) -> MapQuery {
    MapQuery { text: "why".into(), dataset: dataset.map(str::to_owned) }
}

#[test]
fn data_sets_are_clusters_where_every_query_has_one() {
    let of = |names: &[Option<&str>]| {
        let queries: Vec<MapQuery> = names.iter().copied().map(query).collect();
        data_sets(&queries.iter().collect::<Vec<_>>())
    };
    let found = of(&[Some("b"), Some("a"), Some("b")]);
    assert_eq!(found, Some((vec![0, 1, 0], vec!["b".into(), "a".into()])));
    assert_eq!(of(&[Some("b"), None]), None);
    assert_eq!(of(&[Some("b"), Some("b")]), None);
}

#[test]
fn small_data_sets_share_a_cluster() {
    let names: Vec<String> = (0..20).flat_map(|at| vec![format!("set {at:02}"); 20 - at]).collect();
    let queries: Vec<MapQuery> = names.iter().map(|name| query(Some(name))).collect();
    let (group_of, kept) = data_sets(&queries.iter().collect::<Vec<_>>()).unwrap_or_default();
    assert_eq!((kept.len(), kept[0].as_str(), kept[11].as_str()), (12, "set 00", OTHERS));
    assert_eq!(group_of.iter().filter(|&&group| group == 11).count(), (1..=9).sum::<usize>());
}

#[test]
fn clusters_stand_by_falling_size() {
    let names = ["a", "b", "c"].map(str::to_owned).to_vec();
    let (place_of, clusters) = largest_first(&[1, 2, 2, 1, 2, 0], names);
    assert_eq!(place_of, [2, 1, 0]);
    let found: Vec<(&str, usize)> = clusters.iter().map(|c| (c.name.as_str(), c.rows)).collect();
    assert_eq!(found, [("c", 3), ("b", 2), ("a", 1)]);
}

#[test]
fn a_point_is_four_numbers() {
    let points = [
        Point(-0.125, 1.0, 3, RouterAnswer::WinRate(0.5)),
        Point(0.0, 0.1, 0, RouterAnswer::Best(2)),
    ];
    let text = serde_json::to_string(&points).unwrap_or_default();
    assert_eq!(text, "[[-0.125,1.0,3,0.5],[0.0,0.1,0,2]]");
    let read: Result<Vec<Point>, _> = serde_json::from_str(&text);
    assert_eq!(read.ok().as_deref(), Some(points.as_slice()));
    assert_eq!(decimals(-0.0004, 1e3).to_string(), "0");
}
