"""The rows of `limits.py`: what is done, by us and by plain PyTorch loops."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import compare
import double_descent
import floor
import lottery_tickets
import metalearn_activation
import metalearn_learning_rate
import pooling
import self_supervised
import table_1
import torch
import torch_models
import tsne
import work
from cold import cold_start
from metalearn_activation import INNER, OUTER
from programs import FOLDER

import mnist1d
from mnist1d.experiments.classification.config import Config as Classification
from mnist1d.experiments.pooling.config import SIZES, VARIANTS
from mnist1d.harness import record
from mnist1d.mnist import load_mnist

WARMING = 50
"""Steps of a PyTorch loop before it is timed, which start its threads."""
MNIST = "MNIST1D_LIMITS_MNIST"
"""The environment variable with MNIST's folder, which one row needs and others must not find."""


class Ours(NamedTuple):
    """What our work took, in seconds unless stated; None where it is not measured.

    Attributes:
        seconds: wall time, of the process if it has one of its own.
        importing: of the process's modules alone.
        compiling: XLA's compilation, all threads together.
        libraries: scikit-learn's calls, all threads together.
        memory_gib: largest memory.
    """

    seconds: float
    importing: float | None = None
    compiling: float | None = None
    libraries: float = 0.0
    memory_gib: float | None = None


class Case(NamedTuple):
    """One row.

    Attributes:
        what: the work.
        works: what the floor counts; none if there is no floor.
        ours: does our work.
        peer: steps of each kind -> seconds of the whole.
        more: what else is in our time, or why it is less.
        sample: what the peer's time is extrapolated from.
        chains: number of trainings, if they are fewer than cores may be: ours takes a core for
            each.
        needs_mnist: whether it needs MNIST's files.
        leaves_out: whether ours leaves out work that the floor counts.
    """

    what: str
    works: Callable[[], list[floor.Work]]
    ours: Callable[[], Ours]
    peer: Callable[[int], float]
    more: str
    sample: str = "{} steps of each kind"
    chains: int | None = None
    needs_mnist: bool = False
    leaves_out: bool = False


def in_new_process(*arguments):
    """Do our work from a cold start; what it writes is expected in `out`."""
    with tempfile.TemporaryDirectory() as folder:
        found = cold_start(*arguments, folder=folder, imports=True)
        results = [record.read(path) for path in (Path(folder) / "out").rglob("result.nc")]
    # Of SimCLR alone; what the others call is theirs.
    libraries = sum(
        float(result[name].sum())
        for result in results
        for name in ("table_seconds", "embedding_seconds")
        if name in result and result.attrs["experiment"] == "self-supervised"
    )
    times = (found.seconds, found.importing, found.compiling, libraries)
    return Ours(*times, memory_gib=found.memory_gib)


def reproduce(*arguments):
    """Do our work by `mnist1d reproduce`."""
    return in_new_process("-m", "mnist1d", "reproduce", *arguments, "--out", "out")


def table_peer(steps):
    dataset, config = mnist1d.load(), Classification()
    # As many as have their share of evaluations.
    steps = config.evaluate_every * max(1, round(steps / config.evaluate_every))
    seconds = 0.0
    for name in table_1.NAMES:
        table_1.torch_loop(name, dataset, WARMING)
        seconds += table_1.torch_loop(name, dataset, steps)
    return table_1.RUNS_PER_MODEL * seconds * config.n_steps / steps


