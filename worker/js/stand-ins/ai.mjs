// Stands in for Cloudflare's binding AI: `run` calls a function in Node. It returns an object for a JSON
// answer and a stream of bytes for an answer of events, and throws for an error status.

/** @param {{ANSWER: {fetch: typeof fetch}}} env */
export default function binding({ ANSWER }) {
  return {
    /** @param {string} model @param {object} inputs */
    async run(model, inputs) {
      const response = await ANSWER.fetch("http://stand-in/", {
        method: "POST",
        body: JSON.stringify({ model, inputs }),
      });
      if (!response.ok) throw new Error(await response.text());
      return /event-stream/.test(response.headers.get("content-type") ?? "") ? response.body : response.json();
    },
  };
}
