"""t-SNE: runs that are resumed and interrupted, where they are computed, and the claims."""

import dataclasses
import functools
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mnist1d
from mnist1d.dataset.imports.installation import install_command
from mnist1d.execution import Compute, Store, compute
from mnist1d.execution.cluster import ClusterError
from mnist1d.experiments import tsne
from mnist1d.experiments.tsne import Config, method
from mnist1d.experiments.tsne.claims import PUBLISHED
from mnist1d.experiments.tsne.config import PREFIX
from mnist1d.experiments.tsne.embedding import embed
from mnist1d.experiments.tsne.method import _embedding, embedder
from mnist1d.harness.claims import judge
from mnist1d.harness.interface import InputError

SHARED = Path(__file__).parents[3] / "shared" / "mnist"
LARGER = Config(perplexity=10.0, early_iterations=50, iterations=100)
SMALL = Config(
    seeds=3, samples=300, mnist_samples=300, perplexity=5, early_iterations=50, iterations=50
)


@pytest.fixture(autouse=True)
def _no_folder_named(monkeypatch):
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)


@functools.cache
def points():
    dataset = mnist1d.load()
    return dataset.x[:1200], dataset.y[:1200]


@functools.cache
def uninterrupted():
    return tsne.run(SMALL)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch):
    expected, made = uninterrupted(), []

    def embed_two(*arguments, seed, **keywords):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(seed)
        return embed(*arguments, seed=seed, **keywords)

    monkeypatch.setattr(compute, "count_cores", lambda: 1)
    monkeypatch.setattr(method, "embed", embed_two)
    with pytest.raises(KeyboardInterrupt):
        tsne.run(SMALL, compute=Compute(Store(tmp_path)))
    assert made == [0, 1]
    made.clear()
    store, reports = Store(tmp_path), []
    result = tsne.run(SMALL, compute=Compute(store), progress=lambda *what: reports.append(what))
    assert made == [2]
    assert store.n_found == 2
    names = [name for name in result.data_vars if not name.endswith("_seconds")]
    xr.testing.assert_identical(result[names], expected[names])
    steps = [done for task, done, total in reports if task == "MNIST-1D (steps)" and total == 600]
    assert steps == sorted(steps)
    assert (steps[:2], steps[-1]) == ([200, 400], 600)
    assert len(set(steps)) > 10  # it moves within an embedding
    other = dataclasses.replace(SMALL, seeds=1, iterations=100)
    monkeypatch.setattr(method, "embed", embed)
    tsne.run(other, compute=Compute(store := Store(tmp_path)))
    assert store.n_found == 0


@pytest.mark.parametrize("step", [10, 2 * (10**6 + 50) + 90])
def test_an_interruption_stops_all_that_is_running(monkeypatch, step):
    monkeypatch.setattr(compute, "count_cores", lambda: 2)
    before = set(threading.enumerate())
    long = dataclasses.replace(SMALL, iterations=10**6)

    def interrupt(_, done, total):
        if total and done >= step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tsne.run(long, progress=interrupt)
    # One may not have started yet, and cannot be joined.
    deadline = time.monotonic() + 30
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


def test_a_worker_with_another_opentsne_is_refused(monkeypatch):
    task = _embedding(LARGER, "MNIST-1D", 0, *points())
    monkeypatch.setattr(metadata, "version", lambda _: "0.9")
    with pytest.raises(ClusterError, match=r"this worker has openTSNE 0\.9 and should have"):
        list(embedder(LARGER)([task], None, lambda _: None))


class NoExecutor(Executor):
    def submit(self, *_, **__):
        pytest.fail("an embedding was sent away")


def test_mnist_is_embedded_here_and_first_and_takes_no_device(monkeypatch):
    x, labels = points()
    both = {"MNIST": (x[:400], labels[:400]), "MNIST-1D": (x[:300], labels[:300])}
    made = []

    def embed_noted(x, *arguments, seed, **keywords):
        made.append((len(x), seed))
        return embed(x, *arguments, seed=seed, **keywords)

    monkeypatch.setattr(method, "_read_points", lambda *_: both)
    monkeypatch.setattr(method, "embed", embed_noted)
    monkeypatch.setattr(compute, "count_cores", lambda: 1)
    monkeypatch.setattr(compute, "free_device", lambda **_: pytest.fail("a device was taken"))
    config = dataclasses.replace(SMALL, mnist_seeds=1, seeds=2)
    tsne.run(config, compute=Compute(executor=NoExecutor()))
    assert made == [(400, 0), (300, 0), (300, 1)]


def test_without_mnist_it_is_left_out_with_a_line():
    reports = []
    config = dataclasses.replace(SMALL, seeds=1)
    result = tsne.run(config, progress=lambda *what: reports.append(what))
    assert any("MNIST is left out" in task for task, *_ in reports)
    assert not [name for name in result.variables if str(name).startswith("mnist_")]
    figures = tsne.plot(result)
    assert [len(figure.axes) for figure in figures.values()] == [1, 1]
    assert figures["figure"].axes[0].get_title() == "MNIST-1D"


