"""Time self-supervised learning, ours and in PyTorch: `python benchmarks/self_supervised.py`.

Both do the same work per seed: three encoders of 200 epochs (8,000 updates), and every ten epochs
a linear probe before the head and nearest neighbours of the output. Ours takes `--seeds` seeds,
which keep both cores busy to the end, and one seed, whose three encoders cannot be divided evenly
between two cores. It is compiled before, on other seeds, as programs are the same for all, and
compilation is timed separately. The peer is a plain PyTorch loop per variant, with PyTorch's and
scikit-learn's own threads, after a warm-up of an epoch; it is run for `--epochs` epochs and counts
200 / epochs times. Neither includes t-SNE nor the final table of all layers, which is
scikit-learn's for both; they and a cold start of the whole command are timed separately, and
`limits.py` compares the whole.
"""

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import jax
import numpy as np
import torch
import torch_models
from cold import cold_start
from keep import keep, processor
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import mnist1d
from mnist1d.execution import Compute
from mnist1d.experiments import self_supervised
from mnist1d.experiments.self_supervised.config import VARIANTS, Config
from mnist1d.experiments.self_supervised.method import evaluate, tasks_of_evaluation, train_encoders
from mnist1d.experiments.self_supervised.training import Trainer
from mnist1d.harness import record
from mnist1d.harness.interface import silent
from mnist1d.measures.probes import linear_accuracy
from mnist1d.training import use_all_cores

CONFIG = Config()


def compiled():
    """Return a trainer with all its programs, and the seconds that compilation took."""
    trainer = Trainer(CONFIG)
    start = perf_counter()
    for variant in VARIANTS:
        trainer.program(variant, jax.devices()[0], *trainer.arguments(variant, 0))
    return trainer, perf_counter() - start


def ours(trainer, n_seeds):
    """Return seconds per seed of training, of the probes during training, and of the table."""
    config = Config(seeds=n_seeds)

    def compute(tasks, make_runner, config):
        """Compute tasks; encoders are trained by what is compiled already."""
        make = (lambda _: trainer) if make_runner is Trainer else make_runner
        return Compute()(tasks, make, config)

    start = perf_counter()
    trained = list(train_encoders(config, compute, silent))
    training = perf_counter() - start
    weights = {tuple(task.labels.values()): arrays["weights"] for task, arrays in trained}
    tasks = [task for task in tasks_of_evaluation(config, weights) if task.key["what"] == "probes"]
    with threadpool_limits(1):
        start = perf_counter()
        probed = [arrays for _, arrays in evaluate(config, tasks, None, compute, silent)]
        both = perf_counter() - start
    # Probes and table share the cores, so each gets its share of the wall time.
    probes, tables = (
        sum(float(arrays[f"{part}_seconds"]) for arrays in probed) for part in ("probe", "table")
    )
    share = probes / (probes + tables)
    return tuple(each / n_seeds for each in (training, share * both, (1 - share) * both))


def draw_view(levelled):
    """Shift signals in a circle, add a slope and an offset, as in section 5.5 of the paper."""
    n, length = levelled.shape
    columns = (torch.arange(length)[None] - torch.randint(0, 10, (n, 1))) % length
    time = torch.arange(length) - (length - 1) / 2
    view = levelled.gather(1, columns)
    return view + 0.04 * torch.randn(n, 1) * time + 0.3 * torch.randn(n, 1)


def torch_epoch(model, optimizer, levelled, batch_size=100):
    """Train for an epoch; returns its mean loss."""
    losses = []
    for rows in torch.randperm(len(levelled)).split(batch_size):
        first, second = (draw_view(levelled[rows]) for _ in range(2))
        outputs = torch.nn.functional.normalize(model(torch.cat([first, second])))
        similarities = outputs[:batch_size] @ outputs[batch_size:].T / 0.5
        loss = torch.nn.functional.cross_entropy(similarities, torch.arange(batch_size))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def torch_probe(model, x, y, x_test, y_test):
    """Score a linear classifier before the head and nearest neighbours of the output."""
    with torch.no_grad():
        hidden, hidden_test = (model.backbone(part).numpy() for part in (x, x_test))
        outputs, outputs_test = (model(part).numpy() for part in (x, x_test))
    scaler = StandardScaler().fit(hidden)
    linear = LogisticRegression(tol=0.01 / len(x), max_iter=1000)
    linear.fit(scaler.transform(hidden), y)
    neighbours = KNeighborsClassifier(10, metric="cosine").fit(outputs, y)
    return linear.score(scaler.transform(hidden_test), y_test), neighbours.score(
        outputs_test, y_test
    )


