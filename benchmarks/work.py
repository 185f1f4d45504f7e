"""What the paper's experiments compute, step by step, for `floor.py`."""

from functools import partial
from itertools import pairwise

import compare
import double_descent
import floor
import jax
import lottery_tickets
import metalearn_learning_rate
import pooling
import self_supervised
import table_1
from programs.compare import SEEDS, STEPS, TUNING_SEEDS

from mnist1d import models
from mnist1d.experiments.classification.config import Config as Classification
from mnist1d.experiments.classification.method import MODELS, WIDE
from mnist1d.experiments.classification.usual_models import BATCH_SIZE, NETWORKS
from mnist1d.experiments.lottery_tickets.config import CONTROLS
from mnist1d.experiments.metalearn_activation import transfer
from mnist1d.experiments.metalearn_activation.config import Config as Activation
from mnist1d.experiments.pooling.config import SIZES, VARIANTS, Config as Pooling


def n_parameters(make):
    """Count the parameters of a model."""
    return models.count_parameters(make(key=jax.random.key(0)))


def table_works():
    """Table 1 and the wide MLP: three seeds, plain and shuffled; evaluated on both parts."""
    config = Classification()
    runs, batch = table_1.RUNS_PER_MODEL, config.batch_size
    kinds = {
        "Logistic": (lambda n: [(10, 40, n)], lambda _: 0),
        "MLP": (floor.mlp, lambda _: 0),
        "CNN": (floor.cnn, lambda _: 0),
        "GRU": (floor.gru, floor.gates),
        "MLP 256": (partial(floor.mlp, size=256), lambda _: 0),
    }
    makes = {**MODELS, **WIDE}
    works = []
    for name, (forward, gates) in kinds.items():
        n = config.n_steps // config.evaluate_every + 1
        steps, more = runs * config.n_steps, gates(batch)
        work = floor.training(steps, forward(batch), batch, exponentials=more)
        # The GRU's products are of the same weights at all times.
        works += [work._replace(parameters=n_parameters(makes[name]))]
        works += [floor.evaluation(runs * n, forward(5000), 5000, exponentials=gates(5000))]
    return works


def tickets_works(studied=lottery_tickets.N_STUDIED):
    """All searches and studies, of dense networks: ours leaves out units without connections."""
    size, works = lottery_tickets.CONFIG.hidden_size, []
    for kind, (steps, batch, networks) in lottery_tickets.KINDS.items():
        networks = studied if kind == "study" else networks  # noqa: PLW2901
        n = steps // lottery_tickets.CONFIG.evaluate_every + 1
        works += [floor.training(networks * steps, floor.mlp(batch, size), batch)]
        works += [floor.evaluation(networks * n, floor.mlp(1000, size), 1000)]
    return works


def descent_works():
    """All models of one seed."""
    forward, works = {"MLP": floor.mlp, "CNN": floor.cnn}, []
    config = double_descent.Config()
    for series in double_descent.SERIES.values():
        for size in config.sizes(series.architecture):
            products = forward[series.architecture](100, size)
            works += [floor.training(config.n_steps, products, 100, moments=1)]
    return works


def rate_works():
    """Both trials: an inner step and its derivative by the learning rate, twice the products."""
    config = metalearn_learning_rate.CONFIG
    batch, size = config.batch_size, config.hidden_size
    forward = [(size, 40, batch), (10, size, batch)]
    steps = len(config.initial_rates) * config.outer_steps * config.inner_steps
    work = floor.training(steps, forward, batch, exponentials=size * batch, moments=0)
    return [work._replace(products=2 * work.products)]


def activation_works():
    """One meta-training: every product of an inner step has two on the way back."""
    config = Activation()
    batch, size = config.batch_size, config.hidden_size
    forward = [(size, 40, batch), (10, size, batch)]
    step = floor.training(config.outer_steps * config.inner_steps, forward, batch, moments=1)
    of_signals = {(40, size, batch), (batch, size, 40)}  # which nobody needs
    back = [shape for m, k, n in step.products for shape in ((m, n, k), (k, m, n))]
    products = (*step.products, *(shape for shape in back if shape not in of_signals))
    # The function is read on the way there and back, and its gradient added to on the way back.
    points = size * batch
    return [
        step._replace(
            products=products,
            exponentials=2 * (step.exponentials + points),
            lookups=2 * points,
            additions=points,
        )
    ]


