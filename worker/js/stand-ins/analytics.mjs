// Stands in for an Analytics Engine dataset: writes a point as a line of the Worker's log that begins with
// `mark`, since `writeDataPoint` is synchronous. It refuses points that exceed the real limits.

const MOST_FIELDS = 20;
const MOST_BLOB_BYTES = 16 * 1024;
const MOST_INDEX_BYTES = 96;

/** @typedef {{indexes?: string[], blobs?: string[], doubles?: number[]}} DataPoint */

/** @param {{mark: string}} env */
export default function binding({ mark }) {
  return {
    /** @param {DataPoint} point */
    writeDataPoint(point) {
      check(point);
      console.log(mark + JSON.stringify(point));
    },
  };
}

/** @param {DataPoint} point */
function check({ indexes = [], blobs = [], doubles = [] }) {
  const length = (/** @type {string} */ text) => new TextEncoder().encode(text).length;
  if (indexes.length > 1 || indexes.some((index) => typeof index !== "string" || length(index) > MOST_INDEX_BYTES)) {
    throw new TypeError(
      `indexes are ${JSON.stringify(indexes)}: expected one text of ${MOST_INDEX_BYTES} bytes at most`,
    );
  }
  if (blobs.length > MOST_FIELDS || blobs.some((blob) => typeof blob !== "string")) {
    throw new TypeError(`blobs are ${JSON.stringify(blobs)}: expected ${MOST_FIELDS} texts at most`);
  }
  if (blobs.reduce((sum, blob) => sum + length(blob), 0) > MOST_BLOB_BYTES) {
    throw new TypeError(`blobs are longer than ${MOST_BLOB_BYTES} bytes`);
  }
  if (doubles.length > MOST_FIELDS || doubles.some((double) => typeof double !== "number")) {
    throw new TypeError(`doubles are ${JSON.stringify(doubles)}: expected ${MOST_FIELDS} numbers at most`);
  }
}
