// Controls: every one has a name, a value that can be typed, and help.

import { html, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import { fixedOrder } from "../data/legacy.js";
import { range } from "../data/stream.js";
import { readNumber } from "./address.js";
import { configOf, makeFields } from "./fields.js";

let used = 0;

/** @returns {string} an id that no other element has */
export function useId() {
  return useState(() => `id-${used++}`)[0];
}

/** @param {{ text: string, children?: any }} props help that opens on demand */
export function Help({ text, children }) {
  return html`<details class="help"><summary>${children}</summary><p>${text}</p></details>`;
}

/**
 * While it moves, and while an arrow key is held, a change is not finished.
 * @param {{ name: string, value: number, ends: [number, number, number], text?: string, kind?: string, onChange: (value: number, finished: boolean) => void }} props
 */
export function Range({ name, value, ends: [low, high, step], text, kind, onChange }) {
  const held = useRef(false);
  const moved = (/** @type {any} */ event, /** @type {boolean} */ finished) => onChange(Number(event.currentTarget.value), finished);
  const released = (/** @type {any} */ event) => {
    if (held.current) moved(event, true);
    held.current = false;
  };
  return html`<input type="range" class=${kind} min=${low} max=${high} step=${step} value=${value} aria-label=${name} aria-valuetext=${text ?? value}
    onKeyDown=${({ key, repeat }) => { held.current = repeat && /^(Arrow|Page)/.test(key); }}
    onKeyUp=${released} onBlur=${released}
    onInput=${(event) => moved(event, false)} onChange=${(event) => moved(event, !held.current)} />`;
}

/**
 * @param {{ name: string, value: number, slider: [number, number, number], lowest: number, highest: number, initial: number, whole?: boolean, help?: string, onChange: (value: number, finished: boolean) => void }} props
 */
export function Slider({ name, value, slider, lowest, highest, initial, whole = false, help = "", onChange }) {
  const id = useId();
  const [typed, setTyped] = useState(/** @type {string | null} */ (null));
  const wrong = typed !== null && !allowed(typed);

  /** @param {string} text */
  function allowed(text) {
    const found = readNumber(text);
    return found !== undefined && found >= lowest && found <= highest && (!whole || Number.isInteger(found));
  }

  return html`<div class="control ${value === initial ? "" : "changed"}">
    <label for=${id}>${help ? html`<${Help} text=${help}>${name}<//>` : name}</label>
    <input id=${id} class="value" inputmode="decimal" aria-label="${name}, value" aria-invalid=${wrong}
      value=${typed ?? String(value)}
      onInput=${(event) => setTyped(event.currentTarget.value)}
      onChange=${(event) => {
        const text = event.currentTarget.value;
        if (allowed(text)) {
          setTyped(null);
          onChange(Number(text), true);
        }
      }}
      onBlur=${() => setTyped(null)} />
    <${Range} name=${name} value=${value} ends=${slider} onChange=${onChange} />
    ${wrong && html`<p class="wrong" role="alert">From ${lowest} to ${highest}${whole ? ", whole" : ""}.</p>`}
  </div>`;
}

/**
 * A value that is typed, and taken when it is allowed.
 * @param {{ name: string, value: string, good: (text: string) => boolean, allowed: string, empty?: string, help?: string, wide?: boolean, onChange: (text: string) => void }} props
 */
export function Typed({ name, value, good, allowed, empty = "", help = "", wide = false, onChange }) {
  const id = useId();
  const [typed, setTyped] = useState(/** @type {string | null} */ (null));
  const wrong = typed !== null && !good(typed);
  return html`<div class="control whole ${wide ? "wide" : ""}">
    <label for=${id}>${help ? html`<${Help} text=${help}>${name}<//>` : name}</label>
    <input id=${id} class="value" inputmode=${wide ? "text" : "decimal"} placeholder=${empty} aria-label=${name} aria-invalid=${wrong} value=${typed ?? value}
      onInput=${(event) => setTyped(event.currentTarget.value)}
      onChange=${(event) => {
        const text = event.currentTarget.value;
        if (!good(text)) return;
        setTyped(null);
        onChange(text);
      }}
      onBlur=${() => setTyped(null)} />
    ${wrong && html`<p class="wrong" role="alert">${allowed}.</p>`}
  </div>`;
}

/**
 * @param {{ name: string, value: number | null, lowest: number, highest: number, empty?: string, help?: string, onChange: (value: number | null) => void }} props
 */
export function Whole({ name, value, lowest, highest, empty = "", help = "", onChange }) {
  const good = (/** @type {string} */ text) =>
    (text === "" && empty !== "") || (/^\d{1,12}$/.test(text) && Number(text) >= lowest && Number(text) <= highest);
  return html`<${Typed} name=${name} value=${value === null ? "" : String(value)} good=${good} allowed="A whole number from ${lowest} to ${highest}"
    empty=${empty} help=${help} onChange=${(text) => onChange(text === "" ? null : Number(text))} />`;
}

/**
 * @param {{ name: string, value: string, options: [string, string][], help?: string, onChange: (value: string) => void }} props
 */
export function Select({ name, value, options, help = "", onChange }) {
  const id = useId();
  return html`<div class="control whole">
    <label for=${id}>${help ? html`<${Help} text=${help}>${name}<//>` : name}</label>
    <select id=${id} aria-label=${name} value=${value}
      onChange=${(event) => onChange(event.currentTarget.value)}>
      ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
    </select>
  </div>`;
}

/**
 * @param {{ label: string, onClick: () => void, disabled?: boolean, kind?: string, title?: string, name?: string }} props a name where the label is a sign
 */
export function Button({ label, onClick, disabled = false, kind = "", name, title = name }) {
  return html`<button type="button" class=${kind} disabled=${disabled} title=${title} aria-label=${name} onClick=${onClick}>${label}</button>`;
}

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Buttons that are one stop of the Tab key, and between which arrows move: to the next one in their row or column on the screen.
 * @returns {any} what the element around them gets
 */
export function useRoving() {
  const place = useRef(/** @type {any} */ (null));
  const last = useRef(/** @type {any} */ (null));
  const buttons = () => /** @type {HTMLButtonElement[]} */ ([...place.current.querySelectorAll("button")]);
  const settle = () => {
    const all = buttons();
    const stop = all.find((each) => each === last.current) ?? all.find((each) => each.ariaPressed === "true") ?? all[0];
    for (const each of all) each.tabIndex = each === stop ? 0 : -1;
  };
  useLayoutEffect(settle);
  return {
    ref: place,
    onfocusin: (/** @type {any} */ { target }) => { last.current = target; settle(); },
    onKeyDown: (/** @type {KeyboardEvent} */ event) => {
      const [dx, dy] = ARROWS[event.key] ?? [0, 0];
      if (!dx && !dy) return;
      event.preventDefault();
      const from = last.current.getBoundingClientRect();
      let next, least = Infinity;
      for (const each of buttons()) {
        const { x, y } = each.getBoundingClientRect();
        const [right, down] = [x - from.x, y - from.y];
        const far = dx * right + dy * down;
        const aside = Math.abs(dx ? down : right);
        if (far > 1 && far < least && aside < 9) [next, least] = [each, far];
      }
      next?.focus();
    },
  };
}

/**
 * A button that copies a text and says so.
 * @param {{ label: string, text: string }} props
 */
export function Copy({ label, text }) {
  const [done, setDone] = useState("");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setDone("Copied");
    } catch {
      setDone("Could not copy: select the text");
    }
    setTimeout(() => setDone(""), 2000);
  }
  return html`<button type="button" onClick=${copy}><span aria-live="polite">${done || label}</span></button>`;
}

const ORDERS = /** @type {[string, string][]} */ ([
  ["original", "original"],
  ["flipped", "flipped"],
  ["shuffled", "shuffled"],
  ["chunked", "in blocks"],
  ["shuffled_classification", "shuffled as in Table 1"],
  ["shuffled_lottery", "shuffled as for lottery tickets"],
  ["own", "your own"],
]);

/** The order of the points, in two rooms. @param {{ session: import("./address.js").Session, about: import("./fields.js").About }} props */
export function Order({ session, about }) {
  const { values, change, set } = session;
  const { parameters } = about;
  const { positions, positions_seed, seed, final_seq_length } = configOf(values);
  const length = final_seq_length;
  const own = Array.isArray(positions);
  const { read, write } = makeFields(about).positions;
  /** @param {string} text */
  const good = (text) => read(text.replaceAll(" ", ""))?.length === length && /^\d/.test(text);
  /** One's own order begins as that on the screen. @param {string} name */
  const choose = (name) => {
    const order = fixedOrder({ positions, positions_seed, seed, final_seq_length }) ?? range(0, length);
    change({ positions: name === "own" ? [...order] : name });
  };
  return html`<${Select} name="Order of the points" value=${own ? "own" : positions} options=${ORDERS.filter(([name]) => name !== "chunked" || length % 4 === 0)}
      help=${parameters.positions.help} onChange=${choose} />
    ${own && html`<${Typed} wide name="Original place of every point" value=${write(positions)} good=${good}
      allowed="The numbers 0 to ${length - 1} in any order, separated by commas" onChange=${(text) => change({ positions: read(text.replaceAll(" ", "")) })} />`}
    ${positions === "shuffled" && html`<${Whole} name="Seed of the order" value=${positions_seed} lowest=${0} highest=${2 ** 32 - 1}
      empty="the seed" help=${parameters.positions_seed.help} onChange=${set("positions_seed")} />`}`;
}
