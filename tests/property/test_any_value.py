"""Any value of a parameter makes a configuration or is an error that names it, at once."""

import json
import math
import tracemalloc
from collections import deque
from dataclasses import fields
from fractions import Fraction

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from mnist1d import Dataset, DatasetConfig, generate
from mnist1d.dataset.config import Shift
from mnist1d.stream.stream import Stream

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
    np.timedelta64(5, "s"),
    np.timedelta64(5, "D"),
    np.timedelta64("NaT", "D"),
    np.datetime64("2020"),
    np.longdouble(2) ** 5000,
    [[np.longdouble(2) ** 5000, 1]],
    np.zeros(2, [("a", "f8")]),
    np.array([1, None], object),
    np.ma.masked_array([1, 2], [0, 1]),
    np.dtype("f4"),
    iter([1, 2]),
]
twice = []
twice += [twice, twice]
NESTED = [
    twice,
    {"a": range(10**9)},
    [range(10**9), range(10**9)],
    [[range(10**9), 1]],
    {"a": [range(10**30)]},
    deque([deque([range(10**9)])]),
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


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS)
@given(value=anything)
@settings(max_examples=40, deadline=None)
def test_any_value_of_any_field_is_stored_or_refused_by_name(field, value):
    given = {field: value}
    for make in (lambda: DatasetConfig(**given), lambda: DatasetConfig().replace(**given)):
        # A size needs its counterpart, and names need their templates.
        check_refused_by_name(make, [field, "test", "train"])


# Of odd types NumPy 2.0 says so first.
@pytest.mark.filterwarnings("ignore:in the future the .*dtype.* attribute:DeprecationWarning")
@pytest.mark.parametrize("field", FIELDS)
def test_odd_values_are_stored_or_refused_without_taking_memory(field):
    tracemalloc.start()
    try:
        for value in ODD + NESTED:
            check_refused_by_name(lambda value=value: DatasetConfig(**{field: value}), [field])
            check_refused_by_name(
                lambda value=value: DatasetConfig(templates=[[0, 1]] * 3).replace(**{field: value}),
                [field],
            )
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@given(values=st.dictionaries(st.sampled_from(FIELDS), anything, min_size=2, max_size=4))
@example(values={"templates": [[0, 1]], "template_len": np.array([1, 2])})
@settings(max_examples=200, deadline=None)
def test_any_values_together_are_stored_or_refused_by_name(values):
    check_refused_by_name(
        lambda: DatasetConfig(**values),
        [*values, "test", "train", "template_len", "class_names", "names of templates"],
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


def test_values_whose_squares_are_no_number_are_refused():
    enormous = DatasetConfig(num_samples=20, templates=[[0, 1e100], [1e100, 0]], scale_coeff=1e100)
    for make in (generate, Stream):
        with pytest.raises(ValueError, match=r"too large to be standardised: .* smaller scale_c"):
            make(enormous)


def test_a_shifted_test_set_beyond_its_type_is_refused():
    config = DatasetConfig(num_samples=20, shifted_tests={"far": {"shear_scale": 1e100}})
    assert np.isfinite(generate(config).shifted_tests["far"].x).all()
    with pytest.raises(ValueError, match=r"shifted_tests\['far'\] must have weaker .*'float64'"):
        generate(config, dtype="float32")


strengths = st.floats(-3, 3) | st.floats(-1e100, 1e100) | st.just(0.0)
shifts = st.fixed_dictionaries(
    {},
    optional={
        "padding": st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted),
        "scale_coeff": strengths,
        "max_translation": st.integers(1, 100) | st.just(2**63),
        "corr_noise_scale": strengths,
        "iid_noise_scale": strengths,
        "shear_scale": strengths,
    },
)


@st.composite
def together(draw):
    """Parameters of all kinds, each right by itself."""
    n_classes = draw(st.integers(1, 12))
    n_points = draw(st.integers(2, 9))
    heights = st.floats(-1, 1) | st.floats(-1e100, 1e100)
    rows = st.lists(heights, min_size=n_points, max_size=n_points)
    optional = {
        "classes": st.lists(st.integers(0, n_classes - 1), min_size=1, unique=True),
        "class_proportions": st.lists(st.floats(1e-3, 1e3), min_size=n_classes, max_size=n_classes),
        "class_names": st.just([f"class {i}" for i in range(n_classes)]),
        "stratified": st.booleans(),
        "label_noise": st.floats(0, 1),
        "label_noise_kind": st.sampled_from(["symmetric", "other", "published"]),
        "positions": st.sampled_from(["original", "flipped", "shuffled", "chunked"]),
        "positions_seed": st.integers(0, 2**32 - 1),
        "shuffle_seq": st.booleans(),
        "final_seq_length": st.integers(2, 30),
        "validation": st.integers(0, 20),
        "dtype": st.sampled_from(["float32", "float64"]),
        "channel_axis": st.booleans(),
        "seed": st.integers(0, 2**32 - 1),
        "shifted_tests": st.dictionaries(st.sampled_from("ab"), shifts, max_size=2),
    }
    sizes = st.sampled_from([{"num_samples": 60}, {"train": 37, "test": 11}, {"num_samples": 23}])
    return (
        {"templates": draw(st.lists(rows, min_size=n_classes, max_size=n_classes))}
        | draw(sizes)
        | draw(shifts)
        | draw(st.fixed_dictionaries({}, optional=optional))
    )


@pytest.mark.slow
@given(parameters=together())
@settings(max_examples=100, deadline=None)
def test_parameters_of_all_kinds_give_finite_data_or_are_refused(parameters, tmp_path_factory):
    config = check_refused_by_name(
        lambda: DatasetConfig(**parameters), [*parameters, "train", "class_names"]
    )
    if config is None:
        return
    try:
        dataset = generate(config)
    except ValueError as error:
        documented = ("all values are the same", "values are too large", "float32 cannot hold its")
        assert any(text in str(error) for text in documented)  # noqa: PT017 (others may not pass)
        return
    sizes = {"train": config.n_train, "validation": config.n_validation, "test": config.n_test}
    sizes = {name: size for name, size in sizes.items() if size}
    sizes |= {shift.name: config.n_test for shift in config.shifted_tests}
    axes = (1, config.final_seq_length) if config.channel_axis else (config.final_seq_length,)
    assert list(dataset.parts) == list(sizes)
    for name, part in dataset.parts.items():
        assert part.x.shape == (sizes[name], *axes)
        assert part.x.dtype == config.dtype
        assert np.isfinite(part.x).all()
        assert set(part.y.tolist()) <= set(config.labels)
    assert np.isfinite(dataset.t).all()
    assert math.isfinite(dataset.mean)
    assert math.isfinite(dataset.std)
    path = tmp_path_factory.getbasetemp() / "together.npz"
    dataset.save(path)
    assert Dataset.load(path, expected=config) == dataset
