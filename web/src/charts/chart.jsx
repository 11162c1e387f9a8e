// A chart of Observable Plot, drawn anew when its data or its width change.

import { useEffect, useRef, useState } from "preact/hooks";

let library;

/**
 * @param {{label: string, height?: number, draw: (Plot: object, width: number) => object}} props `label`
 *   says in words what the chart shows; `draw` gives Plot's options, with marks that may be absent
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
    // One picture with one name to assistive technology, not hundreds of nameless shapes.
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
