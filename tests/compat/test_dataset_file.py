"""get_dataset and its file: what is read, what is made, what is written, and what is said."""

import io
import os
import pickle
import pickletools
import random
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist1d.data import get_dataset, get_dataset_args, get_templates, make_dataset
from mnist1d.published import provenance
from mnist1d.utils import to_pickle

# ruff: noqa: NPY002, S301 (the global random state and plain pickles are what is tested)

CHANGES = {
    "num_samples": 110,
    "train_split": 0.7,
    "template_len": 13,
    "padding": [36, 61],
    "scale_coeff": 0.5,
    "max_translation": 47,
    "corr_noise_scale": 0.26,
    "iid_noise_scale": 0,
    "shear_scale": -0.75,
    "shuffle_seq": True,
    "final_seq_length": 41,
    "seed": 43,
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def arguments(**changes):
    args = get_dataset_args()
    args.num_samples = 100
    for name, value in changes.items():
        setattr(args, name, value)
    return args


def names():
    return sorted(path.name for path in Path().iterdir())


def quiet(args, path=None, **keywords):
    return get_dataset(args, path, **{"verbose": False, "download": False, **keywords})


def states():
    return np.random.get_state()[1].tolist(), np.random.get_state()[2:], random.getstate()


def assert_equal(ours, other):
    assert list(ours) == list(other)
    for name, values in other.items():
        if name == "templates":
            assert_equal(ours[name], values)
        else:
            np.testing.assert_array_equal(ours[name], values, strict=True)


def foreign(data, path="mnist1d_data.pkl", protocol=3):
    Path(path).write_bytes(pickle.dumps(data, protocol))


# What is written.


def test_the_file_is_one_plain_pickle_of_protocol_3():
    data = quiet(arguments())
    content = Path("mnist1d_data.pkl").read_bytes()
    assert content[:2] == b"\x80\x03"
    stream = io.BytesIO(content)
    assert_equal(pickle.load(stream), data)
    assert stream.read() == b""
    pickletools.dis(content, io.StringIO())  # raises if it is not well-formed
    loaded = pickle.loads(content)
    assert list(loaded) == ["x", "x_test", "y", "y_test", "t", "templates"]
    assert {type(value) for value in loaded.values()} == {np.ndarray, dict}
    assert type(np.load("mnist1d_data.pkl", allow_pickle=True)) is dict


def test_nothing_but_the_file_is_left_in_the_folder():
    quiet(arguments())
    quiet(arguments(seed=1))
    assert names() == ["mnist1d_data.pkl"]


def test_plain_and_shuffled_sets_have_files_of_their_own():
    plain, shuffled = quiet(arguments()), quiet(arguments(shuffle_seq=True))
    assert names() == ["mnist1d_data.pkl", "mnist1d_data_shuffled.pkl"]
    assert_equal(quiet(arguments()), plain)
    assert_equal(quiet(arguments(shuffle_seq=True)), shuffled)
    assert not np.array_equal(plain["x"], shuffled["x"])


def test_missing_folders_are_made_and_any_kind_of_path_will_do():
    for path in ("a/b/c.pkl", Path("d/e.pkl"), "without_suffix"):
        data = quiet(arguments(), path)
        assert_equal(quiet(arguments(), path), data)
    quiet(arguments(), b"bytes.pkl")
    assert Path("bytes.pkl").exists()


@pytest.mark.parametrize("regenerate", [False, True])
def test_a_folder_is_no_file(regenerate):
    Path("folder").mkdir()
    before = states()
    with pytest.raises(IsADirectoryError, match=r"name a file in it.*folder"):
        quiet(arguments(), "folder", regenerate=regenerate)
    if not regenerate:
        assert states() == before


def test_a_full_disk_leaves_the_old_file(monkeypatch):
    before = quiet(arguments())

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: './mnist1d_data.pkl'"):
        quiet(arguments(seed=1))
    assert names() == ["mnist1d_data.pkl"]
    assert_equal(quiet(arguments()), before)


def test_readers_during_writing_see_whole_files_only():
    quiet(arguments(), "shared.pkl")
    stop = threading.Event()

    def rewrite():
        while not stop.is_set():
            to_pickle({"x": np.zeros(50_000)}, "shared.pkl")
            to_pickle({"x": np.ones(20_000)}, "shared.pkl")

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(100):
            assert len(pickle.loads(Path("shared.pkl").read_bytes())["x"]) in (80, 20_000, 50_000)
    finally:
        stop.set()
        writer.join()


# What is read.


def test_the_same_arguments_are_read_and_nothing_is_drawn():
    made = quiet(arguments())
    np.random.seed(3)
    random.seed(3)
    before = states()
    assert_equal(quiet(arguments()), made)
    assert_equal(quiet(arguments(), download=True), made)
    assert states() == before


def test_what_is_made_leaves_the_state_of_make_dataset():
    make_dataset(arguments())
    expected = states()
    for keywords in ({}, {"regenerate": True}):
        random.seed(0)
        np.random.seed(0)
        quiet(arguments(), **keywords)
        assert states() == expected


@pytest.mark.parametrize("name", CHANGES)
def test_our_file_never_answers_for_other_arguments(name):
    quiet(arguments(), "data.pkl")
    args = arguments(**{name: CHANGES[name]})
    assert_equal(quiet(args, "data.pkl"), make_dataset(args))
    # And the file is now that of these arguments.
    np.random.seed(1)
    before = states()
    quiet(args, "data.pkl")
    assert states() == before
    assert_equal(quiet(arguments(), "data.pkl"), make_dataset(arguments()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_samples", np.int64(100)),
        ("padding", (36, 60)),
        ("padding", np.array([36, 60])),
        ("train_split", np.float64(0.8)),
        ("shuffle_seq", 0),
        ("shuffle_seq", None),
        ("url", "elsewhere"),
    ],
)
def test_arguments_that_mean_the_same_are_the_same(name, value):
    made = quiet(arguments())
    np.random.seed(3)
    before = states()
    assert_equal(quiet(arguments(**{name: value})), made)
    assert states() == before


def test_templates_count_as_arguments():
    digits = get_templates()
    mirrored = {**digits, "x": -digits["x"]}
    plain = quiet(arguments())
    own = quiet(arguments(), template=mirrored)
    assert_equal(own, make_dataset(arguments(), mirrored))
    assert_equal(quiet(arguments(), template=mirrored), own)
    assert_equal(quiet(arguments()), plain)
    odd = {"x": [np.ones(5), np.arange(7.0)], "t": digits["t"], "y": ["a", "b"]}
    np.random.seed(1)
    ragged = [quiet(arguments(), "odd.pkl", template=odd)["x"] for _ in range(2)]
    np.testing.assert_array_equal(*ragged)


def test_few_attributes_are_enough_to_read():
    made = quiet(arguments())
    assert_equal(quiet(SimpleNamespace()), made)
    assert_equal(quiet(SimpleNamespace(seed=42)), made)
    foreign(made)
    assert_equal(quiet(SimpleNamespace()), made)
    with pytest.raises(AttributeError, match=r"no attribute 'num_samples'.*get_dataset_args\(\)"):
        quiet(SimpleNamespace(seed=43), "other.pkl")


def test_few_attributes_that_differ_do_not_get_the_file():
    quiet(arguments())
    with pytest.raises(AttributeError, match="num_samples"):
        quiet(SimpleNamespace(seed=43))
    assert_equal(quiet(arguments()), make_dataset(arguments()))


def test_no_arguments_mean_the_published_ones():
    assert_equal(quiet(None), make_dataset())


@pytest.mark.parametrize("protocol", range(6))
def test_files_of_other_origin_are_read_as_they_are(protocol):
    data = make_dataset(arguments())
    data["y"][:] = 3
    data["note"] = "changed by hand"
    foreign(data, protocol=protocol)
    np.random.seed(1)
    before = states()
    loaded = quiet(arguments())
    assert_equal(loaded["templates"], data["templates"])
    assert loaded["note"] == "changed by hand"
    assert (loaded["y"] == 3).all()
    assert loaded["x"].flags.writeable
    assert states() == before


def test_what_the_user_stored_is_no_longer_ours():
    data = quiet(arguments())
    data["y"][:] = 0
    to_pickle(data, "mnist1d_data.pkl")
    assert not quiet(arguments())["y"].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_samples": 200}, "80 training samples, not 160; 20 test samples, not 40"),
        ({"train_split": 0.5}, "80 training samples, not 50"),
        ({"final_seq_length": 30}, "40 points in a signal, not 30"),
    ],
)
def test_arguments_that_contradict_a_file_are_warned_of(changes, message):
    data = make_dataset(arguments())
    foreign(data)
    with pytest.warns(UserWarning, match=message):
        assert_equal(quiet(arguments(**changes)), data)
    with pytest.warns(UserWarning, match="regenerate=True with download=False"):
        quiet(arguments(**changes))
    assert_equal(quiet(arguments(**changes), regenerate=True), make_dataset(arguments(**changes)))


