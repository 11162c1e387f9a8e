// A user's own Worker that uses the npm package. It loads the bundle from its assets, as one tar.

import { Router } from "../../router-wasm/js/workerd.js";

let loading;

export default {
  async fetch(request, env) {
    try {
      const bytes = async () => (await env.ASSETS.fetch("https://assets.local/bundle.tar")).arrayBuffer();
      loading ??= bytes().then((archive) => Router.load(archive));
      const { policy, ...input } = JSON.parse(await request.text());
      return Response.json({ decision: (await loading).route(input, policy) });
    } catch (error) {
      return Response.json({ code: error.code, message: error.message });
    }
  },
};
