/** The module that a RouterWorker's thread runs; it exports nothing. */
export {};
