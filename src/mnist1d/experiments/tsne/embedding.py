"""One t-SNE embedding, the same whatever the number of cores, and what is measured of it.

openTSNE's sums depend on its number of threads, and a difference in the last bit grows to another
picture. So here whatever is summed is summed by one thread: several embeddings share the cores, and
the search for neighbours, whose result does not depend on who does it, is spread over all.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from mnist1d.dataset.extras import required
from mnist1d.execution.blas import one_thread

__all__ = [
    "N_NEAREST",
    "STEPS_PER_LOG",
    "Method",
    "Stopped",
    "embed",
    "find_neighbours",
    "nearest_in_plane",
]

STEPS_PER_LOG = 50
"""Iterations between two entries of the divergence, as openTSNE prints them."""
N_NEAREST = 10
"""Neighbours that vote on a point's class, and among which purity is counted."""
N_TREES = 50
N_CHECKED = 1000
N_SILHOUETTE = 5000

_STEPS_PER_SIGN = 10  # of life: so often a run reports, and learns that it should stop
_CHUNK = 100
_ISLANDER = 9

Report = Callable[[str, int], None]
"""Told that of "neighbours" or "iterations" so many more are done."""


class Stopped(Exception):  # noqa: N818 (no error: somebody asked for it)
    """An embedding was given up because it was asked to stop."""


@dataclass(frozen=True)
class Method:
    """How an embedding is made; the rest is openTSNE's default.

    Attributes:
        perplexity: effective number of neighbours; three times as many are found.
        early_exaggeration: factor on attraction in the first phase.
        early_iterations: iterations of the first phase, a multiple of `STEPS_PER_LOG`.
        iterations: iterations of the second phase, a multiple of `STEPS_PER_LOG`.
    """

    perplexity: float
    early_exaggeration: float
    early_iterations: int
    iterations: int

    @property
    def n_neighbours(self) -> int:
        """How many neighbours of each point attract it."""
        return int(3 * self.perplexity)


def embed(
    x: np.ndarray,
    labels: np.ndarray,
    method: Method,
    *,
    seed: int,
    n_threads: int = 1,
    report: Report = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, np.ndarray]:
    """Embed points in the plane and measure what became of their classes.

    Args:
        x: the points, shape (n, features).
        labels: their classes 0 ... 9, shape (n,).
        method: how.
        seed: of Annoy's trees and of the jitter of the start.
        n_threads: how many threads look for neighbours; changes nothing but the time.
        report: told of what is done.
        should_stop: asked every few iterations.

    Returns: arrays by name:

        - `embedding`, float32, shape (n, 2);
        - `divergence` (logs,): Kullback-Leibler divergence in nats after every 50 iterations of the
          first phase and then of the second, before the last update, as openTSNE prints it;
        - of the pixels' and of the embedding's nearest neighbours: `pixel_accuracy` and `accuracy`,
          the share of points whose class is the most frequent one among their ten nearest
          neighbours; `pixel_purity` and `purity` (10,), by digit the share of those neighbours that
          are of the same digit;
        - `islanders` (10,): by digit the share of its points of whose ten nearest neighbours in the
          embedding nine are of the same digit;
        - `pixel_silhouette`, `silhouette`: of the digits, over the first 5,000 points;
        - `recall`: share of the neighbours (three times the perplexity) that Annoy found of the
          true ones, over the first 1,000 points;
        - `neighbour_seconds`, `optimisation_seconds`.

    Raises:
        Stopped: if it was told to stop.
        ModuleNotFoundError: if openTSNE is not installed.

    Source:
        PAPER section 2; Policar et al., openTSNE (2019).
    """
    clock = perf_counter()
    neighbours, distances = find_neighbours(
        x,
        method.n_neighbours,
        seed=seed,
        n_threads=n_threads,
        report=lambda n: report("neighbours", n),
        should_stop=should_stop,
    )
    found = perf_counter()
    embedding, divergence = _optimise(
        x, neighbours, distances, method, seed, lambda n: report("iterations", n), should_stop
    )
    optimised = perf_counter()
    with one_thread():
        measured = _measure(x, labels, neighbours, embedding)
    return {
        name: np.asarray(value)
        for name, value in {
            "embedding": embedding.astype(np.float32),
            "divergence": divergence,
            **measured,
            "neighbour_seconds": found - clock,
            "optimisation_seconds": optimised - found,
        }.items()
    }


