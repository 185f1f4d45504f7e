"""Grids of settings: planned before anything runs, kept point by point, one labelled array."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments import classification, double_descent, find_experiment
from mnist1d.harness import record
from mnist1d.harness.grid import plan_grid
from mnist1d.harness.grids import combine, coordinate
from mnist1d.harness.interface import InputError
from mnist1d.harness.settings import with_settings
from mnist1d.lab import run_grid

WALK = '''
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import xarray as xr
from mnist1d import DatasetConfig

NAME = "walk"

@dataclass(frozen=True)
class Config:
    """A walk.

    Attributes:
        seeds: number of walks.
        n_steps: their length, at least 1.
        scale: of a step.
        sizes: any.
        biased: whether.
        data: not used.
    """
    seeds: int = 2
    n_steps: int = 2
    scale: float = 1.0
    sizes: tuple[int, ...] = (1, 2)
    biased: bool = False
    data: DatasetConfig = DatasetConfig()

    def __post_init__(self):
        if self.n_steps < 1:
            raise ValueError(f"n_steps must be at least 1, not {self.n_steps}")

def run(config, *, progress, units):
    with Path(__file__).with_name("calls").open("a") as file:
        file.write("x")
    if (Path(__file__).with_name("stop")).exists() and config.scale == 3:
        raise KeyboardInterrupt
    progress("walking", 1, 1)
    steps = config.scale * np.random.default_rng(0).normal(size=(config.seeds, config.n_steps))
    return xr.Dataset(
        {
            "position": (("seed", "step"), steps.cumsum(1) + config.biased),
            "end": ("seed", steps.sum(1), {"units": "m"}),
            "n_positive": ("seed", (steps > 0).sum(1)),
            "size": ("rank", list(config.sizes)),
            "names": ("rank", [f"size {size}" for size in config.sizes]),
            "large": ("rank", [size > 1 for size in config.sizes]),
        },
        {"seed": range(config.seeds), "step": range(config.n_steps)},
        {"data_seed": 0},
    )
'''


@pytest.fixture
def walk(tmp_path):
    path = tmp_path / "walk.py"
    path.write_text(WALK, encoding="utf-8")
    return path


def n_calls(walk):
    return walk.with_name("calls").stat().st_size


def test_a_grid_is_one_array_with_a_dimension_per_field(walk):
    result = run_grid(walk, {"scale": [1.0, 2.0, 3.0], "biased": [False, True]}, seeds=4)
    assert result.position.dims == ("scale", "biased", "seed", "step")
    for scale in (1.0, 2.0, 3.0):
        for biased in (False, True):
            alone = run_grid(walk, seeds=4, scale=scale, biased=biased)
            xr.testing.assert_equal(
                result.sel(scale=scale, biased=biased, drop=True).drop_attrs(), alone.drop_attrs()
            )
    assert result.n_positive.dtype == alone.n_positive.dtype
    assert result.end.attrs["units"] == "m"


def test_attributes_say_what_was_run(walk):
    result = run_grid(walk, {"scale": [1.0, 2.0]}, seeds=3, n_steps=5)
    assert json.loads(result.attrs["grid"]) == {"scale": [1.0, 2.0]}
    shared = json.loads(result.attrs["config"])
    assert shared["n_steps"] == 5
    assert "scale" not in shared  # no point has the default
    assert result.attrs["experiment"] == "walk"
    assert result.attrs["protocol"] == "reduced"
    assert "numpy" in json.loads(result.attrs["versions"])


OWN = 'run = lambda config: xr.Dataset({"a": ("seed", [config.scale])}, {"seed": [0]}, '


def test_attributes_of_points_are_kept_if_they_are_the_same_and_never_added(walk, tmp_path):
    attributes = {
        "size": 40,
        "names": ["a", "b"],
        "flags": [True, False],
        "done": True,
        "unit": "m",
    }
    walk.write_text(f"{WALK}\n{OWN}{attributes!r} | {{'rate': config.scale}})\n", encoding="utf-8")
    for _ in range(2):  # computed, and found
        result = run_grid(walk, {"scale": [1.0, 2.0, 3.0]}, folder=tmp_path / "out")
        assert "rate" not in result.attrs
        assert {name: np.asarray(result.attrs[name]).tolist() for name in attributes} == attributes
        record.write(result, tmp_path / "result.nc")
    plain = xr.load_dataset(tmp_path / "result.nc", engine="h5netcdf").attrs
    assert plain["done"] == 1
    assert plain["size"] == 40
    assert list(plain["names"]) == ["a", "b"]


def test_an_attribute_that_no_file_can_hold_ends_the_first_point(walk, tmp_path):
    walk.write_text(f"{WALK}\n{OWN}{{'shape': None}})\n", encoding="utf-8")
    said = []
    with pytest.raises(InputError, match=r"cannot be stored as netCDF: .*shape"):
        run_grid(walk, {"scale": [1.0, 2.0]}, folder=tmp_path / "out", progress=say(said))
    assert not any("point 2" in line for line in said)


def say(lines):
    """Return a progress that notes remarks."""
    return lambda line, _, total: None if total else lines.append(line)


def test_a_grid_survives_its_file(walk, tmp_path):
    result = run_grid(walk, {"sizes": [(1,), (2, 3)], "data.label_noise": [0.0, 0.1]})
    record.write(result, tmp_path / "result.nc")
    plain = xr.load_dataset(tmp_path / "result.nc", engine="h5netcdf")
    xr.testing.assert_equal(plain, result)
    assert plain.sizes["data.label_noise"] == 2
    assert plain.sizes["sizes"] == 2
    assert plain["sizes"].values.tolist() == ["1", "2 3"]
    # What is swept has no common value.
    shared = json.loads(plain.attrs["config"])
    assert "sizes" not in shared
    assert shared["data"] == {
        name: value for name, value in DatasetConfig().to_dict().items() if name != "label_noise"
    }


def test_other_coordinates_are_joined_and_what_a_point_lacks_is_missing(walk):
    result = run_grid(walk, {"n_steps": [1, 3]})
    np.testing.assert_array_equal(result.step, [0, 1, 2])
    assert np.isnan(result.position.sel(n_steps=1, step=[1, 2])).all()
    assert np.isfinite(result.position.sel(n_steps=3)).all()
    assert np.isfinite(result.position.sel(n_steps=1, step=0)).all()


def test_rows_without_coordinates_are_filled_up_at_the_end(walk):
    result = run_grid(walk, {"sizes": [(1,), (2, 3)]})
    assert "rank" not in result.coords
    np.testing.assert_array_equal(result["size"], [[1, np.nan], [2, 3]])
    np.testing.assert_array_equal(result.names, [["size 1", ""], ["size 2", "size 3"]])
    np.testing.assert_array_equal(result.large, [[0, np.nan], [1, 1]])
    # What has no such dimension keeps its type.
    assert result.n_positive.dtype.kind == "i"


def test_a_variable_that_some_points_lack_is_missing_there():
    points = [xr.Dataset({"a": 1}), xr.Dataset({"a": 2, "b": ("x", [True, False])})]
    whole = combine(points, {"with_b": [False, True]})
    np.testing.assert_array_equal(whole.b, [[np.nan, np.nan], [1, 0]])
    assert whole.a.dtype.kind == "i"


def test_texts_as_coordinates_keep_their_order():
    points = [
        xr.Dataset({"a": ("model", [1.0, 2.0])}, {"model": ["MLP", "CNN"]}),
        xr.Dataset({"a": ("model", [3.0])}, {"model": ["Attention"]}),
    ]
    whole = combine(points, {"kind": ["old", "new"]})
    assert whole.model.values.tolist() == ["MLP", "CNN", "Attention"]
    np.testing.assert_array_equal(whole.a, [[1, 2, np.nan], [np.nan, np.nan, 3]])


def test_coordinates_that_differ_get_the_swept_dimension_and_others_do_not():
    def point(labels):
        return xr.Dataset(
            {"a": ("sample", [1.0, 2.0])},
            {"label": ("sample", labels), "place": ("sample", [5, 6])},
        )

    whole = combine([point([0, 1]), point([1, 0])], {"seed_of_data": [1, 2]})
    assert whole.label.dims == ("seed_of_data", "sample")
    assert whole.place.dims == ("sample",)


def test_a_field_whose_name_the_result_has_is_marked():
    points = [xr.Dataset({"rounds": ("seed", [n])}) for n in (3, 5)]
    whole = combine(points, {"rounds": [3, 5]})
    assert whole.rounds.dims == ("config_rounds", "seed")
    np.testing.assert_array_equal(whole.config_rounds, [3, 5])


def test_a_coordinate_at_some_points_only_is_refused_by_name():
    points = [xr.Dataset({"a": ("x", [1.0])}, {"x": [0]}), xr.Dataset({"a": ("x", [1.0])})]
    with pytest.raises(ValueError, match="dimension x has a coordinate at some points"):
        combine(points, {"kind": [1, 2]})


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2.5], "f"), ([1, 2], "i"), ([True, False], "b"), (["a", "b"], "U"), ([None, 1], "U")],
)
def test_values_are_numbers_where_they_can_be(values, kind):
    assert coordinate("field", values).dtype.kind == kind


def test_finished_points_are_found_again(walk, tmp_path):
    folder = tmp_path / "out"
    first = run_grid(walk, {"scale": [1.0, 2.0]}, folder=folder)
    reports = []
    again = run_grid(
        walk, {"scale": [1.0, 2.0]}, folder=folder, progress=lambda *what: reports.append(what)
    )
    assert n_calls(walk) == 2
    xr.testing.assert_identical(again, first)
    assert sum("found finished" in task for task, _, total in reports if total == 0) == 2


def test_a_larger_grid_computes_only_what_is_new(walk, tmp_path):
    run_grid(walk, {"scale": [1.0, 2.0]}, folder=tmp_path / "out")
    result = run_grid(walk, {"scale": [2.0, 4.0, 1.0]}, folder=tmp_path / "out")
    assert n_calls(walk) == 3
    fresh = run_grid(walk, {"scale": [2.0, 4.0, 1.0]})
    xr.testing.assert_equal(result, fresh)


def test_an_interrupted_grid_goes_on_at_the_point_where_it_was(walk, tmp_path):
    grid = {"scale": [1.0, 2.0, 3.0, 4.0]}
    walk.with_name("stop").touch()
    with pytest.raises(KeyboardInterrupt):
        run_grid(walk, grid, folder=tmp_path / "out")
    walk.with_name("stop").unlink()
    result = run_grid(walk, grid, folder=tmp_path / "out")
    assert n_calls(walk) == 3 + 2
    xr.testing.assert_equal(result, run_grid(walk, grid))


@pytest.mark.slow
def test_a_grid_that_was_killed_goes_on_and_ends_with_the_same_array(walk, tmp_path):
    slow = WALK.replace("progress(", "import time; time.sleep(0.3); progress(")
    walk.write_text(slow, encoding="utf-8")
    grid = {"scale": [1.0, 2.0, 3.0, 4.0, 5.0]}
    program = (
        "from pathlib import Path; from mnist1d.lab import run_grid; "
        f"run_grid({str(walk)!r}, {grid}, folder=Path({str(tmp_path / 'out')!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    points = tmp_path / "out" / "points"
    while len(list(points.glob("*.nc"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = n_calls(walk)
    result = run_grid(walk, grid, folder=tmp_path / "out")
    assert n_calls(walk) - before <= 3
    xr.testing.assert_equal(result, run_grid(walk, grid))


@pytest.mark.parametrize("content", [b"", b"not a result", None])
def test_a_damaged_or_foreign_point_is_named_and_computed_again(walk, tmp_path, content):
    folder = tmp_path / "out"
    first = run_grid(walk, {"scale": [1.0, 2.0]}, folder=folder)
    one, other = sorted((folder / "points").iterdir())
    one.write_bytes(other.read_bytes() if content is None else content)
    reports = []
    again = run_grid(
        walk, {"scale": [1.0, 2.0]}, folder=folder, progress=lambda *what: reports.append(what)
    )
    assert any(one.name in task and "computed again" in task for task, *_ in reports)
    xr.testing.assert_equal(again, first)
    assert n_calls(walk) == 3


def test_points_of_another_text_of_the_file_are_not_used(walk, tmp_path):
    run_grid(walk, folder=tmp_path / "out")
    walk.write_text(WALK.replace("default_rng(0)", "default_rng(1)"), encoding="utf-8")
    changed = run_grid(walk, folder=tmp_path / "out")
    assert n_calls(walk) == 2
    xr.testing.assert_equal(changed, run_grid(walk))


def test_whether_mnist_is_there_is_part_of_what_determines_a_point(monkeypatch, tmp_path):
    monkeypatch.setattr(classification, "run", lambda *_, **__: xr.Dataset({"a": 1}))
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)
    run_grid("classification", folder=tmp_path)
    monkeypatch.setenv("MNIST1D_MNIST", str(tmp_path / "mnist"))
    run_grid("classification", folder=tmp_path)
    assert len(list((tmp_path / "points").iterdir())) == 2


def test_progress_has_the_point_and_the_experiments_own(walk):
    reports = []
    run_grid(walk, {"scale": [1.0, 2.0]}, progress=lambda *what: reports.append(what))
    assert ("Grid point 2 of 2: scale = 2.0", 0, 0) in reports
    assert ("walking", 1, 1) in reports
    assert reports[-1] == ("grid points", 2, 2)


def test_no_seeds_are_refused_before_anything_runs(walk):
    with pytest.raises(InputError, match="seeds must be at least 1, not 0"):
        run_grid(walk, seeds=0)
    assert not walk.with_name("calls").exists()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"scale": []}, "scale has no value"),
        ({"scale": [1, 1.0]}, r"scale has the value 1\.0 twice"),
        ({"scale": 1.0}, "a list of values for scale, not 1.0"),
        ({"scale": "12"}, "a list of values for scale, not '12'"),
        ({"scle": [1.0]}, "no field 'scle'; did you mean 'scale'"),
        ({"scale.of": [1.0]}, "no field 'scale.of'"),
        ({"seeds": [1, 2]}, "seeds cannot be swept"),
        ({"n_steps": [1, 0]}, "n_steps must be at least 1, not 0"),
        ({"n_steps": [1, 0], "scale": [2.0]}, r"not 0 \(at n_steps = 0, scale = 2.0\)"),
        ({"data.label_noise": [0.1, 2.0]}, "data: label_noise must be from 0 to 1"),
        ({"data.lable_noise": [0.1]}, "did you mean 'label_noise'"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_runs(walk, grid, message):
    with pytest.raises(InputError, match=message):
        run_grid(walk, grid)
    assert not walk.with_name("calls").exists()


def test_a_configuration_may_hold_what_compares_to_no_truth_value(walk):
    text = WALK.replace(
        "data: DatasetConfig = DatasetConfig()",
        "start: object = field(default_factory=lambda: np.zeros(3))",
    )
    walk.write_text(text.replace("import dataclass", "import dataclass, field"), encoding="utf-8")
    result = run_grid(walk)
    assert result.attrs["protocol"] == "full"
    assert json.loads(result.attrs["config"])["start"] == [0, 0, 0]


def test_numpys_numbers_become_pythons():
    plan = plan_grid(double_descent, {"momentum": np.linspace(0, 0.5, 2), "widths": [[2, 3]]})
    assert [type(config.momentum) for config in plan.configs] == [float, float]
    assert plan.configs[1].momentum == 0.5


def test_parts_of_a_dataset_are_set_together():
    config = with_settings(classification.Config(), {"data.train": 3000, "data.test": 1000})
    assert config.data == DatasetConfig(train=3000, test=1000)


def test_the_quick_settings_can_be_the_common_ones():
    plan = plan_grid(double_descent, {"momentum": [0.0]}, config=double_descent.Config.quick())
    assert plan.configs[0].n_epochs == double_descent.Config.quick().n_epochs


def test_what_netcdf_cannot_hold_is_an_error(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(
        WALK.partition("def run")[0].replace('"walk"', '"odd"')
        + "def run(config):\n    return xr.Dataset({'a': ('x', np.array([{}], dtype=object))})\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="cannot be stored as netCDF"):
        run_grid(path, folder=tmp_path / "out")


LACKING = {
    "": "lacks NAME .* Config .* run",
    'NAME = "x"\ndef run(c): pass': "lacks Config",
    'NAME = "x"\nclass Config: pass\ndef run(c): pass': "Config .* must be a dataclass",
    "NAME = 3\nclass Config: pass\ndef run(c): pass": "NAME .* must be up to 100 letters",
    'NAME = "../x"\nclass Config: pass\ndef run(c): pass': "NAME .* must be up to 100 letters",
    'NAME = "classification"\nclass Config: pass\ndef run(c): pass': "must not be classification",
    "import no_such_module": "line 1: ModuleNotFoundError: No module named 'no_such_module'",
    "def": "cannot be run: SyntaxError",
    WALK.replace("n_steps: int = 2", "n_steps: int"): r"line \d+: TypeError: non-default",
    WALK.replace("seeds: int = 2", "seeds: int"): r"Config\(\) .* a default per field",
    WALK.replace("def run", "plot = 3\ndef run"): "plot .* must be a function, not 3",
}


@pytest.mark.parametrize(("text", "message"), LACKING.items())
def test_a_file_that_is_no_experiment_says_what_it_lacks(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        find_experiment(path)
    assert str(path) in str(caught.value)


def test_an_experiment_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no experiment 'double_descent'; did you mean 'double"):
        find_experiment("double_descent")
    with pytest.raises(InputError, match=r"absent\.py cannot be read"):
        find_experiment(tmp_path / "absent.py")


def test_a_file_may_import_modules_of_its_folder(walk):
    walk.with_name("beside_the_walk.py").write_text("SCALE = 7.0", encoding="utf-8")
    walk.write_text("from beside_the_walk import SCALE\n" + WALK, encoding="utf-8")
    assert find_experiment(walk).SCALE == 7.0


def test_functions_of_a_file_may_import_what_lies_beside_it(walk):
    (walk.parent / "lib").mkdir()
    (walk.parent / "lib" / "far_from_the_walk.py").write_text("FAR = 2.0", encoding="utf-8")
    walk.with_name("near_the_walk.py").write_text("NEAR = 7.0", encoding="utf-8")
    path = "import sys\nsys.path.append(str(__import__('pathlib').Path(__file__).parent / 'lib'))\n"
    walk.write_text(
        f"{path}{WALK}\n"
        "def run(config):\n"
        "    from near_the_walk import NEAR\n"
        "    from far_from_the_walk import FAR\n"
        "    return xr.Dataset({'sum': ('seed', [NEAR + FAR])})\n",
        encoding="utf-8",
    )
    assert run_grid(walk)["sum"].item() == 9


def test_other_texts_of_imported_files_are_another_version(walk):
    inner = walk.parent / "walk_parts"
    inner.mkdir()
    (inner / "__init__.py").touch()
    (inner / "deep.py").write_text("from . import deeper", encoding="utf-8")
    (inner / "deeper.py").write_text("A = 1", encoding="utf-8")
    (walk.with_name("walk_helper.py")).write_text("B = 1", encoding="utf-8")
    alone = find_experiment(walk).VERSION
    late = "\ndef later():\n    import walk_helper\n"
    walk.write_text(f"from walk_parts.deep import deeper\n{WALK}{late}", encoding="utf-8")
    versions = [find_experiment(walk).VERSION, find_experiment(walk).VERSION]
    (inner / "deeper.py").write_text("A = 2", encoding="utf-8")
    versions.append(find_experiment(walk).VERSION)
    walk.with_name("walk_helper.py").write_text("B = 2", encoding="utf-8")
    versions.append(find_experiment(walk).VERSION)
    assert versions[0] == versions[1]
    assert len({alone, *versions}) == 4


RAISING = "    def __post_init__(self):\n        raise {}\n"


@pytest.mark.parametrize("what", ["SystemExit(3)", "KeyError('x')", "AssertionError"])
def test_a_configuration_that_raises_is_one_line_with_the_file(tmp_path, what):
    path = tmp_path / "mine.py"
    body = WALK.partition("    def __post_init__")[0] + RAISING.format(what)
    path.write_text(body + "def run(config):\n    pass\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"Config\(\) in .*mine\.py must work.*: \w+") as caught:
        find_experiment(path)
    assert "\n" not in str(caught.value)
    path.write_text(f"raise {what}", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.py cannot be run"):
        find_experiment(path)


def test_settings_that_a_configuration_does_not_bear_are_one_line(tmp_path):
    path = tmp_path / "mine.py"
    body = WALK.partition("    def __post_init__")[0]
    check = "    def __post_init__(self):\n        1 / (self.scale - 5)\n"
    path.write_text(f"{body}{check}def run(config):\n    pass\n", encoding="utf-8")
    with pytest.raises(InputError, match="Config raised ZeroDivisionError: division by zero"):
        run_grid(path, scale=5)


def test_a_run_that_returns_something_else_is_refused(walk):
    walk.write_text(WALK + "\ndef run(config):\n    return 3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"must return an xarray\.Dataset, not int"):
        run_grid(walk)


def test_missing_parts_are_filled_in(walk):
    experiment = find_experiment(walk)
    assert experiment.TITLE == "walk"
    assert experiment.CLAIMS == ()
    assert experiment.plot(None) == {}
    assert experiment.summarise(None) == []
