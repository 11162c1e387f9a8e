// `RouterWorker` in a Cloudflare Worker, which has no threads: `load` throws `worker_unsupported`.

export { RouterError } from "../../error.js";
export { RouterWorker } from "../../thread/router-worker.js";
