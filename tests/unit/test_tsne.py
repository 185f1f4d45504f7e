"""t-SNE: the method is openTSNE's on any cores; what is measured; runs that are resumed."""

import dataclasses
import functools
import math
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor
from importlib import metadata
from pathlib import Path

import numpy as np
import openTSNE
import pytest
import xarray as xr
from threadpoolctl import threadpool_info, threadpool_limits

import mnist1d
from mnist1d.dataset.imports.installation import install_command
from mnist1d.execution import Compute, Store, compute
from mnist1d.execution.blas import one_thread
from mnist1d.execution.cluster import ClusterError
from mnist1d.experiments import tsne
from mnist1d.experiments.tsne import Config, embedding, method
from mnist1d.experiments.tsne.claims import PUBLISHED
from mnist1d.experiments.tsne.config import PREFIX
from mnist1d.experiments.tsne.embedding import embed, find_neighbours, nearest_in_plane
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
def embedded(seed=0, n_threads=1):
    return embed(*points(), LARGER, seed=seed, n_threads=n_threads)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_neighbours_are_those_that_opentsne_finds_with_one_thread(n_threads):
    x, _ = points()
    own = openTSNE.nearest_neighbors.Annoy(x, 30, n_jobs=1, random_state=7).build()
    found = find_neighbours(x, 30, seed=7, n_threads=n_threads)
    for ours, theirs in zip(found, own, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_the_embedding_is_the_one_that_opentsne_makes_with_one_thread():
    with threadpool_limits(1):
        plain = openTSNE.TSNE(
            perplexity=10, early_exaggeration_iter=50, n_iter=100, n_jobs=1, random_state=0
        ).fit(points()[0])
    np.testing.assert_array_equal(embedded()["embedding"], np.asarray(plain, np.float32))


@pytest.mark.slow
def test_a_seed_gives_the_same_numbers_with_any_threads_and_other_work():
    other = threading.Thread(target=embed, args=(*points(), LARGER), kwargs={"seed": 5})
    other.start()
    again = embed(*points(), LARGER, seed=0, n_threads=3)
    other.join()
    for name, values in embedded().items():
        if not name.endswith("_seconds"):
            np.testing.assert_array_equal(again[name], values)


@pytest.mark.slow
def test_numbers_do_not_depend_on_where_the_points_lie_in_memory():
    x, labels = points()
    moved = np.frombuffer(b"." * 5 + x.tobytes(), np.uint8)[5:].view(x.dtype).reshape(x.shape)
    assert not moved.flags.aligned
    for place in (moved, np.asfortranarray(x)):
        again = embed(place, labels, LARGER, seed=0)
        for name, values in embedded().items():
            if not name.endswith("_seconds"):
                np.testing.assert_array_equal(again[name], values)


def test_several_at_a_time_leave_linear_algebra_its_threads():
    before = [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]
    barrier, limits = threading.Barrier(2), []

    def limited():
        barrier.wait()
        for _ in range(20):
            with one_thread():
                limits.extend(pool["num_threads"] for pool in threadpool_info())

    threads = [threading.Thread(target=limited) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(limits) == {1}
    assert [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()] == before


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_block_left_does_not_end_the_limit_of_another():
    before = blas_threads()
    left = threading.Event()

    def other():
        with one_thread():
            pass
        left.set()

    with one_thread():
        threading.Thread(target=other).start()
        assert left.wait(60)
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_a_block_outlasts_the_one_that_began_before_it():
    before = blas_threads()
    inside, go = threading.Event(), threading.Event()
    seen = []

    def other():
        with one_thread():
            inside.set()
            go.wait(60)
            seen.append(blas_threads())

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        assert inside.wait(60)
    go.set()
    thread.join()
    assert seen == [{1}]
    assert blas_threads() == before


@pytest.mark.slow
def test_another_seed_means_another_embedding():
    other = embedded(seed=1)
    assert np.abs(other["embedding"] - embedded()["embedding"]).max() > 0.1
    assert other["divergence"][-1] == pytest.approx(embedded()["divergence"][-1], rel=0.05)


@pytest.mark.slow
def test_the_divergence_is_that_of_its_definition():
    x, _ = points()
    neighbours, distances = find_neighbours(x, int(3 * LARGER.perplexity), seed=0)
    p = np.zeros((len(x), len(x)))
    for row, squares in enumerate(distances**2):
        low, high = 1e-6, 1e6
        for _ in range(100):  # bisection for the width whose entropy is that of the perplexity
            width = np.sqrt(low * high)
            weights = np.exp(-(squares - squares[0]) * width)
            weights /= weights.sum()
            entropy = -(weights * np.log(weights + 1e-300)).sum()
            low, high = (width, high) if entropy > np.log(LARGER.perplexity) else (low, width)
        p[row, neighbours[row]] = weights
    p = (p + p.T) / (2 * len(x))
    y = embedded()["embedding"].astype(float)
    q = 1 / (1 + ((y[:, None] - y) ** 2).sum(axis=2))
    np.fill_diagonal(q, 0)
    q /= q.sum()
    there = p > 0
    exact = (p[there] * np.log(p[there] / q[there])).sum()
    # The log is one update older, and Barnes and Hut approximate.
    assert embedded()["divergence"][-1] == pytest.approx(exact, rel=0.02)
    assert len(embedded()["divergence"]) == 3


def test_nearest_in_the_plane_are_those_of_a_full_search_and_never_the_point_itself():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(200, 2))
    distances = np.linalg.norm(plane[:, None] - plane, axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(nearest_in_plane(plane), distances.argsort(axis=1)[:, :10])
    piled = np.repeat(plane[:4], 20, axis=0)
    found = nearest_in_plane(piled)
    assert not (found == np.arange(80)[:, None]).any()
    assert (found // 20 == np.arange(80)[:, None] // 20).all()


def test_neighbours_vote_and_the_smallest_of_equal_classes_wins():
    labels = np.array([3, 3, 5, 5, 5])
    neighbours = np.array([[1, 2], [0, 1], [3, 4], [0, 1], [0, 3]])
    # A tie of 3 and 5 is a 3: right for point 0, wrong for point 4.
    assert embedding._accuracy(labels, neighbours) == 3 / 5


def test_isolated_points_are_counted_by_digit():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 40)
    plane = rng.normal(size=(400, 2))
    plane[labels < 3] += 1000 * (labels[labels < 3, None] + 1)  # 0, 1 and 2 far away, on their own
    x = rng.normal(size=(400, 5))
    neighbours = embedding.find_neighbours(x, 12, seed=0)[0]
    measured = embedding._measure(x, labels, neighbours, plane)
    assert measured["islanders"][:3].tolist() == [1, 1, 1]
    assert measured["purity"][:3].tolist() == [1, 1, 1]
    assert (measured["islanders"][3:] < 0.05).all()
    assert (abs(measured["purity"][3:] - 1 / 7) < 0.06).all()
    assert 0.3 < measured["accuracy"] < 0.5
    assert measured["pixel_accuracy"] < 0.2
    assert measured["silhouette"] > measured["pixel_silhouette"]


def test_recall_is_the_share_of_true_neighbours():
    x = np.arange(100.0)[:, None] ** 1.1
    neighbours, _ = find_neighbours(x, 4, seed=0)
    assert embedding._recall(x, neighbours) == 1
    neighbours[:40, 3] = 99 - np.arange(40)
    assert embedding._recall(x, neighbours) == 1 - 40 / 400


class GivenUpError(Exception):
    pass


def given_up_from(step, reports):
    def on_step(done):
        reports.append(done)
        if done >= step:
            raise GivenUpError

    return on_step


@pytest.mark.slow
def test_steps_are_counted_through_the_neighbours_and_the_iterations():
    reports = []
    embed(*points(), LARGER, seed=0, on_step=reports.append)
    n = LARGER.n_iterations
    assert reports == sorted(reports)
    # 12 times 100 points, then 15 times 10 iterations.
    assert [step for step in reports if step <= n] == [math.ceil(n * k / 12) for k in range(1, 13)]
    assert [step - n for step in reports if step > n] == list(range(10, n + 1, 10))


@pytest.mark.parametrize("step", [1, 160])
def test_an_embedding_that_is_given_up_ends_in_either_stage(step, monkeypatch):
    monkeypatch.setattr(embedding, "_CHUNK", 1)
    reports, before = [], threading.active_count()
    with pytest.raises(GivenUpError):
        embed(*points(), LARGER, seed=0, n_threads=2, on_step=given_up_from(step, reports))
    assert max(reports) == step
    assert threading.active_count() == before


def test_given_up_neighbours_are_not_looked_up(monkeypatch):
    annoy, asked = openTSNE.dependencies.annoy.AnnoyIndex, []

    class Index(annoy):
        def get_nns_by_item(self, row, *arguments, **keywords):
            asked.append(row)
            time.sleep(0.001)
            return super().get_nns_by_item(row, *arguments, **keywords)

    monkeypatch.setattr(openTSNE.dependencies.annoy, "AnnoyIndex", Index)
    with pytest.raises(GivenUpError):
        find_neighbours(points()[0], 10, seed=0, n_threads=2, on_found=given_up_from(1, []))
    assert len(asked) <= 400


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
