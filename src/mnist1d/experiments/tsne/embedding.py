"""A t-SNE embedding, the same on any number of cores, and its measures.

openTSNE's sums depend on its number of threads, and a difference in the last bit leads to another
picture. Here every sum is computed by one thread: several embeddings share the cores, and only the
search for neighbours, whose result does not depend on the threads, is spread over all.
"""

import math
from collections.abc import Callable
from contextlib import closing
from itertools import accumulate, count
from time import perf_counter
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from mnist1d.dataset.imports import required
from mnist1d.execution import OnStep
from mnist1d.execution.blas import one_thread
from mnist1d.execution.executors import DaemonThreads, results_of
from mnist1d.experiments.tsne.config import STEPS_PER_LOG, Config

N_NEAREST = 10
"""Number of neighbours for accuracy and purity."""
N_TREES = 50
N_CHECKED = 1000
N_SILHOUETTE = 5000

_ITERATIONS_PER_REPORT = 10
_CHUNK = 100
_ISOLATED = 9


def embed(
    x: np.ndarray,
    labels: np.ndarray,
    config: Config,
    *,
    seed: int,
    n_threads: int = 1,
    on_step: OnStep = lambda _: None,
) -> dict[str, np.ndarray]:
    """Embed points in the plane, and measure the neighbourhoods of classes.

    Args:
        x: the points, shape (n, features).
        labels: their classes 0 ... 9, shape (n,).
        config: the settings of t-SNE in it are used.
        seed: of Annoy's trees and of the jitter of the start.
        n_threads: number of threads that search neighbours; only changes the time.
        on_step: called with the number of steps that are done, of twice the number of iterations:
            the search for neighbours counts as much as the rest. An exception in it ends the work.

    Returns: arrays by name:

        - `embedding`, float32, shape (n, 2);
        - `divergence` (logs,): Kullback-Leibler divergence in nats after every 50 iterations of the
          first phase and then of the second, before the last update, as openTSNE prints it;
        - of the pixels' and of the embedding's nearest neighbours: `pixel_accuracy` and `accuracy`,
          the share of points whose class is the most frequent one among their ten nearest
          neighbours; `pixel_purity` and `purity` (10,), by digit the share of those neighbours that
          are of the same digit;
        - `islanders` (10,): the isolated fraction, by digit the share of its points of whose ten
          nearest neighbours in the embedding nine or more are of the same digit;
        - `pixel_silhouette`, `silhouette`: of the digits, over the first 5,000 points;
        - `recall`: share of the neighbours (three times the perplexity) that Annoy found of the
          true ones, over the first 1,000 points;
        - `neighbour_seconds`, `optimisation_seconds`.

    Raises:
        ModuleNotFoundError: if openTSNE is not installed.

    Source:
        Greydanus & Kobak (2024), Figure 3 and its notebook; Policar et al., openTSNE (2019).
    """
    # Arrays from other processes may not be aligned; NumPy's sums of those differ in the last bits.
    x = np.require(x, requirements=("C", "A"))
    n = config.n_iterations
    start = perf_counter()
    neighbours, distances = find_neighbours(
        x,
        int(3 * config.perplexity),
        seed=seed,
        n_threads=n_threads,
        on_found=lambda n_points: on_step(math.ceil(n * n_points / len(x))),
    )
    found = perf_counter()
    embedding, divergence = _optimise(
        x, neighbours, distances, config, seed, lambda iteration: on_step(n + iteration)
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
            "neighbour_seconds": found - start,
            "optimisation_seconds": optimised - found,
        }.items()
    }


