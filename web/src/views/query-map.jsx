// Shows the training queries on two axes, and the typed query among them.

/** @import { Router } from "pointsman" */
/** @import { QueryMap as BundleMap } from "../model/projection.js" */

import { useState } from "preact/hooks";

import { COLOURS, QueryMapChart } from "../charts/query-map.jsx";
import { t, whole } from "../i18n.js";
import { clusterAt, place } from "../model/projection.js";
import { Choice } from "../parts/field.jsx";
import { QueryBox } from "../parts/query-box.jsx";
import { opened, pair, query } from "../state.js";

/** @typedef {"cluster" | "value"} Colouring */

export function QueryMap() {
  const { map, mapFault, router } = opened();
  const [colours, setColours] = useState(/** @type {Colouring} */ ("cluster"));
  if (!map) return <p class="panel">{mapFault ? t("map.fault", { fault: mapFault }) : t("map.none")}</p>;
  const placed = placedQuery(router, map);
  return (
    <>
      <p class="lead">{t("map.lead")}</p>
      <div class="columns wide-right">
        <section class="panel" aria-label={t("playground.query")}>
          <QueryBox rows={4} />
          <p id="placed" role="status">
            {placed && t("map.placed", { cluster: clusterAt(map, placed).name })}
          </p>
        </section>
        <section class="panel" aria-label={t("nav.map")}>
          <Choice
            legend={t("map.colours")}
            name="colours"
            value={colours}
            onValue={setColours}
            options={[
              ["cluster", t("map.byCluster")],
              ["value", t(pair.value ? "map.byWinRate" : "map.byBest")],
            ]}
          />
          <QueryMapChart map={map} placed={placed} byValue={colours === "value"} paired={Boolean(pair.value)} />
          <Legend map={map} colours={colours} />
          <p class="quiet">{t("map.method", { points: whole(map.points.length), clusters: map.clusters.length })}</p>
        </section>
      </div>
    </>
  );
}

/** @param {Router} router @param {BundleMap} map */
function placedQuery(router, map) {
  if (query.value.trim() === "") return undefined;
  try {
    return place(map.projection, router.embed(query.value));
  } catch {
    // A query that the engine refuses has no position; the playground says why.
    return undefined;
  }
}

/** @param {{map: BundleMap, colours: Colouring}} props */
function Legend({ map, colours }) {
  const { info } = opened();
  if (colours === "value" && pair.value) {
    return (
      <p class="gradient">
        <span>{pair.value.weak}</span>
        <span class="band" aria-hidden="true" />
        <span>{pair.value.strong}</span>
      </p>
    );
  }
  const names =
    colours === "value"
      ? info.candidates.map(({ id }) => id)
      : map.clusters.map(({ name, rows }) => `${name} (${whole(rows)})`);
  return (
    <ul class="legend">
      {names.map((name, i) => (
        <li key={name}>
          <span class="swatch dot" style={{ background: COLOURS[i] }} />
          {name}
        </li>
      ))}
    </ul>
  );
}
