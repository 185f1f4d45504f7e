"""Small pickles that take long, or kill: read at once, or refused at once in one line."""

import pickle
import struct
import time

import numpy as np
import pytest

from mnist1d.data import get_dataset, get_dataset_args
from mnist1d.published.pickles import read_arrays

START, STOP = b"\x80\x04", b"."


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.pkl"


def refusal(path, content):
    """Return the line with which a file is refused, or nothing if it is read."""
    path.write_bytes(content)
    start = time.process_time()
    try:
        read_arrays(path)
    except pickle.UnpicklingError as error:
        line = str(error)
    else:
        line = ""
    assert time.process_time() - start < 5
    assert len(line) < len(str(path)) + 600
    assert "\n" not in line
    return line


def named(module, name):
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def text(value):
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def pairs(depth, start=b"K\1"):
    """Return pairs of pairs of pairs: 2 ** depth values, in few bytes."""
    return start + depth * b"2\x86"


DEEP = b"K\1" + 200_000 * b"\x85"
LONG = pickle.LONG4 + struct.pack("<i", 10**6) + 10**6 * b"\1"
LIST = b"](" + 10**5 * b"K\1" + b"e\x94"
SET, FROZENSET = named("builtins", "set"), named("builtins", "frozenset")
ORDERED = named("collections", "OrderedDict")
ARRAY = named("numpy._core.multiarray", "_reconstruct")
BUFFER = named("numpy._core.numeric", "_frombuffer")
DTYPE = named("numpy", "dtype")
FLOATS = DTYPE + text("u1") + b"\x85R"
PLACES = [
    ("a key", b"}", b"Ns"),
    ("keys", b"}(", b"Nu"),
    ("a dictionary of protocol 0", b"(", b"Nd"),
    ("a value of a set", b"\x8f(", b"\x90"),
    ("a value of a frozenset", b"(", b"\x91"),
    ("a value of an old set", SET + b"](", b"e\x85R"),
    ("a value of an old frozenset", FROZENSET + b"](", b"e\x85R"),
    ("a key of an old ordered dictionary", ORDERED + b"](](", b"Nee\x85R"),
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(*each, id=name, marks=() if "frozenset" in name else pytest.mark.slow)
        for name, *each in PLACES
    ],
)
def test_deep_keys_that_kill_are_refused(path, before, after):
    assert "one of its keys is" in refusal(path, START + before + DEEP + after + STOP)


@pytest.mark.parametrize("key", [pairs(60), pairs(9, LONG)], ids=["wide", "long"])
@pytest.mark.parametrize(("place", "before", "after"), PLACES, ids=[name for name, *_ in PLACES])
def test_keys_that_take_for_ever_are_refused(path, place, before, after, key):
    del place
    assert "one of its keys is" in refusal(path, START + before + key + after + STOP)


def test_tuples_may_be_keys(path):
    key = pairs(6)
    for _, before, after in PLACES:
        assert refusal(path, START + before + key + after + STOP) == ""


def test_very_many_keys_of_one_hash_are_refused(path):
    # All of them have the hash 0.
    keys = {n * (2**61 - 1): None for n in range(1, 2000)}
    assert refusal(path, pickle.dumps(keys)) == ""
    keys = b"".join(
        pickle.LONG1 + b"\x0a" + (n * (2**61 - 1)).to_bytes(10, "little") + b"N"
        for n in range(20_000)
    )
    assert "very many keys" in refusal(path, START + b"}(" + keys + b"u" + STOP)