def find_neighbours(
    x: np.ndarray,
    n_neighbours: int,
    *,
    seed: int,
    n_threads: int = 1,
    report: Callable[[int], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[np.ndarray, np.ndarray]:
    """Find nearest neighbours as openTSNE does with one thread, in the time of several.

    The trees are built by one thread, as they depend on how many build them.

    Args:
        x: the points, shape (n, features).
        n_neighbours: how many of each, without itself.
        seed: of the trees.
        n_threads: how many threads look for neighbours.
        report: told of how many more points they are known.
        should_stop: asked before every 100 points.

    Returns: indices and Euclidean distances, each of shape (n, n_neighbours), nearest first;
        approximate: some of the true neighbours are missed.
    Raises: Stopped: if it was told to stop.

    Source:
        Bernhardsson, Annoy; openTSNE's defaults.
    """
    annoy = required("openTSNE.dependencies.annoy", extra="lab")
    points = x.astype(np.float32)
    index = annoy.AnnoyIndex(points.shape[1], "euclidean")
    index.set_seed(np.random.RandomState(seed).randint(np.iinfo(np.int32).max))
    for row, point in enumerate(points):
        index.add_item(row, point)
    index.build(N_TREES, n_jobs=1)
    neighbours = np.zeros((len(points), n_neighbours), np.int64)
    distances = np.zeros((len(points), n_neighbours))

    def look_up(start: int) -> int:
        if should_stop():
            raise Stopped
        rows = range(start, min(start + _CHUNK, len(points)))
        for row in rows:
            # The point itself comes first.
            found = index.get_nns_by_item(row, n_neighbours + 1, include_distances=True)
            neighbours[row], distances[row] = (values[1:] for values in found)
        return len(rows)

    with ThreadPoolExecutor(n_threads) as pool:
        for n in pool.map(look_up, range(0, len(points), _CHUNK)):
            report(n)
    return neighbours, distances


def nearest_in_plane(embedding: np.ndarray) -> np.ndarray:
    """Find the `N_NEAREST` nearest neighbours of every point of the plane, itself left out.

    >>> nearest_in_plane(np.arange(24.0).reshape(12, 2))[0].tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    _, found = KDTree(embedding).query(embedding, k=N_NEAREST + 1)
    others = found != np.arange(len(found))[:, None]
    # Of points in the same place, the tree may leave out the one that asks.
    others[others.all(axis=1), -1] = False
    return found[others].reshape(len(found), N_NEAREST)


def _optimise(
    x: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    method: Method,
    seed: int,
    report: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> tuple[np.ndarray, np.ndarray]:
    opentsne = required("openTSNE", extra="lab")
    affinities = opentsne.affinity.PerplexityBasedNN(
        knn_index=opentsne.nearest_neighbors.PrecomputedNeighbors(neighbours, distances),
        perplexity=method.perplexity,
        n_jobs=1,
    )
    with one_thread():
        start = opentsne.initialization.pca(x, random_state=seed)
    divergence = []

    def note(iteration: int, error: float, _: np.ndarray) -> bool:
        if iteration % STEPS_PER_LOG == 0:
            divergence.append(float(error))
        report(_STEPS_PER_SIGN)
        return should_stop()

    embedding = opentsne.TSNE(
        early_exaggeration=method.early_exaggeration,
        early_exaggeration_iter=method.early_iterations,
        n_iter=method.iterations,
        n_jobs=1,
        random_state=seed,
        callbacks=note,
        callbacks_every_iters=_STEPS_PER_SIGN,
    ).fit(affinities=affinities, initialization=start)
    if should_stop():
        raise Stopped
    return np.asarray(embedding), np.array(divergence)


def _measure(
    x: np.ndarray, labels: np.ndarray, neighbours: np.ndarray, embedding: np.ndarray
) -> dict[str, Any]:
    silhouette = required("sklearn.metrics", extra="lab").silhouette_score
    in_pixels = neighbours[:, :N_NEAREST]
    in_plane = nearest_in_plane(embedding)
    same = labels[in_plane] == labels[:, None]
    some = slice(N_SILHOUETTE)
    return {
        "pixel_accuracy": _accuracy(labels, in_pixels),
        "accuracy": _accuracy(labels, in_plane),
        "pixel_purity": _by_digit(labels, (labels[in_pixels] == labels[:, None]).mean(axis=1)),
        "purity": _by_digit(labels, same.mean(axis=1)),
        "islanders": _by_digit(labels, same.sum(axis=1) >= _ISLANDER),
        "pixel_silhouette": silhouette(x[some].astype(np.float32), labels[some]),
        "silhouette": silhouette(embedding[some], labels[some]),
        "recall": _recall(x, neighbours),
    }


def _accuracy(labels: np.ndarray, neighbours: np.ndarray) -> float:
    """Let neighbours vote; the smallest of the most frequent classes wins, as in scikit-learn."""
    votes = (labels[neighbours][:, :, None] == np.arange(10)).sum(axis=1)
    return float((votes.argmax(axis=1) == labels).mean())


def _by_digit(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.array([values[labels == digit].mean() for digit in range(10)])


def _recall(x: np.ndarray, neighbours: np.ndarray) -> float:
    points = x.astype(np.float32)
    search = required("sklearn.neighbors", extra="lab").NearestNeighbors(algorithm="brute")
    search.fit(points)
    rows = np.arange(min(N_CHECKED, len(points)))
    # One more, to leave out the point itself, which another in the same place may precede.
    true = search.kneighbors(points[rows], neighbours.shape[1] + 1, return_distance=False)
    hits = [
        np.isin(neighbours[row], [other for other in true[row] if other != row]).sum()
        for row in rows
    ]
    return float(np.sum(hits) / neighbours[rows].size)
