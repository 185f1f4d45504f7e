"""What a configuration accepts, stores and says. Bad values: see the property tests."""

import json
from dataclasses import FrozenInstanceError, fields, replace
from fractions import Fraction

import numpy as np
import pytest

from mnist1d import DatasetConfig, digit_templates, generate


def test_defaults_are_the_published_ones():
    config = DatasetConfig()
    assert {name: getattr(config, name) for name in DatasetConfig.PUBLISHED} == {
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


def test_all_other_parameters_leave_the_published_set_as_it_is():
    config = DatasetConfig()
    others = [f.name for f in fields(DatasetConfig) if f.name not in DatasetConfig.PUBLISHED]
    assert {name: getattr(config, name) for name in others} == {
        "train": None,
        "validation": 0,
        "test": None,
        "classes": None,
        "class_proportions": None,
        "stratified": False,
        "label_noise": 0.0,
        "label_noise_kind": "symmetric",
        "positions": "original",
        "positions_seed": None,
        "templates": None,
        "class_names": None,
        "shifted_tests": (),
        "dtype": "float64",
        "channel_axis": False,
    }


def test_every_parameter_is_documented():
    for field in fields(DatasetConfig):
        assert f"    {field.name}: " in DatasetConfig.__doc__


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
        ("validation", np.int32(5), 5),
        ("classes", np.array([3, 8]), (3, 8)),
        ("class_proportions", range(1, 11), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)),
        ("stratified", np.True_, True),
        ("label_noise", Fraction(1, 4), 0.25),
        ("positions", np.arange(40)[::-1], tuple(range(39, -1, -1))),
        ("positions_seed", np.uint8(7), 7),
        ("class_names", list("abcdefghij"), tuple("abcdefghij")),
        ("dtype", np.float32, "float32"),
        ("dtype", np.dtype(">f8"), "float64"),
        ("channel_axis", np.True_, True),
    ],
)
def test_numbers_of_other_types_are_stored_as_plain_python(field, given, stored):
    value = getattr(DatasetConfig(**{field: given}), field)
    assert value == stored
    assert type(value) is type(stored)
    if isinstance(value, tuple):
        assert all(type(a) is type(b) for a, b in zip(value, stored, strict=True))


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
    [("n_samples", "num_samples"), ("sead", "seed"), ("shuffle", "shuffle_seq")],
)
def test_an_unknown_parameter_is_answered_with_the_nearest(wrong, right):
    with pytest.raises(TypeError, match=f"unknown parameter '{wrong}'; did you mean '{right}"):
        generate(**{wrong: 1})


def test_a_parameter_like_no_other_is_answered_with_all():
    for wrong in ("epochs", "Ω", "x" * 10**5):
        with pytest.raises(
            TypeError, match=r"unknown parameter '.+; there are: num_samples, "
        ) as end:
            generate(**{wrong: 1})
        assert "did you mean" not in str(end.value)
        assert len(str(end.value)) < 500


@pytest.mark.parametrize("config", [{"seed": 1}, 5000, DatasetConfig])
def test_only_a_configuration_is_a_configuration(config):
    with pytest.raises(TypeError, match="config must be a DatasetConfig"):
        generate(config)


@pytest.mark.parametrize(
    ("parameters", "sizes"),
    [
        ({}, (4000, 0, 1000)),
        ({"validation": 500}, (3500, 500, 1000)),
        ({"num_samples": 1000, "validation": 1}, (799, 1, 200)),
        ({"train": 4000, "validation": 1000, "test": 1000}, (4000, 1000, 1000)),
        ({"train": 7, "test": 6}, (7, 0, 6)),
        ({"num_samples": 5009, "classes": (1, 2, 3)}, (4005, 0, 1002)),
        ({"num_samples": 5009, "class_proportions": range(1, 11)}, (4007, 0, 1002)),
    ],
)
def test_sizes_of_the_parts(parameters, sizes):
    config = DatasetConfig(**parameters)
    assert (config.n_train, config.n_validation, config.n_test) == sizes
    assert config.n_samples == sum(config.class_sizes) == sum(sizes)


@pytest.mark.parametrize(
    ("parameters", "sizes"),
    [
        ({"train": 20, "test": 3}, (3, 3, 3, 2, 2, 2, 2, 2, 2, 2)),
        ({"train": 5, "test": 5, "classes": (8, 3), "class_proportions": (3, 1)}, (8, 2)),
        ({"train": 60, "test": 40, "class_proportions": range(5, 15)}, None),
        ({"num_samples": 100, "classes": (5,)}, (100,)),
    ],
)
def test_sizes_of_the_classes(parameters, sizes):
    config = DatasetConfig(**parameters)
    if sizes is None:
        quotas = [100 * share / sum(range(5, 15)) for share in range(5, 15)]
        assert all(abs(n - q) < 1 for n, q in zip(config.class_sizes, quotas, strict=True))
    else:
        assert config.class_sizes == sizes


