"""Commands as programs use them: exit codes, one line per error, progress, whole tables."""

import io
import os
import re
import select
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from mnist1d.cli import main
from mnist1d.cli.main import COMMANDS
from mnist1d.cli.options.arguments import integer
from mnist1d.cli.output import tables
from mnist1d.cli.output.console import make_console, show_title
from mnist1d.cli.output.ending import EXIT_CODES, one_line
from mnist1d.cli.output.progress import Bars, make_progress
from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness.claims import Claim
from mnist1d.harness.findings import findings_of
from mnist1d.harness.interface import Row
from mnist1d.harness.lines import Lines
from mnist1d.harness.verdicts.rules import Equals
from mnist1d.measures.uncertainty import estimate

ROOT = Path(__file__).resolve().parents[2]
TOO_LONG = "a" * 300


def mnist1d(*arguments, **options):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mnist1d", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture
def refused(monkeypatch, tmp_path, capsys):
    """Run a command that is refused; returns the line that says why."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mnist1d", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert end.value.code == 2, said
        assert not said.out
        (line,) = said.err.splitlines()
        assert line.startswith("mnist1d: ")
        return line.removeprefix("mnist1d: ")

    return run


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "a command is needed; there are: reproduce, "),
        ("reprodcue", "there is no command 'reprodcue'; did you mean 'reproduce'? There are: "),
        ("train", "there is no command 'train'; there are: reproduce, "),
        ("reproduce poling", "no experiment 'poling'; did you mean 'pooling'? There are: "),
        ("reproduce mnist", "there is no experiment 'mnist'; there are: classification, "),
        ("run poling", "no experiment 'poling'; did you mean 'pooling'? There are: "),
        ("reproduce own.py", "generation; a file of your own is run by `mnist1d run`"),
        ("run mnist", "there is no experiment 'mnist'; there are: classification, "),
        ("reproduce --sedes 3", "there is no option --sedes; did you mean --seeds?"),
        ("reproduce --epochs=3", "there is no option --epochs; see mnist1d reproduce --help"),
        ("run pooling --data.sead 3", "there is no option --data.sead; did you mean --data.seed?"),
        ("reproduce --seeds x", "--seeds must be an integer, not 'x'"),
        ("reproduce --seeds", "--seeds must be an integer, and has no value"),
        ("reproduce --seeds 1e-3", "--seeds must be an integer, not '1e-3'"),
        ("generate", "--num-samples and --out must be given; see mnist1d generate --help"),
        ("generate --out x", "--num-samples must be given"),
        ("compare", "FILE.py must be given"),
        ("verify", "RECORD.nc must be given"),
        ("export", "KIND and DIR must be given"),
        ("export files", "DIR must be given; see mnist1d export --help"),
        ("export csv out", "KIND must be one of huggingface, files, not 'csv'"),
        ("export files out more", "unexpected 'more'"),
        ("show picture", "PICTURE must be one of samples, templates, building, overview, not"),
        ("show --padding 3", "--padding must be 2 integers, not '3'"),
        ("show --classes 1 x", "--classes must be integers, not '1 x'"),
        ("show --preset nosy", "there is no preset 'nosy'; did you mean 'noisy'? There are: "),
        ("show --preset x", "there is no preset 'x'; there are: published, "),
        ("list everything", "unexpected 'everything'; see mnist1d list --help"),
        ("run pooling --sizes 100 x", "--sizes must be integers, not '100 x'"),
        ("run pooling --seeds 2 x", "--seeds must be an integer, not '2 x'"),
        ("run pooling --seeds 0", "seeds must be at least 1, not 0"),
        ("run pooling --seeds 1e30", "seeds must be at most 1000000000, not 1"),
        ("run tsne --mnist", "--mnist needs a value"),
        ("generate --num-samples -5 --out x", "num_samples must be at least 1, not -5"),
        ("reproduce --seeds 2 --seeds=2", "--seeds is given 2 times; give it once"),
        ("run pooling --seeds 2 --seeds 3", "--seeds is given 2 times; give it once"),
        ("run pooling --data.seed 2 --data_seed 3", "there is no option --data-seed"),
        ("run pooling --n-steps 2 --n_steps 3", "--n-steps is given 2 times; give it once"),
        ("run tsne --download-mnist True --download-mnist", "--download-mnist is given 2 times"),
        ("show --classes 1 --classes 2", "--classes is given 2 times; give it once"),
        ("run pooling --data.seed", "--data.seed needs a value"),
        ("run pooling --data.templates 1", "--data.templates can be set from Python alone"),
        ("show-result x --variables a", "--variables must be left out without --table FILE"),
        ("show-result x --table a.csv --experiment a.py", "--experiment must be left out with"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(refused, words, expected):
    assert expected in refused(*words.split())


def test_options_that_add_or_repeat_nothing_new_may_be_given_twice(refused):
    twice = ("--widths", "8", "--widths", "16", "--data.classes", "1", "--data.classes", "2")
    line = refused("run", "double-descent", "--quiet", *twice, "--quiet", "--seeds", "0")
    assert line.startswith("seeds must be at least 1")


DICTIONARY = '''
from dataclasses import dataclass, field
NAME = "own"

@dataclass(frozen=True)
class Config:
    """A configuration.

    Attributes:
        seeds: number of runs.
        layers: sizes by name.
    """

    seeds: int = 2
    layers: dict[str, int] = field(default_factory=dict)

def run(config): ...
'''


def test_a_setting_without_a_form_on_the_command_line_is_named(refused, capsys, monkeypatch):
    Path("own.py").write_text(DICTIONARY, "utf-8")
    line = refused("run", "own.py", "--layers", "3")
    assert "--layers can be set from Python alone, as a field of Config: its type, dict[" in line
    monkeypatch.setattr(sys, "argv", ["mnist1d", "run", "own.py", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert re.search(r"--layers +sizes by name. \(set from Python alone\)", capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a shell of Linux or macOS closes the streams")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_as_good_as_the_null_device(tmp_path, closed):
    command = "generate --num-samples 10 --out set --format npy --workers 1 --json"
    shell = f'exec "$@" {closed}'
    words = ["sh", "-c", shell, "sh", sys.executable, "-m", "mnist1d", *command.split()]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done
    assert done.stdout.startswith("{") == (">&-" not in closed.split())
    assert ("samples: 10 of 10" in done.stderr) == ("2>&-" not in closed)
    # What was said went into no file that had got the number of a stream.
    assert (tmp_path / "set" / "mnist1d-00000-y.npy").stat().st_size == 128 + 10 * 8


def test_progress_without_standard_error_is_not_written_elsewhere(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    Lines()("training", 1, 1)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_too_long_for_the_system_is_refused_in_one_line(refused, command):
    named = {
        "reproduce": ("pooling", "--out", TOO_LONG),
        "report": (TOO_LONG,),
        "run": ("pooling", "--out", TOO_LONG),
        "compare": (f"{TOO_LONG}.py",),
        "show-result": (TOO_LONG,),
        "verify": (TOO_LONG,),
        "generate": ("--num-samples", "10", "--out", TOO_LONG),
        "export": ("files", TOO_LONG),
        "show": ("--out", f"{TOO_LONG}.png"),
        "explore": ("--out", TOO_LONG),
        "human": (TOO_LONG,),
        "list": (TOO_LONG,),
    }
    line = refused(command, *named[command])
    assert "File name too long" in line or command == "list"
    assert len(line) < 500


@pytest.mark.parametrize("option", ["--mnist", "--templates"])
def test_files_named_by_options_may_be_too_long_too(refused, option):
    command = ("reproduce", "tsne") if option == "--mnist" else ("show",)
    assert "File name too long" in refused(*command, option, TOO_LONG)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_a_name_of_thousands_of_characters_is_cut(refused, command):
    words = ("--" + "x" * 5000,) if command else ("x" * 5000,)
    assert len(refused(*([command] if command else []), *words)) < 500


def test_a_message_of_several_lines_becomes_one():
    assert one_line("array(\n   [1,\n    2])\n") == "array( [1, 2])"
    assert len(one_line("x" * 10**5)) < 1100


@pytest.mark.parametrize(
    ("text", "expected"), [("4e7", 40_000_000), ("1.5E3", 1500), ("-2", -2), ("1_000", 1000)]
)
def test_integers_may_be_written_with_an_exponent(text, expected):
    assert integer(text) == expected


@pytest.mark.parametrize("text", ["4.5", "1e-3", "1.5e0", "nan", "1e999999999", "e", "", "3.0"])
def test_what_is_no_integer_is_not_rounded_to_one(text):
    with pytest.raises(ValueError, match=r"."):
        integer(text)


def test_samples_may_be_counted_with_an_exponent(tmp_path, outcome):
    given = ("--num-samples", "5e1", "--format", "csv", "--workers", "1")
    code, said, errors = outcome("generate", "--out", tmp_path / "set", *given)
    assert code == 0, errors
    assert "50 samples in 1 shard," in said


@pytest.mark.parametrize("unbuffered", ["", pytest.param("1", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        pytest.param(["run", "pooling", "--help"], marks=pytest.mark.slow),
        pytest.param(["list"], marks=pytest.mark.slow),
        ["list", "--json"],
    ],
)
def test_a_reader_that_stops_ends_the_command_without_a_word(arguments, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mnist1d", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 141


def test_exit_codes_are_in_the_help_and_in_the_document(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["mnist1d", "--help"])
    main()
    shown = capsys.readouterr().out
    document = (ROOT / "docs" / "commands.md").read_text("utf-8")
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", document, re.MULTILINE))
    assert {int(code): meaning for code, meaning in table.items()} == EXIT_CODES
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"^  {code} +{re.escape(meaning)}$", shown, re.MULTILINE)


# The others have fields of a dataset, whose values may be False and None.
@pytest.mark.parametrize("name", sorted({*COMMANDS} - {"export", "generate", "show"}))
def test_help_has_no_default_that_says_nothing(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["mnist1d", name, "--help"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--json" in shown
    for said in ("{None}", "(default: )", "(default: None)", "(default: False)"):
        assert said not in shown


@pytest.mark.slow
def test_interrupting_is_130_and_one_line(tmp_path):
    file = tmp_path / "slow.py"
    file.write_text(
        "import os, signal\nfrom dataclasses import dataclass\n"
        "NAME = 'slow'\n@dataclass(frozen=True)\nclass Config:\n    seeds: int = 1\n"
        "def run(config):\n    os.kill(os.getpid(), signal.SIGINT)\n",
        encoding="utf-8",
    )
    done = mnist1d("run", str(file), "--json", cwd=tmp_path)
    assert done.returncode == 130
    assert not done.stdout
    assert "mnist1d: interrupted; finished work is kept" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_failed_candidate_is_not_0_on_the_terminal_either(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "def most(x, y, *, seed):\n"
        "    return lambda signals: np.zeros(len(signals), int)\n"
        "def broken(x, y, *, seed):\n    raise ValueError('no')\n"
        "CANDIDATES = {'most': most, 'broken [relu]': broken}\n",
        encoding="utf-8",
    )
    options = ["--seeds=2", "--n-steps=100", "--shuffled=False", "--references=False"]
    done = mnist1d("compare", str(file), *options, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith(
        "mnist1d: 1 of 2 candidates failed: broken [relu]: "
    )
    assert "broken [relu] failed: " in done.stdout
    assert "compiling" not in done.stdout


# Progress


def test_elsewhere_than_on_a_terminal_progress_is_a_line_per_finished_task():
    said, now = [], [0.0]
    lines = Lines(said.append, lambda: now[0])
    with lines as progress:
        progress("relu [x], tuning", 0, 3)
        for done in (1, 2, 3):
            now[0] += 2
            progress("relu [x], tuning", done, 3)
        progress("relu [x], tuning", 3, 3)  # again
        progress("a remark", 0, 0)
    assert said == ["relu [x], tuning: 3 of 3, 6 s", "a remark"]


def test_what_takes_long_has_a_line_every_ten_seconds():
    said, now = [], [0.0]
    progress = Lines(said.append, lambda: now[0])
    progress("training", 0, 1000)
    for done in range(1, 100):
        now[0] += 1
        progress("training", done, 1000)
    assert said[0] == "training: 10 of 1,000, 10 s"
    assert len(said) == 9


def test_a_task_that_restarts_finishes_again():
    said = []
    progress = Lines(said.append, lambda: 0.0)
    for done in (0, 2, 0, 2):
        progress("training", done, 2)
    assert said == ["training: 2 of 2, 0 s"] * 2


def test_tasks_of_the_same_name_in_two_groups_are_two():
    said = []
    progress = Lines(said.append, lambda: 0.0)
    with progress.group() as first, progress.group() as second:
        first("training", 0, 2)
        second("training", 0, 4)
        second("training", 4, 4)
        first("training", 2, 2)
    assert said == ["training: 4 of 4, 0 s", "training: 2 of 2, 0 s"]


def test_bars_show_names_as_they_are_and_nothing_before_the_first_report():
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with Bars(console) as bars:
        assert not console.file.getvalue()
        bars("MLP [/relu] [red]", 1, 2)
        bars("note [/b]", 0, 0)
    shown = re.sub(r"\x1b\[[\d;?]*\w", "", console.file.getvalue())
    assert "MLP [/relu] [red]" in shown
    assert "note [/b]" in shown


def test_quiet_shows_nothing(capsys):
    with make_progress(make_console(), quiet=True, json=False) as progress:
        progress("training", 0, 2)
        progress("training", 2, 2)
        progress.note("a remark")
    assert capsys.readouterr() == ("", "")


def on_terminal(arguments, *, keep_output):
    """Run the command with a terminal as standard error, and perhaps as standard output."""
    main_end, other_end = pytest.importorskip("pty", exc_type=ImportError).openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist1d", *arguments],
        stdout=subprocess.PIPE if keep_output else other_end,
        stderr=other_end,
        stdin=other_end,
    )
    os.close(other_end)
    shown = b""
    while select.select([main_end], [], [], 60)[0]:
        try:
            shown += os.read(main_end, 10_000) or b""
        except OSError:  # the other end was closed
            break
    out = process.communicate()[0] or b""
    return process.returncode, shown.decode(), out.decode()


@pytest.mark.slow
@pytest.mark.parametrize("keep_output", [True, False])
def test_what_is_refused_shows_no_bar_on_a_terminal(tmp_path, keep_output):
    arguments = ["generate", "--num-samples", "-5", "--out", str(tmp_path / "set")]
    code, shown, out = on_terminal(arguments, keep_output=keep_output)
    assert code == 2
    assert shown.splitlines() == ["mnist1d: num_samples must be at least 1, not -5"]
    assert not out


def test_bars_go_to_the_terminal_and_results_to_the_file(tmp_path):
    arguments = ["generate", "--num-samples", "50", "--out", str(tmp_path / "set")]
    code, shown, out = on_terminal(
        [*arguments, "--format", "csv", "--workers", "1"], keep_output=True
    )
    assert code == 0
    assert "50/50" in shown
    assert out.startswith("50 samples in 1 shard,")
    assert len(out.splitlines()) == 1


# Tables


def test_tables_in_a_file_are_not_cut(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "argv", ["mnist1d", "list"])
    main()
    lines = capsys.readouterr().out.splitlines()
    for experiment in EXPERIMENTS:
        assert any(experiment.NAME in line and experiment.TITLE in line for line in lines)


def test_names_in_tables_are_text_and_not_markup(capsys):
    name = "[relu] [/b] :smile:"
    claim = Claim("mean", name, "Table 1", Equals(5, 1), lambda _: estimate([4.9, 5.1]))
    other = Claim("other", f"other {name}", "Table 1", Equals(5, 1), claim.measure)
    experiment = SimpleNamespace(
        NAME="coin",
        TITLE=name,
        CLAIMS=(claim, other),
        summarise=lambda _: [Row(name, name, {name: estimate([4.9, 5.1])}, "mean")],
    )
    import xarray as xr

    result = xr.Dataset({"x": ("seed", [4.9, 5.1])}, attrs={"protocol": "full"})
    tables.show_summary(findings_of(experiment, result), make_console())
    shown = capsys.readouterr().out
    assert shown.count(name) == 5


def test_titles_of_a_command_started_by_a_notebook_are_no_longer_than_their_text(
    monkeypatch, capsys
):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as notebooks do
    show_title(make_console(), "A title")
    assert capsys.readouterr().out == "A title\n"


def test_tables_of_a_command_called_in_a_notebook_are_text(monkeypatch, capsys):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    make_console().print("[b]table[/]")
    assert capsys.readouterr() == ("table\n", "")
