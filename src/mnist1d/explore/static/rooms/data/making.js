// One sample through the steps of its making.

import { html, useEffect, useMemo, useState } from "../../vendor/htm-preact.js";
import { Button, Range } from "../../app/controls.js";
import { pathOf } from "../../app/plots.js";

const WIDTH = 720;
const HEIGHT = 260;
const SECONDS_PER_STEP = 1.1;

/** What happens in every step, after its name. @type {Record<string, string>} */
const STORY = {
  template: "One of ten hand-drawn signals of twelve points.",
  pad: "Zeros are appended: how many is drawn, and decides how narrow the digit becomes.",
  stretch: "The padded signal is stretched to one length, the same for all samples.",
  scale: "Its height is multiplied by a random factor.",
  shift: "It is shifted to the right, round the end.",
  "smooth noise": "Where the signal is still zero comes smooth noise, with bumps that look like digits.",
  "white noise": "Every point gets a little white noise.",
  shear: "A line of random slope is taken off.",
  resample: "The signal is read at its final points. After that it is standardised, and its points are put in order.",
};

/**
 * @param {{ session: import("../../app/address.js").Session, samples: import("../../app/samples.js").Samples, follow: number }} props
 */
export function Making({ session, samples, follow }) {
  const { values, change } = session;
  const steps = useMemo(() => samples.steps(follow), [samples, follow]);
  const stage = Math.min(values.stage, steps.length - 1);
  const [playing, setPlaying] = useState(false);
  const step = steps[stage];
  const largest = Math.max(...steps.map(({ heights }) => Math.max(...heights.map(Math.abs))), 0.5);

  useEffect(() => {
    if (!playing) return;
    const timer = setTimeout(() => {
      const next = stage + 1;
      const ends = next >= steps.length - 1;
      change({ stage: Math.min(next, steps.length - 1) }, ends);
      if (ends) setPlaying(false);
    }, 1000 * SECONDS_PER_STEP);
    return () => clearTimeout(timer);
  }, [playing, stage]);

  const play = () => {
    if (!playing && stage === steps.length - 1) change({ stage: 0 }, false);
    setPlaying(!playing);
  };

  return html`<section aria-labelledby="making">
    <h2 id="making">How sample ${follow.toLocaleString("en")} is made</h2>
    <div class="stages" role="group" aria-label="Step">
      ${steps.map(
        ({ name }, i) => html`<button type="button" class=${i === stage ? "now" : ""} aria-pressed=${i === stage}
          onClick=${() => { setPlaying(false); change({ stage: i }); }}>${i ? `${i} ` : ""}${name}</button>`,
      )}
    </div>
    <p class="story" aria-live="polite">${STORY[step.name] ?? ""} ${step.drawn && html`<span class="small">${step.drawn}</span>`}</p>
    <${Stage} step=${step} before=${stage ? steps[stage - 1] : null} largest=${largest} />
    <div class="row">
      <${Button} label=${playing ? "Pause" : "Play"} onClick=${play} />
      <${Range} kind="scrub" name="Step of the making" value=${stage} ends=${[0, steps.length - 1, 1]} text="${stage}, ${step.name}"
        onChange=${(to, finished) => { setPlaying(false); change({ stage: to }, finished); }} />
    </div>
  </section>`;
}

/** @param {any} props the signal after a step, over that before it */
function Stage({ step, before, largest }) {
  const end = 1.08 * largest;
  const frame = { width: WIDTH, height: HEIGHT, low: -end, high: end };
  const zero = HEIGHT / 2;
  const dx = WIDTH / (step.heights.length - 1);
  const comparable = before && before.heights.length === step.heights.length;
  return html`<svg class="stage" viewBox="-5 0 ${WIDTH + 10} ${HEIGHT}" role="img" aria-label=${`The signal after the step ${step.name}, ${step.heights.length} points`}>
    <line class="zero" x1="0" x2=${WIDTH} y1=${zero} y2=${zero} />
    ${comparable && html`<path class="before" d=${pathOf(before.heights, frame)} />`}
    <path d=${pathOf(step.heights, frame)} />
    ${step.heights.map(
      (/** @type {number} */ value, /** @type {number} */ i) =>
        html`<circle class=${step.digit?.[i] ? "digit" : ""} r="3" cx=${(i * dx).toFixed(1)} cy=${(zero - (value * zero) / end).toFixed(1)} />`,
    )}
  </svg>`;
}
