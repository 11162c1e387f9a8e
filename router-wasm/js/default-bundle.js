// Where the default bundle lies, as what `Router.load` takes.

export default new URL("./pkg/default-bundle.bin", import.meta.url);
