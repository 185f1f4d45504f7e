"""Any good configuration gives finite data of the right shape; any bad one is refused by name."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from mnist1d import DatasetConfig, generate

# Wrong types for an integer, a number, a truth value or a pair: none of these is any of them.
never = st.one_of(
    st.none(), st.text(max_size=5), st.binary(max_size=5), st.complex_numbers(), st.sets(st.none())
)
not_finite = st.sampled_from([math.nan, math.inf, -math.inf, np.float32("nan"), 10**400])
too_strong = st.floats(1e101, 1e308).flatmap(lambda v: st.sampled_from([v, -v]))
wrong = never.filter(lambda value: value is not None)
not_text = never.filter(lambda value: not isinstance(value, str))
not_integer = st.one_of(never, st.booleans(), st.floats(), st.lists(st.integers(), max_size=3))
not_number = st.one_of(never, st.booleans(), st.lists(st.floats(), max_size=3))
sizes = st.integers(0, 100)

WRONG_TYPE = {
    "num_samples": not_integer,
    "train_split": not_number,
    "template_len": not_integer,
    "padding": st.one_of(
        never,
        st.integers(),
        st.floats(),
        st.tuples(sizes, st.floats(0, 100)),
        st.tuples(not_integer, sizes),
        st.just(np.array([1.0, 2.0])),
        st.just(np.array(5)),
        st.just(np.array([[1], [2]])),
    ),
    "scale_coeff": not_number,
    "max_translation": not_integer,
    "corr_noise_scale": not_number,
    "iid_noise_scale": not_number,
    "shear_scale": not_number,
    "shuffle_seq": st.one_of(never, st.integers(), st.floats()),
    "final_seq_length": not_integer,
    "seed": not_integer,
    "train": not_integer.filter(lambda value: value is not None),
    "validation": not_integer,
    "classes": st.one_of(
        wrong, st.integers(), st.lists(st.floats(), min_size=1, max_size=3), st.tuples(wrong)
    ),
    "class_proportions": st.one_of(wrong, st.floats(), st.tuples(wrong, st.just(1))),
    "label_noise": not_number,
    "label_noise_kind": st.one_of(not_text, st.integers()),
    "positions": st.one_of(not_text, st.floats(), st.lists(st.floats(), min_size=40, max_size=40)),
    "positions_seed": not_integer.filter(lambda value: value is not None),
    "templates": st.one_of(wrong, st.floats(), st.just([[1j, 2]]), st.just([["a", "b"]])),
    "class_names": st.one_of(wrong, st.integers(), st.lists(st.integers(), min_size=10)),
    "shifted_tests": st.one_of(
        never,
        st.integers(),
        st.lists(st.integers(), min_size=1),
        st.dictionaries(st.integers(), st.just({}), min_size=1),
        st.dictionaries(st.just("a"), not_integer, min_size=1),
        st.dictionaries(
            st.just("a"), st.dictionaries(st.text(), st.none(), min_size=1), min_size=1
        ),
    ),
    "dtype": st.one_of(not_text, st.integers()),
    "channel_axis": st.one_of(never, st.integers(), st.floats()),
}
OUT_OF_RANGE = {
    "num_samples": st.one_of(st.integers(max_value=9), st.integers(min_value=2**31)),
    "train_split": st.one_of(
        not_finite, st.floats(max_value=0, allow_nan=False), st.floats(min_value=1), st.just(1e-9)
    ),
    "template_len": st.integers().filter(lambda n: n != 12),
    "padding": st.one_of(
        st.lists(sizes, max_size=1),
        st.lists(sizes, min_size=3, max_size=4),
        st.tuples(st.integers(max_value=-1), sizes),
        st.tuples(sizes, st.integers(max_value=-1)),
        st.tuples(sizes, st.integers(min_value=2**31 - 12)),
        st.tuples(sizes, sizes).filter(lambda p: p[0] > p[1]),
    ),
    "scale_coeff": st.one_of(not_finite, too_strong),
    "max_translation": st.one_of(st.integers(max_value=0), st.integers(min_value=2**63 + 1)),
    "corr_noise_scale": st.one_of(not_finite, too_strong),
    "iid_noise_scale": st.one_of(not_finite, too_strong),
    "shear_scale": st.one_of(not_finite, too_strong),
    "final_seq_length": st.one_of(st.integers(max_value=1), st.integers(min_value=2**31)),
    "seed": st.one_of(st.integers(max_value=-1), st.integers(min_value=2**32)),
    "validation": st.one_of(st.integers(max_value=-1), st.integers(min_value=4000)),
    "classes": st.one_of(
        st.just([]),
        st.lists(st.integers(0, 9), min_size=1, max_size=5).map(lambda v: [*v, v[0]]),
        st.integers().filter(lambda v: not 0 <= v <= 9).map(lambda v: [v]),
    ),
    "class_proportions": st.one_of(
        st.lists(st.floats(1, 2), max_size=9),
        st.lists(st.floats(1, 2), min_size=11, max_size=12),
        st.floats(-2, 0).map(lambda v: [v, *[1] * 9]),
        st.one_of(not_finite, too_strong).map(lambda v: [v, *[1] * 9]),
    ),
    "label_noise": st.one_of(
        not_finite, st.floats(max_value=-1e-9, allow_nan=False), st.floats(min_value=1.001)
    ),
    "label_noise_kind": st.text().filter(lambda v: v not in ("symmetric", "other", "published")),
    "positions": st.one_of(
        st.text(max_size=9),
        st.lists(st.integers(0, 39), max_size=39),
        st.permutations(range(41)),
        st.just([0, *range(39)]),
    ),
    "positions_seed": st.one_of(st.integers(max_value=-1), st.integers(min_value=2**32)),
    "templates": st.sampled_from(
        [[], [[]], [[1]], [1, 2], [[[1, 2]]], [[1, np.inf]], [[1, 1e101]], {}, {"a": 3}]
    ),
    "class_names": st.one_of(
        st.lists(st.text(), max_size=9), st.just(["a"] * 10), st.just(["", *"abcdefghi"])
    ),
    "shifted_tests": st.one_of(
        st.dictionaries(
            st.sampled_from(["", "1", "a b", "é", "Test", "a" * 65]), st.just({}), min_size=1
        ),
        st.floats(max_value=-1).map(lambda v: {"a": {"padding": (v, 3, 4)}}),
        not_finite.map(lambda v: {"a": {"shear_scale": v}}),
    ),
    "dtype": st.text(),
}


@pytest.mark.parametrize("field", WRONG_TYPE)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_wrong_type_is_refused_by_name(field, data):
    value = data.draw(WRONG_TYPE[field])
    allowed = r"(, not .+ of type \w+|did you mean .+|there are: .+)"
    with pytest.raises(
        TypeError, match=rf"(?s)^{field}\b.*( must |: unknown parameter ).*{allowed}$"
    ) as refusal:
        DatasetConfig(**{field: value})
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("field", OUT_OF_RANGE)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_value_out_of_range_is_refused_by_name(field, data):
    value = data.draw(OUT_OF_RANGE[field])
    with pytest.raises(ValueError, match=rf"(?s)^{field}\b.* (must|leaves) .+") as refusal:
        DatasetConfig(**{field: value})
    assert len(str(refusal.value)) < 250


def test_a_value_too_long_to_print_is_refused_all_the_same():
    with pytest.raises(ValueError, match="seed must be from 0 to 4294967295, not a number of very"):
        DatasetConfig(seed=10**5000)


strengths = st.one_of(st.floats(-10, 10), st.floats(-1e100, 1e100))
good = st.fixed_dictionaries(
    {},
    optional={
        "num_samples": st.integers(10, 80),
        "train_split": st.floats(0.1, 0.9),
        "padding": st.tuples(st.integers(0, 70), st.integers(0, 70)).map(sorted),
        "scale_coeff": strengths,
        "max_translation": st.one_of(st.integers(1, 200), st.integers(1, 2**63)),
        "corr_noise_scale": strengths,
        "iid_noise_scale": strengths,
        "shear_scale": strengths,
        "shuffle_seq": st.booleans(),
        # With 2 points and nothing else, all values may be the same.
        "final_seq_length": st.integers(3, 100),
        "seed": st.integers(0, 2**32 - 1),
    },
)


@given(parameters=good)
@example(parameters={"scale_coeff": 1e100, "corr_noise_scale": -1e100, "iid_noise_scale": 1e100})
@settings(max_examples=100, deadline=None)
def test_good_parameters_give_finite_arrays_of_the_right_shapes(parameters):
    config = DatasetConfig(**{"num_samples": 50, **parameters})
    dataset = generate(config)
    n_train, n_test = config.n_train, config.n_samples - config.n_train
    assert dataset.x.shape == (n_train, config.final_seq_length)
    assert dataset.x_test.shape == (n_test, config.final_seq_length)
    both = np.concatenate([dataset.x, dataset.x_test])
    assert np.isfinite(both).all()
    assert np.isfinite(dataset.t).all()
    assert both.std() == pytest.approx(1)
    labels = np.concatenate([dataset.y, dataset.y_test])
    assert np.bincount(labels, minlength=10).tolist() == [config.n_samples // 10] * 10
    again = generate(config)
    np.testing.assert_array_equal(dataset.x, again.x)