@pytest.mark.parametrize("name", CHANGES)
def test_the_published_arrays_are_known(name):
    foreign(make_dataset())
    quiet(None)
    args = get_dataset_args()
    setattr(args, name, CHANGES[name])
    with pytest.warns(UserWarning, match=f"the published dataset, with {name}="):
        quiet(args, "mnist1d_data.pkl")


def test_templates_that_contradict_a_file_are_warned_of():
    three = {
        name: values[:3] if name != "t" else values for name, values in get_templates().items()
    }
    foreign(make_dataset(arguments()))
    with pytest.warns(UserWarning, match="10 templates, not 3"):
        quiet(arguments(), template=three)


@pytest.mark.parametrize("thing", [{"hello": 1}, [1, 2], None, {"x": 3}, {"x": [], "y": []}])
def test_other_things_are_read_as_asked_with_a_warning(thing):
    foreign(thing)
    with pytest.warns(UserWarning, match="no MNIST-1D dataset"):
        assert quiet(arguments()) == thing


def test_labels_that_do_not_fit_are_warned_of():
    data = make_dataset(arguments())
    data["y"] = data["y"][:-1]
    foreign(data)
    with pytest.warns(UserWarning, match="79 training labels, not 80"):
        quiet(arguments())


def test_arguments_that_describe_no_sizes_are_not_compared():
    data = make_dataset(arguments())
    foreign(data)
    assert_equal(quiet(arguments(num_samples="many", train_split=None)), data)


