// Client libraries against the gateway, by the steps of matrix.mjs.

import { describe } from "node:test";

import { LIBRARIES } from "./libraries.mjs";
import { libraryOf } from "./matrix.mjs";
import { tried } from "./tried.mjs";

describe("libraries", { concurrency: 2 }, () => {
  for (const library of LIBRARIES) tried(library, libraryOf(library.begin));
});
