// Routes the user's own queries in a Web Worker.

/** @import { Fault as AnyFault } from "../model/fault.js" */

import { useEffect, useRef, useState } from "preact/hooks";

import { t, whole } from "../i18n.js";
import { faultFrom } from "../model/fault.js";
import { MOST_QUERIES, readQueries } from "../model/queries-file.js";
import { Fault } from "../parts/fault.jsx";
import { PolicyControl } from "../parts/policy-control.jsx";
import { RoutedQueries } from "../parts/routed-queries.jsx";
import { routeInWorker } from "../route-in-worker.js";
import { opened, policy, routed } from "../state.js";

/** @typedef {{name: string} & ReturnType<typeof readQueries>} ReadFile */

export function Queries() {
  const [text, setText] = useState("");
  const [read, setRead] = useState(/** @type {ReadFile | undefined} */ (undefined));
  const [progress, setProgress] = useState(/** @type {{done: number, total: number} | undefined} */ (undefined));
  const [fault, setFault] = useState(/** @type {AnyFault | undefined} */ (undefined));
  const running = useRef(/** @type {AbortController | undefined} */ (undefined));
  useEffect(() => () => running.current?.abort(), []);

  const take = (/** @type {string} */ content, /** @type {string} */ name) => {
    setFault(undefined);
    routed.value = undefined;
    setRead(content.trim() ? { name, ...readQueries(content, name) } : undefined);
  };
  const takeFile = async (/** @type {File | undefined} */ file) => {
    if (!file) return;
    setText("");
    take(await file.text(), file.name);
  };
  const start = async () => {
    if (!read) return;
    running.current = new AbortController();
    const { signal } = running.current;
    setFault(undefined);
    setProgress({ done: 0, total: read.inputs.length });
    const asked = policy.value;
    try {
      const inputs = read.inputs.map(({ input }) => input);
      const outcomes = await routeInWorker(opened().source, inputs, asked, { signal, onProgress: setProgress });
      routed.value = { policy: asked, rows: read.inputs.map((row, i) => ({ ...row, outcome: outcomes[i] })) };
    } catch (error) {
      if (!signal.aborted) setFault(faultFrom(error));
    } finally {
      setProgress(undefined);
    }
  };
  const dropped = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    takeFile(event.dataTransfer?.files[0]);
  };
  return (
    <>
      <p class="lead">{t("queries.lead")}</p>
      <div class="columns">
        <section
          class="panel drop"
          aria-label={t("queries.source")}
          onDragOver={(event) => event.preventDefault()}
          onDrop={dropped}
        >
          <label for="own-queries">{t("queries.paste")}</label>
          <textarea
            id="own-queries"
            rows={8}
            spellcheck={false}
            value={text}
            placeholder={t("queries.placeholder")}
            onInput={({ currentTarget: { value } }) => {
              setText(value);
              take(value, "");
            }}
          />
          <div class="row">
            <label class="button">
              {t("queries.choose")}
              <input
                type="file"
                class="hidden-label"
                accept=".txt,.csv,.tsv,.jsonl,.ndjson,text/plain,text/csv"
                onChange={({ currentTarget }) => takeFile(currentTarget.files?.[0])}
              />
            </label>
            {read && <ReadSummary read={read} />}
          </div>
        </section>
        <section class="panel" aria-label={t("policy.legend")}>
          <h2>{t("policy.title")}</h2>
          <PolicyControl />
          <div class="row">
            {progress ? (
              <button type="button" onClick={() => running.current?.abort()}>
                {t("queries.cancel")}
              </button>
            ) : (
              <button type="button" class="primary" disabled={!read?.inputs.length} onClick={start}>
                {t("queries.route", { count: whole(read?.inputs.length ?? 0) })}
              </button>
            )}
          </div>
          {progress && (
            <div role="status">
              <progress aria-label={t("queries.progress")} max={progress.total} value={progress.done} />
              <p class="quiet">{t("queries.done", { done: whole(progress.done), total: whole(progress.total) })}</p>
            </div>
          )}
          {fault && <Fault error={fault} what={t("queries.failed")} />}
        </section>
      </div>
      {routed.value && <RoutedQueries {...routed.value} name={read?.name} />}
    </>
  );
}

/** @param {{read: ReadFile}} props */
function ReadSummary({ read: { format, column, inputs, refused, more } }) {
  return (
    <div class="summary" role="status">
      <p>{t(`queries.read.${format}`, { count: whole(inputs.length), column })}</p>
      {more > 0 && <p>{t("queries.more", { count: whole(more), most: whole(MOST_QUERIES) })}</p>}
      {refused.length > 0 && (
        <details>
          <summary>{t("queries.refused", { count: whole(refused.length) })}</summary>
          <ul>
            {refused.slice(0, 50).map(({ line, reason }) => (
              <li key={line}>
                {t("queries.line", { line })}: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
