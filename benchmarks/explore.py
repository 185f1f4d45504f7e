"""Time the explorer in Chromium: opening, dragging, double descent, samples, steps of training.

    python explore.py [--keep]

Steps, with the kernel and without it, have batches of 100 samples and one thread. The best of
several blocks of steps counts, which alternate between both, so that another load of the machine
harms neither alone. The page has opened when its samples are drawn; every opening is that of a new
browser with an empty cache. While a slider is dragged, a hundred samples are drawn for every frame.
"""

import shutil
import statistics
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from keep import keep
from playwright.sync_api import sync_playwright

import mnist1d.explore
from mnist1d.explore import Explorer

STATIC = Path(mnist1d.explore.__file__).parent / "static"
BLOCKS = 30
OPENINGS = 9

STEPS = """async (blocks) => {
  const { Trainer } = await import('/nets/trainer.js');
  const { loadKernel } = await import('/nets/operations.js');
  const { load } = await import('/data/published.js');
  const { x, y } = load().train;
  const data = { train: { x: Float32Array.from(x), y } };
  const kernel = await loadKernel();
  const rows = [];
  // Long enough for the browser's clock, and short enough to be undisturbed now and then.
  const sizes = { Logistic: 200, MLP: 20, CNN: 5, GRU: 5 };
  for (const [model, blockSteps] of Object.entries(sizes)) {
    const times = [Infinity, Infinity];
    const trainers = [kernel, null].map((loops) => new Trainer({ model, data }, loops));
    for (let block = 0; block < blocks; block++) {
      trainers.forEach((trainer, i) => {
        const start = performance.now();
        for (let step = 0; step < blockSteps; step++) trainer.step();
        times[i] = Math.min(times[i], (performance.now() - start) / blockSteps);
      });
    }
    rows.push({ what: model, kernel_ms: times[0], plain_ms: times[1] });
  }
  return rows;
}"""

SAMPLES = """async () => {
  const { generate, range } = await import('/data/stream.js');
  const best = (work) => {
    let least = Infinity;
    for (let i = 0; i < 30; i++) {
      const start = performance.now();
      work(i);
      least = Math.min(least, performance.now() - start);
    }
    return least;
  };
  let made = generate({}, range(0, 100));
  return {
    '100 samples': best((i) => generate({}, range(100 * i, 100 * i + 100))),
    '100 samples under the same draws': best((i) => {
      made = generate({ iid_noise_scale: 0.01 * i }, range(0, 100), made.draws);
    }),
  };
}"""


OPENED = """() => {
  const look = () => {
    if (document.querySelectorAll('.sample').length < 30) requestAnimationFrame(look);
    else globalThis.opened = performance.now();
  };
  look();
}"""

DRAGGED = """(seconds) => new Promise((finished) => {
  const slider = document.querySelector('input[type=range][aria-label="Smooth noise"]');
  const drawn = document.querySelectorAll('.sample path').length;
  const times = [];
  const work = [];
  const frame = (now) => {
    times.push(now);
    const start = performance.now();
    slider.value = (times.length % 100) / 100;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    setTimeout(() => {
      document.body.getBoundingClientRect(); // The layout is part of the work.
      work.push(performance.now() - start);
      if (now - times[0] < 1000 * seconds) return requestAnimationFrame(frame);
      const gaps = times.slice(1).map((time, i) => time - times[i]);
      finished({ drawn, gaps, work });
    });
  };
  requestAnimationFrame(frame);
})"""


class Files(SimpleHTTPRequestHandler):
    """Files of the explorer, and an empty page in place of what is not there."""

    extensions_map = {".js": "text/javascript", ".wasm": "application/wasm"}  # noqa: RUF012

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving(server):
    """Serve in a thread; give the address."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def steps_and_samples(browser):
    """Return rows of step times and the times of samples, in milliseconds."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=STATIC))) as url:
        page = browser.new_page()
        page.goto(f"{url}/data/constants.js")
        found = page.evaluate(STEPS, BLOCKS), page.evaluate(SAMPLES)
        page.close()
        return found


def openings(browser, url):
    """Return milliseconds from asking for the page to its samples on the screen, per opening."""
    times = []
    for _ in range(OPENINGS):
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        page = context.new_page()
        page.goto(f"{url}/", wait_until="commit")
        page.evaluate(OPENED)
        while (opened := page.evaluate("globalThis.opened")) is None:
            page.wait_for_timeout(20)
        times.append(opened)
        context.close()
    return times


def dragging(browser, url):
    """Return frames per second, the longest frame and the work per frame in milliseconds."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{url}/#/data?rows=10")
    page.wait_for_selector(".sample")
    page.evaluate(DRAGGED, 1)
    found = page.evaluate(DRAGGED, 4)
    page.close()
    gaps, work = found["gaps"], found["work"]
    return {
        "samples": found["drawn"],
        "frames_per_second": 1000 * len(gaps) / sum(gaps),
        "longest_frame_ms": max(gaps),
        "work_per_frame_ms": statistics.median(work),
    }


def descent(browser, url):
    """Return the seconds of the double descent that the page measures, in two workers."""
    page = browser.new_page()
    page.goto(f"{url}/#/phenomena")
    page.get_by_role("button", name="Measure", exact=True).click()
    start = time.perf_counter()
    page.get_by_role("button", name="Measure again").wait_for(timeout=600_000)
    seconds = time.perf_counter() - start
    page.close()
    return seconds


def main():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    options = {"executable_path": chromium, "args": ["--no-sandbox"]}
    with sync_playwright() as running, running.chromium.launch(**options) as browser:
        with serving(Explorer()) as url:
            opened, dragged = openings(browser, url), dragging(browser, url)
            seconds = descent(browser, url)
        rows, samples = steps_and_samples(browser)
        version = browser.version
    opening = {"median_ms": statistics.median(opened), "longest_ms": max(opened), "n": len(opened)}
    print(f"opening: {opening['median_ms']:.0f} ms, longest of {OPENINGS}: {max(opened):.0f} ms")
    print(
        f"dragging, {dragged['samples']} samples: {dragged['frames_per_second']:.1f} frames/s, "
        f"longest {dragged['longest_frame_ms']:.0f} ms, work {dragged['work_per_frame_ms']:.1f} ms"
    )
    print(f"double descent, 20 networks of 10 widths in 2 workers: {seconds:.1f} s")
    print(f"{'':10}{'kernel':>10}{'plain':>10}   milliseconds per step")
    for row in rows:
        print(f"{row['what']:10}{row['kernel_ms']:10.3f}{row['plain_ms']:10.3f}")
        row["ratio"] = row["plain_ms"] / row["kernel_ms"]
    for what, milliseconds in samples.items():
        print(f"{what}: {milliseconds:.2f} ms")
    if "--keep" in sys.argv:
        facts = {
            "samples_ms": samples,
            "opening": opening,
            "dragging": dragged,
            "descent_seconds": seconds,
        }
        keep("explore", rows, ["playwright"], chromium=version, **facts)


if __name__ == "__main__":
    main()
