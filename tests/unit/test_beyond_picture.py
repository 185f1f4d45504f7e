"""The README's picture of experiments beyond the paper is drawn of the record."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def panels():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
        return import_module("beyond_picture").picture().axes


def test_every_panel_has_labels_and_a_legend(panels):
    assert len(panels) == 8
    for axes in panels:
        assert axes.get_title()
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert len(axes.get_legend().get_texts()) >= 2


def test_curves_are_the_record(panels):
    from mnist1d.harness import record

    (grokking,) = (axes for axes in panels if axes.get_title() == "Grokking")
    result = record.read(ROOT / "results" / "grokking" / "result.nc")
    runs = result.test_accuracy.sel(n_samples=250, decay=0.01, scale=4.0)
    (line,) = (line for line in grokking.lines if line.get_label() == "test")
    np.testing.assert_allclose(line.get_ydata(), 100 * runs.mean("seed"), rtol=1e-6)
