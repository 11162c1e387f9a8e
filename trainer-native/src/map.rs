//! Makes `map.json`: training queries as points on a plane, so that a page can place a typed query
//! among them.
//!
//! ```text
//! (x, y) = axes (topic / |topic| - mean)          axes [2, D - 1], mean [D - 1]
//! ```
//! The topic is the embedding that `Router::embed` gives, `[D]`, without its last coordinate, the
//! query's length. Its norm, which grows with the number of tokens, is divided out. A host places a
//! query by two dot products, exactly as the points were placed (t-SNE, which
//! [`figure`](crate::report::figure) draws, cannot place a query it has not seen). `plane` says how
//! clusters and axes are found, `words` how clusters are named. The file holds no text of a
//! query: only single words that several queries share, or names of data sets.
//!
//! The draw of queries and the clusters come from one seed, and so does every byte of the file.

pub mod draw;
pub(crate) mod plane;
pub(crate) mod words;

use std::sync::atomic::AtomicBool;

use pointsman::{DEFAULT_TURN_DECAY, Query, Router};
use serde::{Deserialize, Serialize};

use crate::assess::on_each;
use crate::encoder::if_any_token;
use crate::error::TrainerError;
use crate::eval::cost_quality::many_models::largest;
use crate::linear::direction::unit;
use crate::linear::groups::numbered;

use draw::MapQuery;
use plane::Plane;

/// Version of the file's format.
pub const FORMAT: u32 = 1;
pub const MOST_POINTS: usize = 1500;
/// Most bytes of the file: wide embeddings leave room for fewer points.
pub const MOST_BYTES: usize = 40_000;
/// Fewest queries that a map is made of.
pub const LEAST_QUERIES: usize = 12;
/// Number of clusters where data sets do not group the queries. With more, several share a hue and
/// a corner of the plane; with fewer, unlike topics share a name.
const CLUSTERS: usize = 9;
/// Fewest queries of a cluster on average.
const LEAST_IN_CLUSTER: usize = 4;
/// Most data sets that get a cluster of their own.
const MOST_DATA_SETS: usize = 12;
/// Name of the cluster that joins the smaller data sets.
const OTHERS: &str = "other data sets";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryMap {
    pub format: u32,
    /// Maps an embedding to its point.
    pub projection: Projection,
    /// The clusters, the largest first.
    pub clusters: Vec<Cluster>,
    /// Some of the queries, in the order in which they were drawn.
    pub points: Vec<Point>,
}

/// Maps an embedding to its point: `axes (topic / |topic| - mean)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// Mean of the directions, `[D - 1]`.
    pub mean: Vec<f64>,
    /// Axes of x and y, `[2, D - 1]`. Of the clustered queries, 98 % lie within -1 and 1 on either
    /// axis.
    pub axes: [Vec<f64>; 2],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its most distinctive words, or its data set.
    pub name: String,
    /// Number of the clustered queries in it.
    pub rows: usize,
}

/// A query: x, y, the index of its cluster in [`QueryMap::clusters`], and the router's answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point(pub f64, pub f64, pub usize, pub RouterAnswer);

/// The router's answer to a query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RouterAnswer {
    /// Without a pair: index of the best candidate.
    Best(usize),
    /// With a pair: the win rate, in [0, 1].
    WinRate(f64),
}

impl Projection {
    /// Point of an embedding `[D]`.
    #[must_use]
    pub fn place(&self, embedding: &[f32]) -> [f64; 2] {
        self.place_direction(&direction(embedding))
    }

    /// Point of a direction `[D - 1]`.
    fn place_direction(&self, direction: &[f64]) -> [f64; 2] {
        let along = |axis: &Vec<f64>| {
            let terms = axis.iter().zip(direction).zip(&self.mean);
            terms.map(|((axis, value), mean)| axis * (value - mean)).sum()
        };
        [along(&self.axes[0]), along(&self.axes[1])]
    }
}

