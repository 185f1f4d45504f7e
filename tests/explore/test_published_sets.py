"""The explorer's sets from the published stream are those of `mnist1d.generate`."""

import numpy as np
import pytest

import mnist1d

SETS = """async ({ generateSet }, cases) => cases.map((parameters) => {
  const set = generateSet(parameters);
  const parts = { ...set, ...set.shiftedTests };
  for (const part of Object.values(parts)) {
    if (part?.x) Object.assign(part, { x: text(part.x), y: text(part.y) });
  }
  return { ...parts, clean: text(set.clean), redrawn: text(set.redrawn), columnOrder: null };
})"""

CASES = [
    {"num_samples": 60, "seed": 7},
    {"train": 50, "validation": 13, "test": 20, "classes": [8, 3, 1]},
    {"num_samples": 103, "class_proportions": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "stratified": True},
    {"num_samples": 100, "validation": 20, "stratified": True, "shuffle_seq": True},
    {"num_samples": 100, "label_noise": 0.5, "label_noise_kind": "symmetric"},
    {"num_samples": 100, "label_noise": 0.5, "label_noise_kind": "other", "classes": [4, 2, 7]},
    {"num_samples": 100, "label_noise": 0.3, "label_noise_kind": "published", "shuffle_seq": True},
    {"num_samples": 50, "positions": "shuffled", "positions_seed": 5, "max_translation": 1},
    {"num_samples": 50, "max_translation": 2**32, "padding": [0, 3], "final_seq_length": 7},
    {"num_samples": 40, "templates": [[0, 1, 0.5], [0, -1, 2]], "iid_noise_scale": 0.5},
    {
        "num_samples": 60,
        "seed": 3,
        "positions": "chunked",
        "shifted_tests": {
            "noisy": {"iid_noise_scale": 0.1, "corr_noise_scale": -0.5},
            "wide": {"padding": [0, 5], "class_proportions": [1] * 9 + [2.5]},
        },
    },
]


@pytest.mark.slow
def test_the_published_arrays_are_equal_as_float32(run, numbers):
    (found,) = run("data/published.js", SETS, [{}])
    data = mnist1d.load()
    for name, part in data.parts.items():
        x = numbers(found[name]["x"], np.float64)
        assert np.array_equal(x.astype(np.float32), part.x.astype(np.float32).ravel())
        assert np.array_equal(numbers(found[name]["y"], np.int32), part.y)
    assert len(data.y) + len(data.y_test) == 5000
    assert found["mean"] == pytest.approx(data.mean, rel=1e-12)
    assert found["std"] == pytest.approx(data.std, rel=1e-12)


@pytest.mark.slow
def test_sets_of_other_configurations_are_equal_up_to_rounding(run, numbers):
    for case, found in zip(CASES, run("data/published.js", SETS, CASES), strict=True):
        data = mnist1d.generate(**case)
        assert set(data.parts) <= set(found)
        for name, part in data.parts.items():
            x = numbers(found[name]["x"], np.float64)
            assert x == pytest.approx(part.x.ravel(), rel=1e-11, abs=1e-11), case
            assert np.array_equal(numbers(found[name]["y"], np.int32), part.y), case
        assert np.array_equal(numbers(found["clean"], np.int32), data.y_clean)
        assert np.array_equal(numbers(found["redrawn"], np.uint8), data.noise_mask)
