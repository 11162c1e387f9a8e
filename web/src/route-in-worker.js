// Routes many queries in a Web Worker, so that the page stays responsive.

/** @import { BatchResult, BundleSource, Policy, RouteInput } from "pointsman" */

import { RouterWorker } from "pointsman/worker";

/**
 * @param {BundleSource} source a bundle's files
 * @param {RouteInput[]} inputs
 * @param {Policy} policy
 * @param {{signal: AbortSignal, onProgress: (progress: {done: number, total: number}) => void}} options
 * @returns {Promise<BatchResult[]>} in the order of the inputs
 */
export async function routeInWorker(source, inputs, policy, { signal, onProgress }) {
  const router = await RouterWorker.load(source, { signal, cache: 0 });
  try {
    return await router.routeBatch(inputs, policy, { signal, onProgress });
  } finally {
    router.free();
  }
}
