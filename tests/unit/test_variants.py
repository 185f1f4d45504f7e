"""Variants of the dataset: what each changes, and what it leaves alone."""

import copy

import numpy as np
import pytest

import mnist1d
from mnist1d import Dataset, DatasetConfig, digit_templates, fresh_samples, generate
from mnist1d.dataset.templates import normalise_templates

SMALL = {"num_samples": 300}


def together(dataset, name):
    """Return signals or labels of training, validation and test part in one array."""
    parts = ("", "_validation", "_test")
    return np.concatenate([getattr(dataset, f"{name}{part}") for part in parts])


def test_a_validation_set_is_the_end_of_the_published_training_set():
    plain, cut = mnist1d.load(), generate(validation=500)
    assert cut.x_validation.shape == (500, 40)
    np.testing.assert_array_equal(cut.x, plain.x[:3500])
    np.testing.assert_array_equal(cut.x_validation, plain.x[3500:])
    np.testing.assert_array_equal(cut.y_validation, plain.y[3500:])
    np.testing.assert_array_equal(cut.x_test, plain.x_test)
    assert plain.x_validation.shape == (0, 40)
    assert list(plain.parts) == ["train", "test"]
    assert list(cut.parts) == ["train", "validation", "test"]
    assert cut.parts["validation"].x is cut.x_validation


def test_counts_of_a_round_total_give_the_published_samples():
    plain, counted = (
        generate(num_samples=600, train_split=0.5),
        generate(train=250, validation=50, test=300),
    )
    np.testing.assert_array_equal(together(counted, "x"), together(plain, "x"))
    np.testing.assert_array_equal(counted.y_test, plain.y_test)
    assert [len(part.y) for part in counted.parts.values()] == [250, 50, 300]


def test_no_sample_of_an_odd_total_is_dropped():
    dataset = generate(train=101, validation=11, test=13)
    counts = np.bincount(together(dataset, "y"))
    assert counts.tolist() == [13] * 5 + [12] * 5


@pytest.mark.parametrize("classes", [(3, 8), (8, 3), (5,)])
def test_only_the_chosen_classes_occur_and_keep_their_labels(classes):
    dataset = generate(**SMALL, classes=classes)
    counts = np.bincount(together(dataset, "y"), minlength=10)
    assert counts[list(classes)].tolist() == [300 // len(classes)] * len(classes)
    assert counts.sum() == 300
    assert dataset.templates.x.shape == (10, 12)
    # Nothing happens to these but resampling: the signals are those of their templates.
    still = dict.fromkeys(
        ["scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"], 0
    ) | {"padding": (0, 0), "max_translation": 1, "final_seq_length": 12}
    clean = generate(**SMALL, classes=classes, **still)
    raw = clean.x * clean.std + clean.mean
    np.testing.assert_allclose(raw, digit_templates().x[clean.y] + 1e-8, atol=1e-12)


def test_classes_get_samples_in_their_proportions():
    dataset = generate(**SMALL, classes=(2, 7, 0), class_proportions=(3, 2, 1))
    counts = np.bincount(together(dataset, "y"), minlength=10)
    assert counts[[2, 7, 0]].tolist() == [150, 100, 50]


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ({"train": 100, "test": 1000}, {"train": {10}, "test": {100}}),
        ({}, {"train": {400}, "test": {100}}),
        ({"validation": 500}, {"train": {350}, "validation": {50}, "test": {100}}),
        (
            {"train": 105, "validation": 33, "test": 77},
            {"train": {10, 11}, "validation": {3, 4}, "test": {7, 8}},
        ),
        (
            {"train": 40, "test": 20, "classes": (8, 3), "class_proportions": (3, 1)},
            {"train": {30, 10}, "test": {15, 5}},
        ),
    ],
)
def test_a_stratified_split_has_as_many_of_every_class_in_all_parts(sizes, counts):
    dataset, plain = generate(**sizes, stratified=True), generate(**sizes)
    for name, part in dataset.parts.items():
        assert set(np.unique(part.y, return_counts=True)[1].tolist()) == counts[name]
    rows = [
        sorted(map(tuple, np.column_stack([together(each, "x"), together(each, "y")]).tolist()))
        for each in (dataset, plain)
    ]
    assert rows[0] == rows[1]
    assert (dataset.mean, dataset.std) == (plain.mean, plain.std)


