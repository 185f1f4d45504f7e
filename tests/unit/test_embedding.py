"""The embedding of t-SNE: it is openTSNE's on any cores, and measures are what they say."""

import functools
import math
import threading
import time

import numpy as np
import openTSNE
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import mnist1d
from mnist1d.execution.blas import one_thread
from mnist1d.experiments.tsne import Config, embedding
from mnist1d.experiments.tsne.embedding import embed, find_neighbours, nearest_in_plane

LARGER = Config(perplexity=10.0, early_iterations=50, iterations=100)


@functools.cache
def points():
    dataset = mnist1d.load()
    return dataset.x[:1200], dataset.y[:1200]


@functools.cache
def embedded(seed=0, n_threads=1):
    return embed(*points(), LARGER, seed=seed, n_threads=n_threads)


@pytest.mark.parametrize("n_threads", [pytest.param(1, marks=pytest.mark.slow), 3])
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


@pytest.fixture
def two_threads():
    """Have linear algebra use two threads, as tests have one of them and machines one core."""
    with threadpool_limits(2):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
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


@pytest.mark.usefixtures("two_threads")
def test_a_library_that_is_loaded_inside_a_block_has_the_limit_from_the_next_one_on():
    def found():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = found()
    with one_thread():
        threadpool_limits(2, user_api="blas")  # as those are that have just been loaded
        assert max(found()) == 2
        with one_thread():
            assert set(found()) == {1}
        assert set(found()) == {1}
    assert found() == before


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.usefixtures("two_threads")
def test_one_block_left_does_not_end_the_limit_of_another():
    before = blas_threads()
    assert before == {2}
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


@pytest.mark.usefixtures("two_threads")
def test_a_block_outlasts_the_one_that_began_before_it():
    before = blas_threads()
    assert before == {2}
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
