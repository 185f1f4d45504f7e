"""Many calls of the published functions; run as a script, once per package.

Writes into a pickle, for each call, its name, its result or the exception's type, and the random
states of NumPy and Python afterwards. Results are plain arrays and containers.
"""

# ruff: noqa: B023 (each call is made before the loop goes on)
# ruff: noqa: NPY002 (the global random state is what is compared)

import pickle
import random
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import mnist1d
from mnist1d import data as data_module, utils
from mnist1d.transform import (
    corr_noise_like,
    iid_noise_like,
    interpolate,
    pad,
    shear,
    transform,
    translate,
)

N_RANDOM = 40
CHOOSE = np.random.default_rng(20_261_123)


def signals():
    for i in range(N_RANDOM):
        length = int(CHOOSE.integers(1, 90))
        x = CHOOSE.normal(size=length) * 10.0 ** CHOOSE.integers(-3, 4)
        if i % 4 == 0:
            x = np.round(x)  # exact zeros
        yield x if i % 5 else x.astype(np.float32)


def arguments(**changes):
    args = data_module.get_dataset_args()
    for name, value in changes.items():
        setattr(args, name, value)
    return args


def random_arguments():
    low, high = np.sort(CHOOSE.integers(0, 100, 2)).tolist()
    return {
        "padding": [low, high] if CHOOSE.integers(2) else (low, high),
        "template_len": int(CHOOSE.choice([12, 12, 12, int(CHOOSE.integers(2, 60))])),
        "scale_coeff": float(CHOOSE.choice([0, 0.4, CHOOSE.uniform(-3, 3)])),
        "max_translation": int(CHOOSE.choice([1, 2, 16, 48, 100, CHOOSE.integers(1, 300)])),
        "corr_noise_scale": float(CHOOSE.choice([0, 0.25, CHOOSE.uniform(-2, 2)])),
        "iid_noise_scale": float(CHOOSE.choice([0, 0.02, CHOOSE.uniform(-2, 2)])),
        "shear_scale": float(CHOOSE.choice([0, 0.75, CHOOSE.uniform(-2, 2)])),
        "final_seq_length": int(CHOOSE.choice([2, 40, 72, CHOOSE.integers(2, 200)])),
    }


ODD_ARGUMENTS = [
    {"padding": (60, 36)},
    {"padding": (7, 3)},
    {"padding": (6, 4)},
    {"padding": np.array([3, 7])},
    {"padding": (np.int32(3), np.int64(7))},
    {"padding": (0, 0)},
    {"train_split": 0},
    {"train_split": 1},
    {"train_split": 1.5},
    {"train_split": -0.25},
    {"train_split": 0.999},
    {"train_split": np.float32(0.8)},
    {"train_split": True},
    {"shuffle_seq": 1},
    {"shuffle_seq": "no"},
    {"shuffle_seq": ""},
    {"shuffle_seq": None},
    {"shuffle_seq": np.bool_(True)},
    {"shuffle_seq": True, "final_seq_length": 7},
    {"template_len": 2},
    {"template_len": 11},
    {"template_len": 30},
    {"template_len": np.int64(12)},
    {"template_len": 0, "padding": (5, 5)},
    {"num_samples": 10},
    {"num_samples": 19},
    {"num_samples": np.int64(30)},
    {"max_translation": [1, 2, 30]},
    {"max_translation": np.array([5, 9])},
    {"max_translation": np.int64(5)},
    {"max_translation": 2**40},
    {"max_translation": True},
    {"scale_coeff": np.float32(0.4)},
    {"scale_coeff": True},
    {"final_seq_length": 1},
    {"final_seq_length": np.int64(33)},
    {"seed": 0},
    {"seed": True},
    {"seed": 2**32 - 1},
    {"url": None},
    {"unknown": 3},
    # What both refuse.
    {"num_samples": 9},
    {"num_samples": -5},
    {"num_samples": 20.0},
    {"num_samples": None},
    {"train_split": None},
    {"template_len": 12.0},
    {"template_len": None},
    {"padding": 3},
    {"padding": None},
    {"padding": (3, 7, 9)},
    {"scale_coeff": None},
    {"max_translation": 0},
    {"max_translation": 5.0},
    {"corr_noise_scale": None},
    {"iid_noise_scale": "a"},
    {"shear_scale": None},
    {"final_seq_length": 40.0},
    {"seed": -1},
    {"seed": 2**32},
    {"seed": 1.5},
]


