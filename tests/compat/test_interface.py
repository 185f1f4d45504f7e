"""What the published interface does beyond giving equal arrays: names, objects, errors."""

# ruff: noqa: NPY002, S301, S311 (the global random state and plain pickles are what is tested)

import copy
import inspect
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import mnist1d
from mnist1d import data as data_module
from mnist1d.data import get_dataset_args, get_templates, make_dataset
from mnist1d.dataset.atomic import atomic_write
from mnist1d.transform import corr_noise_like, interpolate, pad, shear, transform, translate
from mnist1d.utils import ObjectView, from_pickle, plot_signals, set_seed, to_pickle

SIGNATURES = {
    "data.get_dataset": "(args, path=None, verbose=True, download=True, regenerate=False, "
    "**kwargs)",
    "data.get_dataset_args": "(as_dict=False)",
    "data.get_templates": "()",
    "data.make_dataset": "(args=None, template=None)",
    "transform.corr_noise_like": "(x, scale)",
    "transform.iid_noise_like": "(x, scale)",
    "transform.interpolate": "(x, N)",
    "transform.pad": "(x, padding)",
    "transform.shear": "(x, scale=10)",
    "transform.transform": "(x, y, args, eps=1e-08)",
    "transform.translate": "(x, max_translation)",
    "utils.from_pickle": "(path)",
    "utils.ObjectView": "(d)",
    "utils.plot_signals": "(xs, t, labels=None, args=None, ratio=2.6, do_transform=False, "
    "dark_mode=False, zoom=1)",
    "utils.set_seed": "(seed)",
    "utils.to_pickle": "(thing, path)",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_the_published_ones(name):
    module, _, function = name.partition(".")
    signature = inspect.signature(getattr(sys.modules[f"mnist1d.{module}"], function))
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    assert str(inspect.Signature(bare)) == SIGNATURES[name]


def fresh(program, *, without=(), cwd=None):
    """Run a program in a new process in which some packages are not installed."""
    blocked = f"import sys\nfor name in {list(without)!r}: sys.modules[name] = None\n"
    return subprocess.run(
        [sys.executable, "-c", blocked + program],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "MPLBACKEND": "agg"},
    )


def test_importing_the_package_alone_is_enough_and_loads_numpy_alone():
    program = (
        "import mnist1d; mnist1d.data.make_dataset; mnist1d.utils.set_seed; mnist1d.transform; "
        "import mnist1d.data, mnist1d.utils, mnist1d.transform; mnist1d.make_dataset(); "
        "print({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )
    finished = fresh(program)
    assert finished.returncode == 0, finished.stderr
    for heavy in ("jax", "matplotlib", "pandas", "requests", "scipy", "torch"):
        assert f"'{heavy}'" not in finished.stdout


def test_everything_but_pictures_works_with_numpy_alone(tmp_path):
    program = (
        "from mnist1d.data import *; from mnist1d.transform import *; from mnist1d.utils import *\n"
        "args = get_dataset_args(); get_dataset(args); get_dataset(args, regenerate=True,\n"
        "download=False); transform(np.ones(12), np.ones(12), args)\n"
        "print('plt' in globals(), hasattr(mnist1d.utils, 'plt'))\n"
        "plot_signals(np.ones((10, 12)), np.ones(12))"
    )
    absent = ("matplotlib", "requests", "scipy")
    # A package that is None in sys.modules cannot be looked for; these are not installed at all.
    hidden = (
        "import importlib.util, importlib.machinery\n"
        "find = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda n, p=None: None if n in {absent} else find(n, p)\n"
    )
    finished = fresh(hidden + program, without=absent, cwd=tmp_path)
    assert finished.stdout.endswith("False False\n"), finished.stderr
    assert "ImportError: plot_signals draws with matplotlib" in finished.stderr


def test_transform_is_the_function_and_the_module_is_there_too():
    assert mnist1d.transform is transform
    assert isinstance(sys.modules["mnist1d.transform"], ModuleType)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        pytest.param("plt", "matplotlib", marks=pytest.mark.slow),
        ("requests", "requests"),
        pytest.param("gaussian_filter", "scipy", marks=pytest.mark.slow),
    ],
)
def test_names_of_other_libraries_are_loaded_on_first_use(name, package):
    pytest.importorskip(package)
    module = {"plt": "utils", "requests": "data", "gaussian_filter": "transform"}[name]
    program = (
        f"import mnist1d; assert {package!r} not in sys.modules\n"
        f"from mnist1d.{module} import {name}; assert {package!r} in sys.modules"
    )
    assert fresh(program).returncode == 0
    missing = fresh(f"from mnist1d.{module} import {name}", without=[package])
    assert "ImportError: cannot import name" in missing.stderr
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sys.modules[f"mnist1d.{module}"].nothing  # noqa: B018 (the access is the test)


