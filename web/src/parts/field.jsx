// Inputs with their labels.

/** @import { TargetedEvent } from "preact" */

/**
 * A number that may be left empty (then `undefined`).
 * @param {{label: string, value?: number, onValue: (value: number | undefined) => void, min?: number, max?: number,
 *   step?: string, hidden?: boolean}} props `hidden` where only assistive technology gets the label
 */
export function NumberField({ label, value, onValue, min = 0, max, step = "any", hidden }) {
  const changed = (/** @type {TargetedEvent<HTMLInputElement>} */ { currentTarget: { value: text, validity } }) => {
    if (!validity.valid) return;
    onValue(text === "" ? undefined : Number(text));
  };
  return (
    <label class="field">
      <span class={hidden ? "hidden-label" : ""}>{label}</span>
      <input type="number" inputMode="decimal" min={min} max={max} step={step} value={value ?? ""} onInput={changed} />
    </label>
  );
}

/**
 * @param {{label: string, value: number, onValue: (value: number) => void, min?: number, max?: number, step?: number,
 *   text: string}} props `text` shows the value
 */
export function Slider({ label, value, onValue, min = 0, max = 1, step = 0.005, text }) {
  const id = `slider-${label.replace(/\W+/g, "-")}`;
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={text}
        onInput={({ currentTarget }) => onValue(Number(currentTarget.value))}
      />
      <output for={id}>{text}</output>
    </div>
  );
}

/**
 * A group of radio buttons.
 * @template {string} Option
 * @param {{legend: string, name: string, options: [option: Option, text: string][], value: Option,
 *   onValue: (value: Option) => void, hidden?: boolean}} props
 */
export function Choice({ legend, name, options, value, onValue, hidden = true }) {
  return (
    <fieldset class="choice">
      <legend class={hidden ? "hidden-label" : ""}>{legend}</legend>
      {options.map(([option, text]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => onValue(option)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
