"""The command `mnist1d show`: every option reaches its picture, every error is one clear line."""

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pytest.importorskip("tyro", reason="tyro is not installed")

import tyro
from matplotlib.image import imread

import mnist1d
from mnist1d import DatasetConfig, pictures, preset
from mnist1d.cli.options.dataset import PUBLISHED_OPTIONS, DatasetOptions
from mnist1d.cli.show import show
from mnist1d.dataset.config import SAMPLE_PARAMETERS
from mnist1d.dataset.imports.installation import install_command
from mnist1d.figures import signals

ROOT = Path(mnist1d.__file__).parents[2]
DOCUMENT = ROOT / "docs" / "pictures.md"
SHARED = Path(__file__).parents[3] / "shared" / "mnist"
DATASET_OPTIONS = {
    "--preset no-noise": {"corr_noise_scale": 0.0, "iid_noise_scale": 0.0},
    "--padding 10 20": {"padding": (10, 20)},
    "--scale-coeff 0": {"scale_coeff": 0.0},
    "--max-translation 7": {"max_translation": 7},
    "--corr-noise-scale 0": {"corr_noise_scale": 0.0},
    "--iid-noise-scale 1e-3": {"iid_noise_scale": 0.001},
    "--shear-scale -2": {"shear_scale": -2.0},
    "--final-seq-length 17": {"final_seq_length": 17},
    "--classes 3 8": {"classes": (3, 8)},
    "--class-proportions 1 1 1 1 1 1 1 1 1 5": {"class_proportions": (1,) * 9 + (5,)},
    "--label-noise 0.25": {"label_noise": 0.25},
    "--label-noise-kind other": {"label_noise_kind": "other"},
    "--positions flipped": {"positions": "flipped"},
    "--final-seq-length 3 --positions 2,0,1": {"final_seq_length": 3, "positions": (2, 0, 1)},
    "--positions-seed 0": {"positions_seed": 0},
    "--templates own.txt": {"templates": ((0.0, 1.0, 0.0), (0.0, -1.0, 0.5))},
    "--channel-axis": {"channel_axis": True},
}


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)


def run(arguments):
    tyro.extras.subcommand_cli_from_dict(
        {"show": show, "other": lambda: None},
        args=["show", *shlex.split(arguments)],
        config=(tyro.conf.FlagCreatePairsOff,),
    )


@pytest.fixture
def calls(monkeypatch):
    """Return what the functions that draw were called with."""
    seen = []

    def replaced(name):
        draw = getattr(pictures, name)

        def seeing(config, **arguments):
            seen.append((name, config, arguments))
            return draw(config, **arguments)

        monkeypatch.setattr(pictures, name, seeing)

    for name in ("samples", "templates", "building", "overview"):
        replaced(f"{name}_picture")
    return seen


def files(folder="."):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*.p*"))


def test_without_options_a_sample_of_each_class_is_drawn_and_the_files_are_named(capsys, calls):
    run("")
    written = ["mnist1d-pictures/samples.png", "mnist1d-pictures/samples.pdf"]
    assert capsys.readouterr().out.split() == written
    assert files() == sorted(written)
    choice = {"rows": None, "first": None, "part": "train", "dark": False}
    assert calls == [("samples_picture", DatasetConfig(), choice)]


