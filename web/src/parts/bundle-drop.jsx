// The field for the user's own bundle: dropped there or chosen in a dialogue.

/** @import { TargetedDragEvent, TargetedEvent } from "preact" */

import { useState } from "preact/hooks";

import { droppedFiles } from "../bundle/dropped.js";
import { t } from "../i18n.js";
import { openOwn } from "../open-bundle.js";

export function BundleDrop() {
  const [over, setOver] = useState(false);
  const dropped = async (/** @type {TargetedDragEvent<HTMLElement>} */ event) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer) openOwn(await droppedFiles(event.dataTransfer));
  };
  const chosen = (/** @type {TargetedEvent<HTMLInputElement>} */ { currentTarget }) => {
    openOwn([...(currentTarget.files ?? [])]);
    currentTarget.value = "";
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the field inside it does the same by keyboard
    <div
      class={`drop-zone${over ? " over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={dropped}
    >
      <p>{t("drop.text")}</p>
      <label class="button">
        {t("drop.choose")}
        <input id="own-bundle" type="file" multiple class="hidden-label" onChange={chosen} />
      </label>
      <p class="quiet">{t("drop.stays")}</p>
    </div>
  );
}
