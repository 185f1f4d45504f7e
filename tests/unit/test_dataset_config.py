"""What a configuration accepts, stores and says. Bad values: see the property tests."""

from dataclasses import FrozenInstanceError, fields, replace
from fractions import Fraction

import numpy as np
import pytest

from mnist1d import DatasetConfig, generate


def test_defaults_are_the_published_ones():
    values = {field.name: field.default for field in fields(DatasetConfig)}
    assert values == {
        "num_samples": 5000,
        "train_split": 0.8,
        "template_len": 12,
        "padding": (36, 60),
        "scale_coeff": 0.4,
        "max_translation": 48,
        "corr_noise_scale": 0.25,
        "iid_noise_scale": 0.02,
        "shear_scale": 0.75,
        "shuffle_seq": False,
        "final_seq_length": 40,
        "seed": 42,
    }


def test_every_parameter_is_documented():
    for field in fields(DatasetConfig):
        assert f"        {field.name}: " in DatasetConfig.__doc__


def test_is_frozen_hashable_and_keyword_only():
    config = DatasetConfig()
    with pytest.raises(FrozenInstanceError):
        config.seed = 1
    with pytest.raises(TypeError):
        DatasetConfig(5000)
    assert len({config, DatasetConfig(), replace(config, seed=1)}) == 2


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ("padding", [3, 9], (3, 9)),
        ("padding", np.array([3, 9], np.int32), (3, 9)),
        ("padding", (np.int8(3), 9), (3, 9)),
        ("num_samples", np.int64(50), 50),
        ("seed", np.uint32(2**32 - 1), 2**32 - 1),
        ("train_split", np.float64(0.5), 0.5),
        ("train_split", Fraction(1, 2), 0.5),
        ("scale_coeff", 1, 1.0),
        ("shear_scale", np.float32(0.75), 0.75),
        ("corr_noise_scale", -0.25, -0.25),
        ("shuffle_seq", np.True_, True),
        ("max_translation", 2**63, 2**63),
    ],
)
def test_numbers_of_other_types_are_stored_as_plain_python(field, given, stored):
    value = getattr(DatasetConfig(**{field: given}), field)
    assert value == stored
    assert type(value) is type(stored)
    if field == "padding":
        assert all(type(bound) is int for bound in value)


def test_derived_sizes():
    config = DatasetConfig(num_samples=5009, train_split=0.5, padding=(0, 61))
    # As published, the split is of what is left after the remainder is dropped.
    assert (config.n_samples, config.n_train, config.stretched_length) == (5000, 2500, 73)


def test_a_split_may_leave_one_sample_but_not_none():
    assert DatasetConfig(num_samples=10, train_split=0.1).n_train == 1
    assert DatasetConfig(num_samples=10, train_split=0.99).n_train == 9
    with pytest.raises(ValueError, match=r"train_split=0.09 leaves 0 of the 10 .*num_samples=19"):
        DatasetConfig(num_samples=19, train_split=0.09)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("n_samples", "num_samples"), ("sead", "seed"), ("shuffle", "shuffle_seq"), ("Ω", "")],
)
def test_an_unknown_parameter_is_answered_with_the_nearest(wrong, right):
    with pytest.raises(TypeError, match=f"unknown parameter '{wrong}'; did you mean '{right}"):
        generate(**{wrong: 1})


@pytest.mark.parametrize("config", [{"seed": 1}, 5000, DatasetConfig])
def test_only_a_configuration_is_a_configuration(config):
    with pytest.raises(TypeError, match="config must be a DatasetConfig"):
        generate(config)
