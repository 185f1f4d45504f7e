"""The command line, run in this process on settings that take seconds."""

import dataclasses
import json
import re
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import xarray as xr
from rich.console import Console

from mnist1d.cli.options.command import error_line
from mnist1d.cli.output import tables
from mnist1d.cli.output.progress import Bars
from mnist1d.dataset.atomic import atomic_write
from mnist1d.experiments import EXPERIMENTS, classification, metalearn_learning_rate, tsne
from mnist1d.experiments.classification import method
from mnist1d.harness import findings, record
from mnist1d.harness.claims import Claim
from mnist1d.harness.findings import findings_of
from mnist1d.harness.interface import InputError, Row
from mnist1d.harness.settings import as_json
from mnist1d.harness.stored import findings as stored_findings, finished
from mnist1d.harness.verdicts.rules import Equals
from mnist1d.measures.uncertainty import estimate


@pytest.fixture
def tiny(monkeypatch):
    """Make the quick settings quicker still."""
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)
    config = classification.Config(seeds=2, n_steps=11, evaluate_every=5)
    monkeypatch.setattr(classification.Config, "quick", lambda: config)
    monkeypatch.setattr(method, "MODELS", {"Logistic": method.MODELS["Logistic"]})


def test_list_names_every_experiment(command_line, capsys):
    command_line("list")
    assert "classification" in capsys.readouterr().out


def test_version_is_the_packages(command_line, capsys):
    command_line("--version")
    assert capsys.readouterr().out.startswith("mnist1d 0.")


def test_unknown_experiment_lists_the_known_ones(command_line, capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        command_line("reproduce", "clasification", "--out", tmp_path / "out")
    assert stop.value.code == 2
    assert "clasification" in (message := capsys.readouterr().err)
    assert "There are: classification" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), lambda experiment: getattr(experiment, "PAPER_SEEDS", experiment.Config().seeds)),
        (("--seeds", "7"), lambda _: 7),
        (("--quick",), lambda experiment: experiment.Config.quick().seeds),
    ],
)
def test_without_a_number_of_seeds_there_are_the_papers_runs(
    monkeypatch, command_line, tmp_path, options, expected
):
    for experiment in EXPERIMENTS:
        configs = []

        def execute(_, config, *, configs=configs, **__):
            configs.append(config)
            raise InputError("far enough")

        monkeypatch.setattr(record, "execute", execute)
        with pytest.raises(SystemExit):
            command_line("reproduce", experiment.NAME, *options, "--out", tmp_path)
        assert [config.seeds for config in configs] == [expected(experiment)]


def test_a_folder_without_mnist_is_named_before_anything_runs(monkeypatch, refusal, tmp_path):
    monkeypatch.setattr(record, "execute", lambda *_, **__: pytest.fail("something ran"))
    mnist = ("--mnist", tmp_path / "no")
    said = refusal("reproduce", "pooling", "tsne", *mnist, "--out", tmp_path)
    assert "MNIST cannot be read" in said


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_list_has_whole_names_however_narrow_the_terminal(
    monkeypatch, command_line, capsys, columns
):
    monkeypatch.setenv("COLUMNS", str(columns))
    command_line("list")
    out = capsys.readouterr().out
    assert all(experiment.NAME in out for experiment in EXPERIMENTS)


def test_a_file_in_the_folders_place_is_reported_before_training(refusal, tmp_path):
    (tmp_path / "out").touch()
    assert "a file is in a folder's place" in refusal(
        "reproduce", "tsne", "--out", tmp_path / "out"
    )


def test_no_seeds_are_refused(refusal, tmp_path):
    said = refusal("reproduce", "--seeds", "0", "--out", tmp_path / "out")
    assert "--seeds must be at least 1, not 0" in said


def test_a_folder_that_cannot_be_written_is_reported_before_training(
    monkeypatch, command_line, capsys, tmp_path
):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(classification, "run", lambda *_, **__: pytest.fail("training started"))
    with pytest.raises(SystemExit) as stop:
        command_line("reproduce", "--quick", "--out", file)
    assert stop.value.code == 2
    assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize("occupied", ["claims.json", "classification/result.nc"])
