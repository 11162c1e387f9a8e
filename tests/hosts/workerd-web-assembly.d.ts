// What the npm package calls on other hosts, and Cloudflare's types leave out.

declare namespace WebAssembly {
  class LinkError extends Error {}
  function compile(bytes: BufferSource): Promise<Module>;
  function compileStreaming(source: Response | Promise<Response>): Promise<Module>;
}