# Argument objects.


def test_an_object_view_is_its_dictionary():
    entries = {"seed": 1, "items": 2}
    view = ObjectView(entries)
    view.seed = 3
    view.new = "field"
    entries["other"] = 4
    assert entries == {"seed": 3, "items": 2, "new": "field", "other": 4}
    assert vars(view) is entries
    assert view.other == 4
    assert view.items == 2
    del view.seed
    with pytest.raises(AttributeError, match="seed"):
        view.seed  # noqa: B018 (the access is the test)
    assert repr(view) == f"ObjectView({entries!r})"
    with pytest.raises(TypeError):
        ObjectView([("a", 1)])


def test_an_object_view_can_be_copied_and_pickled():
    view = get_dataset_args()
    for other in (copy.copy(view), copy.deepcopy(view), pickle.loads(pickle.dumps(view))):
        assert type(other) is ObjectView
        assert vars(other) == vars(view)
        other.seed = 0
        assert view.seed == 42
    assert ObjectView.__module__ == "mnist1d.utils"


def test_arguments_are_new_at_every_call():
    get_dataset_args().padding[0] = 0
    get_dataset_args(as_dict=True)["padding"][0] = 0
    assert get_dataset_args().padding == [36, 60]
    get_templates()["x"][:] = 0
    assert get_templates()["x"].any()


# Seeds and pickles.


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32])
def test_numpy_integers_are_seeds(kind):
    set_seed(kind(7))
    drawn = random.random(), np.random.rand()
    set_seed(7)
    assert drawn == (random.random(), np.random.rand())
    args = get_dataset_args()
    args.num_samples, args.seed = 20, kind(7)
    ours = make_dataset(args)
    args.seed = 7
    np.testing.assert_array_equal(ours["x"], make_dataset(args)["x"])


def test_seeding_leaves_other_generators_alone():
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    set_seed(1)
    assert rng.bit_generator.state == before
    torch = pytest.importorskip("torch")
    state = torch.get_rng_state()
    set_seed(2)
    assert torch.equal(torch.get_rng_state(), state)


def test_pickles_of_models_are_read_as_ever(tmp_path):
    thing = {"model": ObjectView({"w": np.ones(2)}), "path": Path("a")}
    to_pickle(thing, tmp_path / "new" / "thing.pkl")
    loaded = from_pickle(str(tmp_path / "new" / "thing.pkl"))
    assert loaded["path"] == Path("a")
    assert type(loaded["model"]) is ObjectView
    assert "WARNING" in from_pickle.__doc__


def test_what_cannot_be_pickled_leaves_the_old_file(tmp_path):
    path = tmp_path / "thing.pkl"
    to_pickle(1, path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        to_pickle([np.zeros(1000), lambda: 1], path)
    assert from_pickle(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["thing.pkl"]


# Datasets.


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shuffle_seq": True, "padding": (3, 9), "max_translation": 100, "final_seq_length": 55},
        {"padding": (57, 57), "shear_scale": 0, "corr_noise_scale": -1, "num_samples": 57},
    ],
)
def test_batches_give_what_single_steps_give(monkeypatch, changes):
    args = get_dataset_args()
    args.num_samples = 200
    vars(args).update(changes)
    digits = get_templates()
    for template in (None, {"x": -digits["x"][:7, :9], "t": digits["t"], "y": list("abcdefg")}):
        fast = make_dataset(args, template)
        states = np.random.get_state()
        with monkeypatch.context() as patch:
            patch.setattr(data_module, "_batch_configuration", lambda *_: None)
            slow = make_dataset(args, template)
        for name in ("x", "x_test", "y", "y_test", "t"):
            if slow[name].dtype.kind == "f":
                np.testing.assert_allclose(fast[name], slow[name], rtol=0, atol=1e-12)
            else:
                np.testing.assert_array_equal(fast[name], slow[name])
        np.testing.assert_array_equal(states[1], np.random.get_state()[1])
        assert states[2:] == np.random.get_state()[2:]


