"""Training in Web Workers: every message is answered, wrong ones are refused, nothing is left."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow

SETTINGS = """
const { generate, range } = await import('/data/stream.js');
const part = (start, stop) => {
  const { x, y } = generate({}, range(start, stop));
  return { x, y };
};
const data = { train: part(0, 200), test: part(200, 250) };
const settings = { model: 'MLP', width: 8, batchSize: 20, data, seed: 1 };
"""


def test_a_run_is_started_paused_stepped_and_looked_into(run):
    found = run(
        "nets/protocol.js",
        """async ({ Training }) => {"""
        + SETTINGS
        + """
  const told = [];
  const training = new Training((progress) => told.push(progress));
  const made = await training.start({ ...settings, nSteps: 30, evaluateEvery: 10 }, true);
  const first = await training.weights();
  const stepped = await training.step(5);
  await training.start();
  while (told.at(-1)?.steps !== 30) await new Promise((resolve) => setTimeout(resolve, 5));
  const after = await training.pause();
  const history = await training.history();
  const last = await training.weights();
  const x = data.test.x.subarray(0, 2 * 40);
  const [scores, slopes] = [await training.predict(x), await training.saliency(x, data.test.y)];
  const evaluation = await training.evaluate('test');
  training.stop();
  const heard = { losses: [], evaluations: [] };
  for (const { losses, evaluations } of told) {
    heard.losses.push(...losses);
    heard.evaluations.push(...evaluations);
  }
  return {
    made, stepped, after, history, heard,
    shapes: last.map(({ name, shape }) => [name, shape]),
    moved: last.map(({ values }, i) => values.some((value, j) => value !== first[i].values[j])),
    sizes: [scores.length, slopes.length, evaluation.predictions.length],
    predictions: Array.from(evaluation.predictions), labels: Array.from(data.test.y),
    accuracy: evaluation.accuracy,
  };
}""",
    )
    state = {"nParameters": 490, "usesKernel": True, "running": False}
    assert found["made"] == {**state, "steps": 0}
    assert found["stepped"] == {**state, "steps": 5}
    assert found["after"] == {**state, "steps": 30}
    history = found["history"]
    assert len(history["losses"]) == 30
    assert [each["step"] for each in history["evaluations"]] == [0, 10, 20]
    assert set(history["evaluations"][0]["parts"]) == {"train", "test"}
    assert found["heard"] == history
    assert dict(found["shapes"])["second.weight"] == [8, 8]
    assert all(found["moved"])
    assert found["sizes"] == [20, 80, 50]
    right = np.equal(found["predictions"], found["labels"])
    assert found["accuracy"] == pytest.approx(right.mean())


def test_what_is_wrong_is_refused_by_name(run):
    refusals = run(
        "nets/protocol.js",
        """async ({ Training }) => {"""
        + SETTINGS
        + """
  const training = new Training(() => {});
  const refused = async (promise) => {
    try {
      return `accepted: ${JSON.stringify(await promise)}`;
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  };
  const results = [await refused(training.history())];
  for (const wrong of [
    { model: 'SVM' }, { optimiser: 'magic' }, { width: 0 }, { batchSize: 201 }, { learningRate: 0 },
    { learningRate: NaN }, { seed: -1 }, { length: 39 }, { classes: 3 }, { order: 'sorted' },
    { data: { test: data.test } }, { weights: [[1]] }, { nSteps: -1 }, { evaluateEvery: 0 },
  ]) {
    results.push(await refused(training.start({ ...settings, ...wrong }, true)));
  }
  await training.start(settings);
  training.stop();
  results.push(await refused(training.history()));
  return results;
}""",
    )
    assert refusals[0] == "Error: there is no run: start one first"
    assert refusals[-1].endswith("the run was stopped")
    assert all(each.startswith("InputError: ") for each in refusals[1:-1]), refusals


def test_a_worker_trains_one_network_after_the_other(run, workers_of):
    found = run(
        "rooms/descent.js",
        """async ({ Series }) => {"""
        + SETTINGS
        + """
  const measured = async (worker, width) =>
    worker.train({ ...settings, width, learningRate: 0.05, nSteps: 60, evaluateEvery: 59 });
  const worker = new Series();
  const inTurn = [await measured(worker, 8), await measured(worker, 3), await measured(worker, 8)];
  const other = new Series();
  const alone = await measured(other, 3);
  worker.stop();
  other.stop();
  return { inTurn, alone };
}""",
    )
    assert found["inTurn"][1] == found["alone"]
    assert found["inTurn"][0] == found["inTurn"][2] != found["alone"]
    assert workers_of(run.page, 0) == 0


def test_the_pace_is_kept(run):
    steps = run(
        "nets/protocol.js",
        """async ({ Training }) => {"""
        + SETTINGS
        + """
  const training = new Training(() => {});
  await training.start({ ...settings, stepsPerSecond: 20 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const slow = (await training.pause()).steps;
  await training.pace(Infinity);
  await training.start();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const fast = (await training.pause()).steps - slow;
  training.stop();
  return { slow, fast };
}""",
    )
    assert 1 <= steps["slow"] <= 12
    assert steps["fast"] > 2 * steps["slow"]


FIVE_WORKERS = (
    """async ({ Training }, rounds) => {"""
    + SETTINGS
    + """
  const states = [];
  for (let round = 0; round < rounds; round++) {
    const trainings = range(0, 5).map(() => new Training(() => {}));
    const started = trainings.map((each, seed) => each.start({ ...settings, seed }));
    states.push(...(await Promise.all(started)));
    for (const training of trainings) training.stop();
  }
  return states;
}"""
)


def test_five_workers_are_stopped_and_started_many_times(run, workers_of):
    devtools = run.page.context.new_cdp_session(run.page)
    devtools.send("Performance.enable")
    kept = []
    for rounds in (5, 15):
        states = run("nets/protocol.js", FIVE_WORKERS, rounds)
        assert len(states) == 5 * rounds
        assert all(state["running"] for state in states)
        assert workers_of(run.page, 0) == 0
        devtools.send("HeapProfiler.collectGarbage")
        found = devtools.send("Performance.getMetrics")["metrics"]
        kept.append({each["name"]: each["value"] for each in found})
    first, last = kept
    assert last["JSEventListeners"] <= first["JSEventListeners"]
    assert last["JSHeapUsedSize"] - first["JSHeapUsedSize"] < 4000 * 75  # bytes, of 75 runs


def test_without_the_kernel_a_run_is_the_same(browser, static_url):
    page = browser.new_page()
    page.route(f"{static_url}/blank", lambda route: route.fulfill(body="<!doctype html>"))
    page.context.route("**/kernel.wasm", lambda route: route.abort())
    page.goto(f"{static_url}/blank")
    states = page.evaluate(
        """async () => {
  const { Training } = await import('/nets/protocol.js');"""
        + SETTINGS
        + """
  const { Trainer } = await import('/nets/trainer.js');
  const { loadKernel } = await import('/nets/operations.js');
  const training = new Training(() => {});
  await training.start(settings, true);
  const { usesKernel } = await training.step(3);
  const { losses } = await training.history();
  training.stop();
  const trainer = new Trainer(settings, null);
  const here = [trainer.step(), trainer.step(), trainer.step()];
  return { usesKernel, kernel: await loadKernel(), losses, here };
}"""
    )
    page.context.unroute("**/kernel.wasm")
    page.close()
    assert states["kernel"] is None
    assert states["usesKernel"] is False
    assert states["losses"] == states["here"]
