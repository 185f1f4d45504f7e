"""A hundred random configurations come out as the published package makes them.

The package is never imported into this process: it is run from the folder that the environment
variable MNIST1D_PUBLISHED names, as made by `pip install --target FOLDER mnist1d==0.0.2.post1`.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import mnist1d

pytestmark = pytest.mark.slow

N_CONFIGURATIONS = 100
# The grids of template and stretched signal share the first padded point in some or all samples.
# Whether it is exactly zero, and so gets correlated noise, is decided by the last bit.
DELICATE_PADDINGS = [(0, 0), (6, 6), (36, 36), (57, 57), (6, 23), (9, 14), (9, 19), (2, 28), (4, 4)]
# Around the powers of two, around the stretched length, beyond 32 bits.
TRANSLATIONS = [1, 2, 3, 16, 17, 32, 48, 64, 65, 72, 100, 1000, 2**31 + 1, 2**32, 2**32 + 1, 2**40]

PUBLISHED = """
import json, sys
import numpy as np
from mnist1d import data
arrays = {}
for i, parameters in enumerate(json.load(sys.stdin)):
    arguments = data.get_dataset_args()
    for name, value in parameters.items():
        setattr(arguments, name, value)
    made = data.make_dataset(arguments)
    assert list(made) == ["x", "x_test", "y", "y_test", "t", "templates"]
    for name in ("x", "x_test", "y", "y_test", "t"):
        arrays[f"{i}/{name}"] = made[name]
np.savez(sys.argv[1], **arrays)
"""


def random_parameters(rng):
    ranges = [*DELICATE_PADDINGS, (36, 60), *np.sort(rng.integers(0, 200, (9, 2))).tolist()]
    return {
        "num_samples": int(rng.integers(10, 120)),
        "train_split": float(rng.uniform(0.1, 0.9)),
        "padding": list(ranges[rng.integers(len(ranges))]),
        "scale_coeff": float(rng.choice([0, 0.4, -1, rng.uniform(0, 3)])),
        "max_translation": int(rng.choice(TRANSLATIONS)),
        "corr_noise_scale": float(rng.choice([0, 0.25, -0.5, rng.uniform(0, 2)])),
        "iid_noise_scale": float(rng.choice([0, 0.02, -0.1, rng.uniform(0, 1)])),
        "shear_scale": float(rng.choice([0, 0.75, -0.5, rng.uniform(0, 3)])),
        "shuffle_seq": bool(rng.integers(2)),
        "final_seq_length": int(rng.choice([2, 3, 12, 40, 72, 73, int(rng.integers(2, 200))])),
        "seed": int(rng.integers(2**32)),
    }


@pytest.fixture(scope="module")
def configurations():
    rng = np.random.default_rng(20_241_124)
    return [{}, *(random_parameters(rng) for _ in range(N_CONFIGURATIONS))]


@pytest.fixture(scope="module")
def published(configurations, tmp_path_factory):
    folder = os.environ.get("MNIST1D_PUBLISHED")
    if folder is None:
        pytest.skip("MNIST1D_PUBLISHED does not name a folder with the published package")
    path = tmp_path_factory.mktemp("published") / "arrays.npz"
    subprocess.run(
        [sys.executable, "-c", PUBLISHED, path],
        input=json.dumps(configurations),
        env={**os.environ, "PYTHONPATH": folder},
        cwd=path.parent,
        text=True,
        check=True,
    )
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("i", range(N_CONFIGURATIONS + 1))
def test_equals_the_published_package(configurations, published, i):
    ours = mnist1d.generate(**configurations[i])
    for name in ("y", "y_test"):
        np.testing.assert_array_equal(getattr(ours, name), published[f"{i}/{name}"], strict=True)
    for name in ("x", "x_test"):
        values = getattr(ours, name)
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, published[f"{i}/{name}"], rtol=0, atol=1e-12)
    # Where next to nothing differs from zero, dividing by the deviation makes a huge time axis.
    np.testing.assert_allclose(ours.t, published[f"{i}/t"], rtol=1e-12, atol=1e-12)
