// In place of Cloudflare's binding AI, on this machine: `run` asks a function in Node. A JSON answer
// is an object, one of events a stream of their bytes, one of another status the error thrown.

export default function binding({ ANSWER }) {
  return {
    async run(model, inputs) {
      const response = await ANSWER.fetch("http://stand-in/", { method: "POST", body: JSON.stringify({ model, inputs }) });
      if (!response.ok) throw new Error(await response.text());
      return /event-stream/.test(response.headers.get("content-type")) ? response.body : response.json();
    },
  };
}