def test_a_folder_in_a_files_place_is_reported_before_training(
    monkeypatch, command_line, capsys, tmp_path, occupied
):
    (tmp_path / occupied).mkdir(parents=True)
    monkeypatch.setattr(classification, "run", lambda *_, **__: pytest.fail("training started"))
    with pytest.raises(SystemExit):
        command_line("reproduce", "--quick", "--out", tmp_path)
    assert str(tmp_path / occupied) in capsys.readouterr().err


@pytest.fixture
def summary_of_one_model(monkeypatch):
    """Claims and figures need all four models; the path through the command does not."""
    names = {"test-accuracy-plain-logistic", "test-accuracy-shuffled-logistic"}
    claims = tuple(claim for claim in classification.CLAIMS if claim.name in names)
    monkeypatch.setattr(classification, "CLAIMS", claims)
    monkeypatch.setattr(classification, "summarise", lambda _: [])
    monkeypatch.setattr(classification, "plot", lambda _: {})


@pytest.mark.slow
@pytest.mark.usefixtures("tiny", "summary_of_one_model", "quick_compilation")
def test_a_quick_run_is_marked_everywhere(command_line, capsys, tmp_path):
    command_line("reproduce", "classification", "--quick", "--out", tmp_path)
    assert "not the full protocol" in capsys.readouterr().out
    claims = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert claims
    assert all("not the full protocol" in claim["statement"] for claim in claims)
    result = xr.load_dataset(tmp_path / "classification" / "result.nc", engine="h5netcdf")
    assert result.attrs["protocol"] == "reduced"


@pytest.mark.slow
@pytest.mark.usefixtures("tiny", "summary_of_one_model", "quick_compilation")
def test_without_mnist_its_row_is_left_out_with_a_line(command_line, capsys, tmp_path):
    out = tmp_path / "new" / "folder"
    command_line("reproduce", "classification", "--quick", "--seeds", "3", "--out", out)
    assert "MNIST is left out" in capsys.readouterr().err
    result = record.load(classification, tmp_path / "new" / "folder" / "classification")
    assert "mnist_test_accuracy" not in result
    assert result.sizes["seed"] == 3


def test_a_damaged_result_is_named(tmp_path):
    (tmp_path / "result.nc").write_bytes(b"not a result")
    with pytest.raises(ValueError, match=r"result\.nc is damaged .* run again"):
        record.load(classification, tmp_path)


