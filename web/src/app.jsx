// The page's frame: header, navigation, the view that the address names, footer.

/** @import { ComponentChildren, ComponentType } from "preact" */
/** @import { View } from "./model/deep-link.js" */

import { useEffect } from "preact/hooks";

import { t } from "./i18n.js";
import { VIEWS } from "./model/deep-link.js";
import { Boundary } from "./parts/boundary.jsx";
import { Fault } from "./parts/fault.jsx";
import { Header } from "./parts/header.jsx";
import { Loading } from "./parts/loading.jsx";
import { bundle, language, openFault, theme, view } from "./state.js";
import { Benchmark } from "./views/benchmark.jsx";
import { Inside } from "./views/inside.jsx";
import { Playground } from "./views/playground.jsx";
import { Queries } from "./views/queries.jsx";
import { QueryMap } from "./views/query-map.jsx";
import { TradeOff } from "./views/trade-off.jsx";

/** @type {Record<View, ComponentType>} */
const PARTS = {
  playground: Playground,
  "trade-off": TradeOff,
  queries: Queries,
  map: QueryMap,
  inside: () => <Inside />,
  benchmark: Benchmark,
};

export function App() {
  useEffect(() => {
    document.documentElement.lang = { en: "en", zh: "zh-Hans" }[language.value];
    document.title = t("title");
  }, [language.value]);
  useEffect(() => {
    if (theme.value) document.documentElement.dataset.theme = theme.value;
    else delete document.documentElement.dataset.theme;
  }, [theme.value]);
  // On a phone the names of the views are wider than the screen.
  useEffect(
    () => document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" }),
    [view.value],
  );
  const View = PARTS[view.value];
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: a link to the content; `skip` only keeps the URL's fragment */}
      <a class="skip" href="#main" onClick={skip}>
        {t("skip")}
      </a>
      <Header />
      <nav aria-label={t("nav.label")}>
        <ul>
          {VIEWS.map((name) => (
            <li key={name}>
              <a href={`#/${name}`} aria-current={name === view.value ? "page" : undefined}>
                {t(`nav.${name}`)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1}>
        {openFault.value && <Fault error={openFault.value} what={t("bundle.stays")} />}
        <State>
          {() => (
            <Boundary key={view.value}>
              <View />
            </Boundary>
          )}
        </State>
      </main>
      <footer>
        <p>{t("footer")}</p>
      </footer>
    </>
  );
}

/**
 * The view once a bundle is open; before that, the progress of loading, or why it failed.
 * @param {{children: () => ComponentChildren}} props
 */
function State({ children }) {
  const { status } = bundle.value;
  if (status === "failed")
    return (
      <>
        {bundle.value.error && <Fault error={bundle.value.error} what={t("bundle.failed")} />}
        <Inside onlyChoice />
      </>
    );
  // The playground is shown at once, so that one can type while the router loads.
  return status === "ready" || view.value === "playground" ? children() : <Loading />;
}

/**
 * The skip link does not change the URL's fragment, which names the view.
 * @param {Event} event
 */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
