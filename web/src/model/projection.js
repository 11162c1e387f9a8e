// A bundle's map (map.json): where a query lies among the training queries.

/**
 * @typedef {[x: number, y: number, cluster: number, value: number]} MapPoint `value` is a win rate or a candidate's index
 * @typedef {{mean: number[], axes: number[][]}} Projection two axes
 * @typedef {{format: number, projection: Projection, points: MapPoint[], clusters: {name: string, rows: number}[]}} QueryMap
 */

/**
 * Reads a map and checks what drawing needs; throws an Error that names the fault.
 * @param {string} text
 * @param {number} embeddingSize
 * @returns {QueryMap}
 */
export function readMap(text, embeddingSize) {
  const map = JSON.parse(text);
  const wrong = (/** @type {string} */ what) => new Error(`map.json: ${what}`);
  if (map.format !== 1) throw wrong(`format ${map.format}: expected 1. Use a newer page`);
  const { mean, axes } = map.projection ?? {};
  const vectors = [mean, ...(axes ?? [])];
  // The last coordinate, the query's length, is not projected.
  if (vectors.length !== 3 || vectors.some((vector) => vector?.length !== embeddingSize - 1)) {
    throw wrong(`the projection is not of ${embeddingSize - 1} coordinates to 2`);
  }
  const fits = (/** @type {number[]} */ point) =>
    point.length === 4 && point.every(Number.isFinite) && map.clusters[point[2]];
  if (!map.points?.every(fits)) throw wrong("a point is not [x, y, cluster, value]");
  return map;
}

/**
 * The position of an embedding on the map: axes * (direction - mean), without the last coordinate.
 * @param {Projection} projection
 * @param {Float32Array} embedding
 * @returns {[x: number, y: number]}
 */
export function place({ mean, axes }, embedding) {
  const topic = [...embedding.subarray(0, mean.length)];
  const norm = Math.hypot(...topic) || 1;
  const [x, y] = axes.map((axis) => axis.reduce((sum, weight, i) => sum + weight * (topic[i] / norm - mean[i]), 0));
  return [x, y];
}

/**
 * The cluster at a position: the most frequent among the nearest points.
 * @param {Pick<QueryMap, "points" | "clusters">} map
 * @param {[x: number, y: number]} position
 */
export function clusterAt(map, [x, y], neighbours = 15) {
  const distance = (/** @type {MapPoint} */ [px, py]) => (px - x) ** 2 + (py - y) ** 2;
  const nearest = map.points.toSorted((a, b) => distance(a) - distance(b)).slice(0, neighbours);
  /** @type {Map<number, number>} */
  const votes = new Map();
  for (const [, , cluster] of nearest) votes.set(cluster, (votes.get(cluster) ?? 0) + 1);
  const [[cluster]] = [...votes].sort(([, a], [, b]) => b - a);
  return map.clusters[cluster];
}