def test_a_foreign_result_is_named(tmp_path):
    foreign = xr.Dataset({"x": 1.0}, attrs={"experiment": "other"})
    foreign.to_netcdf(tmp_path / "result.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="holds no result of classification"):
        record.load(classification, tmp_path)


def run_without(package, *arguments):
    program = (
        "import importlib.util as u, sys; find = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == {package!r} else find(name, *a)\n"
        f"sys.modules[{package!r}] = None\n"
        f"sys.argv = ['mnist1d', *{arguments!r}]\n"
        "from mnist1d.cli import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_generating_needs_no_laboratory(tmp_path):
    out = str(tmp_path / "out")
    done = run_without("jax", "generate", "--num-samples", "20", "--out", out, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert "20 samples in 1 shard," in done.stdout
    assert (tmp_path / "out" / "mnist1d-00000.csv").exists()


def rows_of_times(seconds, *timed, **options):
    """Show the table of times of results; returns its lines as words."""
    results = [
        xr.Dataset(
            attrs={
                "experiment": name,
                "device": "2 x cpu",
                "seconds": wall,
                "compile_seconds": compiling,
                "units_found": found,
            }
        )
        for name, wall, compiling, found in timed
    ]
    console = Console(record=True, width=80)
    tables.show_times(results, seconds, console, **options)
    return [line.split() for line in console.export_text().splitlines()]


def test_the_table_of_times_parts_compiling_from_running_and_has_the_whole():
    rows = rows_of_times(420.0, ("tsne", 300.0, 2.0, 0), ("pooling", 100.0, 60.0, 7))
    assert ["tsne", "300", "2", "299", "0"] in rows
    assert ["pooling", "100", "60", "70", "7"] in rows
    assert ["tables,", "figures,", "files", "20"] in rows
    assert ["all", "420", "62", "369", "7"] in rows


def test_time_in_parallel_counts_once():
    timed = ("tsne", 300.0, 0.0, 0), ("pooling", 400.0, 0.0, 0)
    rows = rows_of_times(420.0, *timed, background=["tsne"])
    assert ["tsne,", "in", "parallel", "300", "0", "300", "0"] in rows
    assert ["tables,", "figures,", "files", "20"] in rows
    assert ["all", "420", "0", "400", "0"] in rows


@pytest.fixture
def executed(monkeypatch):
    """Have `record.execute` replaced and nothing shown or written; returns what was handed over."""
    handed = []
    monkeypatch.setattr(
        finished, "save_finished", lambda experiment, *_, **__: handed.append(experiment.NAME)
    )
    monkeypatch.setattr(stored_findings, "save_claims", lambda *_: {})
    monkeypatch.setattr(findings, "findings_of", lambda *_: None)
    monkeypatch.setattr(tables, "show_summary", lambda *_: None)
    monkeypatch.setattr(tables, "describe_time", lambda _: "")
    monkeypatch.setattr(tables, "show_times", lambda *_: None)
    return handed


@pytest.mark.slow
def test_short_experiments_come_first_and_embedding_runs_in_parallel(
    monkeypatch, command_line, tmp_path, executed
):
    others, begun = threading.Event(), []

    def execute(experiment, *_, **__):
        if experiment is tsne:
            assert others.wait(60)
        else:
            begun.append(experiment.NAME)
            if experiment not in (metalearn_learning_rate, classification):
                others.set()
        return xr.Dataset()

    monkeypatch.setattr(record, "execute", execute)
    command_line("reproduce", "--quick", "--out", tmp_path)
    assert begun == [
        "metalearn-learning-rate",
        "classification",
        "metalearn-activation",
        "lottery-tickets",
        "double-descent",
        "self-supervised",
        "pooling",
    ]
    assert executed[:2] == ["metalearn-learning-rate", "classification"]
    assert sorted(executed) == sorted([*begun, "tsne"])


@pytest.mark.slow
@pytest.mark.usefixtures("executed")
def test_background_work_ends_with_the_command(monkeypatch, command_line, tmp_path):
    background, stopped = threading.Event(), threading.Event()

    def execute(experiment, *_, progress, **__):
        if experiment in (metalearn_learning_rate, classification):
            return xr.Dataset()
        if experiment is tsne:
            background.set()
            try:
                for _ in range(600):
                    progress("embedding", 1, 2)
                    time.sleep(0.1)
            except Exception:
                stopped.set()
                raise
        assert background.wait(60)
        raise InputError("nothing works")

    monkeypatch.setattr(record, "execute", execute)
    with pytest.raises(SystemExit):
        command_line("reproduce", "--quick", "--out", tmp_path)
    assert stopped.wait(60)


def test_bars_of_a_group_stay_above_once_it_is_left():
    console = Console(record=True, width=80, force_terminal=False)
    with Bars(console) as bars:
        with bars.group() as group:
            group("training", 3, 3)
            with bars.group() as other:
                other("training", 0, 5)
                assert [task.total for task in bars.rich.tasks] == [3, 5]
        assert not bars.rich.tasks
        bars("training", 1, 9)
    lines = [line for line in console.export_text().splitlines() if line.strip()]
    assert ["5" in line for line in lines[:1]] == [True]
    assert [line.split()[0] for line in lines] == ["training:", "training", "training"]


def test_errors_of_files_say_whether_they_were_written_or_read(tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "data").read_bytes()
    assert error_line(missing.value, tmp_path) == f"{tmp_path / 'data'}: No such file or directory"
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as blocked, atomic_write(tmp_path / "file" / "result.nc"):  # noqa: PT011
        pass
    assert error_line(blocked.value, tmp_path).startswith(f"cannot write {tmp_path / 'file'}: ")
    assert (
        error_line(ConnectionError("the scheduler went away"), tmp_path)
        == "the scheduler went away"
    )


def test_verdicts_are_shown_however_wide_the_table():
    claim = Claim("mean", "The mean", "Table 1", Equals(5, 1), lambda result: estimate(result.x))
    experiment = SimpleNamespace(
        NAME="coin",
        TITLE="Coins",
        CLAIMS=(claim,),
        summarise=lambda result: [
            Row("coins", "mean", {f"a column, {i}": estimate(result.x) for i in range(9)}, "mean")
        ],
    )
    result = xr.Dataset({"x": ("seed", [5.0])}, attrs={"protocol": "full"})
    console = Console(record=True, width=80)
    tables.show_summary(findings_of(experiment, result), console)
    text = console.export_text()
    assert any("mean" in line and "imprecise" in line for line in text.splitlines())
    assert "One run has no interval: for example, --seeds 6" in text


@pytest.mark.parametrize("mark", [{}, {"PAPER_SEEDS": 1}])
def test_claims_that_nothing_can_decide_are_one_line(mark):
    def measure(result):
        return estimate(result.x)

    claims = [
        Claim(f"claim {i}", f"statement {i}", "here", Equals(5, 1), measure) for i in range(3)
    ]
    experiment = SimpleNamespace(
        NAME="coin",
        TITLE="Coins",
        CLAIMS=claims,
        Config=classification.Config,
        summarise=lambda result: [Row("coins", "mean", {"mean": measure(result)}, "claim 0")],
        **mark,
    )
    about = {"protocol": "reduced", "config": as_json(classification.Config.quick())}
    result = xr.Dataset({"x": ("seed", [4.9, 5.1])}, attrs=about)
    console = Console(record=True, width=200)
    tables.show_summary(findings_of(experiment, result), console)
    text = console.export_text()
    assert text.count("not checkable") == 1
    assert "statement" not in text
    how = "full protocol, `mnist1d reproduce coin`." if mark else "default settings."
    line = "3 claims are not checkable with these settings; --json lists them. They are decided by"
    assert f"{line} the {how}" in text
    assert re.search(r"5\.0 ± 1\.3 +5 *\n", text)  # the table has what is published


def test_diverged_runs_leave_room_for_what_diverged():
    found = estimate([float("nan")])
    experiment = SimpleNamespace(
        NAME="coin",
        TITLE="Coins",
        CLAIMS=(),
        summarise=lambda _: [
            Row("coins", "a condition of words", {str(c): found for c in range(4)})
        ],
    )
    console = Console(record=True, width=80)
    result = xr.Dataset(coords={"seed": [0]})
    tables.show_summary(findings_of(experiment, result), console)
    text = console.export_text()
    assert "(1 of 1 runs)" in text
    assert any(
        line.strip().startswith(("a condition of", "a condition")) for line in text.splitlines()
    )


def test_a_record_names_a_folder_without_its_place(tmp_path):
    config = tsne.Config.quick()
    (folder := tmp_path / "digits").mkdir()
    stand_in = SimpleNamespace(
        NAME="tsne", VERSION=1, run=lambda *_, **__: xr.Dataset(coords={"seed": [0]})
    )
    result = record.execute(stand_in, dataclasses.replace(config, mnist=folder))
    assert json.loads(result.attrs["config"])["mnist"] == "digits"
    assert str(tmp_path) not in str(result.attrs)


def test_claims_that_are_all_in_the_main_table_need_no_other():
    claim = Claim("mean", "The mean", "Table 1", Equals(5, 1), lambda result: estimate(result.x))
    experiment = SimpleNamespace(
        NAME="coin",
        TITLE="Coins",
        CLAIMS=(claim,),
        summarise=lambda result: [Row("coins", "mean", {"mean": estimate(result.x)}, "mean")],
    )
    result = xr.Dataset({"x": ("seed", [4.9, 5.1, 5.0])}, attrs={"protocol": "full"})
    console = Console(record=True, width=80)
    tables.show_summary(findings_of(experiment, result), console)
    text = console.export_text()
    assert "Coins" in text
    assert "1 confirmed" in text
    assert "Other claims" not in text
