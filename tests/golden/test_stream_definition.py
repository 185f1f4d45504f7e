"""The stream never changes silently: its bits, its parts, and the same in plain Python."""

import hashlib
import importlib.util
import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from mnist1d.stream import tables
from mnist1d.stream.bits import FACTORS, Words
from mnist1d.stream.stream import STREAM_VERSION, Stream

PLAIN = Path(__file__).parents[2] / "docs" / "plain_stream.py"
OWN_TEMPLATES = [[0, 1, 2, 3, 0.5], [1e-3, -1, 1, -1, 0], [5, 5, 5, 0, 0]]

# SHA-256 of signals and labels of samples 999 to 2000 of version 1, and what standardised them.
# A change of one of these is a change of the definition, and so of STREAM_VERSION.
GOLDEN = {
    "published": (
        {},
        "edc4fc5bae56cafc1e4bc279741690bd98dabaf035e479e6f98e2656eeaf6849",
        "9a62a20b4c4c479853db0d87b2f4d72b00a463f08a7bb713c9b83ac881c91cbe",
        (-0.006050608392759029, 0.1547006418801987),
    ),
    "seed": (
        {"seed": 2**32 - 1},
        "c682ff646cd1e8e9f719352f1fc444a36947971ba5da0cf5b76004182542e022",
        "cdcb7721d4a81b26dab455a1d0d2b49964f734d7c9d88317fcf50473011cca64",
        (-0.006050608392759029, 0.1547006418801987),
    ),
    "odd": (
        {"padding": (3, 89), "final_seq_length": 17},
        "31db9e10c39839da3a17445564d546185b7f066fb367cc28a4216e925914fb54",
        "9a62a20b4c4c479853db0d87b2f4d72b00a463f08a7bb713c9b83ac881c91cbe",
        (-0.007889623617182146, 0.16756669088969436),
    ),
    "upsampled": (
        {"padding": (0, 61), "max_translation": 100, "final_seq_length": 73},
        "e0b658a8aacb22d58a68b06155a9190a5a0a75eec34a053f3f3a46ee9fe0808e",
        "9a62a20b4c4c479853db0d87b2f4d72b00a463f08a7bb713c9b83ac881c91cbe",
        (-0.011135986032251681, 0.18212737116991404),
    ),
    "own templates": (
        {"templates": OWN_TEMPLATES, "padding": (10, 20), "channel_axis": True},
        "7b509da244241e801bfd5ab6e5bef94f14e3d9f63c24b511d89f3bf96c2c3ac8",
        "5cdeff15f6716a19cd65577a483a8b8b82c4ff736f9306d3d2e7a166445d3a38",
        (0.34191284106194786, 1.111702679072336),
    ),
    "noisy labels": (
        {"label_noise": 0.3, "class_proportions": tuple(range(1, 11)), "positions": "chunked"},
        "1818bf1e3e3abe2bfabc95d9cdd8b0ed4c1fb3d4287e37882b52484fcf6e47ee",
        "e407fe6932535c3a2ce576a8e2397206c3d90d5276a68a42dcc3eab1cdb0bbcb",
        (-0.017135949011933334, 0.15186099906959222),
    ),
    "others": (
        {"label_noise": 0.3, "label_noise_kind": "other", "classes": (3, 8, 1)},
        "00322438c4e38337f696381f1e1ae6fcd811ee5b2e86c945c31dc0fc4f5d14b3",
        "3d409d2a95f0928187130f7c593b2950353621a11903844af2e17da619ad1cee",
        (-0.006926308284050812, 0.1532393925515102),
    ),
}


