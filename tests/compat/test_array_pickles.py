"""The reader of pickles: arrays and plain containers come back, anything else is refused."""

# ruff: noqa: S301 (Python's own reader is the judge of what should come back)

import pickle
import struct
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings

from mnist1d import DatasetConfig, load
from mnist1d.data import get_dataset_args
from mnist1d.published.pickles import read_arrays, write_arrays


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("pickles") / "file.pkl"


def read_bytes(path, content):
    path.write_bytes(content)
    return read_arrays(path)[0]


def assert_equal(ours, other):
    assert type(ours) is type(other)
    if isinstance(other, dict):
        assert_equal(list(ours.items()), list(other.items()))
    elif isinstance(other, list | tuple):
        assert len(ours) == len(other)
        for a, b in zip(ours, other, strict=True):
            assert_equal(a, b)
    elif isinstance(other, np.ndarray | np.generic):
        # In the byte order of this machine, as NumPy itself does in most protocols.
        ours, other = (a.astype(a.dtype.newbyteorder("="), copy=False) for a in (ours, other))
        np.testing.assert_array_equal(ours, other, strict=True)
    elif other == other:  # noqa: PLR0124 (not a number is not itself)
        assert ours == other


TYPES = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="?"),
    npst.unsigned_integer_dtypes(endianness="?"),
    npst.floating_dtypes(endianness="?"),
    npst.complex_number_dtypes(endianness="?"),
    npst.byte_string_dtypes(endianness="?"),
    npst.unicode_string_dtypes(endianness="?"),
)
ARRAYS = npst.arrays(TYPES, npst.array_shapes(min_dims=0, max_dims=3, min_side=0))
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.frozensets(st.integers())
    | st.sets(st.text())
)
THINGS = st.recursive(
    PLAIN | ARRAYS | ARRAYS.map(np.asfortranarray) | ARRAYS.map(lambda a: a.T),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner)
        | st.dictionaries(st.text(), inner).map(OrderedDict)
    ),
    max_leaves=8,
)


@given(thing=THINGS, protocol=st.integers(0, 5))
@example(thing=np.asfortranarray(np.arange(6.0).reshape(2, 3)), protocol=5)
@example(thing=np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1), protocol=5)
@example(thing=np.float32(2), protocol=4)
@example(thing=np.arange(3, dtype=">i2"), protocol=0)
@pytest.mark.slow
def test_arrays_in_plain_containers_come_back(path, thing, protocol):
    assert_equal(read_bytes(path, pickle.dumps(thing, protocol)), thing)


@pytest.mark.slow
@given(THINGS)
def test_what_is_written_is_read_here_and_by_python_alone(path, thing):
    write_arrays(thing, path, {"seed": 42, "name": "ö"})
    ours, note = read_arrays(path)
    assert_equal(ours, thing)
    assert note == {"seed": 42, "name": "ö"}
    assert_equal(pickle.loads(path.read_bytes()), thing)


def test_arrays_are_fresh_writeable_and_shared_as_in_the_file(path):
    x = np.arange(4.0)
    loaded = read_bytes(path, pickle.dumps({"a": x, "b": x, "c": [x[:2]]}))
    assert loaded["a"] is loaded["b"]
    for values in (loaded["a"], loaded["c"][0]):
        assert values.flags.writeable
        assert values.flags.owndata


def test_containers_may_contain_themselves(path):
    ring = [1]
    ring.append((ring, {"ring": ring}))
    loaded = read_bytes(path, pickle.dumps(ring))
    assert loaded[1][0] is loaded
    assert loaded[1][1]["ring"] is loaded


def test_files_of_older_numpy_are_read(path):
    content = pickle.dumps({"x": np.arange(3), "s": np.float64(2)}, 3)
    assert b"numpy._core" in content
    loaded = read_bytes(path, content.replace(b"numpy._core", b"numpy.core"))
    assert loaded["x"].tolist() == [0, 1, 2]
    assert loaded["s"] == 2


class Model:
    pass


