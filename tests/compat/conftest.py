"""The published package, run in separate processes for comparison with ours.

It is never imported into this process: it lies in the folder that the environment variable
MNIST1D_PUBLISHED names, as made by `pip install --target FOLDER mnist1d==0.0.2.post1`.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
TOLERANCE = 1e-12


@pytest.fixture(scope="session")
def assert_same():
    """Compare results deeply: the same structure and types, equal up to rounding."""
    return compare


def compare(ours, published, where="result"):
    assert type(ours) is type(published), f"{where}: {type(ours)} is not {type(published)}"
    if isinstance(published, dict):
        assert list(ours) == list(published), where
        for key, value in published.items():
            compare(ours[key], value, f"{where}[{key!r}]")
    elif isinstance(published, list | tuple):
        assert len(ours) == len(published), where
        for i, value in enumerate(published):
            compare(ours[i], value, f"{where}[{i}]")
    elif isinstance(published, np.ndarray):
        assert ours.dtype == published.dtype, where
        assert ours.shape == published.shape, where
        if published.dtype.kind in "fc":
            largest = np.abs(published[np.isfinite(published)]).max(initial=1)
            np.testing.assert_allclose(
                ours, published, rtol=0, atol=TOLERANCE * largest, err_msg=where
            )
        else:
            np.testing.assert_array_equal(ours, published, err_msg=where)
    elif isinstance(published, float | complex):
        np.testing.assert_allclose(ours, published, rtol=TOLERANCE, atol=TOLERANCE, err_msg=where)
    else:
        assert ours == published, where


@pytest.fixture(scope="session")
def published_folder():
    folder = os.environ.get("MNIST1D_PUBLISHED")
    if folder is None:
        pytest.skip("MNIST1D_PUBLISHED does not name a folder with the published package")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def run(published_folder):
    """Run a script of this folder with one of the two packages."""

    def run_script(package, script, *arguments, cwd, timeout=300):
        environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONWARNINGS": "ignore"}
        if package == "published":
            environment["PYTHONPATH"] = str(published_folder)
        finished = subprocess.run(
            [sys.executable, HERE / script, *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert finished.returncode == 0, f"{package}: {finished.stderr}"

    return run_script
