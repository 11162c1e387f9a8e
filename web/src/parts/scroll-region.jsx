// A region with its own scroll bars, for what may be wider or longer than its place.

/** @param {{label: string, children: import("preact").ComponentChildren}} props */
export function ScrollRegion({ label, children }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus the keyboard could not scroll it
    <section class="scrolls" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
