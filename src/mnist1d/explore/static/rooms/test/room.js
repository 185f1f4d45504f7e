// The human test: learn, answer, compare with the models.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../../vendor/htm-preact.js";
import { Button, Select } from "../../app/controls.js";
import { Signal } from "../../app/plots.js";
import { publishedSet } from "../../app/samples.js";
import { DIGITS } from "../confusion.js";
import { chooseBlock, LESSON, load, QUESTIONS, save } from "./protocol.js";
import { Results } from "./result.js";

const ROUND = 10;

/** @param {{ session: import("../../app/address.js").Session, about: any, record: any }} props */
export function TestRoom({ session, about, record }) {
  const [stored, setStored] = useState(load);
  const [kept, setKept] = useState(true);
  const { current, done } = stored;

  /** @param {import("./protocol.js").Stored} next */
  const put = (next) => {
    setStored(next);
    setKept(save(next));
  };
  /** @param {Partial<NonNullable<typeof current>>} changes */
  const update = (changes) => put({ done, current: /** @type {any} */ ({ ...current, ...changes }) });

  const finish = () => {
    const { testing: _, seen: __, ...test } = /** @type {NonNullable<typeof current>} */ (current);
    put({ current: null, done: [...done, test] });
    requestAnimationFrame(() => focusOn("result"));
  };

  // What another window of this page has stored is not lost.
  useEffect(() => {
    const read = () => setStored(load());
    addEventListener("storage", read);
    return () => removeEventListener("storage", read);
  }, []);

  return html`<div class="room quiz">
    <h1>Test yourself</h1>
    ${!kept && html`<p class="wrong" role="alert">This browser does not keep answers: stay on this page until you have exported them.</p>`}
    ${current === null && done.length > 0 && html`<${Results} key=${done.length} tests=${done} record=${record} onForget=${() => confirm("Forget all answers in this browser?") && put({ current: null, done: [] })} />
      <h2>Another test</h2>`}
    ${current === null && html`<${Start} session=${session} done=${done} human=${record.human} onStart=${(options) =>
      put({ done, current: { package: about.version, ...options, block: chooseBlock(stored, options.data, session.values.block), learned: 0, started: new Date().toISOString(), answers: [], testing: false, seen: 0 } })} />`}
    ${current && !current.testing && html`<${Learn} test=${current} onMore=${(learned) => update({ learned })} onBegin=${() => update({ testing: true })} />`}
    ${current?.testing && html`<${Questions} test=${current} update=${update} finish=${finish} />`}
    ${current && html`<p class="small"><${Button} label="Stop and forget this test" onClick=${() => confirm("Forget this test and its answers?") && put({ done, current: null })} /></p>`}
  </div>`;
}

/** Where a part begins, as the button that led to it is gone. @param {string} id */
const focusOn = (id) => document.getElementById(id)?.focus();

/** @param {{ session: any, done: any[], human: any, onStart: (options: any) => void }} props */
function Start({ session, done, human, onStart }) {
  const { values, change, set } = session;
  const [person, setPerson] = useState(done.at(-1)?.person ?? "");
  return html`
    <p class="lead">${`Are you better than the models? One person's answers to ${human.samples} test samples are published with the paper:
      ${((100 * human.right) / human.samples).toFixed(0)} % are right. On shuffled signals it reports about 30 ± 10 %, for which no answers were published.`}</p>
    <p>You first see labelled training samples, as many as you like; they are counted. Then come ${QUESTIONS} test samples, one answer
      each, by button or by the keys 0 to 9, without a way back. Answers stay in this browser unless you export them.
      In the room of training there are test samples, too, with their labels: those that you have seen there are no test any more.</p>
    <div class="options">
      <${Select} name="Signals" value=${values.test} options=${[["plain", "plain"], ["shuffled", "shuffled, as in Table 1"]]} onChange=${set("test")} />
      <${Select} name="True labels" value=${values.feedback ? "yes" : "no"}
        options=${[["yes", "after every ten answers, as published"], ["no", "not before the end"]]}
        onChange=${(answer) => change({ feedback: answer === "yes" })} />
      <div class="control whole"><label for="person">Your name or a code</label>
        <input id="person" class="value" maxlength="40" placeholder="optional" value=${person}
          onInput=${(event) => setPerson(event.currentTarget.value)} /></div>
    </div>
    <${Button} kind="main-action" label="Start with labelled samples" onClick=${() => onStart({ person: person.trim(), data: values.test, feedback: values.feedback })} />`;
}

