"use strict";

// Sorting, filtering and values under the pointer. The page can be read without this script.

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);

function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 14 + width > innerWidth ? x - 14 - width : x + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - height - 4))}px`;
}

function hideTip() {
  tip.hidden = true;
}

// The values of all seeds, shown when the pointer or the keyboard's focus is on a number.
for (const cell of document.querySelectorAll(".seeds")) {
  const values = cell.title;
  cell.removeAttribute("title");
  cell.tabIndex = 0;
  cell.setAttribute("aria-description", values.replaceAll("\n", ", "));
  cell.addEventListener("pointermove", (event) => showTip(values, event.clientX, event.clientY));
  cell.addEventListener("pointerleave", hideTip);
  cell.addEventListener("focus", () => {
    const { left, bottom } = cell.getBoundingClientRect();
    showTip(values, left, bottom - 10);
  });
  cell.addEventListener("blur", hideTip);
}
document.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
document.addEventListener("scroll", hideTip, { passive: true, capture: true });

// Figures: the nearest point of a curve, and what it is.
function along(axis, value) {
  const [low, high] = axis.log ? axis.limits.map(Math.log) : axis.limits;
  return ((axis.log ? Math.log(value) : value) - low) / (high - low);
}

function asText(value) {
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
}

function nearest(panels, x, y, width, height) {
  let best = null;
  for (const panel of panels) {
    const [left, top, wide, high] = panel.box;
    if (x < left - 0.01 || x > left + wide + 0.01 || y < top - 0.02 || y > top + high + 0.02) {
      continue;
    }
    for (const series of panel.series) {
      for (const [a, b] of series.points) {
        const px = left + along(panel.x, a) * wide;
        const py = top + (1 - along(panel.y, b)) * high;
        if (px < left - 0.001 || px > left + wide + 0.001) continue;
        if (py < top - 0.02 || py > top + high + 0.02) continue;
        const distance = Math.hypot((px - x) * width, (py - y) * height);
        if (best === null || distance < best.distance) {
          best = { distance, px, py, a, b, panel, series };
        }
      }
    }
  }
  return best;
}

for (const plot of document.querySelectorAll(".plot")) {
  const panels = JSON.parse(plot.querySelector("script").textContent);
  if (panels.length === 0) continue;
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.hidden = true;
  plot.append(mark);
  plot.addEventListener("pointermove", (event) => {
    const { left, top, width, height } = plot.getBoundingClientRect();
    const x = (event.clientX - left) / width;
    const y = (event.clientY - top) / height;
    const found = nearest(panels, x, y, width, height);
    mark.hidden = found === null || found.distance > 60;
    if (mark.hidden) {
      hideTip();
      return;
    }
    mark.style.left = `${100 * found.px}%`;
    mark.style.top = `${100 * found.py}%`;
    mark.style.borderColor = found.series.colour;
    const what = [
      `${found.panel.x.label || "x"} ${asText(found.a)}`,
      `${found.panel.y.label ? `${found.panel.y.label}: ` : ""}${asText(found.b)}`,
    ];
    showTip([found.series.label, ...what].filter(Boolean).join("\n"), event.clientX, event.clientY);
  });
  plot.addEventListener("pointerleave", () => {
    mark.hidden = true;
    hideTip();
  });
}

// The ledger: sorting by a column, filtering by verdict, experiment and words.
const ledger = document.querySelector(".ledger");
const body = ledger.tBodies[0];
const rows = [...body.rows];
const form = document.querySelector(".filters");

function valueOf(row, column, kind) {
  const cell = row.cells[column];
  if (kind === "text") return cell.textContent;
  return cell.dataset.value === "" ? NaN : Number(cell.dataset.value);
}

function compare(a, b, kind) {
  if (kind === "text") return a.localeCompare(b);
  // Rows without a number come last in both orders; the caller reverses the order.
  return a - b;
}

function sortBy(heading, column) {
  const kind = heading.dataset.sort;
  const next = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  for (const other of ledger.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", next);
  const turn = next === "ascending" ? 1 : -1;
  const keyed = rows.map((row, place) => ({ row, place, key: valueOf(row, column, kind) }));
  keyed.sort((a, b) => {
    const [noA, noB] = [a.key, b.key].map((key) => Number.isNaN(key));
    if (noA || noB) return noA - noB || a.place - b.place;
    return turn * compare(a.key, b.key, kind) || a.place - b.place;
  });
  body.append(...keyed.map(({ row }) => row));
}

[...ledger.tHead.rows[0].cells].forEach((heading, column) => {
  if (!heading.dataset.sort) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = heading.textContent;
  button.addEventListener("click", () => sortBy(heading, column));
  heading.replaceChildren(button);
});

function filter() {
  const data = new FormData(form);
  const verdicts = data.getAll("verdict");
  const words = data.get("words").toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.cells[0].textContent.toLowerCase();
    const fits =
      verdicts.includes(row.dataset.verdict) &&
      (data.get("experiment") === "" || data.get("experiment") === row.dataset.experiment) &&
      words.every((word) => text.includes(word));
    row.hidden = !fits;
    shown += fits;
  }
  form.querySelector("output").textContent = `${shown} of ${rows.length} claims`;
}

form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();

// Mark the section in view in the list of contents.
const links = new Map(
  [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]),
);
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(target.id)?.setAttribute("aria-current", "location");
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
for (const id of links.keys()) watcher.observe(document.getElementById(id));
