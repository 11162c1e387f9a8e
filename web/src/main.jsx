import { render } from "preact";

import { App } from "./app.jsx";
import { keepOffline } from "./keep-offline.js";
import { followPrices, openBundle } from "./open-bundle.js";
import { askedBundle, followAddress } from "./state.js";
import "./style/tokens.css";
import "./style/base.css";
import "./style/controls.css";
import "./style/playground.css";
import "./style/views.css";

// After a new release an open page may ask for a module that no longer exists. It reloads only once: a
// module that is missing for another reason stays missing.
addEventListener("vite:preloadError", (event) => {
  if (sessionStorage.getItem("reloaded")) return;
  sessionStorage.setItem("reloaded", "yes");
  event.preventDefault();
  location.reload();
});

followAddress();
followPrices();
const { id, keepPolicy } = askedBundle();
const page = document.querySelector("#page");
if (!page) throw new Error("index.html has no element #page to draw in");
render(<App />, page);
await openBundle(id, { keepPolicy });
document.documentElement.dataset.ready = "yes";
if (import.meta.env.PROD) await keepOffline();