def test_an_empty_file_is_none():
    Path("empty.pkl").touch(mode=0o600)
    quiet(arguments(), "empty.pkl")
    assert_equal(quiet(arguments(), "empty.pkl"), make_dataset(arguments()))
    assert Path("empty.pkl").stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_is_an_error_and_stays_as_it_is():
    quiet(arguments(num_samples=10), "data.pkl")
    whole = Path("data.pkl").read_bytes()
    for size in range(1, len(whole), 97):
        Path("data.pkl").write_bytes(whole[:size])
        with pytest.raises(pickle.UnpicklingError, match=r"data.pkl is damaged.*regenerate=True"):
            quiet(arguments(), "data.pkl")
        assert Path("data.pkl").read_bytes() == whole[:size]
    assert_equal(quiet(arguments(), "data.pkl", regenerate=True), make_dataset(arguments()))


def test_files_of_a_later_version_are_not_trusted(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "_VERSION", 9)
        quiet(arguments(), "data.pkl")
    assert b'"mnist1d": 9' in Path("data.pkl").read_bytes()
    np.random.seed(0)
    before = states()
    quiet(arguments(), "data.pkl")
    assert states() != before


class Payload:
    def __reduce__(self):
        return (open, ("executed", "w"))


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_a_file_is_executed(protocol):
    foreign({**make_dataset(arguments()), "extra": Payload()}, protocol=protocol)
    before = Path("mnist1d_data.pkl").read_bytes()
    with pytest.raises(pickle.UnpicklingError, match=r"io\.open.*from_pickle"):
        quiet(arguments())
    assert not Path("executed").exists()
    assert Path("mnist1d_data.pkl").read_bytes() == before