def find_neighbours(
    x: np.ndarray,
    n_neighbours: int,
    *,
    seed: int,
    n_threads: int = 1,
    on_found: Callable[[int], None] = lambda _: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest neighbours that openTSNE finds with one thread, by several threads.

    The trees are built by one thread, as they depend on the number of threads that build them.

    Args:
        x: the points, shape (n, features).
        n_neighbours: number of neighbours per point, without itself.
        seed: of the trees.
        n_threads: number of threads that search neighbours.
        on_found: called with the number of points whose neighbours are found, every 100 points. An
            exception in it ends the search.

    Returns: indices and Euclidean distances, each of shape (n, n_neighbours), nearest first;
        approximate: some of the true neighbours are missed.

    Source:
        Bernhardsson, Annoy; openTSNE's defaults.
    """
    annoy = required("openTSNE.dependencies.annoy", extra="tsne")
    points = x.astype(np.float32)
    index = annoy.AnnoyIndex(points.shape[1], "euclidean")
    index.set_seed(np.random.RandomState(seed).randint(np.iinfo(np.int32).max))
    for row, point in enumerate(points):
        index.add_item(row, point)
    index.build(N_TREES, n_jobs=1)
    neighbours = np.zeros((len(points), n_neighbours), np.int64)
    distances = np.zeros((len(points), n_neighbours))

    def look_up(start: int) -> tuple[int]:
        rows = range(start, min(start + _CHUNK, len(points)))
        for row in rows:
            # The point itself comes first.
            found = index.get_nns_by_item(row, n_neighbours + 1, include_distances=True)
            neighbours[row], distances[row] = (values[1:] for values in found)
        return (len(rows),)

    starts = range(0, len(points), _CHUNK)
    with DaemonThreads(n_threads) as threads, closing(results_of(threads, look_up, starts)) as done:
        for n_points in accumulate(done):
            on_found(n_points)
    return neighbours, distances


def nearest_in_plane(embedding: np.ndarray) -> np.ndarray:
    """Find the `N_NEAREST` nearest neighbours of every point of the plane, itself left out.

    >>> nearest_in_plane(np.arange(24.0).reshape(12, 2))[0].tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    _, found = KDTree(embedding).query(embedding, k=N_NEAREST + 1)
    others = found != np.arange(len(found))[:, None]
    # Of points in the same place, the tree may leave out the point itself.
    others[others.all(axis=1), -1] = False
    return found[others].reshape(len(found), N_NEAREST)


def _optimise(
    x: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    config: Config,
    seed: int,
    on_iteration: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray]:
    opentsne = required("openTSNE", extra="tsne")
    affinities = opentsne.affinity.PerplexityBasedNN(
        knn_index=opentsne.nearest_neighbors.PrecomputedNeighbors(neighbours, distances),
        perplexity=config.perplexity,
        n_jobs=1,
    )
    with one_thread():
        start = opentsne.initialization.pca(x, random_state=seed)
    divergence, reports = [], count(_ITERATIONS_PER_REPORT, _ITERATIONS_PER_REPORT)

    def note(iteration: int, error: float, _: np.ndarray) -> None:
        if iteration % STEPS_PER_LOG == 0:
            divergence.append(float(error))
        on_iteration(next(reports))  # `iteration` starts again in the second phase

    embedding = opentsne.TSNE(
        early_exaggeration=config.early_exaggeration,
        early_exaggeration_iter=config.early_iterations,
        n_iter=config.iterations,
        n_jobs=1,
        random_state=seed,
        callbacks=note,
        callbacks_every_iters=_ITERATIONS_PER_REPORT,
    ).fit(affinities=affinities, initialization=start)
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
        "islanders": _by_digit(labels, same.sum(axis=1) >= _ISOLATED),
        "pixel_silhouette": silhouette(x[some].astype(np.float32), labels[some]),
        "silhouette": silhouette(embedding[some], labels[some]),
        "recall": _recall(x, neighbours),
    }


def _accuracy(labels: np.ndarray, neighbours: np.ndarray) -> float:
    """Classify by the most frequent class, the smallest of equals, as in scikit-learn."""
    votes = (labels[neighbours][:, :, None] == np.arange(10)).sum(axis=1)
    return float((votes.argmax(axis=1) == labels).mean())


def _by_digit(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.array([values[labels == digit].mean() for digit in range(10)])


def _recall(x: np.ndarray, neighbours: np.ndarray) -> float:
    points = x.astype(np.float32)
    search = required("sklearn.neighbors", extra="lab").NearestNeighbors(algorithm="brute")
    search.fit(points)
    rows = np.arange(min(N_CHECKED, len(points)))
    # One more, to leave out the point itself, which may come after another in the same place.
    true = search.kneighbors(points[rows], neighbours.shape[1] + 1, return_distance=False)
    hits = [
        np.isin(neighbours[row], [other for other in true[row] if other != row]).sum()
        for row in rows
    ]
    return float(np.sum(hits) / neighbours[rows].size)