REFUSED = {
    "object": Model(),
    "class": Model,
    "function": read_arrays,
    "built-in": eval,
    "type": dict,
    "array type": np.ndarray,
    "number type": np.float64,
    "dtype": np.dtype("f8"),
    "path": Path("x"),
    "fraction": Fraction(1, 2),
    "argument object": get_dataset_args(),
    "configuration": DatasetConfig(),
    "dataset": load(),
    "array of objects": np.array([1, "a", None], dtype=object),
    "structured array": np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]),
    "dates": np.array(["2024-01-01"], dtype="datetime64[D]"),
    "masked array": np.ma.masked_array([1, 2], [0, 1]),
    "matrix": np.arange(4).reshape(2, 2).view(np.recarray),
    "generator": np.random.default_rng(1),
    "set of types": {int},
    "key": {dict: 1},
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused(path, name, protocol):
    path.write_bytes(pickle.dumps({"x": np.arange(3), "y": [REFUSED[name]]}, protocol))
    with pytest.raises(pickle.UnpicklingError, match=r"it holds .*from_pickle"):
        read_arrays(path)


def short(text):
    return pickle.SHORT_BINUNICODE + bytes([len(text)]) + text.encode()


def named(module, name):
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


ARRAY = named("numpy._core.multiarray", "_reconstruct")
DTYPE = named("numpy", "dtype")
EMPTY_TUPLE, STOP = b")", b"."


def state(*parts):
    return b"(" + b"".join(parts) + b"t"


ADDRESSES = struct.pack("<2Q", 1, 0xDEADBEEF)
BYTES = b"C" + bytes([len(ADDRESSES)]) + ADDRESSES
# An array whose bytes are taken for the addresses of objects kills the process that looks at it.
FORGED = {
    "objects in bytes": ARRAY
    + b")R"
    + state(b"K\x01", b"K\x02\x85", DTYPE + short("O") + b"\x85R", b"\x89", BYTES)
    + b"b.",
    "objects by a state": ARRAY
    + b")R"
    + state(
        b"K\x01",
        b"K\x02\x85",
        DTYPE
        + short("V8")
        + b"\x85R"
        + state(b"K\x03", short("|"), b"N", b"N", b"N", b"K\x08", b"K\x01", b"K\x3f")
        + b"b",
        b"\x89",
        BYTES,
    )
    + b"b.",
    "too few bytes": ARRAY
    + b")R"
    + state(b"K\x01", b"M\xff\xff\x85", DTYPE + short("f8") + b"\x85R", b"\x89", BYTES)
    + b"b.",
    "negative shape": ARRAY
    + b")R"
    + state(
        b"K\x01",
        b"J\xff\xff\xff\xffJ\xfe\xff\xff\xff\x86",
        DTYPE + short("f8") + b"\x85R",
        b"\x89",
        BYTES,
    )
    + b"b.",
    "no state": ARRAY + b")R.",
    "state on the class": ARRAY + state(b"K\x01") + b"b.",
    "attributes on the class": ARRAY + b"N}" + short("x") + b"K\x01s\x86b.",
    "attributes on a function": named("numpy._core.multiarray", "scalar")
    + b"N}" + short("__doc__") + b"K\x01s\x86b.",
    "array type with arguments": named("numpy", "ndarray") + b"J\xff\xff\xff\x7f\x85R.",
    "stand-in as key": b"}" + ARRAY + b")RK\x01s.",
    "dotted name": named("numpy", "dtype.__class__") + STOP,
    "through the package": (
        named("mnist1d.published.pickles", "os.system") + short("true") + b"\x85R."
    ),
    "encoding": named("_codecs", "encode") + short("a") + short("rot13") + b"\x86R.",
    "extension": b"\x82\x01.",
    "persistent": b"Pid\n.",
    "old style": b"(ios\nsystem\n.",
    "made by new": named("numpy", "dtype") + EMPTY_TUPLE + b"\x81.",
    "metadata": DTYPE
    + short("f8")
    + b"\x85R"
    + state(b"K\x04", short("<"), b"N", b"N", b"}", b"K\x08", b"K\x01", b"K\x00")
    + b"b.",
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_files_are_refused(path, name):
    path.write_bytes(b"\x80\x04" + FORGED[name])
    with pytest.raises(pickle.UnpicklingError):
        read_arrays(path)


def test_enormous_claims_are_refused(path):
    path.write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"abc")
    with pytest.raises(pickle.UnpicklingError, match="damaged"):
        read_arrays(path)


def test_deep_nesting_is_refused(path):
    path.write_bytes(b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + STOP)
    with pytest.raises(pickle.UnpicklingError, match=r"damaged.*nested more than 100 deep"):
        read_arrays(path)


