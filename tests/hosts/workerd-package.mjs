// A user's own Worker that uses the npm package. It loads the bundle from its assets, as one tar.

import { Router, RouterError } from "../../router-wasm/js/src/entry/workerd/index.js";

/** @type {Promise<Router> | undefined} */
let loading;

export default {
  /** @param {Request} request @param {{ASSETS: Fetcher}} env */
  async fetch(request, env) {
    try {
      const bytes = async () => (await env.ASSETS.fetch("https://assets.local/bundle.tar")).arrayBuffer();
      loading ??= bytes().then((archive) => Router.load(archive));
      const { policy, ...input } = JSON.parse(await request.text());
      return Response.json({ decision: (await loading).route(input, policy) });
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      return Response.json({ code: error.code, message: error.message });
    }
  },
};
