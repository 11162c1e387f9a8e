// A conversation, and how each turn changes the decision.

/** @import { Policy, Router } from "pointsman" */
/** @import { Rating } from "../charts/conversation.jsx" */
/** @import { Turn } from "../state.js" */

import { ConversationChart } from "../charts/conversation.jsx";
import { t } from "../i18n.js";
import { DecisionPanel } from "../parts/decision-panel.jsx";
import { PolicyControl } from "../parts/policy-control.jsx";
import { opened, policy, turns } from "../state.js";
import { timedDecision } from "../timed-decision.js";

export function Conversation() {
  const { router } = opened();
  const messages = turns.value.filter(({ content }) => content.trim() !== "");
  const decided = messages.some(({ role }) => role === "user")
    ? timedDecision(router, messages, policy.value)
    : undefined;
  const ratings = decided?.decision?.winRate === undefined ? [] : ratingsOf(router, messages, policy.value);
  return (
    <div class="columns">
      <div class="stack">
        <section class="panel" aria-label={t("playground.conversation")}>
          <ol class="turns">
            {turns.value.map(({ role, content }, i) => (
              <li key={i} class={role}>
                <label for={`turn-${i}`}>{t(`conversation.${role}`)}</label>
                <textarea
                  id={`turn-${i}`}
                  rows={role === "user" ? 3 : 2}
                  value={content}
                  onInput={({ currentTarget }) => change(i, currentTarget.value)}
                />
              </li>
            ))}
          </ol>
          <div class="row">
            <button type="button" onClick={add}>
              {t("conversation.add")}
            </button>
            <button type="button" disabled={turns.value.length < 3} onClick={removeLast}>
              {t("conversation.remove")}
            </button>
          </div>
        </section>
        <section class="panel" aria-label={t("policy.legend")}>
          <h2>{t("policy.title")}</h2>
          <PolicyControl />
        </section>
      </div>
      <div class="stack">
        <DecisionPanel decided={decided} />
        {decided?.decision && ratings.length > 1 && (
          <section class="panel" aria-labelledby="ratings-title">
            <h2 id="ratings-title">{t("conversation.title")}</h2>
            <ConversationChart ratings={ratings} threshold={decided.decision.threshold ?? 0.5} />
            <p class="quiet">{t("conversation.rule")}</p>
          </section>
        )}
      </div>
    </div>
  );
}

/**
 * For each of the user's turns: its own rating, and the conversation's up to it.
 * @param {Router} router of a bundle with a pair, so that every decision has a win rate
 * @param {Turn[]} messages
 * @param {Policy} policy
 */
function ratingsOf(router, messages, policy) {
  /** @type {Rating[]} */
  const found = [];
  for (const [i, { role, content }] of messages.entries()) {
    if (role !== "user") continue;
    const { winRate: alone } = router.route(content, policy);
    const { winRate: carried } = router.route(messages.slice(0, i + 1), policy);
    if (alone !== undefined && carried !== undefined) found.push({ turn: found.length + 1, alone, carried });
  }
  return found;
}

/** @param {number} at @param {string} content */
function change(at, content) {
  turns.value = turns.value.map((turn, i) => (i === at ? { ...turn, content } : turn));
}

function add() {
  turns.value = [...turns.value, { role: "assistant", content: "" }, { role: "user", content: "" }];
}

function removeLast() {
  turns.value = turns.value.slice(0, -2);
}