@pytest.mark.parametrize("number", [b"p4000000000\n", b"r\xff\xff\xff\x7f"])
def test_enormous_numbers_of_memorised_things_take_no_memory(path, number):
    # Python's own reader makes a table as long as the number.
    assert read_bytes(path, b"\x80\x04]" + number + STOP) == []


def test_negative_numbers_of_memorised_things_are_refused(path):
    path.write_bytes(b"\x80\x04]p-5\n.")
    with pytest.raises(pickle.UnpicklingError, match=r"damaged.*negative"):
        read_arrays(path)


def test_what_is_in_very_many_places_is_looked_at_once(path):
    # Sixty pairs of the one before are 2**60 things, seen from outside.
    pairs = [b"\x94h" + bytes([i]) + b"\x86" for i in range(60)]
    path.write_bytes(b"\x80\x04K\x01" + b"".join(pairs) + STOP)
    loaded = read_arrays(path)[0]
    for _ in range(60):
        assert loaded[0] is loaded[1]
        loaded = loaded[0]
    assert loaded == 1


def test_a_wrong_bit_anywhere_in_our_file_is_noticed(path):
    write_arrays({"x": np.arange(3.0)}, path, {"seed": 42})
    whole = path.read_bytes()
    data, note = read_arrays(path)
    assert note == {"seed": 42}
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 7
        path.write_bytes(damaged)
        try:
            found, of_file = read_arrays(path)
        except pickle.UnpicklingError as error:
            assert str(path) in str(error)  # noqa: PT017 (other errors may not pass)
        else:
            # The number of the protocol, and the name of the checksum, say nothing of the data.
            assert_equal(found, data)
            assert of_file is None or of_file["seed"] == 42
    path.write_bytes(whole + b"more")
    with pytest.raises(pickle.UnpicklingError, match="its checksum is another one"):
        read_arrays(path)


@pytest.mark.parametrize("name", ["note is no JSON", "note is no dictionary"])
def test_damaged_notes_are_refused(path, name):
    text = b"{nonsense" if name == "note is no JSON" else b"[]"
    start = b"\x80\x03X" + struct.pack("<I", len(text)) + text + b"0"
    path.write_bytes(start + pickle.dumps({}, 3)[2:])
    assert pickle.loads(path.read_bytes()) == {}
    with pytest.raises(pickle.UnpicklingError, match="damaged"):
        read_arrays(path)


@pytest.mark.parametrize("thing", ["a text", ("a", "tuple"), 3])
def test_other_pickles_have_no_note(path, thing):
    path.write_bytes(pickle.dumps(thing, 3))
    assert read_arrays(path) == (thing, None)


WHOLE = {"x": np.arange(6.0).reshape(2, 3), "t": [np.ones(2, "i1"), "text"], "n": np.int64(3)}


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data(), protocol=st.integers(0, 5))
def test_damage_is_an_error_or_harmless(path, data, protocol):
    content = bytearray(pickle.dumps(WHOLE, protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_bytes(path, bytes(content[: data.draw(st.integers(0, len(content)))]))
    except pickle.UnpicklingError as error:
        assert str(path) in str(error)  # noqa: PT017 (not raising is also fine)


@given(st.binary(max_size=200))
def test_noise_is_an_error_or_harmless(path, content):
    try:
        read_bytes(path, content)
    except pickle.UnpicklingError as error:
        assert str(path) in str(error)  # noqa: PT017 (as above)


def test_a_missing_file_is_missing(path):
    with pytest.raises(FileNotFoundError):
        read_arrays(path.with_name("nothing"))


@pytest.mark.parametrize("width", [b"S0", b"U0"])
def test_texts_without_width_are_refused_before_memory_is_taken_for_them(tmp_path, width):
    """A billion of nothing takes no bytes in the file, and gigabytes in NumPy."""
    whole = pickle.dumps(np.zeros(0, "S1"), protocol=2)
    forged = whole.replace(b"S1", width).replace(
        b"K\0\x85", b"J" + struct.pack("<I", 2**30) + b"\x85"
    )
    assert len(forged) == len(whole) + 6
    path = tmp_path / "forged.pkl"
    path.write_bytes(forged)
    with pytest.raises(pickle.UnpicklingError, match=r"forged\.pkl .*texts .* have no width"):
        read_arrays(path)
