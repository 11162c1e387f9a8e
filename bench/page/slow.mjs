// A page's CPU and network slowed by Chromium itself. The network is that of the page and of its service
// worker, which Chromium takes for two; the CPU is the page's main thread, the only one that can be slowed.

/** @param {{cpu: number, network: object}} slowed as the DevTools protocol has them */
export async function slow(page, { cpu, network }) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", network);
  await session.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  const workers = [];
  session.on("Target.attachedToTarget", ({ sessionId }) => workers.push(slowWorker(session, sessionId, network)));
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: false });
  return {
    /** Throws where a worker could not be slowed. */
    settled: () => Promise.all(workers),
  };
}

/** Holds a worker at its start until it is slowed. */
async function slowWorker(session, sessionId, network) {
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

function answerTo(session, sessionId, id) {
  return new Promise((found) => {
    session.on("Target.receivedMessageFromTarget", function hear({ sessionId: from, message }) {
      if (from !== sessionId) return;
      const answer = JSON.parse(message);
      if (answer.id !== id) return;
      session.off("Target.receivedMessageFromTarget", hear);
      found(answer);
    });
  });
}