impl QueryMap {
    /// Makes the map of `queries` as `router` embeds them; `None` where fewer than
    /// [`LEAST_QUERIES`] have a token, or where the embeddings do not span a plane.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::BadRows`] and [`TrainerError::NotFinite`] of the
    /// clusters; [`TrainerError::Interrupted`].
    pub fn of(
        router: &Router,
        queries: &[MapQuery],
        seed: u64,
        stop: &AtomicBool,
    ) -> Result<Option<Self>, TrainerError> {
        let texts: Vec<&str> = queries.iter().map(|query| query.text.as_str()).collect();
        let found = on_each("mapping queries", &texts, stop, &|text| {
            if_any_token(Query::new(text).and_then(|query| router.embed(&query)))
        })?;
        let (queries, embeddings): (Vec<&MapQuery>, Vec<Vec<f32>>) =
            queries.iter().zip(found).filter_map(|(query, own)| Some((query, own?))).unzip();
        if queries.len() < LEAST_QUERIES {
            return Ok(None);
        }
        let rows: Vec<Vec<f64>> = embeddings.iter().map(|row| direction(row)).collect();
        let grouped = match data_sets(&queries) {
            Some((group_of, names)) => {
                Plane::of(&rows, &group_of, names.len())?.map(|plane| (plane, group_of, names))
            }
            None => {
                let count = CLUSTERS.min(queries.len() / LEAST_IN_CLUSTER);
                Plane::clustered(&rows, count, seed)?.map(|(plane, group_of, groups)| {
                    let texts: Vec<&str> = queries.iter().map(|q| q.text.as_str()).collect();
                    let names = words::names(&texts, &group_of, groups);
                    (plane, group_of, names)
                })
            }
        };
        let Some((plane, group_of, names)) = grouped else { return Ok(None) };
        let (place_of, clusters) = largest_first(&group_of, names);
        let projection = plane.projection();
        let drawn: Vec<&str> = queries.iter().take(MOST_POINTS).map(|q| q.text.as_str()).collect();
        let answers = on_each("routing mapped queries", &drawn, stop, &|text| {
            let found = router.assess(&Query::new(text)?, DEFAULT_TURN_DECAY)?;
            Ok(match found.win_rate {
                Some(rate) => RouterAnswer::WinRate(decimals(rate, 1e3)),
                None => RouterAnswer::Best(largest(found.scores.into_iter())),
            })
        })?;
        let points = answers.into_iter().enumerate().map(|(at, answer)| {
            let [x, y] = projection.place(&embeddings[at]).map(|value| decimals(value, 1e3));
            Point(x, y, place_of[group_of[at]], answer)
        });
        let points = points.collect();
        let mut map = Self { format: FORMAT, projection, clusters, points };
        loop {
            let bytes = map.to_bytes()?.len();
            if bytes <= MOST_BYTES || map.points.is_empty() {
                return Ok(Some(map));
            }
            // A point takes about 25 bytes.
            let left = map.points.len().saturating_sub(((bytes - MOST_BYTES) / 25).max(1));
            map.points.truncate(left);
        }
    }

    /// Serialises the file.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrainerError> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| TrainerError::NotFinite {
            what: "a number of map.json",
            detail: error.to_string(),
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Direction of an embedding without its length coordinate, `[D - 1]`.
fn direction(embedding: &[f32]) -> Vec<f64> {
    let topic: Vec<f64> = embedding
        .iter()
        .take(embedding.len().saturating_sub(1))
        .map(|&value| f64::from(value))
        .collect();
    unit(&topic, &vec![0.0; topic.len()])
}

/// Groups queries by data set, where every query has one and there are at least two: the group of
/// each query, and the names of the groups.
fn data_sets(queries: &[&MapQuery]) -> Option<(Vec<usize>, Vec<String>)> {
    let own: Vec<&str> = queries.iter().map(|q| q.dataset.as_deref()).collect::<Option<_>>()?;
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for name in &own {
        match counted.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => counted.push((name, 1)),
        }
    }
    counted.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    let kept = if counted.len() > MOST_DATA_SETS { MOST_DATA_SETS - 1 } else { counted.len() };
    let mut names: Vec<String> =
        counted.iter().take(kept).map(|(name, _)| (*name).to_owned()).collect();
    let place = |name: &&str| names.iter().position(|kept| kept == name).unwrap_or(kept);
    let group_of: Vec<usize> = own.iter().map(place).collect();
    if kept < counted.len() {
        names.push(OTHERS.to_owned());
    }
    (names.len() > 1).then_some((group_of, names))
}

/// Sorts the clusters by falling size; returns the new index of each group too.
fn largest_first(group_of: &[usize], names: Vec<String>) -> (Vec<usize>, Vec<Cluster>) {
    let mut rows = vec![0; names.len()];
    group_of.iter().for_each(|&group| rows[group] += 1);
    let order: Vec<_> = rows.iter().enumerate().map(|(at, &n)| (usize::MAX - n, at)).collect();
    let (place_of, _) = numbered(order);
    let mut clusters: Vec<(usize, Cluster)> = names
        .into_iter()
        .enumerate()
        .map(|(at, name)| (place_of[at], Cluster { name, rows: rows[at] }))
        .collect();
    clusters.sort_by_key(|(place, _)| *place);
    (place_of, clusters.into_iter().map(|(_, cluster)| cluster).collect())
}

/// Rounds to multiples of `1 / scale`; zero is never negative.
fn decimals(value: f64, scale: f64) -> f64 {
    (value * scale).round() / scale + 0.0
}

#[cfg(test)]
mod tests;
