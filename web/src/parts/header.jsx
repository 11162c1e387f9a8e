// The page's name and tagline, and the settings of all views: bundle, language, colours.

import { t } from "../i18n.js";
import { THEMES } from "../model/deep-link.js";
import { bundle, language, theme } from "../state.js";
import { BundlePicker } from "./bundle-picker.jsx";

const CHOICES = [undefined, ...THEMES];

export function Header() {
  const next = CHOICES[(CHOICES.indexOf(theme.value) + 1) % CHOICES.length];
  return (
    <header>
      <div class="name">
        <svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke-linecap="round" stroke-width="3.5">
          <path d="M4 22h9c5 0 5-12 12-12h3" stroke="var(--strong)" />
          <path d="M4 22h24" stroke="var(--accent)" />
        </svg>
        <div>
          <h1>Pointsman</h1>
          <p>{t("tagline")}</p>
        </div>
      </div>
      <div class="settings">
        {bundle.value.status !== "failed" && <BundlePicker />}
        <button
          type="button"
          class="small"
          onClick={() => {
            language.value = language.value === "en" ? "zh" : "en";
          }}
          lang={language.value === "en" ? "zh-Hans" : "en"}
        >
          {language.value === "en" ? "中文" : "English"}
        </button>
        <button
          type="button"
          class="small"
          onClick={() => {
            theme.value = next;
          }}
        >
          {t(`theme.${theme.value ?? "auto"}`)}
        </button>
      </div>
    </header>
  );
}
