// A bundle's map (map.json): where a query lies among the training queries.

/** Reads a map and checks what drawing needs; throws an Error that names the fault. */
export function readMap(text, embeddingSize) {
  const map = JSON.parse(text);
  const wrong = (what) => new Error(`map.json: ${what}`);
  if (map.format !== 1) throw wrong(`format ${map.format}: expected 1. Use a newer page`);
  const { mean, axes } = map.projection ?? {};
  const vectors = [mean, ...(axes ?? [])];
  // The last coordinate, the query's length, is not projected.
  if (vectors.length !== 3 || vectors.some((vector) => vector?.length !== embeddingSize - 1)) {
    throw wrong(`the projection is not of ${embeddingSize - 1} coordinates to 2`);
  }
  const fits = (point) => point.length === 4 && point.every(Number.isFinite) && map.clusters[point[2]];
  if (!map.points?.every(fits)) throw wrong("a point is not [x, y, cluster, value]");
  return map;
}

/** The position of an embedding on the map: axes * (direction - mean), without the last coordinate. */
export function place({ mean, axes }, embedding) {
  const topic = [...embedding.subarray(0, mean.length)];
  const norm = Math.hypot(...topic) || 1;
  return axes.map((axis) => axis.reduce((sum, weight, i) => sum + weight * (topic[i] / norm - mean[i]), 0));
}

/** The cluster at a position: the most frequent among the nearest points. */
export function clusterAt(map, [x, y], neighbours = 15) {
  const distance = ([px, py]) => (px - x) ** 2 + (py - y) ** 2;
  const nearest = map.points.toSorted((a, b) => distance(a) - distance(b)).slice(0, neighbours);
  const votes = new Map();
  for (const [, , cluster] of nearest) votes.set(cluster, (votes.get(cluster) ?? 0) + 1);
  const [[cluster]] = [...votes].sort(([, a], [, b]) => b - a);
  return map.clusters[cluster];
}