def test_the_file_holds_the_picture():
    run("samples --rows 2 --seed 7 --dark --out a.png")
    figure = signals.samples_picture(DatasetConfig(seed=7), rows=2, dark=True)
    signals.save_picture(figure, "b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize("option", DATASET_OPTIONS)
def test_every_parameter_of_the_dataset_is_an_option(option, calls):
    Path("own.txt").write_text("0 1 0\n0, -1, 0.5\n", encoding="utf-8")
    run(f"samples --first 1 --out a.png --dpi 20 {option}")
    assert [config for _, config, _ in calls] == [DatasetConfig(**DATASET_OPTIONS[option])]


def test_the_options_are_the_parameters_that_shape_a_sample():
    names = {field.name for field in fields(DatasetOptions)}
    assert names == {"preset", *SAMPLE_PARAMETERS}
    assert names == {re.match("--([a-z-]+)", o)[1].replace("-", "_") for o in DATASET_OPTIONS}
    assert PUBLISHED_OPTIONS.config() == DatasetConfig()


def test_an_option_that_is_given_its_published_value_counts():
    options = DatasetOptions(preset="noisy-labels", padding=(36, 60), label_noise=0.0)
    assert options.config() == preset("noisy-labels", label_noise=0.0)
    assert DatasetOptions(preset="hard", scale_coeff=0.4).config().scale_coeff == 0.4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        ("samples --rows 3", "samples", {"rows": 3}),
        ("samples --first 4 --part test", "samples", {"first": 4, "part": "test"}),
        ("templates --dark", "templates", {"dark": True}),
        ("building", "building", {"seed": 0, "dark": False}),
        ("building --seed 5 --dark", "building", {"seed": 5, "dark": True}),
        ("overview", "overview", {"seed": 42, "mnist": None}),
        ("overview --seed 6", "overview", {"seed": 6}),
    ],
)
def test_options_reach_their_picture(arguments, name, expected, calls):
    run(f"{arguments} --out a.png --dpi 20")
    ((called, config, given),) = calls
    assert (called, config) == (f"{name}_picture", DatasetConfig())
    assert given.items() >= expected.items()


def test_samples_follow_seed_and_size_of_the_dataset(calls):
    run("samples --num-samples 60 --seed 3 --final-seq-length 3000 --out a.png --dpi 20")
    assert calls[0][1] == DatasetConfig(num_samples=60, seed=3, final_seq_length=3000)


@pytest.mark.slow
def test_a_folder_gets_every_step_of_building_and_a_file_all_in_one(capsys):
    run("building --out steps --dpi 20")
    names = ["building", *(f"building-{number}" for number in range(8))]
    assert files("steps") == sorted(f"{name}.{end}" for name in names for end in ("png", "pdf"))
    assert len(capsys.readouterr().out.split()) == 18
    run("building --out one.PDF")
    assert Path("one.PDF").read_bytes().startswith(b"%PDF")
    assert len(capsys.readouterr().out.split()) == 1


@pytest.mark.parametrize("file_format", ["png", "pdf"])
def test_the_format_can_be_chosen(file_format):
    run(f"templates --format {file_format} --out new/v1.2 --dpi 20")
    assert files() == [f"new/v1.2/templates.{file_format}"]


def test_dpi_makes_larger_files():
    run("templates --out a.png --dpi 20")
    assert imread("a.png").shape[:2] == (39, 300)