def test_a_split_that_is_not_stratified_is_stored_as_before():
    assert "stratified" not in DatasetConfig().to_dict()
    assert DatasetConfig(stratified=True).to_dict()["stratified"] is True
    stratified = generate(num_samples=300, stratified=True)
    assert DatasetConfig.from_dict(stratified.config.to_dict()) == stratified.config
    x, y = fresh_samples(stratified, 100, seed=1)
    np.testing.assert_array_equal(x, fresh_samples(generate(num_samples=300), 100, seed=1)[0])
    assert set(np.bincount(y).tolist()) == {10}


@pytest.mark.parametrize("kind", ["symmetric", "other", "published"])
def test_label_noise_changes_training_labels_and_nothing_else(kind):
    clean = generate(**SMALL, validation=50)
    noisy = generate(**SMALL, validation=50, label_noise=0.5, label_noise_kind=kind)
    np.testing.assert_array_equal(noisy.y_clean, clean.y)
    for name in ("x", "x_validation", "y_validation", "x_test", "y_test", "t"):
        np.testing.assert_array_equal(getattr(noisy, name), getattr(clean, name))
    changed = noisy.y != noisy.y_clean
    assert changed.any()
    assert not (changed & ~noisy.noise_mask).any()
    assert (changed == noisy.noise_mask).all() == (kind == "other")
    assert not clean.noise_mask.any()
    assert (clean.y_clean == clean.y).all()
    assert clean.y_clean is not clean.y


@pytest.mark.parametrize("kind", ["symmetric", "other"])
def test_more_label_noise_keeps_the_replacements_of_less(kind):
    little, much, all_of_it = (
        generate(**SMALL, label_noise=fraction, label_noise_kind=kind) for fraction in (0.2, 0.6, 1)
    )
    assert all_of_it.noise_mask.all()
    for less, more in ((little, much), (much, all_of_it)):
        assert (more.noise_mask[less.noise_mask]).all()
        np.testing.assert_array_equal(more.y[less.noise_mask], less.y[less.noise_mask])
    other_seed = generate(**SMALL, label_noise=0.2, label_noise_kind=kind, seed=1)
    assert (other_seed.noise_mask != little.noise_mask).any()


@pytest.mark.parametrize("kind", ["symmetric", "other", "published"])
def test_label_noise_stays_within_the_classes(kind):
    dataset = generate(**SMALL, classes=(9, 2, 4), label_noise=1, label_noise_kind=kind)
    assert set(dataset.y.tolist()) == {2, 4, 9}


