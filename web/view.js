// What the page shows of a bundle, a policy and a decision.

const REASONS = {
  above_threshold: "Its win rate reaches the threshold.",
  below_threshold: "The win rate stays below the threshold.",
  best_score: "It has the best score.",
  only_candidate: "It is the only candidate left.",
};

const element = (id) => document.getElementById(id);

export function begin(info, examples, choose) {
  element("status").textContent = "";
  element("query").disabled = false;
  element("query").focus();
  const buttons = Object.entries(examples).map(([name, text]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => choose(text));
    return button;
  });
  document.querySelector(".examples").replaceChildren(...buttons);
  const paired = Boolean(info.head.strong);
  element("policy").disabled = !paired;
  if (paired) {
    element("weak-end").textContent = `0 · ${info.head.weak}`;
    element("strong-end").textContent = `${info.head.strong} · 1`;
  }
  if (!info.calibration) {
    const share = document.querySelector("input[value=strongShare]");
    share.disabled = true;
    document.querySelector("input[value=threshold]").checked = true;
  }
  element("ticks").replaceChildren(...decileTicks(info.calibration));
  const { tier, max_tokens } = info.encoder;
  const ticks = info.calibration ? " Ticks on the scale are the calibration sample's deciles." : "";
  element("bundle").textContent =
    `Bundle ${info.name}: ${info.kind} router on a ${tier} encoder, up to ${max_tokens} tokens.${ticks}`;
}

export function loadFailed(error) {
  element("status").textContent = "";
  showError(`The router did not load. ${error.message} (${error.code ?? error.name})`);
}

/** The policy that the controls state; the bundle's default where it has no pair to choose from. */
export function policy(info) {
  if (!info.head.strong) return undefined;
  const mode = document.querySelector("input[name=mode]:checked").value;
  return { [mode]: Number(element("amount").value) };
}

export function showPolicy(info, policy) {
  if (!policy) return;
  const { calibration } = info;
  const [[mode, value]] = Object.entries(policy);
  element("amount-text").textContent = mode === "strongShare" ? percent(value) : value.toFixed(3);
  if (!calibration) {
    element("policy-note").textContent = "";
  } else if (mode === "strongShare") {
    element("policy-note").textContent = `Shares are of the calibration sample: ${calibration.sample}.`;
  } else {
    const share = percent(shareFrom(calibration.quantiles, value));
    element("policy-note").textContent = `About ${share} of the calibration sample: ${calibration.sample}.`;
  }
}

export function showNothing() {
  showError("");
  delete element("verdict").dataset.side;
  setText("verdict", "No query yet");
  element("reason").textContent = "Type above, or take an example.";
  element("tokens").textContent = "";
  for (const id of ["scale", "scores", "cost-note"]) element(id).hidden = true;
}

export function decisionFailed(error) {
  showNothing();
  element("reason").textContent = "";
  setText("verdict", "No decision");
  showError(`${error.message} (${error.code ?? error.name})`);
}

export function showDecision(info, decision) {
  showError("");
  const { strong, weak } = info.head;
  const side = { [strong]: "strong", [weak]: "weak" }[decision.model];
  if (side) element("verdict").dataset.side = side;
  else delete element("verdict").dataset.side;
  setText("verdict", decision.model);
  element("reason").textContent = REASONS[decision.reason] ?? decision.reason;
  element("tokens").textContent = decision.tokens === 1 ? "1 token" : `${decision.tokens} tokens`;
  showScale(decision);
  const rows = decision.scores.map((score) => scoreRow(score, score.model === decision.model));
  document.querySelector("#scores tbody").replaceChildren(...rows);
  element("scores").hidden = false;
  element("cost-note").hidden = !decision.scores.some((score) => score.estimatedCost !== undefined);
}

function showScale({ winRate, threshold }) {
  element("scale").hidden = winRate === undefined;
  if (winRate === undefined) return;
  element("win-rate-mark").style.left = percent(winRate, 2);
  element("threshold-mark").hidden = threshold === undefined;
  if (threshold === undefined) {
    element("scale-text").textContent = `Win rate ${winRate.toFixed(3)}`;
    return;
  }
  element("threshold-mark").style.left = percent(threshold, 2);
  document.querySelector(".track").style.setProperty("--threshold", percent(threshold, 2));
  const sign = winRate >= threshold ? "≥" : "<";
  element("scale-text").textContent =
    `Win rate ${winRate.toFixed(3)} ${sign} threshold ${threshold.toFixed(3)}`;
}

function scoreRow({ model, score, estimatedCost }, chosen) {
  const row = document.createElement("tr");
  if (chosen) row.dataset.chosen = "";
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = chosen ? `${model} ✓` : model;
  const cells = [score.toFixed(3), estimatedCost === undefined ? "unknown" : usd(estimatedCost)];
  row.append(name, ...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return row;
}

/** Announced by screen readers only when it changes. */
function setText(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

function showError(text) {
  element("error").hidden = text === "";
  element("error").textContent = text;
}

function decileTicks(calibration) {
  if (!calibration) return [];
  return [1, 2, 3, 4, 5, 6, 7, 8, 9].map((decile) => {
    const tick = document.createElement("span");
    tick.style.left = percent(quantile(calibration.quantiles, decile / 10), 2);
    return tick;
  });
}

/** The quantile at `p` in [0, 1], linearly interpolated. */
export function quantile(quantiles, p) {
  const last = quantiles.length - 1;
  const below = Math.min(Math.floor(p * last), last - 1);
  const fraction = p * last - below;
  return quantiles[below] * (1 - fraction) + quantiles[below + 1] * fraction;
}

/** The share of the sample whose win rate reaches `threshold`. */
export function shareFrom(quantiles, threshold) {
  const last = quantiles.length - 1;
  const above = quantiles.findIndex((value) => value >= threshold);
  if (above === -1) return 0;
  if (above === 0) return 1;
  const [low, high] = [quantiles[above - 1], quantiles[above]];
  return 1 - (above - 1 + (threshold - low) / (high - low)) / last;
}

function percent(value, digits = 0) {
  return `${(value * 100).toFixed(digits)}%`;
}

/** Two significant digits, and never fewer than four decimals: prices line up. */
function usd(value) {
  const decimals = value > 0 ? Math.max(4, 1 - Math.floor(Math.log10(value))) : 4;
  return `$${value.toFixed(decimals)}`;
}
