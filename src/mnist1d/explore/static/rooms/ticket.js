// A lottery ticket's first layer in every round of its search.

import { html, useMemo } from "../vendor/htm-preact.js";
import { Range } from "../app/controls.js";

/**
 * What `record/tickets.json` has: a text per unit, with a character per point of the signal, whose place in the
 * alphabet is the last round in which the weight is kept; and the test accuracy in per cent, by round.
 * @typedef {{ seed: number, units: number, accuracy: number[], alphabet: string, masks: string[] }} Search
 */

/** @param {{ search: Search, session: import("../app/history.js").Session }} props */
export function Ticket({ search, session }) {
  const { seed, units, accuracy } = search;
  const lastRounds = useMemo(() => search.masks.map((row) => [...row].map((mark) => search.alphabet.indexOf(mark))), [search]);
  const [height, width] = [lastRounds[0].length, lastRounds.length];
  const last = accuracy.length - 1;
  const round = Math.min(session.values.round, last);
  const removed = `${((100 * round) / last).toFixed(0)} %`;
  const kept = lastRounds.flatMap((row, unit) => row.flatMap((until, point) => (until < round ? [] : [`M${unit} ${point}h1v1h-1z`])));
  return html`<h3>A ticket's first layer</h3>
    <svg class="mask" viewBox="0 0 ${width} ${height}" role="img" aria-label="Weights of ${width} units that are kept where ${removed} are removed: ${kept.length} of ${width * height}">
      <path d=${kept.join("")} /></svg>
    <div class="row"><${Range} kind="scrub" name="Weights removed" value=${round} ends=${[0, last, 1]} text=${removed}
        onChange=${(/** @type {number} */ to, /** @type {boolean} */ finished) => session.change({ round: to }, finished)} />
      <span class="small">${removed} of the weights removed</span></div>
    <p class="small">${`A column per unit, the first ${width} of ${units}, and a row per point of the signal: the ${kept.length.toLocaleString("en")} weights of ${(width * height).toLocaleString("en")}
      that are left in round ${round} of ${last}. Trained with this mask from its initial weights, the network reaches ${accuracy[round].toFixed(1)} % in the test, and ${accuracy[0].toFixed(1)} % with all.
      The trial of seed ${seed}.`}</p>`;
}