@pytest.mark.parametrize(
    ("positions", "order"),
    [
        ("flipped", [7, 6, 5, 4, 3, 2, 1, 0]),
        ("chunked", [4, 5, 6, 7, 0, 1, 2, 3]),
        ((7, 0, 1, 2, 3, 4, 5, 6), [7, 0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_positions_reorder_the_points_of_all_parts(positions, order):
    shifted = {"still": {"max_translation": 1}}
    parameters = {**SMALL, "validation": 30, "final_seq_length": 8, "shifted_tests": shifted}
    plain, moved = generate(**parameters), generate(**parameters, positions=positions)
    assert moved.column_order.tolist() == order
    for name, part in moved.parts.items():
        np.testing.assert_allclose(part.x, plain.parts[name].x[:, order], rtol=0, atol=1e-13)
        np.testing.assert_array_equal(part.y, plain.parts[name].y)


def test_shuffled_positions_follow_their_seed():
    own = generate(**SMALL, positions="shuffled")
    assert own.column_order.tolist() == np.random.RandomState(42).permutation(40).tolist()
    other = generate(**SMALL, positions="shuffled", positions_seed=5)
    assert other.column_order.tolist() == np.random.RandomState(5).permutation(40).tolist()
    assert generate(**SMALL, positions="shuffled", seed=5).column_order.tolist() == (
        other.column_order.tolist()
    )


def test_shifted_tests_differ_in_what_they_change_alone():
    dataset = generate(
        **SMALL,
        shifted_tests={
            "same": {},
            "noisier": {"iid_noise_scale": 0.2},
            "unsheared": {"shear_scale": 0},
            "still": {"max_translation": 1},
            "narrow": {"padding": (60, 90)},
            "skewed": {"class_proportions": (5, *[1] * 9)},
        },
    )
    assert list(dataset.shifted_tests) == [
        "same", "noisier", "unsheared", "still", "narrow", "skewed",
    ]  # fmt: skip
    same = dataset.shifted_tests["same"]
    for name in ("noisier", "unsheared"):
        part = dataset.shifted_tests[name]
        np.testing.assert_array_equal(part.y, same.y)
        assert (part.x != same.x).all()
    # Without shear, a sample differs from its counterpart by a straight line.
    line = dataset.shifted_tests["unsheared"].x - same.x
    np.testing.assert_allclose(np.diff(line, 2), 0, atol=1e-12)
    added = dataset.shifted_tests["noisier"].x - same.x
    assert added.std() == pytest.approx(0.18 / dataset.std * 0.75, rel=0.1)
    assert {len(part.y) for part in dataset.shifted_tests.values()} == {60}
    assert np.bincount(same.y).tolist() == [6] * 10
    assert np.bincount(dataset.shifted_tests["skewed"].y)[0] == 22


def test_a_shifted_test_leaves_everything_else_as_it_was():
    plain = generate(**SMALL)
    one = generate(**SMALL, shifted_tests={"a": {"shear_scale": 2}})
    two = generate(**SMALL, shifted_tests={"b": {"padding": (1, 3)}, "a": {"shear_scale": 2}})
    for name in ("x", "y", "x_test", "y_test", "t"):
        np.testing.assert_array_equal(getattr(one, name), getattr(plain, name))
    np.testing.assert_array_equal(one.shifted_tests["a"].x, two.shifted_tests["a"].x)
    assert (one.mean, one.std) == (plain.mean, plain.std)


def test_shifted_tests_have_samples_of_their_own():
    dataset = generate(**SMALL, shifted_tests={"same": {}})
    known = together(dataset, "x")
    distance = np.abs(dataset.shifted_tests["same"].x[:, None] - known).max(axis=2)
    assert distance.min() > 0.05


@pytest.mark.parametrize("layout", [False, True])
def test_types_and_layouts_of_all_signals(layout):
    wanted = generate(**SMALL, validation=30, shifted_tests={"same": {}})
    dataset = generate(wanted.config, dtype="float32", channel_axis=layout)
    for name, part in dataset.parts.items():
        expected = wanted.parts[name].x.astype(np.float32)
        np.testing.assert_array_equal(
            part.x, expected[:, None] if layout else expected, strict=True
        )
        assert part.y.dtype == np.int64
        assert part.x.flags.c_contiguous
        assert part.x.flags.writeable
    assert dataset.t.dtype == np.float32
    x, _ = fresh_samples(dataset, 20, seed=1)
    assert (x.shape[1:], x.dtype) == (part.x.shape[1:], np.float32)


def test_own_templates_of_any_number_and_length():
    waves = np.sin(np.linspace(0, np.pi * np.arange(1, 4)[:, None], 25, axis=1))[..., 0]
    named = {"half": waves[0], "one": waves[1], "three halves": waves[2]}
    dataset = generate(**SMALL, templates=named)
    assert dataset.config.template_len == 25
    assert dataset.templates.x.shape == (3, 25)
    np.testing.assert_array_equal(dataset.templates.x, waves)
    np.testing.assert_allclose(dataset.templates.t, np.linspace(-5 / 6, 5 / 6, 25), atol=1e-15)
    assert np.bincount(together(dataset, "y")).tolist() == [100, 100, 100]
    assert "half one three halves" in str(dataset)
    assert fresh_samples(dataset, 30, seed=1)[0].shape == (30, 40)


def test_the_digits_as_own_templates_are_the_digits():
    own = generate(**SMALL, templates=digit_templates())
    plain = generate(**SMALL)
    np.testing.assert_array_equal(own.x, plain.x)
    np.testing.assert_array_equal(own.t, plain.t)


def test_normalising_templates():
    drawn = np.array([[5.0, 6, 5, 4], [0, 10, 20, 0]])
    x = normalise_templates(drawn)
    assert (x[:, 0] == 0).all()
    np.testing.assert_allclose(x.std(axis=1), 1 / 6, rtol=1e-14)
    np.testing.assert_allclose(normalise_templates(100 * drawn + 7), x, atol=1e-14)
    with pytest.raises(ValueError, match="class 1 is constant"):
        normalise_templates([[1, 2], [3, 3]])
    with pytest.raises(ValueError, match="finite numbers of shape"):
        normalise_templates([1, 2])


def test_fresh_samples_of_variants():
    dataset = generate(
        train=50,
        test=50,
        classes=(4, 7),
        class_proportions=(3, 1),
        positions="flipped",
        label_noise=1,
        label_noise_kind="other",
    )
    x, y = fresh_samples(dataset, 40, seed=1)
    assert np.bincount(y)[[4, 7]].tolist() == [30, 10]
    other = generate(num_samples=40, seed=1, classes=(4, 7), class_proportions=(3, 1))
    raw = together(other, "x") * other.std + other.mean
    np.testing.assert_allclose(x, (raw[:, ::-1] - dataset.mean) / dataset.std, atol=1e-12)
    np.testing.assert_array_equal(y, together(other, "y"))


def test_datasets_compare():
    parameters = {**SMALL, "validation": 30, "shifted_tests": {"a": {}}, "positions": "flipped"}
    one, two = generate(**parameters), generate(**parameters)
    assert one == two
    assert one == copy.deepcopy(one)
    assert one != generate(**parameters, seed=1)
    assert one != generate(**{**parameters, "positions": "original"})
    assert one != "dataset"
    two.y[3] += 1
    assert one != two
    two.y[3] -= 1
    two.shifted_tests["a"].x[0, 0] += 1
    assert one != two
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_a_dataset_prints_itself():
    dataset = generate(
        **SMALL,
        validation=30,
        label_noise=0.5,
        label_noise_kind="other",
        shifted_tests={"same": {}},
        dtype="float32",
        channel_axis=True,
    )
    lines = str(dataset).splitlines()
    assert lines[0].startswith("MNIST-1D, num_samples=300, validation=30, label_noise=0.5")
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "train", "validation", "test", "same", "classes", "label noise", "raw values",
    ]  # fmt: skip
    assert "210 x 1 x 40 float32" in lines[1]
    wrong = int((dataset.y != dataset.y_clean).sum())
    assert f"{wrong} wrong ({wrong / 210:.1%})" in lines[6]
    assert repr(dataset).startswith("Dataset(210 train, 30 validation, 60 test, 60 same, 40 points")
    assert str(mnist1d.load()).startswith("MNIST-1D, the published dataset\n")


def test_dictionary_of_a_variant_still_has_the_published_keys():
    made = generate(**SMALL, validation=30, label_noise=0.1).as_dict()
    assert list(made) == ["x", "x_test", "y", "y_test", "t", "templates"]


def test_a_dataset_is_what_generate_returns():
    assert isinstance(generate(DatasetConfig(**SMALL)), Dataset)


def test_more_than_memory_holds_is_refused_with_a_way_out(monkeypatch):
    def full(shape):
        raise MemoryError(shape)

    monkeypatch.setattr(np, "empty", full)
    message = r"2147483640 samples of 40 points take 640.0 GiB.*from mnist1d.stream.Stream"
    with pytest.raises(MemoryError, match=message):
        generate(num_samples=2**31 - 1)
