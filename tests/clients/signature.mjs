// The signature under the thinking of a stand-in's answer, which holds for one model and one text.

import { createHmac } from "node:crypto";

export const signatureOf = (/** @type {string} */ model, /** @type {string} */ thinking) =>
  createHmac("sha256", "stand-in").update(`${model}\n${thinking}`).digest("base64");
