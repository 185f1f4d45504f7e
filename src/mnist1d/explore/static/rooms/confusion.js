// What was taken for what: a table that two rooms have.

import { html } from "../vendor/htm-preact.js";

export const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** @param {{ title: string, cell: (label: number, answer: number) => any, columns: string, more?: any }} props */
export function Confusion({ title, cell, columns, more }) {
  return html`<h3>${title}</h3>
  <div class="scroll"><table class="confusion" aria-label=${title} ...${more}>
    <thead><tr><th scope="col">digit</th>${DIGITS.map((each) => html`<th scope="col">${each}</th>`)}</tr></thead>
    <tbody>${DIGITS.map((label) => html`<tr><th scope="row">${label}</th>${DIGITS.map((answer) => cell(label, answer))}</tr>`)}</tbody>
  </table></div>
  <p class="small">Rows: true digit. Columns: ${columns}</p>`;
}
