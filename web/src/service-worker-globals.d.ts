// What web/build/offline.js writes into the service worker.

/** URLs of the files that the page needs offline. */
declare const __SHELL__: string[];