BOMBS = {
    "one list in very many sets": LIST + (b"0" + SET + b"h\0\x85R") * 10_000,
    "one list in very many frozensets": LIST + (b"0" + FROZENSET + b"h\0\x85R") * 10_000,
    "one content in very many arrays": pickle.BINBYTES
    + struct.pack("<I", 10**6)
    + bytes(10**6)
    + b"\x94]"
    + (BUFFER + b"(h\0" + FLOATS + b"J" + struct.pack("<I", 10**6) + b"\x85" + text("C") + b"tRa")
    * 1000,
    "one text in very many bytes": text("x" * 10**6)
    + b"\x94]"
    + (named("_codecs", "encode") + b"h\0" + text("latin1") + b"\x86Ra") * 1000,
    "a type of very many fields": DTYPE + text("f8," * 10**6) + b"\x85R",
    "a shape that is wide": BUFFER + b"(C\0" + FLOATS + pairs(60) + text("C") + b"tR",
    "axes that are wide": BUFFER + b"(C\0" + FLOATS + b"K\0\x85" + text("K") + pairs(60) + b"tR",
    "an encoding that is wide": named("_codecs", "encode") + text("x") + pairs(60) + b"\x86R",
    "an item of an array that is wide": BUFFER
    + b"(C\1\1"
    + FLOATS
    + b"K\1\x85"
    + text("C")
    + b"tRK\0"
    + pairs(60)
    + b"s",
    "bytes that are not there": pickle.BYTEARRAY8 + struct.pack("<Q", 2**40) + b"x",
    "a very long name": named("x" * 10**5, "y" * 10**5),
    "a very long type": DTYPE + text("x" * 10**5) + b"\x85R",
    "a very long encoding": named("_codecs", "encode") + text("x") + text("y" * 10**5) + b"\x86R",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name.startswith("one list") else name
        for name in BOMBS
    ],
)
def test_small_files_that_make_much_are_refused(path, name):
    assert refusal(path, START + BOMBS[name] + STOP)


def test_lists_in_lists_are_not_unfolded_to_compare_their_sizes(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    wide = [1]
    for _ in range(60):
        wide = [wide, wide]
    path.write_bytes(pickle.dumps(dict.fromkeys(("x", "y", "x_test", "y_test"), wide)))
    start = time.process_time()
    with pytest.warns(UserWarning, match="2 training samples, not 4000"):
        get_dataset(get_dataset_args(), path, download=False)
    assert time.process_time() - start < 5


WHOLE = {
    "x": np.arange(6.0).reshape(2, 3),
    "t": [np.ones(2, "i1"), "text", {1, 2}, frozenset("ab"), (3, (4, 5))],
    ("a", 1): {"n": np.int64(3), 2: b"bytes", None: [True, 2.5, 10**30, 1j]},
}
PIECES = [
    *(bytes([code]) for code in b"N\x88\x89()]}\x8f\x85\x86\x87tld\x91aesu\x90012\x94Rb\x81."),
    *(bytes([code]) for code in b"\x92\x93Q\x97\x98"),
    b"K\1", b"J\xff\xff\xff\xff", b"I12\n", b"L99999999999999L\n", b"F1.5\n", b"P1\n", b"\x82\1",
    b"G" + bytes(8), b"C\x08" + bytes(8), b"\x8a\x09" + bytes(8) + b"\1", b"r" + bytes(4),
    b"h\0", b"h\1", b"h\2", b"q\1", text("a"), text("<f8"), text("latin1"), text("C"),
    b"\x8e\3" + bytes(7) + b"abc", b"\x96\3" + bytes(7) + b"abc", b"ibuiltins\nset\n",
    SET, FROZENSET, ORDERED, ARRAY, BUFFER, DTYPE, FLOATS, named("numpy", "ndarray"),
    named("_codecs", "encode"), named("builtins", "complex"),
    named("numpy._core.multiarray", "scalar"),
    DTYPE + text("S0") + b"\x85R", DTYPE + text("S9") + b"\x85R",
]  # fmt: skip


def test_random_programs_are_read_or_refused(path, cases):
    for rng in cases(250):
        pieces = rng.integers(0, len(PIECES), int(rng.integers(1, 60)))
        copies = rng.choice([1, 1, 1, 50], len(pieces))
        program = b"".join(PIECES[p] * int(n) for p, n in zip(pieces, copies, strict=True))
        refusal(path, START + program + STOP)


def test_damaged_pickles_are_read_or_refused(path, cases, damage):
    for rng in cases(200):
        refusal(path, damage(pickle.dumps(WHOLE, int(rng.integers(0, 6))), rng))