def encoder_works():
    """Three encoders of one seed; two views of every batch, and their similarities."""
    config, works = self_supervised.CONFIG, []
    batch = config.batch_size
    steps = config.n_epochs * (config.n_signals // batch)
    for projection in self_supervised.VARIANTS.values():
        sizes = [125, *projection]
        heads = [(m, k, 2 * batch) for k, m in zip(sizes, projection, strict=False)]
        forward = [*floor.cnn(2 * batch)[:-1], *heads, (batch, sizes[-1], batch)]
        work = floor.training(steps, forward, batch, exponentials=batch * (batch - 10))
        parameters = sum(m * (k + 1) for m, k, _ in forward[:-1])
        works += [work._replace(parameters=parameters)]
    return works


def pooling_works(sizes=SIZES):
    """The paper's thirty networks, or those of other sizes."""
    works, batch, channels = [], 100, 20
    for variant in VARIANTS:
        lengths = (20, 10) if variant == "stride_2" else (40, 40 if variant == "no_pool" else 20)
        last = 40 if variant == "no_pool" else 10

        def forward(n, lengths=lengths, last=last):
            first, second = lengths
            layers = [(channels, 3, first * n), (channels, 3 * channels, second * n)]
            return [*layers, (10, channels * last, n)]

        steps, n = len(sizes) * pooling.N_STEPS, len(sizes) * pooling.N_EVALUATIONS
        works += [floor.training(steps, forward(batch), batch)]
        works += [floor.evaluation(n, forward(1000), 1000)]
    return works


COMPARED_RUNS, COMPARED_STEPS = 5 * TUNING_SEEDS + SEEDS, STEPS
"""Of a candidate in `compare.py`: five rates on the tuning seeds, and the final seeds."""


def compare_works():
    works = []
    for size in compare.HIDDEN_SIZES.values():
        works += [floor.training(COMPARED_RUNS * COMPARED_STEPS, floor.mlp(100, size), 100)]
        works += [
            floor.evaluation(COMPARED_RUNS * COMPARED_STEPS // 100, floor.mlp(1000, size), 1000)
        ]
    return works


def usual_works(runs=3):
    """The usual networks on MNIST, without logistic regression and the paper's own networks."""
    n, steps = BATCH_SIZE, runs * Classification().usual_steps

    def lenet(n):
        return [(20, 25, 24**2 * n), (50, 500, 8**2 * n), (256, 800, n), (10, 256, n)]

    def gru(n, size=128, rows=28):
        way = [(3 * size, rows, rows * n), *rows * [(3 * size, size, n)]]
        return [*2 * way, (10, 2 * size * rows, n)]

    def mlp(*sizes):
        pairs = list(pairwise(sizes))
        return lambda n: [(size, before, n) for before, size in pairs]

    networks = {
        "LeNet": (lenet, 0),
        "GRU 128": (gru, 2 * 28 * 3 * 128 * n),
        "MLP 2 x 512": (mlp(784, 512, 512, 10), 0),
        "MLP 256": (mlp(784, 256, 256, 10), 0),
    }
    works = []
    for name, (forward, exponentials) in networks.items():
        work = floor.training(steps, forward(n), n, exponentials=exponentials)
        parameters = n_parameters(NETWORKS[name].make)
        # Three times, of all images.
        evaluation = floor.evaluation(
            3 * runs * 70_000 / n, forward(n), n, exponentials=exponentials
        )
        works += [work._replace(parameters=parameters), evaluation]
    return works


MNIST_RUNS = 5
"""Of the paper's CNN on MNIST."""


def mnist_cnn_works():
    """Two-dimensional convolutions of stride 2, on images of 28 x 28; seven evaluations of all."""

    def forward(n, channels=25):
        sides = zip((25, 9 * channels, 9 * channels), (13, 7, 4), strict=True)
        layers = [(channels, k, side**2 * n) for k, side in sides]
        return [*layers, (10, 16 * channels, n)]

    config, together = Classification(), 200
    n = MNIST_RUNS * -(-config.n_steps // config.mnist_evaluate_every) * 70_000 / together
    return [
        floor.training(MNIST_RUNS * config.n_steps, forward(config.batch_size), config.batch_size),
        floor.evaluation(n, forward(together), together),
    ]


def transfer_works(runs=1):
    """Learned and known functions in the MLP and the CNN, at all rates."""
    config = Activation()
    networks = runs * len(config.transfer_rates) * len(transfer.FUNCTIONS)
    batch = transfer.PROTOCOL["batch_size"]
    return [
        floor.training(networks * config.transfer_steps, forward(batch), batch)
        for forward in (floor.mlp, floor.cnn)
    ]


PAPER = {
    "classification": lambda: [*table_works(), *usual_works()],
    # With the controls.
    "lottery-tickets": lambda: tickets_works(lottery_tickets.N_STUDIED + 2 * len(CONTROLS)),
    "double-descent": descent_works,
    "metalearn-learning-rate": rate_works,
    "metalearn-activation": lambda: [*activation_works(), *transfer_works()],
    "self-supervised": encoder_works,
    "pooling": lambda: pooling_works(Pooling().all_sizes),
}
"""The work of one call of `mnist1d reproduce --mnist DIR`, by experiment.

Left out are t-SNE, scikit-learn's calls of SimCLR, the paper's own networks on MNIST, and the
meta-trainings of a deeper activation.
"""