@pytest.fixture(scope="module")
def plain():
    if not PLAIN.exists():
        pytest.skip(f"the plain program is not at {PLAIN}")
    spec = importlib.util.spec_from_file_location("plain_stream", PLAIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sha256(array, dtype):
    return hashlib.sha256(array.astype(dtype).tobytes()).hexdigest()


@pytest.mark.parametrize(("parameters", "x_sum", "y_sum", "constants"), GOLDEN.values(), ids=GOLDEN)
def test_version_1(parameters, x_sum, y_sum, constants):
    assert STREAM_VERSION == 1
    stream = Stream(**parameters)
    assert (stream.mean, stream.std) == constants
    x, y = stream[999:2000]
    assert (sha256(x, "<f4"), sha256(y, "<i8")) == (x_sum, y_sum)


def test_first_samples():
    x, y = Stream()[0:10]
    assert y.tolist() == [0, 5, 2, 3, 6, 9, 1, 8, 7, 4]
    assert x[0, :5].tolist() == [
        0.5362018346786499,
        0.7323798537254333,
        0.8744747638702393,
        0.7440430521965027,
        0.3783777952194214,
    ]


def test_first_words():
    words = Words(42, FACTORS).take(5)
    assert [f"{word:016x}" for word in words.tolist()] == [
        "52fbb2371ec387af",
        "b7201c4eb476b250",
        "0140e31acbfec734",
        "f6675a14a6067096",
        "e8354ee1e822851b",
    ]


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        (
            0,
            (0, 0),
            "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b",
        ),
        (
            2**256 - 1,
            (2**64 - 1, 2**64 - 1),
            "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
        ),
    ],
)
def test_known_answers_of_philox(counter, key, answer, plain):
    """From Random123's kat_vectors for philox4x64-10."""
    assert [f"{word:016x}" for word in plain.philox(counter, key)] == answer.split()
    before = np.array([(counter - 1) >> 64 * i & (2**64 - 1) for i in range(4)], dtype=np.uint64)
    ours = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=before).random_raw(4)
    assert [f"{word:016x}" for word in ours.tolist()] == answer.split()


def test_normal_values():
    table = tables.normal_table()
    assert (
        sha256(table, "<i4") == "90ba65d7f8745a51f97d6042f239ab053a7f085054be1cc32cf34e38939165d8"
    )
    units = 512.0043 * np.array([NormalDist().inv_cdf((u + 0.5) / 65_536) for u in range(65_536)])
    # No quantile is so close to the middle between whole numbers that rounding could err.
    assert np.abs(units % 1 - 0.5).min() > 1e-6
    assert (table.astype(np.float64) ** 2).mean() / 512**2 == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("i", [0, 1, 2, 17, 999_999_999_999])
def test_plain_python_makes_the_same(i, plain):
    signal, label = plain.sample(42, i)
    x, y = Stream()[i]
    assert (x.tolist(), y) == (signal, label)


@pytest.mark.parametrize(
    "parameters",
    [
        {"padding": (0, 61), "max_translation": 100, "final_seq_length": 73},
        {"padding": (3, 89), "final_seq_length": 17, "shear_scale": -3, "scale_coeff": 0.9},
        {"padding": (9, 14), "max_translation": 1, "corr_noise_scale": 2, "iid_noise_scale": 1},
    ],
)
def test_plain_python_makes_the_same_of_other_parameters(parameters, plain):
    stream = Stream(seed=9, **parameters)
    for i in range(5, 12):
        signal, label = plain.sample(9, i, mean=stream.mean, std=stream.std, **parameters)
        x, y = stream[i]
        assert (x.tolist(), y) == (signal, label)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"padding": (3, 89), "final_seq_length": 17},
        {"padding": (0, 61), "max_translation": 100, "final_seq_length": 73},
        {"padding": (9, 14), "max_translation": 1, "corr_noise_scale": 2, "iid_noise_scale": 1},
        {"padding": (0, 1), "scale_coeff": 0.9, "shear_scale": -3, "max_translation": 7},
    ],
)
def test_plain_python_computes_the_same_constants(parameters, plain):
    stream = Stream(**parameters)
    assert plain.constants(**parameters) == (stream.mean, stream.std)


def test_plain_python_knows_the_published_constants(plain):
    stream = Stream()
    assert (stream.mean, stream.std) == (plain.MEAN, plain.STD)
    assert math.frexp(stream.std)[1] < 0
