"""Any good variant can be made, saved and read; any damage to a file is noticed."""

import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from mnist1d import Dataset, DatasetConfig, generate
from mnist1d.dataset.config import apportion

names = st.text(min_size=1, max_size=5).filter(lambda name: name.isprintable())


@st.composite
def good(draw):
    """Parameters that fit together, small enough to be made in no time."""
    heights = draw(
        st.none()
        | st.integers(2, 15).flatmap(
            lambda n: st.lists(
                st.lists(st.floats(-1, 1), min_size=n, max_size=n), min_size=1, max_size=12
            )
        )
    )
    n_classes = 10 if heights is None else len(heights)
    parameters = {"templates": heights}
    if draw(st.booleans()):
        parameters["class_names"] = [f"{i}{draw(names)}" for i in range(n_classes)]
    labels = draw(st.permutations(range(n_classes)))
    n_labels = draw(st.integers(1, n_classes))
    if draw(st.booleans()):
        parameters["classes"] = labels[:n_labels]
    else:
        n_labels = n_classes
    if draw(st.booleans()):
        shares = st.floats(0.5, 2)
        parameters["class_proportions"] = draw(
            st.lists(shares, min_size=n_labels, max_size=n_labels)
        )
    if draw(st.booleans()):
        parameters |= {"train": draw(st.integers(60, 90)), "test": draw(st.integers(1, 30))}
    else:
        parameters["num_samples"] = draw(st.integers(60, 90))
    parameters["validation"] = draw(st.integers(0, 20))
    parameters["stratified"] = draw(st.booleans())
    kinds = ["symmetric", "published"] + ["other"] * (n_labels > 1)
    parameters |= {
        "label_noise": draw(st.floats(0, 1)),
        "label_noise_kind": draw(st.sampled_from(kinds)),
    }
    length = draw(st.integers(3, 20))
    named = ["original", "flipped", "shuffled", "shuffled_lottery"] + ["chunked"] * (
        length % 4 == 0
    )
    parameters |= {
        "final_seq_length": length,
        "positions": draw(st.sampled_from(named) | st.permutations(range(length))),
        "positions_seed": draw(st.none() | st.integers(0, 2**32 - 1)),
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "channel_axis": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "padding": draw(st.tuples(st.integers(5, 20), st.integers(5, 20)).map(sorted)),
    }
    shift = st.fixed_dictionaries(
        {},
        optional={
            "padding": st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted),
            "max_translation": st.integers(1, 100),
            "iid_noise_scale": st.floats(-10, 10),
            "shear_scale": st.floats(-10, 10),
        },
    )
    known = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True).filter(
        lambda name: name.lower() not in ("train", "validation", "test")
    )
    parameters["shifted_tests"] = draw(
        st.lists(st.tuples(known, shift), max_size=2, unique_by=lambda s: s[0].lower()).map(dict)
    )
    return parameters


@given(parameters=good())
@settings(max_examples=60, deadline=None)
def test_a_good_variant_has_the_promised_parts(parameters):
    dataset = generate(**parameters)
    config = dataset.config
    length = (1, config.final_seq_length) if config.channel_axis else (config.final_seq_length,)
    sizes = {"train": config.n_train, "validation": config.n_validation, "test": config.n_test}
    sizes |= {shift.name: config.n_test for shift in config.shifted_tests}
    for name, part in dataset.parts.items():
        assert part.x.shape == (sizes[name], *length)
        assert part.x.dtype == config.dtype
        assert np.isfinite(part.x).all()
        assert set(part.y.tolist()) <= set(config.labels)
    own = np.concatenate([dataset.y_clean, dataset.y_validation, dataset.y_test])
    counts = np.bincount(own, minlength=config.n_classes)
    assert counts[list(config.labels)].tolist() == list(config.class_sizes)
    if config.stratified:
        for part in (dataset.y_clean, dataset.y_validation, dataset.y_test):
            shares = np.array(config.class_sizes) / config.n_samples
            counts = np.bincount(part, minlength=config.n_classes)[list(config.labels)]
            assert (np.abs(counts - len(part) * shares) < 2).all()
    assert generate(config) == dataset
    assert str(dataset).count("\n") >= 3


