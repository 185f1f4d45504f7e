"""Time the pooling experiment from a cold start: `python benchmarks/pooling.py`.

Ours are the paper's 30 networks (five variants, six sizes, one trial) in a process of its own with
an empty cache of compiled programs: imports, data, compilation, 6,001 steps each, evaluations,
claims, figures and files. The peer is the same training as plain PyTorch loops, one network after
the other, with PyTorch's own threads: every network is trained for `--steps` steps, after 50 to
warm up, and counts 6,001 / steps times; 61 evaluations on the test set and one on the training set
are added, each timed once. Data are not part of the peer's time. The whole command with one trial,
which includes larger sets than the paper's, is timed, too.
"""

import argparse
import tempfile
from time import perf_counter

import torch
import torch_models
from cold import cold_start
from keep import keep, processor
from programs import FOLDER

from mnist1d.experiments.pooling.config import SIZES, VARIANTS, Config
from mnist1d.experiments.pooling.training import (
    MOST_TRAINING_SAMPLES,
    make_sets,
    published_training,
)

N_STEPS = Config().n_steps
N_EVALUATIONS = len(published_training(Config()).evaluation_steps)


def evaluate(model, x, y, chunk_size=1000):
    """Return accuracy and loss, as a competent person would compute them on many samples."""
    with torch.no_grad():
        logits = torch.cat([model(chunk) for chunk in x.split(chunk_size)])
        loss = torch.nn.functional.cross_entropy(logits, y).item()
        return (logits.argmax(1) == y).double().mean().item(), loss


def torch_loop(variant, parts, n_steps):
    """Train one network for some steps; returns the seconds that the whole would take."""
    x, y, x_test, y_test = parts
    model = torch_models.PoolingCNN(variant)
    torch_models.train(model, x, y, 50)
    start = perf_counter()
    torch_models.train(model, x, y, n_steps)
    training = perf_counter() - start
    evaluate(model, x_test, y_test)
    start = perf_counter()
    evaluate(model, x_test, y_test)
    testing = perf_counter() - start
    start = perf_counter()
    evaluate(model, x[:MOST_TRAINING_SAMPLES], y[:MOST_TRAINING_SAMPLES])
    return training * N_STEPS / n_steps + testing * N_EVALUATIONS + perf_counter() - start


def parts_of(sets, size):
    """Return training and test part of one size as PyTorch has them."""
    rank, first = sets.places[size]
    x, y = (torch.from_numpy(part[first : first + size]) for part in (sets.x, sets.y))
    x_test, y_test = (torch.from_numpy(part[rank]) for part in (sets.x_test, sets.y_test))
    return x, y.long(), x_test, y_test.long()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=300, help="of PyTorch's, per network")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/pooling.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours = cold_start(FOLDER / "pooling.py", "out", folder=folder)
    with tempfile.TemporaryDirectory() as folder:
        command = ("-m", "mnist1d", "reproduce", "pooling", "--seeds", "1", "--out", "out")
        whole = cold_start(*command, folder=folder)
    seconds = ours.seconds
    for sizes, each in (("the paper's sizes", ours), ("all sizes", whole)):
        print(f"ours, {sizes}: {each.seconds:.0f} s, {each.memory_gib:.2f} GiB at most", flush=True)
    sets = make_sets(SIZES, (), 0)
    peer = {
        variant: [torch_loop(variant, parts_of(sets, size), options.steps) for size in SIZES]
        for variant in VARIANTS
    }
    total = sum(map(sum, peer.values()))
    print(f"{processor()}: ours {seconds:.0f} s, PyTorch {total:.0f} s")
    print(f"ratio {total / seconds:.1f}")
    if options.keep:
        row = {
            "what": f"the paper's 30 networks from a cold start: {seconds:.0f} s with compilation",
            "beside": f"plain PyTorch loops: {total:.0f} s, extrapolated from {options.steps} of "
            f"{N_STEPS} steps of every network",
            "ratio": total / seconds,
            "our_seconds": seconds,
            "our_memory_gib": ours.memory_gib,
            "our_seconds_with_larger_sets": whole.seconds,
            "our_memory_gib_with_larger_sets": whole.memory_gib,
            "peer_seconds": peer,
            "peer_threads": torch.get_num_threads(),
        }
        keep("pooling", [row], ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