def mnist_cnn_peer(steps):
    files, config = load_mnist(os.environ[MNIST]), Classification()
    images, labels = (
        torch.from_numpy(part)
        for part in (files.x.reshape(-1, 784).astype("float32") / 255, files.y.astype("int64"))
    )
    model = torch_models.CNN(image_size=28)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.mnist_learning_rate)
    torch_models.train(model, images, labels, WARMING, optimizer=optimizer)
    start = perf_counter()
    torch_models.train(model, images, labels, steps, optimizer=optimizer)
    of_step = (perf_counter() - start) / steps
    start = perf_counter()
    with torch.no_grad():
        for chunk in images[:10_000].split(1000):
            model(chunk).argmax(1)
    # Of all 70,000 images.
    of_evaluation = 7 * (perf_counter() - start)
    n_evaluations = -(-config.n_steps // config.mnist_evaluate_every)
    return work.MNIST_RUNS * (config.n_steps * of_step + n_evaluations * of_evaluation)


def tickets_peer(steps):
    return sum(
        lottery_tickets.peer_seconds(kind, steps) * networks
        for kind, (_, _, networks) in lottery_tickets.KINDS.items()
    )


def descent_peer(steps):
    dataset = mnist1d.generate(
        num_samples=16_000, train_split=0.25, label_noise=0.15, label_noise_kind="published"
    )
    return sum(
        double_descent.torch_loop(
            series.architecture,
            size,
            dataset.y if series.noisy else dataset.y_clean,
            dataset,
            steps,
        )
        for series in double_descent.SERIES.values()
        for size in double_descent.Config().sizes(series.architecture)
    )


def rate_peer(steps):
    # With the better number of threads.
    return min(metalearn_learning_rate.torch_trials(max(1, steps // 40)).values())


def activation_peer(_):
    return metalearn_activation.torch_seconds(OUTER, INNER)[0]


def encoder_peer(steps):
    """Training, probes and the table of three encoders, and two pictures by t-SNE."""
    epochs, dataset = 10 * max(1, steps // 400), mnist1d.load()
    found = [
        self_supervised.torch_loop(head, dataset, epochs)
        for head in self_supervised.VARIANTS.values()
    ]
    pictures = 2 * self_supervised.embedding_seconds(dataset)
    return sum(sum(each.values()) for each in found) + pictures


def pooling_peer(steps):
    sets = pooling.make_sets(SIZES, (), 0)
    return sum(
        pooling.torch_loop(variant, pooling.parts_of(sets, size), steps)
        for variant in VARIANTS
        for size in SIZES
    )


def compare_peer(steps):
    dataset = mnist1d.load()
    validation = mnist1d.Samples(*mnist1d.fresh_samples(dataset, 1000, seed=1))
    seconds = 0.0
    for name in compare.THEIRS:
        compare.train_theirs(name, 0, dataset, validation, WARMING)
        seconds += compare.train_theirs(name, 0, dataset, validation, steps)[0]
    return work.COMPARED_RUNS * seconds * work.COMPARED_STEPS / steps


def embedding():
    start = perf_counter()
    tsne.tsne.run(tsne.tsne.Config(seeds=3))
    return Ours(perf_counter() - start)


def embedding_peer(_):
    dataset = mnist1d.load()
    return tsne.plain(tsne.np.concatenate([dataset.x, dataset.x_test]), 3, 1)


FILES = "data, tables, figures and files"
CASES = {
    "classification": Case(
        "Table 1 on MNIST-1D and an MLP of 256 units, 3 seeds, plain and shuffled",
        work.table_works,
        lambda: reproduce("classification"),
        table_peer,
        f"the GRU's steps in time follow one another; {FILES}",
        "{} steps of each kind, rounded to evaluations",
    ),
    "mnist-cnn": Case(
        f"the CNN on MNIST, {work.MNIST_RUNS} runs",
        work.mnist_cnn_works,
        lambda: in_new_process(FOLDER / "mnist_cnn.py", f"{work.MNIST_RUNS}", os.environ[MNIST]),
        mnist_cnn_peer,
        "patches of images; an odd number of runs leaves one core without work",
        needs_mnist=True,
    ),
    "tsne": Case(
        "t-SNE of MNIST-1D, 3 seeds", list, embedding, embedding_peer, "the same iterations"
    ),
    "lottery-tickets": Case(
        "lottery tickets, 400 searches and 30 studies",
        work.tickets_works,
        lambda: in_new_process(FOLDER / "lottery_tickets.py", "float32", "."),
        tickets_peer,
        "pruning; and less, as units that masks disconnect are left out, whose "
        "products this floor counts",
        leaves_out=True,
    ),
    "double-descent": Case(
        "double descent, all sizes, 1 seed",
        work.descent_works,
        lambda: reproduce("double-descent", "--seeds", "1"),
        descent_peer,
        f"a program per size, but for the smallest; evaluations, {FILES}",
    ),
    "metalearn-learning-rate": Case(
        "both trials of the learning rate",
        work.rate_works,
        lambda: in_new_process(FOLDER / "metalearn_learning_rate.py"),
        rate_peer,
        "data",
        "outer steps with {} inner steps or more of each trial",
    ),
    "metalearn-activation": Case(
        "one meta-training of the activation, and the comparison",
        work.activation_works,
        lambda: in_new_process(FOLDER / "metalearn_activation.py"),
        activation_peer,
        "each step needs the one before; nine trainings with known and learned functions",
        f"{OUTER} outer steps of {INNER} inner steps",
        chains=1,
    ),
    "self-supervised": Case(
        "SimCLR, three encoders of 1 seed",
        work.encoder_works,
        lambda: reproduce("self-supervised", "--seeds", "1"),
        encoder_peer,
        f"probes during training; {FILES}",
        "10 epochs of each encoder, or as many as have {} steps",
    ),
    "pooling": Case(
        "pooling, the paper's 30 networks",
        work.pooling_works,
        lambda: in_new_process(FOLDER / "pooling.py", "out"),
        pooling_peer,
        FILES,
    ),
    "compare": Case(
        "a comparison of three small MLPs, 75 runs",
        work.compare_works,
        lambda: in_new_process(FOLDER / "compare.py"),
        compare_peer,
        "data, statistics",
    ),
}
