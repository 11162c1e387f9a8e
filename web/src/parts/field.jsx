// Inputs with their labels.

/** A number that may be left empty (then `undefined`). */
export function NumberField({ label, value, onValue, min = 0, max, step = "any", hidden }) {
  const changed = ({ currentTarget: { value: text, validity } }) => {
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

export function Slider({ label, value, onValue, min = 0, max = 1, step = 0.005, text, disabled }) {
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
        disabled={disabled}
        aria-valuetext={text}
        onInput={({ currentTarget }) => onValue(Number(currentTarget.value))}
      />
      <output for={id}>{text}</output>
    </div>
  );
}

/** A group of radio buttons. */
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
