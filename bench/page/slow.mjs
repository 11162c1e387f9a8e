// A page's CPU and network slowed by Chromium itself. The network is that of the page and of its service
// worker, which Chromium takes for two; the CPU is the page's main thread, the only one that can be slowed.

/** @import { CDPSession, Page } from "playwright-core" */

/**
 * @typedef {{offline: boolean, latency: number, downloadThroughput: number, uploadThroughput: number}} Network
 * @typedef {{cpu: number, network: Network}} Slowed as the DevTools protocol has them
 */

/** @param {Page} page @param {Slowed} slowed */
export async function slow(page, { cpu, network }) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", network);
  await session.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  /** @type {Promise<void>[]} */
  const workers = [];
  session.on("Target.attachedToTarget", ({ sessionId }) => workers.push(slowWorker(session, sessionId, network)));
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: false });
  return {
    /** Throws where a worker could not be slowed. */
    settled: () => Promise.all(workers),
  };
}

/**
 * Holds a worker at its start until it is slowed.
 * @param {CDPSession} session
 * @param {string} sessionId
 * @param {Network} network
 */
async function slowWorker(session, sessionId, network) {
  /** @type {[method: string, params: object][]} */
  const calls = [
    ["Network.enable", {}],
    ["Network.emulateNetworkConditions", network],
    ["Runtime.runIfWaitingForDebugger", {}],
  ];
  const answers = calls.map((_, id) => answerTo(session, sessionId, id));
  for (const [id, [method, params]] of calls.entries()) {
    await session.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method, params }) });
  }
  for (const { error } of await Promise.all(answers)) {
    if (error) throw new Error(`the service worker could not be slowed: ${error.message}`);
  }
}

/**
 * @param {CDPSession} session
 * @param {string} sessionId
 * @param {number} id
 * @returns {Promise<{error?: {message: string}}>}
 */
function answerTo(session, sessionId, id) {
  return new Promise((found) => {
    const hear = (/** @type {{sessionId: string, message: string}} */ { sessionId: from, message }) => {
      if (from !== sessionId) return;
      const answer = JSON.parse(message);
      if (answer.id !== id) return;
      session.off("Target.receivedMessageFromTarget", hear);
      found(answer);
    };
    session.on("Target.receivedMessageFromTarget", hear);
  });
}