def test_proportions_that_sum_to_the_total_are_met_exactly():
    wanted = (2**30 - 1, 1, 3, 7, 11, 13, 17, 19, 23, 29)
    config = DatasetConfig(num_samples=sum(wanted), class_proportions=wanted)
    assert config.class_sizes == wanted


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"train": 100}, "train must come together with test"),
        ({"test": 100}, "test must come together with train"),
        ({"train": 5, "test": 4}, "must sum to at least 10, one per class"),
        ({"train": 2**31 - 1, "test": 1}, "must sum to at least 10.* not 2147483648"),
        ({"train": 50, "test": 50, "num_samples": 10}, "num_samples must be left out"),
        ({"train": 50, "test": 50, "train_split": 0.5}, "train_split must be left out"),
        ({"validation": 4000}, "validation=4000 leaves 0 of the 4000"),
        ({"class_proportions": [1e9, *[1] * 9]}, "class_proportions leaves no sample for class 1"),
        ({"classes": (3,), "label_noise": 0.1, "label_noise_kind": "other"}, "two classes or more"),
        ({"positions": "chunked", "final_seq_length": 42}, "final_seq_length=42, which 4 does not"),
        ({"positions": "flipped", "shuffle_seq": True}, "shuffle_seq must be False"),
        ({"positions": "flip"}, "did you mean 'flipped'"),
        ({"label_noise_kind": "asymmetric"}, "did you mean 'symmetric'"),
        ({"templates": [[0, 1], [1]]}, "all of one length"),
        ({"templates": {"a": [0, 1], "b": [1]}}, "all of one length"),
        ({"templates": [[0, np.nan]]}, "templates must be finite"),
        ({"templates": [[0, 1j]]}, "templates must be numbers"),
        ({"templates": [["0", "1"]]}, "templates must be numbers"),
        ({"templates": {"a": [0, 1]}, "class_names": ["b"]}, "class_names must be left out"),
        ({"templates": {1: [0, 1]}}, r"names of templates\[0\] must be text"),
        ({"templates": [[0, 1, 2]], "template_len": 4}, "template_len must be 3"),
        ({"templates": [[0, 1, 2]], "classes": [1]}, r"classes\[0\] must be 0"),
        ({"shifted_tests": {"test": {}}}, "other than train, validation and test"),
        ({"shifted_tests": {"A": {}, "a": {}}}, "names of their own"),
        ({"shifted_tests": {"a/b": {}}}, "letters, digits and underscores"),
        ({"shifted_tests": {"a": {"iid_noise": 1}}}, "did you mean 'iid_noise_scale'"),
        ({"shifted_tests": {"a": {"seed": 1}}}, "unknown parameter 'seed'"),
        (
            {"shifted_tests": {"a": {"padding": (5, 3)}}},
            r"shifted_tests\['a'\]: padding .*lowest <= highest",
        ),
        ({"shifted_tests": {"a": 3}}, r"shifted_tests\['a'\] must be a mapping"),
        ({"shifted_tests": ["a"]}, "shifted_tests must be a mapping"),
    ],
)
def test_values_that_contradict_each_other_are_refused(parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        DatasetConfig(**parameters)


def test_replacing_lets_go_of_what_became_obsolete():
    counted = DatasetConfig(train=100, test=50)
    assert counted.replace(num_samples=1000) == DatasetConfig(num_samples=1000)
    assert DatasetConfig(num_samples=1000, train_split=0.5).replace(train=100, test=50) == counted
    own = DatasetConfig(templates={"up": [0, 1, 0], "down": [0, -1, 0]})
    assert own.replace(templates=[[0.0] * 20]).template_len == 20
    assert own.replace(templates=None) == DatasetConfig()
    assert DatasetConfig(shuffle_seq=True).replace(positions="flipped").shuffle_seq is False
    assert DatasetConfig(positions="flipped").replace(shuffle_seq=True).positions == "original"
    # Plain replacement works wherever nothing contradicts.
    assert replace(counted, seed=1) == DatasetConfig(train=100, test=50, seed=1)


def test_templates_by_name_give_the_names_and_the_length():
    config = DatasetConfig(templates={"up": [0, 1, 0], "down": np.array([0, -1, 0])})
    assert config == DatasetConfig(
        templates=[[0, 1, 0], [0, -1, 0]], class_names=["up", "down"], template_len=3
    )
    assert (config.n_classes, config.template_len, config.stretched_length) == (2, 3, 63)
    assert config.label_names == ("up", "down")
    assert DatasetConfig(templates=digit_templates()).template_len == 12


def test_templates_with_labels_or_times_of_their_own_are_refused():
    plain = digit_templates()
    for wrong in (plain._replace(y=plain.y + 1), plain._replace(t=plain.t * 2)):
        with pytest.raises(ValueError, match="give their heights alone"):
            DatasetConfig(templates=wrong)


def test_representation_names_what_differs_and_stays_short():
    assert repr(DatasetConfig()) == "DatasetConfig()"
    many = {f"class {i}": np.linspace(0, i, 500) for i in range(100)}
    text = repr(DatasetConfig(templates=many, shifted_tests={"still": {"max_translation": 1}}))
    assert "templates=<100 of 500 points>" in text
    assert "shifted_tests={'still': {'max_translation': 1}}" in text
    assert len(text) < 500


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"train": 3, "validation": 4, "test": 5, "classes": (8, 3), "class_proportions": (0.1, 1)},
        {"templates": {"é": [0, 1 / 3, 0.1], "ü": [1, 2, 1e-300]}, "positions": "shuffled"},
        {"shifted_tests": {"a": {"padding": (1, 2)}, "b": {}}, "positions": tuple(range(40))},
    ],
)
def test_survives_json(parameters):
    config = DatasetConfig(**parameters)
    assert DatasetConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert DatasetConfig.from_dict({}) == DatasetConfig()


