// Shows an error and what to do about it.

import { phrase, t } from "../i18n.js";

/** @param {{error: import("../model/fault.js").Fault, what: string}} props `what` failed */
export function Fault({ error, what }) {
  const hint = error.code && phrase(`fault.${error.code}`);
  return (
    <div class="fault" role="alert">
      <p>
        <strong>{what}</strong> {hint}
      </p>
      <p class="detail">
        {error.message}
        {error.code && (
          <>
            {" "}
            <code>{error.code}</code>
          </>
        )}
      </p>
      {!hint && <p>{t("fault.unknown")}</p>}
    </div>
  );
}
