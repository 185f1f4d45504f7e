"""Gradients of the explorer's models are those of their losses, also in unusual sizes."""

import math

import pytest

pytestmark = pytest.mark.slow

CASES = [
    {"model": model, "sizes": {**sizes, "columns": 8}, "n": n}
    for model, n, sizes in [
        ("Logistic", 8, {"length": 40, "classes": 10}),
        ("Logistic", 3, {"length": 9, "classes": 2}),
        ("MLP", 8, {"length": 13, "classes": 3, "width": 6}),
        ("MLP", 5, {"length": 40, "classes": 10, "width": 1, "residual": False}),
        ("CNN", 8, {"length": 40, "classes": 10, "width": 4}),
        ("CNN", 7, {"length": 9, "classes": 3, "width": 3}),
        ("GRU", 8, {"length": 12, "classes": 4, "width": 3}),
        ("GRU", 1, {"length": 9, "classes": 10, "width": 1}),
    ]
]

CHECK = """async ({ MODELS }, cases) => {
  const { plainLoops } = await import('/nets/plain.js');
  const { crossEntropy } = await import('/nets/loss.js');
  const { key } = await import('/nets/threefry.js');
  return cases.map(({ model: name, sizes, n }) => {
    // In twice the precision of training, in which differences are exact enough.
    const operations = { ...plainLoops, allocate: (size) => new Float64Array(size) };
    const model = new MODELS[name](operations, sizes);
    model.initialise(key(5));
    for (let p = 0; p < sizes.length; p++) {
      for (let j = 0; j < n; j++) model.x[p * sizes.columns + j] = Math.sin(1 + 7 * p + 3 * j * j);
    }
    const labels = Array.from({ length: n }, (_, j) => j % sizes.classes);
    const loss = (gradient) => {
      model.forward();
      return crossEntropy(model.logits, labels, n, sizes.columns, gradient).loss;
    };
    loss(model.logitGradient);
    model.backward(true);
    const parts = model.storages.map(({ values, gradient }) => [values, gradient.slice()]);
    const signals = model.x.subarray(0, sizes.length * sizes.columns);
    parts.push([signals, model.inputGradient.slice()]);
    let [worst, largest] = [0, 0];
    for (const [values, gradient] of parts) {
      for (let i = 0; i < values.length; i++) {
        const kept = values[i];
        const at = (moved) => {
          values[i] = moved;
          return loss();
        };
        const slope = (at(kept + 1e-5) - at(kept - 1e-5)) / 2e-5;
        values[i] = kept;
        worst = Math.max(worst, Math.abs(slope - gradient[i]));
        largest = Math.max(largest, Math.abs(gradient[i]));
      }
    }
    return { worst, largest };
  });
}"""


def test_gradients_are_slopes_of_the_loss(run):
    for case, found in zip(CASES, run("nets/models/models.js", CHECK, CASES), strict=True):
        assert found["largest"] > 0.01, case
        assert found["worst"] < 1e-7, (case, found)


UNUSUAL = """async ({ Trainer }, runs) => {
  const { loadKernel } = await import('/nets/operations.js');
  const { generate, range } = await import('/data/stream.js');
  const kernel = await loadKernel();
  return runs.map(({ length, ...run }) => {
    const { x, y } = generate({ final_seq_length: length }, range(0, 100));
    const [with_, without] = [kernel, null].map((loops) => {
      const trainer = new Trainer({ ...run, length, data: { train: { x, y } } }, loops);
      const losses = Array.from({ length: 20 }, () => trainer.step());
      const { loss, predictions } = trainer.evaluate('train');
      const scores = Array.from(trainer.logits(x.subarray(0, 3 * length)));
      return { losses, loss, scores, nPredictions: predictions.length };
    });
    return { with_, without };
  });
}"""


def test_batches_and_sizes_of_any_number(run):
    runs = [
        {"model": "Logistic", "batchSize": 1, "length": 41},
        {"model": "MLP", "batchSize": 13, "width": 17, "length": 23, "optimiser": "sgd"},
        {"model": "CNN", "batchSize": 100, "width": 7, "length": 31, "optimiser": "sgd"},
        {"model": "GRU", "batchSize": 37, "width": 5, "length": 9, "order": "shuffled"},
    ]
    for case, found in zip(runs, run("nets/trainer.js", UNUSUAL, runs), strict=True):
        with_, without = found["with_"], found["without"]
        assert with_["nPredictions"] == 100
        assert with_["losses"] == pytest.approx(without["losses"], rel=1e-4), case
        assert with_["loss"] == pytest.approx(without["loss"], rel=1e-4), case
        assert with_["scores"] == pytest.approx(without["scores"], abs=1e-3), case


def test_a_run_that_diverges_says_so(run):
    found = run(
        "nets/trainer.js",
        """async ({ Trainer }) => {
          const { generate, range } = await import('/data/stream.js');
          const { x, y } = generate({}, range(0, 100));
          const data = { train: { x, y } };
          const run = { model: 'MLP', optimiser: 'sgd', learningRate: 1e6, data };
          const trainer = new Trainer(run, null);
          const losses = Array.from({ length: 12 }, () => trainer.step());
          return { last: losses.at(-1), accuracy: trainer.evaluate('train').accuracy };
        }""",
    )
    assert math.isnan(found["last"])
    assert math.isnan(found["accuracy"])
