"""Whatever is given as a parameter makes a configuration or is refused by name, at once."""

import json
import tracemalloc
from collections import deque
from dataclasses import fields
from fractions import Fraction

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnist1d import DatasetConfig, generate
from mnist1d.config import Shift

FIELDS = [known.name for known in fields(DatasetConfig)]


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no text for you")


class Text(str):
    __hash__ = None
    __slots__ = ()


ring = []
ring.append(ring)
RANGES = [range(10**9), range(10**30), range(1, 10**9)]
DEEP = json.loads("[" * 900 + "]" * 900)
ODD = [
    DEEP,
    Unprintable(),
    [Unprintable(), Unprintable()],
    object(),
    DatasetConfig,
    len,
    ring,
    *RANGES,
    {10**5000: 1},
    {"a": {10**5000: 1}},
    {"a": {"class_proportions": range(10**9)}},
    {"a": {"padding": Unprintable()}},
    [10**5000],
    "x" * 100_000,
    "\ud800\n\0",
    bytearray(b"ab"),
    memoryview(b"ab"),
    deque([3, 8]),
    Fraction(1, 3),
    Text("other"),
    Shift(name="a"),
    [Shift(name="a", padding=Unprintable())],
    np.timedelta64(5),
    np.timedelta64(5, "D"),
    np.timedelta64("NaT"),
    np.datetime64("2020"),
    np.longdouble(2) ** 5000,
    [[np.longdouble(2) ** 5000, 1]],
    np.zeros(2, [("a", "f8")]),
    np.array([1, None], object),
    np.ma.masked_array([1, 2], [0, 1]),
    np.dtype("f4"),
    iter([1, 2]),
]
numbers = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 50)
    | st.sampled_from([-(10**400), 2**31, 2**63, 2**64])
    | st.floats()
    | st.complex_numbers()
    | st.decimals()
)
arrays = npst.arrays(
    npst.scalar_dtypes() | npst.array_dtypes() | st.just(np.dtype(object)),
    npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
anything = st.recursive(
    numbers
    | st.text(max_size=9)
    | st.binary(max_size=9)
    | arrays
    | arrays.filter(lambda array: array.size == 1).map(lambda array: array.ravel()[0])
    # Hypothesis prints what it samples from, and some of these cannot be printed.
    | st.integers(0, len(ODD) - 1).map(lambda i: ODD[i]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.sampled_from(FIELDS), inner))
    ),
    max_leaves=6,
)


def check_refused_by_name(make, names):
    """Make a configuration, or see that the error names one of the parameters, and briefly."""
    try:
        config = make()
    except (TypeError, ValueError) as error:
        assert any(name in str(error) for name in names), error  # noqa: PT017 (others may not pass)
        assert len(str(error)) < 400  # noqa: PT017
        return None
    assert DatasetConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert hash(config) == hash(DatasetConfig.from_dict(config.to_dict()))
    return config


@pytest.mark.parametrize("field", FIELDS)
@given(value=anything)
@settings(max_examples=40, deadline=None)
def test_any_value_of_any_field_is_stored_or_refused_by_name(field, value):
    given = {field: value}
    for make in (lambda: DatasetConfig(**given), lambda: DatasetConfig().replace(**given)):
        # A size needs its counterpart, and names need their templates.
        check_refused_by_name(make, [field, "test", "train"])


@pytest.mark.parametrize("field", FIELDS)
def test_odd_values_are_stored_or_refused_without_taking_memory(field):
    tracemalloc.start()
    try:
        for value in ODD:
            check_refused_by_name(lambda value=value: DatasetConfig(**{field: value}), [field])
            check_refused_by_name(
                lambda value=value: DatasetConfig(templates=[[0, 1]] * 3).replace(**{field: value}),
                [field],
            )
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@given(values=st.dictionaries(st.sampled_from(FIELDS), anything, min_size=2, max_size=4))
@example(values={"templates": [[0, 1]], "template_len": np.array([1, 2])})
@settings(max_examples=200, deadline=None)
def test_any_values_together_are_stored_or_refused_by_name(values):
    check_refused_by_name(
        lambda: DatasetConfig(**values), [*values, "test", "train", "template_len", "class_names"]
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values=json_values)
@settings(max_examples=200, deadline=None)
def test_any_json_at_all_is_a_configuration_or_refused(values):
    names = [*FIELDS, "a configuration", "unknown parameter"]
    check_refused_by_name(lambda: DatasetConfig.from_dict(values), names)


def test_positions_can_be_replaced_by_an_array():
    order = np.arange(40)[::-1]
    expected = DatasetConfig(positions=order)
    assert DatasetConfig(shuffle_seq=True).replace(positions=order) == expected
    assert DatasetConfig(positions="flipped").replace(positions=list(order)) == expected
    made = generate(DatasetConfig(num_samples=20), positions=order)
    assert np.array_equal(made.column_order, order)


def test_what_is_stored_is_plain_python():
    config = DatasetConfig(
        label_noise_kind=np.str_("other"),
        positions=np.str_("flipped"),
        template_len=np.int64(12),
        templates=np.zeros((2, 5), np.float32),
    )
    assert type(config.label_noise_kind) is type(config.positions) is str
    assert type(config.template_len) is int
