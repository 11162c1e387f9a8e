// The page's wiring: loads the bundle beside it, and decides on every change.

import { Router } from "switchyard-router";

import * as view from "./view.js";

const EXAMPLES = {
  easy: "What is the capital of Italy?",
  middling: "A ball is thrown upward at 12 m/s from a balcony 9 m above the street. How fast does it hit the street, and after what time?",
  hard: "A tenant breaches the lease, and the landlord sues for damages in a state court. The statute requires notice within thirty days. Which argument is most likely to succeed on appeal?",
};

const query = document.querySelector("#query");
const amount = document.querySelector("#amount");

let router;
let scheduled = false;

try {
  router = await Router.load(new URL("./bundle/", document.baseURI));
  begin();
} catch (error) {
  view.loadFailed(error);
}

function begin() {
  const info = router.info();
  view.begin(info, EXAMPLES, (text) => {
    query.value = text;
    query.focus();
    decide();
  });
  const share = info.head.default_strong_share;
  if (share !== undefined) amount.value = String(share);
  for (const input of [query, amount]) input.addEventListener("input", schedule);
  for (const mode of document.querySelectorAll("input[name=mode]")) {
    mode.addEventListener("change", () => {
      switchMode(mode.value, info);
      decide();
    });
  }
  document.documentElement.dataset.ready = "yes";
  decide();
}

/** The slider moves to the value that means the same in the other mode. */
function switchMode(mode, info) {
  const { calibration } = info;
  if (!calibration) return;
  const value = Number(amount.value);
  amount.value = String(
    mode === "threshold"
      ? view.quantile(calibration.quantiles, 1 - value)
      : view.shareFrom(calibration.quantiles, value),
  );
}

/** At most one decision a frame, however fast the keys come. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    decide();
  });
}

function decide() {
  const info = router.info();
  const policy = view.policy(info);
  view.showPolicy(info, policy);
  if (query.value.trim() === "") return view.showNothing();
  try {
    view.showDecision(info, router.route(query.value, policy));
  } catch (error) {
    view.decisionFailed(error);
  }
}