def test_the_usual_arguments_are_made_in_batches(monkeypatch):
    monkeypatch.delattr(data_module, "_one_by_one")
    args = get_dataset_args()
    args.num_samples, args.train_split, args.shuffle_seq = 30, 1, "yes"
    assert make_dataset(args)["x"].shape == (30, 40)
    args.num_samples, args.padding = np.int64(30), np.array([5, 9])
    assert make_dataset(args, get_templates())["x_test"].shape == (0, 40)


def test_large_sets_are_made_in_pieces(monkeypatch):
    args = get_dataset_args()
    args.num_samples = 100
    whole = make_dataset(args)
    monkeypatch.setattr(data_module, "_PIECE_VALUES", 72 * 13)
    np.testing.assert_array_equal(make_dataset(args)["x"], whole["x"])


def test_templates_are_copied():
    template = get_templates()
    args = get_dataset_args()
    args.num_samples = 20
    returned = make_dataset(args, template)["templates"]
    returned["x"][:] = 0
    assert template["x"].any()


def test_templates_may_be_lists():
    template = get_templates()
    args = get_dataset_args()
    args.num_samples = 20
    lists = {name: values.tolist() for name, values in template.items()}
    np.testing.assert_allclose(
        make_dataset(args, lists)["x"], make_dataset(args, template)["x"], rtol=0, atol=1e-12
    )


def test_a_dictionary_is_no_argument_object():
    with pytest.raises(AttributeError, match=r"no attribute 'num_samples'.*ObjectView\(d\)"):
        make_dataset(get_dataset_args(as_dict=True))


@pytest.mark.parametrize("n", [0, 9, -5])
def test_too_few_samples_are_refused(n):
    args = get_dataset_args()
    args.num_samples = n
    with pytest.raises(ValueError, match=f"num_samples={n} leaves no sample.* at least 10"):
        make_dataset(args)


# Single steps: what the published ones cannot do.


def test_lists_are_signals():
    np.random.seed(1)
    assert len(pad([1, 2], (3, 3))) == 5
    assert corr_noise_like([1, 2, 3], 1).shape == (3,)
    assert shear([1, 2, 3], 0).tolist() == [1, 2, 3]
    assert transform([0, 1, 0], [0, 1, 2], get_dataset_args())[0].shape == (40,)


def test_results_are_never_the_arguments():
    x = np.arange(5.0)
    for y in (pad(x, (0, 0)), shear(x, 0), translate(x, 1), interpolate(x, 5)):
        assert not np.shares_memory(x, y)
        np.testing.assert_allclose(x, y, atol=1e-15)


def test_batches_of_signals_are_padded_alike():
    assert pad(np.ones((2, 3, 4)), (2, 2)).shape == (2, 3, 6)


# Pictures.


@pytest.fixture
def pictures():
    return pytest.importorskip("matplotlib.pyplot")


def test_fewer_than_ten_signals_are_drawn(pictures):
    figure = plot_signals(np.ones((3, 40)), np.arange(40))
    assert len(figure.axes) == 3
    assert pictures.get_fignums()
    pictures.close("all")


def test_pictures_of_transformed_signals_need_arguments(pictures):
    with pytest.raises(AssertionError, match="args"):
        plot_signals(np.ones((10, 12)), np.arange(12), do_transform=True)
    assert not pictures.get_fignums()


def test_pictures_draw_no_random_numbers(pictures):
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()
    templates = get_templates()
    plot_signals(templates["x"], templates["t"], labels=templates["y"])
    assert np.random.get_state()[1].tolist() == before
    pictures.close("all")


# Files written whole.


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    (tmp_path / "file").write_text("old")
    program = (
        "import os\nfrom mnist1d.dataset.atomic import atomic_write\n"
        "with atomic_write('file') as file:\n    file.write(b'new')\n    os._exit(9)"
    )
    assert fresh(program, cwd=tmp_path).returncode == 9
    assert (tmp_path / "file").read_text() == "old"


def test_links_are_written_through_and_permissions_kept(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


def test_devices_are_not_replaced():
    with pytest.raises(OSError, match="not a regular file"), atomic_write(os.devnull):
        pass
    assert Path(os.devnull).is_char_device()


def test_errors_name_the_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"), atomic_write(tmp_path / "file" / "below"):
        pass
    with (
        pytest.raises(OSError, match=r"No space.*wanted") as caught,
        atomic_write(tmp_path / "wanted"),
    ):
        raise OSError(28, "No space left on device")
    assert "unchanged" in caught.value.__notes__[0]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