def test_mnist_is_found_by_option_and_variable_or_reported_missing(capsys, monkeypatch, calls):
    run("overview --out a.png --dpi 20")
    assert "MNIST is left out: name its folder with --mnist" in capsys.readouterr().err
    monkeypatch.setitem(show.__globals__, "load_mnist", lambda folder: f"MNIST of {folder}")
    monkeypatch.setattr(pictures, "overview_picture", lambda *_, **given: calls.append(given))
    monkeypatch.setattr(pictures, "save_picture", lambda *_, **__: None)
    run("overview --mnist images --out a.png")
    monkeypatch.setenv("MNIST1D_MNIST", "elsewhere")
    run("overview --out a.png")
    Path("own.txt").write_text("0 1 0\n0 -1 0\n", encoding="utf-8")
    run("overview --out a.png --templates own.txt")
    found = [given["mnist"] for given in calls[1:]]
    assert found == ["MNIST of images", "MNIST of None", None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--out a.svg", "--out must end in .png or .pdf, or be a folder, not a.svg"),
        ("--out a.png --format pdf", "--format pdf contradicts --out a.png"),
        ("--out file/a.png", "file: a file is in a folder's place"),
        ("--out file", "--out must end in .png or .pdf, or be a folder, not file"),
        ("--out folder.png", "folder.png: this is a folder; name a file in it"),
        ("--padding 9 2", "padding must be (lowest, highest) with lowest <= highest, not (9, 2)"),
        ("--seed -1", "seed must be from 0 to 4294967295, not -1"),
        ("building --seed -1", "seed must be from 0 to 4294967295, not -1"),
        ("--label-noise 2", "label_noise must be from 0 to 1, not 2.0"),
        ("--classes 10", "classes[0] must be from 0 to 9, not 10"),
        ("--rows 0", "rows must be from 1 to 400, not 0"),
        ("--rows 2 --first 2", "rows must be left out if first is given"),
        ("templates --rows 2", "--rows must be left out with templates; it belongs to samples"),
        ("overview --num-samples 9", "--num-samples must be left out with overview; it belongs"),
        ("--num-samples 9", "num_samples must be at least 10, not 9"),
        ("templates --seed 2", "--seed must be left out with templates; it belongs to samples, "),
        ("samples --mnist x", "--mnist must be left out with samples; it belongs to overview"),
        ("building --part test", "--part must be left out with building; it belongs to samples"),
        ("overview --mnist none", "none is no folder: expected MNIST's four files there"),
        ("--templates none.txt", "none.txt: No such file or directory"),
        (
            "--templates blank.txt",
            "blank.txt must hold one template of numbers per line: it has none",
        ),
        ("--templates words.txt", "words.txt must hold one template of numbers per line"),
        ("--dpi 1", "dpi must be from 10 to 1000, not 1"),
        ("--positions mixed", "positions must be one of"),
        ("--positions 0,1", "positions must be a name or the integers 0 to 39 in any order"),
    ],
)
def test_an_error_is_one_clear_line_and_nothing_is_written(arguments, message, capsys):
    Path("file").touch()
    Path("folder.png").mkdir()
    Path("words.txt").write_text("one two\n", encoding="utf-8")
    Path("blank.txt").write_text("# none yet\n\n", encoding="utf-8")
    before = sorted(Path().rglob("*"))
    with pytest.raises(SystemExit) as stop:
        run(arguments)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("mnist1d: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


def test_an_unknown_picture_is_refused(capsys):
    with pytest.raises(SystemExit):
        run("sample")
    assert "samples" in capsys.readouterr().err


def test_without_matplotlib_the_install_line_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "mnist1d.figures.signals", None)
    with pytest.raises(SystemExit):
        run("templates")
    message = "mnist1d: this needs matplotlib; install it with: "
    assert capsys.readouterr().err == f"{message}{install_command('lab')}\n"


def test_importing_the_command_loads_neither_matplotlib_nor_jax():
    program = (
        "import sys; from mnist1d.cli.show import show; "
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "'mnist1d'" in loaded
    for heavy in ("matplotlib", "jax", "equinox", "xarray", "scipy"):
        assert f"'{heavy}'" not in loaded


if DOCUMENT.exists():
    TEXT = DOCUMENT.read_text("utf-8")
    COMMANDS = re.findall(r"^mnist1d show (.+)$", TEXT, flags=re.MULTILINE)
else:
    TEXT, COMMANDS = "", []


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_document_makes_its_picture(command, monkeypatch):
    if command.startswith("overview"):
        if not SHARED.is_dir():
            pytest.skip("MNIST's files are not there")
        monkeypatch.setenv("MNIST1D_MNIST", str(SHARED))
    run(command)
    for name in re.findall(r"--out (\S+)", command):
        assert f"]({Path(name).name})" in TEXT
        kept = ROOT / name
        assert kept.stat().st_size < 150_000
        made, stored = imread(name), imread(kept)
        assert made.shape == stored.shape
        # Other versions of matplotlib draw letters otherwise; another seed differs by 0.01.
        assert np.abs(made - stored).mean() < 0.004


@pytest.mark.skipif(not TEXT, reason="the documents are not in the package's folder")
def test_the_document_shows_every_picture_that_its_commands_make():
    assert len(COMMANDS) >= 5
    assert set(re.findall(r"!\[.+\]\((.+)\)", TEXT)) == {
        Path(name).name for name in re.findall(r"--out (\S+)", TEXT)
    }