def torch_table(model, x, y, x_test, y_test):
    """Score a linear classifier on the outputs of every layer."""
    with torch.no_grad():
        layers = [*model.convolutions, *model.head]
        parts = [part[:, None] for part in (x, x_test)]
        for place, layer in enumerate(layers):
            if place == len(model.convolutions):
                parts = [part.flatten(1) for part in parts]
            parts = [layer(part) for part in parts]
            # A layer's output is that after its relu, which the last one lacks.
            if isinstance(layer, torch.nn.ReLU) or place + 1 == len(layers):
                hidden, hidden_test = (part.flatten(1).numpy() for part in parts)
                linear_accuracy(hidden, y, hidden_test, y_test)


def embedding_seconds(dataset):
    """Time t-SNE of the outputs of an encoder, as the experiment has it, with all threads."""
    x = torch.from_numpy(dataset.x.astype(np.float32))
    with torch.no_grad():
        outputs = torch_models.Encoder()(x).numpy()
    start = perf_counter()
    TSNE(
        metric="cosine", init="random", learning_rate=200.0, max_iter=CONFIG.embedding_iterations
    ).fit_transform(outputs[: CONFIG.embedded_samples])
    return perf_counter() - start


def torch_loop(projection, dataset, n_epochs):
    """Train one variant; returns what training, probes and the table take for all 200 epochs."""
    x, x_test = (torch.from_numpy(part.astype(np.float32)) for part in (dataset.x, dataset.x_test))
    time = torch.arange(40) - 19.5
    levelled = x - x.mean(1, keepdim=True)
    levelled = levelled - (levelled @ time / (time**2).sum())[:, None] * time
    model = torch_models.Encoder(projection)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    torch_epoch(model, optimizer, levelled)
    training, probing = 0.0, 0.0
    for epoch in range(1, n_epochs + 1):
        start = perf_counter()
        loss = torch_epoch(model, optimizer, levelled)
        training += perf_counter() - start
        if epoch % CONFIG.probe_every == 0:
            start = perf_counter()
            linear, knn = torch_probe(model, x, dataset.y, x_test, dataset.y_test)
            probing += perf_counter() - start
    print(f"  PyTorch, {projection}: loss {loss:.2f}, linear {linear:.3f}, kNN {knn:.3f}")
    start = perf_counter()
    torch_table(model, x, dataset.y, x_test, dataset.y_test)
    table = perf_counter() - start
    times = {"training": training, "probes": probing}
    times = {part: seconds * CONFIG.n_epochs / n_epochs for part, seconds in times.items()}
    return times | {"table": table}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--epochs", type=int, default=40, help="of PyTorch's, per variant; a multiple of 10"
    )
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/self_supervised.json"
    )
    parser.add_argument("--seeds", type=int, default=4, help="of ours, in addition to one")
    options = parser.parse_args()
    use_all_cores()
    dataset = mnist1d.load()
    trainer, compiling = compiled()
    times = {n_seeds: ours(trainer, n_seeds) for n_seeds in (1, options.seeds)}
    print(f"compilation: {compiling:.1f} s")
    for n_seeds, (training, probing, table) in times.items():
        print(
            f"ours, per seed of {n_seeds}: {training:.1f} s training, {probing:.1f} s probes, "
            f"{table:.1f} s table",
            flush=True,
        )
    peer = {name: torch_loop(head, dataset, options.epochs) for name, head in VARIANTS.items()}
    with tempfile.TemporaryDirectory() as folder:
        command = ("-m", "mnist1d", "reproduce", "self-supervised", "--seeds", "1")
        whole = cold_start(*command, "--out", "out", folder=folder)
        result = record.load(self_supervised, Path(folder) / "out" / "self-supervised")
    print(f"the whole command, cold: {whole.seconds:.0f} s, {whole.memory_gib:.2f} GiB at most")
    total = {
        part: sum(seconds[part] for seconds in peer.values()) for part in ("training", "probes")
    }
    rows = []
    for what, own, other in (
        row
        for n_seeds, (training, probing, _) in times.items()
        for row in (
            (f"training three encoders, a seed of {n_seeds}", training, total["training"]),
            (f"training and probes, a seed of {n_seeds}", training + probing, sum(total.values())),
        )
    ):
        print(f"{processor()}: {what}: ours {own:.1f} s, PyTorch {other:.0f} s, {other / own:.1f}")
        rows.append(
            {
                "what": f"{what}: {own:.1f} s, compiled beforehand in {compiling:.0f} s",
                "beside": f"plain PyTorch loops: {other:.0f} s, extrapolated from "
                f"{options.epochs} of {CONFIG.n_epochs} epochs",
                "ratio": other / own,
                "our_seconds": own,
                "peer_seconds": other,
            }
        )
    if options.keep:
        keep(
            "self_supervised",
            rows,
            ("mnist1d", "jax", "scikit-learn", "torch"),
            our_compile_seconds=compiling,
            our_table_seconds={n_seeds: table for n_seeds, (_, _, table) in times.items()},
            cold_start_seconds=whole.seconds,
            cold_start_memory_gib=whole.memory_gib,
            cold_start_tsne_seconds=result.embedding_seconds.values.ravel().tolist(),
            peer_seconds=peer,
            peer_threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