@pytest.mark.slow
@given(parameters=good())
@settings(max_examples=30, deadline=None)
def test_a_good_variant_survives_json_and_a_file(parameters, tmp_path_factory):
    dataset = generate(**parameters)
    again = DatasetConfig.from_dict(json.loads(json.dumps(dataset.config.to_dict())))
    assert again == dataset.config
    assert hash(again) == hash(dataset.config)
    path = tmp_path_factory.mktemp("files") / "data.npz"
    dataset.save(path)
    assert Dataset.load(path, expected=again) == dataset


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
fields = sorted(DatasetConfig().to_dict())


@pytest.mark.slow
@given(values=st.dictionaries(st.sampled_from(fields), json_values, max_size=3))
@settings(max_examples=300, deadline=None)
def test_any_json_is_a_configuration_or_refused_by_name(values):
    try:
        config = DatasetConfig.from_dict(values)
    except (TypeError, ValueError) as error:
        named = [*values, "class_names", "train", "test", "template_len"]
        assert any(name in str(error) for name in named)  # noqa: PT017 (other errors may not pass)
        assert len(str(error)) < 400  # noqa: PT017
    else:
        assert DatasetConfig.from_dict(config.to_dict()) == config


SAMPLE = generate(
    num_samples=30, final_seq_length=4, templates=[[0, 1], [1, 0]], positions="flipped"
)


@cache
def sample_bytes():
    with tempfile.TemporaryDirectory() as folder:
        SAMPLE.save(f"{folder}/data.npz")
        return Path(folder, "data.npz").read_bytes()


def check_damaged(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    try:
        loaded = Dataset.load(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017 (other errors may not pass)
        return
    # Some bytes of a zip archive say nothing: then all of the content must be right.
    assert loaded == SAMPLE


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_flipped_bytes_are_noticed(data, tmp_path_factory):
    damaged = bytearray(sample_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] ^= data.draw(st.integers(1, 255))
    check_damaged(tmp_path_factory, bytes(damaged))


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_cut_and_patched_files_are_noticed(data, tmp_path_factory):
    content = sample_bytes()
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    damaged = content[:start] + data.draw(st.binary(max_size=50)) + content[stop:]
    check_damaged(tmp_path_factory, damaged)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_damage_behind_correct_checksums_is_noticed_or_harmless(data, tmp_path_factory):
    with zipfile.ZipFile(io.BytesIO(sample_bytes())) as archive:
        members = {name: bytearray(archive.read(name)) for name in archive.namelist()}
    damaged = members[data.draw(st.sampled_from(sorted(members)))]
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(damaged), 200) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, values in members.items():
            archive.writestr(name, bytes(values))
    path = tmp_path_factory.getbasetemp() / "forged.npz"
    path.write_bytes(buffer.getvalue())
    try:
        loaded = Dataset.load(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017 (other errors may not pass)
    else:
        # Values may differ, as a forger of checksums can forge values; their form may not.
        assert loaded.x.shape == (loaded.config.n_train, loaded.config.final_seq_length)
        assert set(loaded.y.tolist()) <= set(loaded.config.labels)


@given(
    n=st.integers(0, 10**6),
    shares=st.lists(st.integers(1, 1000) | st.floats(1e-3, 1e3), min_size=1, max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_apportionment_is_exact_in_sum_and_nearest_in_parts(n, shares):
    sizes = apportion(n, tuple(map(float, shares)))
    assert sum(sizes) == n
    for size, share in zip(sizes, shares, strict=True):
        assert abs(size - n * share / sum(shares)) < 1 + 1e-6
