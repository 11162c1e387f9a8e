// The field for the user's own bundle: dropped there or chosen in a dialogue.

import { useState } from "preact/hooks";

import { droppedFiles } from "../bundle/dropped.js";
import { t } from "../i18n.js";
import { openOwn } from "../open-bundle.js";

export function BundleDrop() {
  const [over, setOver] = useState(false);
  const dropped = async (event) => {
    event.preventDefault();
    setOver(false);
    openOwn(await droppedFiles(event.dataTransfer));
  };
  const chosen = ({ currentTarget }) => {
    openOwn([...currentTarget.files]);
    currentTarget.value = "";
  };
  return (
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
