// Compares the engine with ONNX Runtime Web on the user's machine.

/** @import { Fault as AnyFault } from "../model/fault.js" */
/** @import { Answer, Progress, Result as Measured } from "../workers/benchmark-worker.js" */

import { useEffect, useRef, useState } from "preact/hooks";

import { SpeedChart } from "../charts/speed.jsx";
import { milliseconds, significant, t, whole } from "../i18n.js";
import { Fault } from "../parts/fault.jsx";
import { ScrollRegion } from "../parts/scroll-region.jsx";
import { bundle, opened } from "../state.js";

const HEADS = /** @type {const} */ (["tokens", "ours", "theirs", "ratio", "rounds"]);

export function Benchmark() {
  const [progress, setProgress] = useState(/** @type {Progress | undefined} */ (undefined));
  const [result, setResult] = useState(/** @type {Measured & {bundle: string} | undefined} */ (undefined));
  const [fault, setFault] = useState(/** @type {AnyFault | undefined} */ (undefined));
  const worker = useRef(/** @type {Worker | undefined} */ (undefined));
  const stop = () => {
    worker.current?.terminate();
    worker.current = undefined;
    setProgress(undefined);
  };
  useEffect(() => stop, []);
  const start = () => {
    setFault(undefined);
    setResult(undefined);
    setProgress({ step: "load" });
    const own = new Worker(new URL("../workers/benchmark-worker.js", import.meta.url), { type: "module" });
    worker.current = own;
    own.onerror = (event) => {
      setFault(new Error(event.message || t("benchmark.noWorker")));
      stop();
    };
    own.onmessage = (/** @type {MessageEvent<Answer>} */ { data }) => {
      if (data.progress) {
        setProgress(data.progress);
        return;
      }
      if (data.fault) setFault(Object.assign(new Error(data.fault.message), { code: data.fault.code }));
      else setResult({ ...data.result, bundle: bundle.value.id });
      stop();
    };
    own.postMessage({ files: opened().source });
  };
  return (
    <>
      <p class="lead">{t("benchmark.lead")}</p>
      <section class="panel" aria-label={t("nav.benchmark")}>
        <div class="row">
          {progress ? (
            <button type="button" onClick={stop}>
              {t("queries.cancel")}
            </button>
          ) : (
            <button type="button" class="primary" onClick={start}>
              {t("benchmark.start")}
            </button>
          )}
          <p class="quiet">{t("benchmark.size")}</p>
        </div>
        {progress && (
          <div role="status">
            <progress
              aria-label={t("queries.progress")}
              max={1}
              value={progress.step === "measure" ? progress.part : undefined}
            />
            <p class="quiet">
              {progress.step === "load"
                ? t("benchmark.step.load")
                : t("benchmark.step.measure", { tokens: progress.tokens })}
            </p>
          </div>
        )}
        {fault && <Fault error={fault} what={t("benchmark.failed")} />}
        {result && <Result result={result} />}
        <p class="quiet">{t("benchmark.method")}</p>
      </section>
    </>
  );
}

/** @param {{result: Measured & {bundle: string}}} props */
function Result({ result: { rows, load, apart, versions, bundle: name } }) {
  return (
    <>
      <h2>{t("benchmark.title", { bundle: name })}</h2>
      <SpeedChart rows={rows} />
      <ScrollRegion label={t("nav.benchmark")}>
        <table class="facts" id="benchmark-table">
          <thead>
            <tr>
              {HEADS.map((name) => (
                <th key={name} scope="col">
                  {t(`benchmark.head.${name}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ tokens, ours, theirs, ratio, rounds }) => (
              <tr key={tokens}>
                <td>{tokens}</td>
                <td>{milliseconds(ours)}</td>
                <td>{milliseconds(theirs)}</td>
                <td>
                  {significant(ratio.median)} [{significant(ratio.low)}, {significant(ratio.high)}]
                </td>
                <td>{whole(rounds)}</td>
              </tr>
            ))}
            <tr>
              <td>{t("benchmark.load")}</td>
              <td>{milliseconds(load.ours)}</td>
              <td>{milliseconds(load.theirs)}</td>
              <td>{significant(load.theirs / load.ours)}</td>
              <td>1</td>
            </tr>
          </tbody>
        </table>
      </ScrollRegion>
      <p class="quiet">
        {t("benchmark.apart", { apart: significant(apart) })} {versions}
      </p>
    </>
  );
}
