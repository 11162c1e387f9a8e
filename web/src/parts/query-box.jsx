// The query, typed or taken from an example.

import { useEffect, useRef } from "preact/hooks";

import { EXAMPLES } from "../examples.js";
import { t } from "../i18n.js";
import { query } from "../state.js";

/** @type {import("../examples.js").Level[]} */
const LEVELS = ["easy", "middling", "hard"];

/** @param {{rows?: number}} props */
export function QueryBox({ rows = 6 }) {
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  // On a phone, focus would open a keyboard that covers half of the screen.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) box.current?.focus({ preventScroll: true });
  }, []);
  return (
    <>
      <label for="query">{t("playground.query")}</label>
      <textarea
        id="query"
        ref={box}
        rows={rows}
        spellcheck={false}
        placeholder={t("playground.placeholder")}
        value={query.value}
        onInput={({ currentTarget }) => {
          query.value = currentTarget.value;
        }}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset groups the fields of a form, and these are buttons */}
      <div class="examples" role="group" aria-label={t("examples.label")}>
        {LEVELS.map((level) => (
          <div key={level}>
            <span class="quiet">{t(`examples.${level}`)}</span>
            {EXAMPLES.filter((example) => example.level === level).map(({ language, name, text }) => (
              <button
                key={text}
                type="button"
                class="chip"
                lang={language}
                title={text}
                onClick={() => {
                  query.value = text;
                }}
              >
                {name}
              </button>
            ))}
          </div>
        ))}
      </div>
    </>
  );
}