def own_templates():
    digits = data_module.get_templates()
    yield "digits", digits
    yield "three", {"x": digits["x"][:3], "t": digits["t"], "y": digits["y"][:3]}
    yield "five points", {"x": digits["x"][:, :5], "t": digits["t"][:5], "y": digits["y"]}
    yield "texts", {"x": digits["x"], "t": digits["t"], "y": list("abcdefghij")}
    yield "twice", {"x": np.tile(digits["x"], (2, 1)), "t": digits["t"], "y": np.arange(20)}
    yield "labels 5 and 7", {"x": digits["x"][[5, 7]], "t": digits["t"], "y": np.array([5, 7])}
    yield "fewer labels", {"x": digits["x"], "t": digits["t"], "y": np.arange(4)}
    yield "one", {"x": digits["x"][:1], "t": digits["t"], "y": digits["y"][:1]}
    yield "integers", {"x": np.arange(24).reshape(2, 12), "t": np.arange(12), "y": np.arange(2)}
    yield "single precision", {name: values.astype("f4") for name, values in digits.items()}
    yield "ragged", {"x": [np.ones(5), np.ones(7)] * 5, "t": digits["t"], "y": digits["y"]}
    yield "one-hot", {"x": digits["x"], "t": digits["t"], "y": np.eye(10)}
    yield "other times", {"x": digits["x"], "t": np.linspace(0, 1, 5) ** 2, "y": digits["y"]}
    yield "complex", {"x": digits["x"] * 1j, "t": digits["t"], "y": digits["y"]}
    yield "extra entry", {**digits, "names": "zero one two"}
    yield "no labels", {"x": digits["x"], "t": digits["t"]}


class Foreign:
    num_samples = 40
    train_split = 0.5
    template_len = 12
    padding = (36, 60)
    scale_coeff = 0.4
    max_translation = 48
    corr_noise_scale = 0.25
    iid_noise_scale = 0.02
    shear_scale = 0.75
    shuffle_seq = False
    final_seq_length = 40

    @property
    def seed(self):
        return 3


class AttributeDict(dict):
    __getattr__ = dict.__getitem__