def test_a_folder_without_mnist_is_reported_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(method, "embed", lambda *_, **__: pytest.fail("an embedding was made"))
    with pytest.raises(InputError, match=r"MNIST cannot be read: .*train-images-idx3-ubyte"):
        tsne.run(dataclasses.replace(SMALL, mnist=tmp_path))


def test_without_opentsne_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(InputError, match=re.escape(install_command("tsne"))):
        tsne.run(SMALL)


@pytest.mark.slow
def test_other_commands_do_not_load_what_only_tsne_needs():
    program = (
        "import sys\n"
        "from mnist1d.cli import list, reproduce, run\n"
        "from mnist1d.cli.output import tables\n"
        "from mnist1d.harness import record, schedule\n"
        "print([name for name in ('openTSNE', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"MNIST is not in {SHARED}")
def test_mnist_is_embedded_in_parallel_with_its_own_seeds():
    result = tsne.run(dataclasses.replace(SMALL, mnist=SHARED, mnist_seeds=2))
    assert (result.sizes["mnist_seed"], result.sizes["seed"]) == (2, 3)
    assert result.mnist_label[:10].values.tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert result.mnist_embedding.shape == (300, 2)
    assert (result.mnist_accuracy > 0.6).all()
    np.testing.assert_array_equal(result.divergence, uninterrupted().divergence)
    figures = tsne.plot(result)
    mnist, mnist_1d = figures["figure"].axes
    assert [text.get_text() for text in mnist.texts] == [str(digit) for digit in range(10)]
    assert not mnist_1d.texts
    assert all(axes.collections[0].get_rasterized() for axes in (mnist, mnist_1d))


def result_of(mnist_isolated, isolated, scale=1.0, mnist_seeds=2, seeds=3):
    """Make a result whose divergences are `scale` times the published ones."""
    rng = np.random.default_rng(0)
    variables = {}
    for data, shares, n in (
        ("MNIST", mnist_isolated, mnist_seeds),
        ("MNIST-1D", isolated, seeds),
    ):
        prefix = PREFIX[data]
        noise = rng.normal(0, 1e-4, (n, 1))
        by_digit = np.array(shares, float) + noise
        curve = scale * np.array(list(PUBLISHED[data].values())) * (1 + noise)
        level = np.mean(shares) + noise[:, 0]
        variables |= {
            f"{prefix}divergence": ((f"{prefix}seed", "iteration"), curve),
            **{
                f"{prefix}{name}": ((f"{prefix}seed", "digit"), by_digit)
                for name in ("islanders", "purity", "pixel_purity")
            },
            **{
                f"{prefix}{name}": (f"{prefix}seed", level)
                for name in ("accuracy", "pixel_accuracy", "silhouette", "pixel_silhouette")
            },
        }
    return xr.Dataset(variables, coords={"iteration": np.arange(50, 751, 50)})


def verdicts(result):
    return {one.claim.name: one.verdict for one in judge(tsne.CLAIMS, result, full=True)}


ONLY_0_6_AND_3 = [0.7, 0.1, 0.1, 0.2, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1]


def test_what_the_paper_shows_reproduces_its_claims():
    found = verdicts(result_of([0.9] * 10, ONLY_0_6_AND_3))
    assert set(found.values()) == {"reproduced"}
    assert len(found) == 11


def test_what_the_paper_does_not_show_differs_from_its_claims():
    found = verdicts(result_of([0.9] * 9 + [0.4], [0.4] + [0.6] * 9, scale=1.05))
    differs = {name for name, verdict in found.items() if verdict == "differs"}
    assert differs >= {"islands-mnist", "no-islands-mnist1d", "islands-digit-0"}
    assert len([name for name in differs if name.startswith("divergence")]) == 4


def test_without_mnist_its_claims_are_left_out():
    result = result_of([0.9] * 10, ONLY_0_6_AND_3)
    alone = result.drop_vars([name for name in result.variables if name.startswith("mnist_")])
    found = verdicts(alone)
    assert sorted(found) == [
        "divergence-250-mnist1d",
        "divergence-750-mnist1d",
        "islands-digit-0",
        "islands-digits-3-6",
        "no-islands-mnist1d",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seeds", 0),
        ("mnist_seeds", 0),
        ("samples", 99),
        ("samples", 5001),
        ("mnist_samples", 70_001),
        ("perplexity", 3.9),
        ("perplexity", float("nan")),
        ("perplexity", 2000),
        ("early_exaggeration", 0.5),
        ("early_iterations", 0),
        ("early_iterations", 75),
        ("iterations", 10),
        ("iterations", 60),
    ],
)
def test_a_bad_setting_is_refused_by_name_and_value(field, value):
    with pytest.raises(ValueError, match=rf"{field} .*{value}|{field} must be finite"):
        Config(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("seeds", 3.0), ("samples", "9"), ("perplexity", "30"), ("mnist", 3), ("download_mnist", 1)],
)
def test_a_setting_of_the_wrong_type_is_refused_by_name(field, value):
    with pytest.raises(TypeError, match=f"{field} must be"):
        Config(**{field: value})
