// `RouterWorker` in a Cloudflare Worker, which has no threads: every use throws `worker_unsupported`.

import { RouterError } from "./lib/error.js";

export { RouterError };

export class RouterWorker {
  constructor() {
    throw unsupported();
  }

  static async load() {
    throw unsupported();
  }
}

function unsupported() {
  const message = 'a Cloudflare Worker cannot start threads: use Router of "pointsman"';
  return new RouterError("worker_unsupported", message);
}
