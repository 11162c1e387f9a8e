// A railway switch, as a pointsman sets it: the query comes from the left and runs to the candidate that
// answers.

const HEIGHT = { row: 34, pad: 20 };
const X = { from: 8, switch: 70, to: 150, end: 172 };

/** @param {{tracks: {id: string, side?: "strong" | "weak"}[], chosen?: string}} props */
export function TrackSwitch({ tracks, chosen }) {
  const height = HEIGHT.pad * 2 + HEIGHT.row * (tracks.length - 1);
  const middle = height / 2;
  const path = (/** @type {number} */ i) => {
    const y = HEIGHT.pad + HEIGHT.row * i;
    const bend = (X.switch + X.to) / 2;
    return `M${X.from} ${middle}H${X.switch}C${bend} ${middle} ${bend} ${y} ${X.to} ${y}H${X.end}`;
  };
  const active = tracks.findIndex(({ id }) => id === chosen);
  return (
    <div class="switch">
      <svg viewBox={`0 0 ${X.end + 8} ${height}`} style={{ height: `${height}px` }} aria-hidden="true">
        {tracks.map(({ id }, i) => (
          <path key={id} class="rail" d={path(i)} />
        ))}
        {active !== -1 && <path class={`rail live ${tracks[active].side ?? "weak"}`} d={path(active)} />}
        {active !== -1 && (
          <circle
            key={chosen}
            class={`train ${tracks[active].side ?? "weak"}`}
            r="6"
            style={{ offsetPath: `path("${path(active)}")` }}
          />
        )}
      </svg>
      <ol
        style={{ gridAutoRows: `${HEIGHT.row}px`, paddingBlock: `${HEIGHT.pad - HEIGHT.row / 2}px` }}
        aria-hidden="true"
      >
        {tracks.map(({ id, side }) => (
          <li key={id} class={`${id === chosen ? "chosen" : ""} ${side ?? ""}`} title={id}>
            {id}
          </li>
        ))}
      </ol>
    </div>
  );
}
