"""Time the explorer in Chromium: steps of training with its kernel and without, and samples.

    python explore.py [--keep]

Steps have batches of 100 samples and one thread. The best of several blocks of steps counts, which
alternate between both, so that another load of the machine harms neither alone.
"""

import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from keep import keep
from playwright.sync_api import sync_playwright

import mnist1d.explore

STATIC = Path(mnist1d.explore.__file__).parent / "static"
BLOCKS = 30

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


class Files(SimpleHTTPRequestHandler):
    """Files of the explorer, and an empty page in place of what is not there."""

    extensions_map = {".js": "text/javascript", ".wasm": "application/wasm"}  # noqa: RUF012

    def log_message(self, *_):
        """Say nothing."""


def measured():
    """Return rows of step times and the times of samples, in milliseconds."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    options = {"executable_path": chromium, "args": ["--no-sandbox"]}
    handler = partial(Files, directory=STATIC)
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        sync_playwright() as running,
        running.chromium.launch(**options) as browser,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/data/constants.js")
        found = page.evaluate(STEPS, BLOCKS), page.evaluate(SAMPLES)
        server.shutdown()
        return *found, browser.version


def main():
    rows, samples, version = measured()
    print(f"{'':10}{'kernel':>10}{'plain':>10}   milliseconds per step")
    for row in rows:
        print(f"{row['what']:10}{row['kernel_ms']:10.3f}{row['plain_ms']:10.3f}")
        row["ratio"] = row["plain_ms"] / row["kernel_ms"]
    for what, time in samples.items():
        print(f"{what}: {time:.2f} ms")
    if "--keep" in sys.argv:
        keep("explore", rows, ["playwright"], chromium=version, samples_ms=samples)


if __name__ == "__main__":
    main()
