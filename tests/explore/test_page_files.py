"""The explorer's files: their size, what is vendored, and that they say what the package says."""

import gzip
import hashlib
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

import mnist1d
from mnist1d.explore import STATIC, find_files

ROOT = Path(__file__).resolve().parents[2]
LARGEST, LARGEST_COMPRESSED = 450_000, 130_000


@pytest.fixture(scope="module")
def fill():
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.syspath_prepend(ROOT / "docs")
    spec = importlib.util.spec_from_file_location("fill_explorer", ROOT / "docs/fill_explorer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    monkeypatch.undo()


def test_the_page_is_small():
    contents = [path.read_bytes() for path in find_files().values()]
    assert sum(map(len, contents)) <= LARGEST
    assert sum(len(gzip.compress(each, mtime=0)) for each in contents) <= LARGEST_COMPRESSED


def test_what_is_vendored_is_listed_with_its_digest_and_licence():
    folder = STATIC / "vendor"
    listed = json.loads((folder / "list.json").read_text("utf-8"))
    names = {"list.json"}
    for each in listed:
        assert re.fullmatch(r"\d+\.\d+\.\d+", each["version"])
        assert hashlib.sha256((folder / each["file"]).read_bytes()).hexdigest() == each["sha256"]
        names |= {each["file"], *each["licences"]}
        for licence in each["licences"]:
            assert "licen" in (folder / licence).read_text("utf-8").lower()
    # Types are our own, and not served.
    assert {path.name for path in folder.iterdir() if path.suffix != ".ts"} == names


@pytest.mark.parametrize("name", ["parameters", "classification", "phenomena"])
def test_what_the_page_says_of_package_and_record_is_up_to_date(fill, name):
    pytest.importorskip("xarray", reason="the laboratory is not installed")
    if name != "parameters" and not (ROOT / "results").is_dir():
        pytest.skip("the record is not here")
    stored = (STATIC / "record" / f"{name}.json").read_text("utf-8")
    assert stored == fill.as_text(fill.FILES[name]())


def test_the_records_errors_give_its_accuracies(fill):
    pytest.importorskip("xarray", reason="the laboratory is not installed")
    from mnist1d.experiments.classification.claims import early_stopped
    from mnist1d.harness import record

    result = record.read(ROOT / "results" / "classification" / "result.nc")
    stored = fill.classification()
    for data, models in stored["errors"].items():
        for model, errors in models.items():
            wrong = sum(int(each, 36) for each in errors) / (len(errors) * stored["seeds"])
            measured = early_stopped(data, model)(result).mean
            assert 100 * (1 - wrong) == pytest.approx(measured, abs=1e-4)


def test_errors_of_up_to_35_runs_are_a_character_each(fill, monkeypatch, tmp_path):
    xarray = pytest.importorskip("xarray", reason="the laboratory is not installed")
    pytest.importorskip("scipy", reason="the laboratory is not installed")
    from mnist1d.explore import record as page_record

    # The model is wrong in 20 runs on the first sample, in 11 on the second, in none on the third.
    n_wrong, n_runs = np.array([20, 11, 0]), 20
    labels = np.array([3, 0, 7])
    predictions = labels + (np.arange(n_runs)[:, None] < n_wrong)
    result = xarray.Dataset(
        {
            "test_prediction": (
                ("data", "model", "seed", "step", "sample"),
                np.broadcast_to(predictions[:, None], (2, 1, n_runs, 1, 3)),
            ),
            "test_label": ("sample", labels),
            "early_stopped_step": (("data", "model", "seed"), np.zeros((2, 1, n_runs), int)),
        },
        {"data": ["plain", "shuffled"], "model": ["CNN"], "seed": range(n_runs), "step": [0]},
    )
    monkeypatch.setattr(fill.record, "read", lambda _: result)
    monkeypatch.setattr(fill.human_expert, "errors_per_digit", lambda _: [])
    monkeypatch.setattr(fill.human_expert, "cnn_errors_per_digit", lambda _: np.zeros((1, 10)))
    described = fill.classification()
    assert described["errors"]["plain"] == {"CNN": "kb0"}
    (tmp_path / "record").mkdir()
    (tmp_path / "record/classification.json").write_text(fill.as_text(described), "utf-8")
    monkeypatch.setattr(page_record, "STATIC", tmp_path)
    np.testing.assert_allclose(page_record.recorded_accuracies("plain")["CNN"], 1 - n_wrong / 20)


def test_the_tickets_masks_are_those_of_the_records_trial():
    pytest.importorskip("xarray", reason="the laboratory is not installed")
    from mnist1d.harness import record

    path = ROOT / "results" / "lottery-tickets" / "result.nc"
    if not path.is_file():
        pytest.skip("the record is not here")
    result = record.read(path)
    stored = json.loads((STATIC / "record" / "tickets.json").read_text("utf-8"))
    recorded = result.sel(search="lottery", seed=stored["seed"])
    accuracy = 100 * recorded.search_test_accuracy.isel(step=-1).to_numpy().astype(float)
    np.testing.assert_allclose(stored["accuracy"], accuracy, atol=0.051)
    last = np.array([[*map(stored["alphabet"].index, row)] for row in stored["masks"]])
    rounds = np.arange(result.sizes["sparsity"])[:, None, None]
    kept = last >= rounds
    (ticket,) = np.flatnonzero(result.sparsity == result.ticket_sparsity)
    np.testing.assert_array_equal(kept[ticket], recorded.ticket_mask[: len(last)])
    assert stored["units"] == result.sizes["unit"]
    # As many weights are removed as a round says, but for the layer's other units: within four
    # standard errors of the mean over these units.
    removed = 1 - kept.mean(2)
    error = removed.std(1, ddof=1) / np.sqrt(len(last))
    np.testing.assert_array_less(abs(removed.mean(1) - result.sparsity), 4 * error + 1e-6)
    assert kept[0].all()
    assert not kept[-1].any()


def test_the_page_loads_nothing_but_its_own_files():
    for name, path in find_files().items():
        if path.suffix not in {".js", ".css", ".html"} or name.startswith("vendor/"):
            continue
        text = path.read_text("utf-8")
        for target in re.findall(
            r"""(?:from|import|src=|href=|url\()\s*\(?["']([^"'#$]+)["']""", text
        ):
            if not target.startswith("https://arxiv.org/"):
                assert (path.parent / target).resolve().is_relative_to(STATIC), (name, target)
                assert (path.parent / target).is_file(), (name, target)
        assert ' style="' not in text, name
        assert "innerHTML" not in text, name
        assert "eval(" not in text, name


def test_the_presets_of_the_page_make_streams(fill):
    from mnist1d.stream import Stream

    described = fill.parameters()
    assert described["version"] == mnist1d.__version__
    for each in described["presets"].values():
        Stream(**each["parameters"])
