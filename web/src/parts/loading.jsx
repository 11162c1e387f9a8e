// The progress of loading a bundle.

import { bytes, percent, t } from "../i18n.js";
import { bundle } from "../state.js";

export function Loading() {
  const { loaded = 0, total } = bundle.value.progress ?? {};
  return (
    <div class="panel loading" role="status">
      <p>
        {t("bundle.loading")} {total && `${percent(loaded / total)} · ${bytes(total)}`}
      </p>
      <progress aria-label={t("bundle.loading")} max={total ?? 1} value={total ? loaded : undefined} />
    </div>
  );
}
