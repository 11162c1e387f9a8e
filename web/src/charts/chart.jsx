// A chart of Observable Plot, redrawn when its data or its width change.

import { useEffect, useRef, useState } from "preact/hooks";

/**
 * @typedef {typeof import("@observablehq/plot")} Plot
 * @typedef {Omit<import("@observablehq/plot").PlotOptions, "marks">} PlotOptions
 * @typedef {(Plot: Plot, width: number) => PlotOptions & {
 *   marks: (import("@observablehq/plot").Markish | false | undefined)[],
 * }} Draw returns Plot's options, in which marks may be falsy
 */

/** @type {Plot | undefined} */
let library;

/** @param {{label: string, height?: number, draw: Draw}} props `label` describes the chart in words */
export function Chart({ label, draw, height = 300 }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [width, setWidth] = useState(0);
  const [Plot, setPlot] = useState(() => library);

  useEffect(() => {
    if (!place.current) return;
    if (!Plot) {
      import("@observablehq/plot").then((loaded) => {
        library = loaded;
        setPlot(() => loaded);
      });
    }
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watch.observe(place.current);
    return () => watch.disconnect();
  }, []);

  useEffect(() => {
    if (!Plot || width === 0 || !place.current) return;
    const { marks, ...options } = draw(Plot, width);
    const drawn = Plot.plot({
      width,
      height,
      style: { background: "transparent", color: "inherit", fontSize: "12px", overflow: "visible" },
      marks: marks.map((mark) => mark || null),
      ...options,
    });
    // Assistive technology gets one named picture, not hundreds of unnamed shapes.
    for (const group of drawn.querySelectorAll("[aria-label]")) {
      group.setAttribute("data-mark", group.getAttribute("aria-label") ?? "");
      group.removeAttribute("aria-label");
    }
    drawn.setAttribute("role", "img");
    drawn.setAttribute("aria-label", label);
    place.current.replaceChildren(drawn);
  });

  return <div class="chart" style={{ minHeight: `${height}px` }} ref={place} />;
}
