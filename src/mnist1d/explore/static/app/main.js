// The page: its rooms, its state, and what surrounds them.

import { html, render, useEffect } from "../vendor/htm-preact.js";
import { Button, Copy } from "./controls.js";
import { makeFields, restingOf } from "./fields.js";
import { useSession } from "./address.js";
import { AboutRoom } from "../rooms/about.js";
import { DataRoom } from "../rooms/data/room.js";
import { PhenomenaRoom } from "../rooms/phenomena.js";
import { TestRoom } from "../rooms/test/room.js";
import { TrainRoom } from "../rooms/train/room.js";

/** @type {Record<string, { title: string, Room: any }>} */
const ROOMS = {
  data: { title: "Data", Room: DataRoom },
  train: { title: "Train", Room: TrainRoom },
  phenomena: { title: "Phenomena", Room: PhenomenaRoom },
  test: { title: "Test yourself", Room: TestRoom },
  about: { title: "About", Room: AboutRoom },
};

/** @param {{ about: any, record: any, phenomena: any, search: any }} props */
function Page({ about, record, phenomena, search }) {
  const session = useSession(Object.keys(ROOMS), FIELDS);
  const { room, values, undo, redo, canUndo, canRedo, refused } = session;
  const { title, Room } = ROOMS[room];

  useEffect(() => {
    document.title = `${title} · MNIST-1D explorer`;
  }, [room]);

  useEffect(() => {
    const typed = (/** @type {KeyboardEvent} */ event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      if (target.matches?.("input:not([type=range]):not([type=checkbox]), textarea")) return;
      event.preventDefault();
      if (event.shiftKey) redo();
      else undo();
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  });

  const resting = restingOf(values);
  const guided = values.hide.includes("rooms");
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header>
      <p class="brand">MNIST-1D</p>
      ${!guided &&
      html`<nav aria-label="Rooms">
        ${Object.entries(ROOMS).map(
          ([name, each]) => html`<a href=${session.link({}, name)} aria-current=${name === room ? "page" : undefined}>${each.title}</a>`,
        )}
      </nav>`}
      <div class="buttons">
        <${Button} label="Undo" title="Ctrl+Z" disabled=${!canUndo} onClick=${undo} />
        <${Button} label="Redo" title="Ctrl+Shift+Z" disabled=${!canRedo} onClick=${redo} />
        <${Copy} label="Copy link" text=${location.href.split("#")[0] + session.link({})} />
      </div>
    </header>
    <main id="main" tabindex="-1">
      ${refused.length > 0 &&
      html`<p class="notice" role="status">The address holds what cannot be used, and was left out: ${refused.join("; ")}.</p>`}
      ${["data", "train"].includes(room) && resting.length > 0 &&
      html`<p class="notice" role="status">Not in use, as it does not fit the other settings: ${resting.join("; ")}.</p>`}
      ${values.note && html`<p class="note">${values.note}</p>`}
      <${Room} session=${session} about=${about} record=${record} phenomena=${phenomena} search=${search} />
    </main>
  `;
}

/** The address holds the state, so that a jump in the page must not change it. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** @param {string} name */
async function read(name) {
  const answer = await fetch(`record/${name}.json`);
  if (!answer.ok) throw new Error(`record/${name}.json: ${answer.status}`);
  return answer.json();
}

const [about, record, phenomena, search] = await Promise.all(["parameters", "classification", "phenomena", "tickets"].map(read));
const FIELDS = makeFields(about);
const place = /** @type {HTMLElement} */ (document.getElementById("page"));
place.replaceChildren();
render(html`<${Page} about=${about} record=${record} phenomena=${phenomena} search=${search} />`, place);
