// A bundle's cost-quality curve (router.json, `curves`): quality by share of strong calls.

/** @import { BundleInfo, CostQuality } from "pointsman" */

/**
 * @typedef {CostQuality & Required<Pick<CostQuality, "router">>} ShareCurve a curve by share of strong calls
 * @typedef {CostQuality & Required<Pick<CostQuality, "means">>} MeansCurve a curve with means
 */

/**
 * The value of a curve at `x`, linearly interpolated between its points.
 * @param {[number, number][]} points ascending in x
 * @param {number} x
 */
export function valueAt(points, x) {
  const above = points.findIndex(([at]) => at >= x);
  if (above === -1) return points[points.length - 1][1];
  if (above === 0) return points[0][1];
  const [[x0, y0], [x1, y1]] = [points[above - 1], points[above]];
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

/**
 * Performance gap recovered: 0 at the weak candidate's quality, 1 at the strong one's (RouteLLM, eq. 3).
 * @param {ShareCurve} curve
 * @param {number} quality
 */
export function gapRecovered(curve, quality) {
  const { weak, strong } = ends(curve);
  return (quality - weak) / (strong - weak);
}

/**
 * The quality at a given performance gap recovered.
 * @param {ShareCurve} curve
 * @param {number} pgr
 */
export function qualityOf(curve, pgr) {
  const { weak, strong } = ends(curve);
  return weak + pgr * (strong - weak);
}

/**
 * The quality with all calls to the weak candidate, and with all to the strong one.
 * @param {ShareCurve} curve
 */
export function ends({ router }) {
  return { weak: router[0][1], strong: router[router.length - 1][1] };
}

/**
 * The first curve by share of strong calls and the first with means, where the bundle has them.
 * @param {BundleInfo} info
 */
export function curvesOf(info) {
  const curves = info.curves ?? [];
  return { byShare: curves.find(isByShare), byMeans: curves.find(hasMeans) };
}

/** @param {CostQuality} curve @returns {curve is ShareCurve} */
function isByShare(curve) {
  return curve.router !== undefined && curve.router.length > 1;
}

/** @param {CostQuality} curve @returns {curve is MeansCurve} */
function hasMeans(curve) {
  return curve.means !== undefined;
}