def test_what_is_no_configuration_in_json_is_refused():
    with pytest.raises(TypeError, match="unknown parameter 'sead'; did you mean 'seed'"):
        DatasetConfig.from_dict({"sead": 1})
    with pytest.raises(TypeError, match="a configuration must be a mapping"):
        DatasetConfig.from_dict([1])


class Unprintable:
    def __repr__(self):
        raise KeyError("nothing to print")


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [Unprintable(), [Unprintable()], nested(100_000)])
@pytest.mark.parametrize("field", [field.name for field in fields(DatasetConfig)])
def test_what_cannot_be_printed_is_refused_by_name(field, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{field}\b.* must "):
        DatasetConfig(**{field: value})


@pytest.mark.parametrize(
    "value", [np.timedelta64(5, "D"), np.timedelta64(5, "s"), np.timedelta64("NaT", "D")]
)
@pytest.mark.parametrize("field", ["seed", "train_split", "shear_scale", "max_translation"])
def test_a_duration_is_no_number(field, value):
    with pytest.raises(TypeError, match=rf"^{field} must be an? (integer|number), not "):
        DatasetConfig(**{field: value})


@pytest.mark.parametrize("value", [b"$<", bytearray(b"$<"), memoryview(b"$<")])
def test_bytes_are_no_pair_of_numbers(value):
    with pytest.raises(TypeError, match=r"^padding must be two integers"):
        DatasetConfig(padding=value)


@pytest.mark.parametrize(
    "changes",
    [
        {"x": [[1, 2], [3]]},
        {"x": None},
        {"x": 1},
        {"y": None},
        {"y": [[0], [1, 2]]},
        {"t": "now"},
        {"t": [[0], [1, 2]]},
        {"t": np.zeros(3)},
    ],
)
def test_templates_of_wrong_content_are_refused_by_name(changes):
    with pytest.raises((TypeError, ValueError), match=r"^templates must "):
        DatasetConfig(templates=digit_templates()._replace(**changes))


@pytest.mark.skipif(np.finfo(np.longdouble).maxexp < 15_000, reason="no larger floats here")
def test_templates_too_large_for_a_float_are_refused_without_a_warning():
    with pytest.raises(ValueError, match=r"^templates must be finite"):
        DatasetConfig(templates=[[np.longdouble("1e4000"), 1]])


@pytest.mark.parametrize("field", ["positions", "label_noise_kind"])
def test_a_text_of_numpy_is_stored_as_plain_text(field):
    value = {"positions": "flipped", "label_noise_kind": "other"}[field]
    config = DatasetConfig(**{field: np.str_(value)})
    assert type(getattr(config, field)) is str
    assert repr(config) == f"DatasetConfig({field}={value!r})"


def test_an_unprintable_parameter_of_a_shifted_test_is_refused():
    with pytest.raises(TypeError, match=r"^shifted_tests\['a'\]: unknown parameter"):
        DatasetConfig(shifted_tests={"a": {Unprintable(): 1}})


def test_masked_templates_are_refused_and_unmasked_ones_taken():
    heights = np.ma.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]], mask=[[0, 1, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match=r"templates must be .*, none of them masked"):
        DatasetConfig(templates=heights)
    assert DatasetConfig(templates=np.ma.array(heights.data)).n_classes == 2
