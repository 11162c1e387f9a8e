// Compares the engine with ONNX Runtime Web on the user's machine.

import { useEffect, useRef, useState } from "preact/hooks";

import { SpeedChart } from "../charts/speed.jsx";
import { milliseconds, significant, t, whole } from "../i18n.js";
import { Fault } from "../parts/fault.jsx";
import { bundle } from "../state.js";

export function Benchmark() {
  const [progress, setProgress] = useState();
  const [result, setResult] = useState();
  const [fault, setFault] = useState();
  const worker = useRef();
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
    own.onmessage = ({ data }) => {
      if (data.progress) return setProgress(data.progress);
      if (data.fault) setFault(Object.assign(new Error(data.fault.message), { code: data.fault.code }));
      else setResult({ ...data.result, bundle: bundle.value.id });
      stop();
    };
    own.postMessage({ files: bundle.value.source });
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
            <progress aria-label={t("queries.progress")} max={1} value={progress.part} />
            <p class="quiet">{t(`benchmark.step.${progress.step}`, { tokens: progress.tokens })}</p>
          </div>
        )}
        {fault && <Fault error={fault} what={t("benchmark.failed")} />}
        {result && <Result result={result} />}
        <p class="quiet">{t("benchmark.method")}</p>
      </section>
    </>
  );
}

function Result({ result: { rows, load, apart, versions, bundle: name } }) {
  return (
    <>
      <h2>{t("benchmark.title", { bundle: name })}</h2>
      <SpeedChart rows={rows} />
      <div class="scrolls" tabIndex={0} role="region" aria-label={t("nav.benchmark")}>
        <table class="facts" id="benchmark-table">
          <thead>
            <tr>
              {["tokens", "ours", "theirs", "ratio", "rounds"].map((name) => (
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
      </div>
      <p class="quiet">
        {t("benchmark.apart", { apart: significant(apart) })} {versions}
      </p>
    </>
  );
}