# What is said.


@pytest.mark.parametrize("same", [True, False])
def test_download_needs_no_network_and_follows_the_arguments(monkeypatch, same):
    def no_network(*_arguments, **_keywords):
        raise AssertionError("something tried to use the network")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    if same:
        data = get_dataset(get_dataset_args(), verbose=False)
        assert_equal(data, make_dataset())
        return
    with pytest.warns(UserWarning, match=r"num_samples=100\).*download=True.*download=False"):
        data = get_dataset(arguments(), verbose=False)
    assert_equal(data, make_dataset(arguments()))
    with pytest.warns(UserWarning, match="templates of its own"):
        get_dataset(arguments(), "own.pkl", verbose=False, template=get_templates())


def test_download_and_regenerate_exclude_each_other():
    before = states()
    with pytest.raises(AssertionError, match="pass download=False"):
        get_dataset(arguments(), regenerate=True)
    assert states() == before
    assert not names()


def test_what_is_printed(capsys):
    get_dataset(arguments(), download=False)
    get_dataset(arguments(), download=False)
    get_dataset(arguments())
    get_dataset(arguments(), verbose=False)
    assert capsys.readouterr().out.splitlines() == [
        "Did or could not load data from ./mnist1d_data.pkl. Rebuilding dataset...",
        "Successfully loaded data from ./mnist1d_data.pkl",
        "File already exists. Skipping download.",
        "Successfully loaded data from ./mnist1d_data.pkl",
    ]


def test_parameters_as_keywords_come_before_those_of_the_object():
    args = arguments()
    shuffled = quiet(args, shuffle_seq=True)
    assert_equal(shuffled, make_dataset(arguments(shuffle_seq=True)))
    assert names() == ["mnist1d_data_shuffled.pkl"]
    assert not args.shuffle_seq


@pytest.mark.parametrize("download", [False, True])
@pytest.mark.parametrize(
    ("keyword", "named"),
    [("force_download", "force_download"), ("num_sample", r"num_sample \(.* num_samples\?\)")],
)
def test_keywords_that_nothing_reads_are_warned_of(keyword, named, download):
    expected = make_dataset()
    for _ in ("made", "read"):
        with pytest.warns(
            UserWarning, match=f"^nothing reads these keywords of get_dataset: {named}$"
        ) as caught:
            data = quiet(None, download=download, **{keyword: True})
        assert caught[0].filename == __file__
        assert_equal(data, expected)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("test_samples", "num_samples"),
        ("num_test", "num_samples"),
        ("num_test_samples", "num_samples"),
        ("n_samples", "num_samples"),
        ("shuffle", "shuffle_seq"),
        ("noise_scale", "iid_noise_scale"),
        ("length", "final_seq_length"),
    ],
)
def test_attributes_that_nothing_reads_are_warned_of(name, near):
    args = arguments(**{name: 3})
    for call in (make_dataset, quiet, quiet):  # making, making with a file, reading
        with pytest.warns(UserWarning, match=rf"{name} \(did you mean {near}\?\)") as caught:
            data = call(args)
        assert caught[0].filename == __file__
        assert_equal(data, make_dataset(arguments()))


def test_other_objects_are_warned_of_near_misses_only():
    plain = vars(arguments())
    study = SimpleNamespace(**plain, lr=0.1, epochs=3, batch_size=32, model="cnn", device="cpu")
    make_dataset(study)
    study.test_samples = 30
    with pytest.warns(UserWarning, match=r"test_samples \(did you mean num_samples\?\)$"):
        make_dataset(study)


def test_every_call_returns_arrays_of_its_own():
    quiet(arguments())
    calls = [lambda: make_dataset(arguments()), lambda: quiet(arguments())]
    for first, second in ((a(), b()) for a in calls for b in calls):
        for name, values in first.items():
            if name == "templates":
                for part in ("x", "t", "y"):
                    assert values[part].flags.writeable
                    assert not np.shares_memory(values[part], second[name][part])
            else:
                assert values.flags.writeable
                assert not np.shares_memory(values, second[name])
