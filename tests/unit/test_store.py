"""Stored results of tasks: found again, and never taken for something else."""

import numpy as np
import pytest

from mnist1d.execution import Store

ARRAYS = {"mask": np.arange(12).reshape(3, 4) % 2 == 0, "loss": np.array([0.5, np.nan], "float32")}
ABOUT = {"experiment": "example", "version": 1}


@pytest.fixture
def stored(tmp_path):
    Store(tmp_path, ABOUT).save(ARRAYS, seed=0, sparsity=0.25)
    return tmp_path


def test_a_result_comes_back_as_it_was(stored):
    store = Store(stored, ABOUT)
    found = store.load(sparsity=0.25, seed=0)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert store.n_found == 1


@pytest.mark.parametrize("about", [ABOUT | {"version": 2}, ABOUT | {"experiment": "other"}])
def test_another_experiment_or_version_finds_nothing(stored, about):
    assert Store(stored, about).load(seed=0, sparsity=0.25) is None


def test_another_key_finds_nothing(stored):
    store = Store(stored, ABOUT)
    assert store.load(seed=1, sparsity=0.25) is None
    assert store.load(seed=0) is None
    assert store.n_found == 0


def test_without_a_folder_nothing_is_kept():
    store = Store()
    store.save(ARRAYS, seed=0)
    assert store.load(seed=0) is None


def test_every_flipped_bit_and_every_cut_is_noticed_and_named(stored):
    (path,) = stored.iterdir()
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    damages = [whole[:n] for n in rng.integers(0, len(whole), 60)]
    for place in rng.integers(0, len(whole), 400):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << rng.integers(8)
        damages.append(bytes(flipped))
    for damaged in damages:
        path.write_bytes(damaged)
        said = []
        store = Store(stored, ABOUT, warn=said.append)
        assert store.load(seed=0, sparsity=0.25) is None
        assert len(said) == 1
        assert str(path) in said[0]


def test_a_file_of_something_else_in_its_place_is_not_used(stored):
    (path,) = stored.iterdir()
    np.savez(path, mask=ARRAYS["mask"])
    said = []
    assert Store(stored, ABOUT, warn=said.append).load(seed=0, sparsity=0.25) is None
    assert "holds something else" in said[0]


def test_objects_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="Object arrays"):
        Store(tmp_path, ABOUT).save({"bad": np.array([object()])}, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_a_task_may_call_something_like_what_all_have_in_common(tmp_path):
    Store(tmp_path, {"version": 1}).save(ARRAYS, version="of the task")
    assert Store(tmp_path, {"version": 2}).load(version="of the task") is None
    assert Store(tmp_path, {"version": 1}).load(version="of the task") is not None
