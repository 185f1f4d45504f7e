// What came out of finished tests: accuracy, the models on the same samples, confusion, files.

import { html, useState } from "../../vendor/htm-preact.js";
import { Button, Select } from "../../app/controls.js";
import { MODELS } from "../../app/fields.js";
import { csv, download } from "../../app/files.js";
import { Confusion, DIGITS } from "../confusion.js";
import { interval, wilson } from "../statistics.js";
import { asJson, asRows } from "./protocol.js";

/** Rounded twice, as sums of fractions that lie between two tenths are not exact. @param {number} fraction */
const percent = (fraction) => Number((100 * fraction).toPrecision(12)).toFixed(1);

/** @param {{ tests: import("./protocol.js").Test[], record: any, onForget: () => void }} props */
export function Results({ tests, record, onForget }) {
  const [chosen, setChosen] = useState(tests.length - 1);
  const test = tests[Math.min(chosen, tests.length - 1)];
  const { answers } = test;
  const n = answers.length;
  const right = answers.filter(({ label, answer }) => label === answer).length;
  const [low, high] = wilson(right, n);
  const times = answers.map(({ seconds }) => seconds).filter((each) => each !== null);

  const cell = (/** @type {number} */ label, /** @type {number} */ answer) => {
    const count = answers.filter((each) => each.label === label && each.answer === answer).length;
    return html`<td class=${label === answer ? "right" : "off"}>${count || ""}</td>`;
  };

  return html`<section aria-labelledby="result">
    <h2 id="result" tabindex="-1">${right} of ${n} right</h2>
    ${tests.length > 1 && html`<div class="options"><${Select} name="Test" value=${String(chosen)}
      options=${tests.map((each, i) => [String(i), `${i + 1}: ${each.data}, ${each.person || "no name"}, ${each.started.slice(0, 10)}`])}
      onChange=${(i) => setChosen(Number(i))} /></div>`}
    <p>${`${percent(right / n)} %, 95 % interval ${percent(low)} to ${percent(high)} (Wilson's, ${n} answers).`}
      ${` ${test.learned} labelled samples seen before${test.feedback ? ", labels shown after every ten" : ""}.`}
      ${times.length > 0 && ` Median of ${median(times).toFixed(1)} s per answer.`}</p>
    <${Beside} test=${test} record=${record} right=${right} />
    <${Confusion} title="What you took for what" columns="your answer." cell=${cell} />
    <${PerDigit} answers=${answers} human=${record.human} runs=${record.seeds} plain=${test.data === "plain"} />
    <h3>Files</h3>
    <p class="small"><code>mnist1d human FILE...</code> checks the files against the test set and merges several
      people; <code>mnist1d reproduce classification --human FILE...</code> judges the paper's claims about people by them.</p>
    <div class="buttons">
      <${Button} label="JSON" onClick=${() => download("mnist1d-human.json", asJson(tests), "application/json")} />
      <${Button} label="CSV" onClick=${() => download("mnist1d-human.csv", csv(asRows(tests)), "text/csv")} />
      <${Button} label="Forget all answers" onClick=${onForget} />
    </div>
  </section>`;
}

/** @param {any} props accuracies of the models on the answered samples, and paired differences */
function Beside({ test, record, right }) {
  const { answers } = test;
  const n = answers.length;
  return html`<h3>Beside the models, on the same samples</h3>
    <div class="scroll" tabindex="0"><table>
      <thead><tr><th>who</th><th>accuracy (%)</th><th>you minus the model (points)</th></tr></thead>
      <tbody>
        <tr><th scope="row">You</th><td>${percent(right / n)}</td><td></td></tr>
        ${MODELS.map((model) => {
          const errors = record.errors[test.data][model];
          const rights = answers.map((/** @type {any} */ each) => 1 - parseInt(errors[each.sample], 36) / record.seeds);
          const [mean, low, high] = interval(answers.map((/** @type {any} */ each, /** @type {number} */ i) => Number(each.answer === each.label) - rights[i]));
          const accuracy = rights.reduce((/** @type {number} */ sum, /** @type {number} */ each) => sum + each, 0) / n;
          return html`<tr><th scope="row">${model}</th><td>${percent(accuracy)}</td><td>${percent(mean)}, ${percent(low)} to ${percent(high)}</td></tr>`;
        })}
      </tbody>
    </table></div>
    <p class="small">Mean of ${record.seeds} runs of the record, each at the step that validation chose; differences paired by sample, with
      Student's 95 % interval over the ${n} samples.</p>`;
}

/** @param {any} props errors per digit, beside those of Figure S1 */
function PerDigit({ answers, human, runs, plain }) {
  return html`<h3>Errors per digit (%)</h3>
    <div class="scroll" tabindex="0"><table>
      <thead><tr><th>digit</th><th>samples</th><th>you</th>${plain && html`<th>the paper's person</th><th>CNN</th>`}</tr></thead>
      <tbody>${DIGITS.map((digit) => {
        const own = answers.filter((/** @type {any} */ each) => each.label === digit);
        const wrong = own.filter((/** @type {any} */ each) => each.answer !== digit).length;
        return html`<tr><th scope="row">${digit}</th><td>${own.length}</td><td>${own.length ? ((100 * wrong) / own.length).toFixed(0) : ""}</td>
          ${plain && [human.errors_per_digit, human.cnn_errors_per_digit].map((each) => html`<td>${each[digit].toFixed(0)}</td>`)}</tr>`;
      })}</tbody>
    </table></div>
    ${plain && html`<p class="small">As in Figure S1: the paper's person on ${human.samples} test samples, the record's CNN (mean of ${runs} runs) after step 3000 on the first 500.</p>`}`;
}

/** @param {(number | null)[]} values */
function median(values) {
  const sorted = /** @type {number[]} */ ([...values]).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}
