// A chart of Observable Plot, redrawn when its data or its width change.

import { useEffect, useRef, useState } from "preact/hooks";

let library;

/**
 * @param {{label: string, height?: number, draw: (Plot: object, width: number) => object}} props `label`
 *   describes the chart in words; `draw` returns Plot's options, in which marks may be falsy
 */
export function Chart({ label, draw, height = 300 }) {
  const place = useRef();
  const [width, setWidth] = useState(0);
  const [Plot, setPlot] = useState(() => library);

  useEffect(() => {
    if (!Plot) import("@observablehq/plot").then((loaded) => setPlot(() => (library = loaded)));
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watch.observe(place.current);
    return () => watch.disconnect();
  }, []);

  useEffect(() => {
    if (!Plot || width === 0) return;
    const { marks, ...options } = draw(Plot, width);
    const drawn = Plot.plot({
      width,
      height,
      style: { background: "transparent", color: "inherit", fontSize: "12px", overflow: "visible" },
      marks: marks.filter(Boolean),
      ...options,
    });
    // Assistive technology gets one named picture, not hundreds of unnamed shapes.
    for (const group of drawn.querySelectorAll("[aria-label]")) {
      group.dataset.mark = group.getAttribute("aria-label");
      group.removeAttribute("aria-label");
    }
    drawn.setAttribute("role", "img");
    drawn.setAttribute("aria-label", label);
    place.current.replaceChildren(drawn);
  });

  return <div class="chart" style={{ minHeight: `${height}px` }} ref={place} />;
}