/** @param {{ test: any, onMore: (learned: number) => void, onBegin: () => void }} props */
function Learn({ test, onMore, onBegin }) {
  const { train } = publishedSet(test.data);
  useEffect(() => {
    if (test.learned === 0) onMore(LESSON);
    focusOn("learn");
  }, []);
  const shown = Array.from({ length: LESSON }, (_, i) => Math.max(0, test.learned - LESSON) + i);
  return html`
    <h2 id="learn" tabindex="-1">Learn</h2>
    <p aria-live="polite">Training samples with their labels${test.data === "shuffled" ? ", all points in one shuffled order" : ""}. Seen: <strong>${test.learned}</strong>.</p>
    <ol class="marks">
      ${shown.map((i) => html`<li key=${i}><${Signal} heights=${train.x[i]} label=${`Training sample of class ${train.y[i]}`} /><strong>${train.y[i]}</strong></li>`)}
    </ol>
    <div class="buttons">
      <${Button} label="Ten more" disabled=${test.learned + LESSON > train.y.length} onClick=${() => onMore(test.learned + LESSON)} />
      <${Button} kind="main-action" label=${`Begin the test: ${QUESTIONS} samples`} onClick=${onBegin} />
    </div>`;
}

/** @param {{ test: any, update: (changes: any) => void, finish: () => void }} props */
function Questions({ test, update, finish }) {
  const set = publishedSet(test.data).test;
  const n = test.answers.length;
  const reviews = test.feedback && n > test.seen && (n % ROUND === 0 || n === QUESTIONS);
  const since = useRef(/** @type {number | null} */ (null));
  const resumed = useRef(true);

  useEffect(() => {
    // The first question after a reload, or one that was out of sight, has no time.
    since.current = resumed.current && n > 0 && !reviews ? null : performance.now();
    resumed.current = false;
    const hidden = () => {
      since.current = null;
    };
    document.addEventListener("visibilitychange", hidden);
    return () => document.removeEventListener("visibilitychange", hidden);
  }, [n, reviews]);

  /** @param {number} digit */
  const answer = (digit) => {
    const sample = test.block * QUESTIONS + n;
    const seconds = since.current === null ? null : Math.round(performance.now() - since.current) / 1000;
    update({ answers: [...test.answers, { sample, label: set.y[sample], answer: digit, seconds }] });
  };

  useEffect(() => {
    if (n >= QUESTIONS && !reviews) finish();
  }, [n, reviews]);

  // One listener for all questions, as keys may come faster than effects.
  const typed = useRef((/** @type {KeyboardEvent} */ _) => {});
  typed.current = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (!reviews && n < QUESTIONS && /^\d$/.test(event.key)) answer(Number(event.key));
  };
  useLayoutEffect(() => {
    const listen = (/** @type {KeyboardEvent} */ event) => typed.current(event);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);

  useEffect(() => {
    focusOn("now");
  }, [reviews]);

  if (reviews) {
    const last = test.answers.slice(-ROUND);
    const right = last.filter((/** @type {any} */ each) => each.answer === each.label).length;
    return html`<section aria-label="The last ten answers">
      <h2 id="now" tabindex="-1">${right} of the last ten are right</h2>
      <ol class="marks">
        ${last.map((/** @type {import("./protocol.js").Answer} */ { sample, label, answer }) => html`<li key=${sample}><${Signal} heights=${set.x[sample]} label=${`Sample of class ${label}, your answer ${answer}`} />
          <strong>${label}</strong>${answer !== label && html` <span class="miss">you said ${answer}</span>`}</li>`)}
      </ol>
      <${Button} kind="main-action" label="Continue" onClick=${() => update({ seen: n })} />
    </section>`;
  }
  if (n >= QUESTIONS) return null;
  const sample = test.block * QUESTIONS + n;
  return html`<h2 id="now" tabindex="-1" aria-live="polite">Sample ${n + 1} of ${QUESTIONS}</h2>
    <div class="meter"><div style=${{ width: `${n}%` }}></div></div>
    <div class="question"><${Signal} heights=${set.x[sample]} width=${480} height=${160} label="Which digit is it?" /></div>
    <div class="digits" role="group" aria-label="Your answer">
      ${DIGITS.map((digit) => html`<button type="button" key=${digit} onClick=${() => answer(digit)}>${digit}</button>`)}
    </div>`;
}
