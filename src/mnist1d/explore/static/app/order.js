// The control of the order of the points, which two rooms have.

import { html } from "../vendor/htm-preact.js";
import { fixedOrder } from "../data/legacy.js";
import { range } from "../data/stream.js";
import { Select, Typed, Whole } from "./controls.js";
import { configOf, makeFields } from "./fields.js";

const ORDERS = /** @type {[string, string][]} */ ([
  ["original", "original"],
  ["flipped", "flipped"],
  ["shuffled", "shuffled"],
  ["chunked", "in blocks"],
  ["shuffled_classification", "shuffled as in Table 1"],
  ["shuffled_lottery", "shuffled as for lottery tickets"],
  ["own", "your own"],
]);

/** @param {{ session: import("./history.js").Session, about: import("./fields.js").About }} props */
export function Order({ session, about }) {
  const { values, change } = session;
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
      allowed="The numbers 0 to ${length - 1} in any order, separated by commas" onChange=${(/** @type {string} */ text) => change({ positions: read(text.replaceAll(" ", "")) })} />`}
    ${positions === "shuffled" && html`<${Whole} name="Seed of the order" value=${positions_seed} lowest=${0} highest=${2 ** 32 - 1}
      empty="the seed" help=${parameters.positions_seed.help} onChange=${(/** @type {number | null} */ value) => change({ positions_seed: value })} />`}`;
}
