// The machine that a measurement was made on.

import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";

/** The instruction sets by which the engines choose their kernels. */
const VECTORS = ["avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8", "asimd", "asimddp", "i8mm"];
/** Words of a processor's name that a short name leaves out. */
const FILLERS = new Set(["intel", "amd", "cpu", "processor", "virtual", "with", "core", "cores"]);
const GIBIBYTE = 1024 ** 3;

/** @typedef {ReturnType<typeof machine>} Machine */

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    vectors: vectors(),
    memory: totalmem(),
    system: `${type()} ${release().split("-")[0]}`,
  };
}

/** The load average of the last minute: processes that ran or waited to. */
export function load() {
  return loadavg()[0];
}

/** @param {Machine} machine */
export function described({ cpu, cores, vectors, memory, system }) {
  const extensions = vectors.length > 0 ? ` (${vectors.join(", ")})` : "";
  return `${cpu}${extensions}, ${cores} logical cores, ${Math.round(memory / GIBIBYTE)} GiB, ${system}`;
}

/**
 * A short name of a machine for a folder: `xeon-2-cores`.
 * @param {Pick<Machine, "cpu" | "cores">} machine
 */
export function shortName({ cpu, cores }) {
  const words = cpu
    .toLowerCase()
    .replace(/\((r|tm)\)/g, " ")
    .replace(/@.*$/, " ")
    .split(/[^a-z0-9]+/)
    .filter((word) => word && !FILLERS.has(word));
  return [...(words.length > 0 ? words : ["machine"]), cores, cores === 1 ? "core" : "cores"].join("-");
}

function vectors() {
  const path = "/proc/cpuinfo";
  if (!existsSync(path)) return [];
  const [, flags] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync(path, "utf8")) ?? [];
  const there = new Set((flags ?? "").trim().split(" "));
  return VECTORS.filter((name) => there.has(name));
}
