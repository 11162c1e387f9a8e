// The playground: shows the decision on the query at each keystroke.

import { CONVERSATION } from "../examples.js";
import { t } from "../i18n.js";
import { DecisionPanel } from "../parts/decision-panel.jsx";
import { Choice } from "../parts/field.jsx";
import { Loading } from "../parts/loading.jsx";
import { PolicyControl } from "../parts/policy-control.jsx";
import { QueryBox } from "../parts/query-box.jsx";
import { decided, info, turns } from "../state.js";
import { Conversation } from "./conversation.jsx";

export function Playground() {
  const asConversation = turns.value.length > 0;
  const switchTo = (/** @type {"query" | "conversation"} */ kind) => {
    turns.value = kind === "conversation" ? CONVERSATION : [];
  };
  return (
    <>
      <p class="lead">{t("playground.lead")}</p>
      <Choice
        legend={t("playground.kind")}
        name="kind"
        value={asConversation ? "conversation" : "query"}
        onValue={switchTo}
        options={[
          ["query", t("playground.query")],
          ["conversation", t("playground.conversation")],
        ]}
      />
      {asConversation ? (
        info.value ? (
          <Conversation />
        ) : (
          <Loading />
        )
      ) : (
        <div class="columns decision-early">
          <div class="stack">
            <section class="panel" aria-label={t("playground.query")}>
              <QueryBox />
            </section>
            {info.value && (
              <section class="panel" aria-label={t("policy.legend")}>
                <h2>{t("policy.title")}</h2>
                <PolicyControl />
              </section>
            )}
          </div>
          {info.value ? <DecisionPanel decided={decided.value} /> : <Loading />}
        </div>
      )}
    </>
  );
}