def calls():
    for i, x in enumerate(signals()):
        low, high = CHOOSE.integers(0, 40, 2).tolist()  # also reversed
        strength = float(CHOOSE.choice([0, 1, CHOOSE.uniform(-3, 3)]))
        shifts = int(CHOOSE.choice([1, 2, len(x), CHOOSE.integers(1, 200)]))
        n_points = int(CHOOSE.integers(1, 150)) if len(x) > 1 else 1
        yield f"pad {i}", lambda: pad(x, (low, high))
        yield f"shear {i}", lambda: shear(x, strength)
        yield f"shear by default {i}", lambda: shear(x)
        yield f"translate {i}", lambda: translate(x, shifts)
        yield f"translate by one of {i}", lambda: translate(x, [0, 3, 5])
        yield f"corr_noise_like {i}", lambda: corr_noise_like(x, strength)
        yield f"iid_noise_like {i}", lambda: iid_noise_like(x, strength)
        yield f"interpolate {i}", lambda: interpolate(x, n_points)
        changes = random_arguments()
        if len(x) > 1:
            yield f"transform {i}", lambda: transform(x, x**2, arguments(**changes))
            yield f"transform, eps {i}", lambda: transform(x, x, arguments(**changes), eps=0.5)
    square, table = CHOOSE.normal(size=(12, 12)), CHOOSE.normal(size=(5, 30))
    for name, x in (("square", square), ("table", table), ("integers", np.arange(12) % 3)):
        yield f"pad {name}", lambda: pad(x, (3, 7))
        yield f"translate {name}", lambda: translate(x, 4)
        yield f"corr_noise_like {name}", lambda: corr_noise_like(x, 0.7)
        yield f"iid_noise_like {name}", lambda: iid_noise_like(x, 0.7)
        yield f"interpolate {name}", lambda: interpolate(x, 17)
    yield "shear square", lambda: shear(square, 2)
    yield "noise like a cube", lambda: corr_noise_like(np.ones((3, 4, 5)), 1)
    yield "noise like one number", lambda: corr_noise_like(np.array(2.0), 1)
    yield "complex", lambda: interpolate(np.exp(1j * np.arange(9)), 20)
    yield "complex table", lambda: interpolate(1j * table, 20)
    yield "list", lambda: interpolate([1, 2, 5], 7)
    yield "no points", lambda: interpolate(np.zeros(0), 7)
    yield "one point", lambda: interpolate(np.zeros(1), 7)
    yield "negative length", lambda: interpolate(np.ones(3), -1)
    yield "no shift", lambda: translate(np.ones(3), 0)
    yield "fractional zeros", lambda: pad(np.ones(3), (1.5, 4))

    for seed in (0, 1, 42, 2**32 - 1, True, -1, 2**32, 1.5, "a", b"a", [1]):
        yield f"set_seed {seed!r}", lambda: utils.set_seed(seed)
    yield "get_dataset_args", lambda: data_module.get_dataset_args(as_dict=True)
    yield "get_dataset_args object", lambda: vars(mnist1d.get_dataset_args())
    yield "get_templates", mnist1d.get_templates

    yield "make_dataset", data_module.make_dataset
    for i in range(N_RANDOM):
        changes = {
            "num_samples": int(CHOOSE.integers(10, 80)),
            "train_split": float(CHOOSE.uniform(0, 1)),
            "shuffle_seq": bool(CHOOSE.integers(2)),
            "seed": int(CHOOSE.integers(2**32)),
            **random_arguments(),
        }
        yield f"make_dataset {i}", lambda: data_module.make_dataset(arguments(**changes))
    for changes in ODD_ARGUMENTS:
        settings = {"num_samples": 40, **changes}
        yield f"make_dataset {changes}", lambda: data_module.make_dataset(arguments(**settings))
    for name, template in own_templates():
        for n in (20, 47):
            args = arguments(num_samples=n)
            yield f"{name}, {n}", lambda: data_module.make_dataset(args, template)
    yield "by name", lambda: data_module.make_dataset(template=template, args=args)
    yield "foreign object", lambda: data_module.make_dataset(Foreign())
    plain = {**data_module.get_dataset_args(as_dict=True), "num_samples": 20}
    yield "namespace", lambda: data_module.make_dataset(SimpleNamespace(**plain))
    yield "attribute dictionary", lambda: data_module.make_dataset(AttributeDict(plain))
    yield "dictionary", lambda: data_module.make_dataset(plain)
    yield "few attributes", lambda: data_module.make_dataset(SimpleNamespace(seed=1))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.pkl"
        small = arguments(num_samples=20)
        get = mnist1d.get_dataset
        yield "get_dataset makes", lambda: get(small, path, False, False)
        yield "get_dataset loads", lambda: get(small, str(path), False, False)
        yield "get_dataset remakes", lambda: get(small, path, False, False, True)
        yield (
            "with a template",
            lambda: get(
                small, Path(folder) / "own.pkl", False, False, template=data_module.get_templates()
            ),
        )
        yield "without arguments", lambda: get(None, Path(folder) / "none.pkl", False, False)
        yield "both", lambda: get(small, path, regenerate=True)
        yield "folder", lambda: get(small, folder, False, False)
        thing = {"a": [1, (2, 3)], "b": np.arange(3)}
        yield "to_pickle", lambda: utils.to_pickle(thing, f"{folder}/thing.pkl")
        yield "from_pickle", lambda: utils.from_pickle(f"{folder}/thing.pkl")
        yield "protocol", lambda: Path(f"{folder}/thing.pkl").read_bytes()[:2]


def state():
    return np.random.get_state()[1:], random.getstate()


def main(path):
    outcomes = []
    for i, (name, call) in enumerate(calls()):
        random.seed(i)
        np.random.seed(i)
        if i % 3 == 0:
            np.random.randn()  # a spare normal is waiting
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 (any error is compared)
            result = type(error).__name__
        outcomes.append((name, result, state()))
    Path(path).write_bytes(pickle.dumps(outcomes))


if __name__ == "__main__":
    main(sys.argv[1])
