// The bundle's description, and the choice of another bundle.

/** @import { ComponentChildren } from "preact" */

import { bytes, listed, percent, percentFine, phrase, significant, t, whole } from "../i18n.js";
import { BundleDrop } from "../parts/bundle-drop.jsx";
import { BundlePicker } from "../parts/bundle-picker.jsx";
import { ScrollRegion } from "../parts/scroll-region.jsx";
import { opened } from "../state.js";

/** @param {{onlyChoice?: boolean}} props `onlyChoice` where no bundle is open */
export function Inside({ onlyChoice }) {
  return (
    <>
      <section class="panel" aria-labelledby="choice-title">
        <h2 id="choice-title">{t("inside.choice")}</h2>
        {onlyChoice && <BundlePicker />}
        <BundleDrop />
      </section>
      {!onlyChoice && <Card />}
    </>
  );
}

function Card() {
  const {
    name,
    kind,
    format,
    encoder,
    head,
    candidates,
    calibration,
    metrics,
    trained_on: sources = [],
    provenance,
    files,
  } = opened().info;
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const about = phrase(`kind.${kind}`);
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="card-title">
        <h2 id="card-title">{name}</h2>
        <Terms
          rows={[
            [t("inside.kind"), about ? `${kind}: ${about}` : kind],
            [t("inside.encoder"), `${encoder.tier}, ${encoder.embedding_size} × ${encoder.pooling}`],
            [t("inside.maxTokens"), whole(encoder.max_tokens)],
            encoder.source && [t("inside.source"), encoder.source],
            [t("inside.candidates"), listed(candidates.map(({ id }) => id))],
            head.strong && [t("inside.pair"), `${head.strong} / ${head.weak}`],
            calibration && [
              t("inside.calibration"),
              t("inside.calibrationRows", { rows: whole(calibration.rows), sample: calibration.sample }),
            ],
            [t("inside.format"), String(format)],
            [t("inside.bytes"), bytes(total)],
          ]}
        />
        {provenance && (
          <>
            <h3>{t("inside.provenance")}</h3>
            <Terms
              rows={[
                [t("inside.licence"), provenance.licence],
                [t("inside.recipe"), `${provenance.recipe} (${provenance.recipe_sha256.slice(0, 12)})`],
                [t("inside.trainer"), t("inside.trainerLine", provenance)],
                provenance.teacher && [t("inside.teacher"), provenance.teacher],
              ]}
            />
          </>
        )}
      </section>
      <div class="stack">
        <Section
          title={t("inside.metrics")}
          empty={metrics.length === 0 && t("inside.noMetrics")}
          head={[t("inside.dataset"), t("inside.metric"), t("inside.value"), t("inside.rows"), t("inside.heldOut")]}
          rows={metrics.map(({ dataset, metric, value, rows, held_out: heldOut }) => [
            dataset,
            metric.toUpperCase(),
            metricText(metric, value),
            whole(rows),
            t(heldOut ? "yes" : "no"),
          ])}
        />
        <Section
          title={t("inside.trainedOn")}
          empty={sources.length === 0 && t("inside.noSources")}
          head={[t("inside.dataset"), t("inside.rows"), t("inside.leaks"), t("inside.licence")]}
          rows={sources.map(({ name: dataset, rows, removed_as_leaks: leaks, licence }) => [
            dataset,
            whole(rows),
            whole(leaks ?? 0),
            licence,
          ])}
        />
        <Section
          title={t("inside.files")}
          head={[t("inside.file"), t("inside.bytes"), "SHA-256"]}
          rows={files.map(({ name: file, bytes: size, sha256 }) => [
            file,
            bytes(size),
            <code title={sha256}>{sha256.slice(0, 12)}…</code>,
          ])}
        />
      </div>
    </div>
  );
}

/**
 * Formats a metric: CPT in percent of strong calls, a mean score in percent, others as they are defined.
 * @param {string} metric
 * @param {number} value
 */
function metricText(metric, value) {
  if (metric.startsWith("cpt")) return percentFine(value / 100);
  if (metric === "mean_score") return percentFine(value / 100);
  return value >= 0 && value <= 1 ? significant(value) : percent(value);
}

/** @param {{rows: ([term: string, text: string] | "" | undefined)[]}} props */
function Terms({ rows }) {
  return (
    <dl class="terms">
      {rows.map(
        (row) =>
          row && (
            <div key={row[0]}>
              <dt>{row[0]}</dt>
              <dd>{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/**
 * @param {{title: string, head: string[], rows: ComponentChildren[][], empty?: string | false}} props `empty` in place
 *   of the table
 */
function Section({ title, head, rows, empty }) {
  return (
    <section class="panel">
      <h3>{title}</h3>
      {empty ? (
        <p class="quiet">{empty}</p>
      ) : (
        <ScrollRegion label={title}>
          <table class="facts">
            <thead>
              <tr>
                {head.map((text) => (
                  <th key={text} scope="col">
                    {text}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((cells, i) => (
                <tr key={i}>
                  {cells.map((cell, j) => (
                    <td key={j}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      )}
    </section>
  );
}
