"""What other systems lack, or do in another way, as far as it can be imitated here."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mnist1d
from mnist1d.cli.options.command import error_line
from mnist1d.dataset import atomic

SOURCE = Path(mnist1d.__file__).parent
POSIX_MODULES = {"crypt", "fcntl", "grp", "pwd", "resource", "termios", "tty"}
POSIX_NAMES = {
    "os": {"fork", "getuid", "geteuid", "getgid", "kill", "killpg", "mkfifo", "nice"}
    | {"sched_getaffinity", "setsid", "uname", "waitpid"},
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "alarm", "setitimer"},
}
# A text without any of these words needs no parsing.
ANY_NAME = re.compile(rf"\b({'|'.join(sorted(POSIX_MODULES.union(*POSIX_NAMES.values())))})\b")


def posix_only(text):
    """Yield line and name of everything that only POSIX has and no condition or `try` surrounds."""
    if ANY_NAME.search(text) is None:
        return
    tree = ast.parse(text)
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If | ast.IfExp | ast.Try)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name in POSIX_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module in POSIX_MODULES:
            names = [node.module]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [node.attr] if node.attr in POSIX_NAMES.get(node.value.id, ()) else []
        yield from ((node.lineno, name) for name in names if id(node) not in guarded)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=str)
def test_what_only_posix_has_is_used_under_a_condition(path):
    assert list(posix_only(path.read_text("utf-8"))) == []


def test_what_only_posix_has_is_seen():
    text = "import fcntl, os\ntry:\n    import pwd\nexcept ImportError: pass\nos.kill(1, 0)"
    assert list(posix_only(text)) == [(1, "fcntl"), (5, "kill")]
    guarded = "import os\nn = len(os.sched_getaffinity(0)) if hasattr(os, 'x') else 1"
    assert list(posix_only(guarded)) == []


QUICKLY = {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}


@pytest.fixture
def command(commands):
    """Return a function that runs one command in a new process, compiling quickly."""

    def run(*arguments, environment={}, **options):  # noqa: B006 (which stays as it is)
        (found,) = commands(arguments, environment=QUICKLY | environment, **options)
        return found

    return run


def checked(found):
    """Check that a command ended well, and warned of nothing specific to a system."""
    code, output, error = found
    error = error.decode(errors="replace")
    assert code == 0, error
    assert "Traceback" not in error
    assert not [
        line
        for line in error.splitlines()
        if "EncodingWarning" in line and f"{os.sep}mnist1d{os.sep}" in line
    ]
    return output


ENCODINGS = ["-X", "warn_default_encoding"]
CODE_PAGES = {
    "Windows": {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    "DOS": {"PYTHONIOENCODING": "cp437", "PYTHONUTF8": "0"},
    "C": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
}
pages = pytest.mark.parametrize("page", CODE_PAGES.values(), ids=CODE_PAGES)


@pytest.mark.slow
@pages
def test_help_and_errors_can_be_shown_on_any_code_page(page, commands):
    helps = ["--help", "list", "generate --help", "show --help", "run pooling --help"]
    found = commands(*(each.split() for each in [*helps, "nothing", "list -x"]), environment=page)
    assert [code for code, _, _ in found] == [0] * len(helps) + [2, 2]
    for _, output, error in found:
        assert b"Traceback" not in error
        assert b"mnist1d" in output + error


@pages
@pytest.mark.slow
def test_files_are_made_on_any_code_page(page, command, tmp_path):
    templates = tmp_path / "Vorlagen-ä.txt"
    templates.write_text("# größer\n0 1 0\n0 -1 0\n", "utf-8")
    out = tmp_path / "ä"
    options = ["--num-samples", "20", "--workers", "1", "--templates", templates]
    options += ["--format", "csv", "--out", out]
    done = command("generate", *options, options=ENCODINGS, environment=page)
    assert b"20 samples in 1 shard," in checked(done)
    assert len((out / "mnist1d-00000.csv").read_text("utf-8").splitlines()) == 21


@pytest.mark.parametrize("page", [CODE_PAGES["Windows"], CODE_PAGES["C"]], ids=["Windows", "C"])
@pytest.mark.slow
def test_an_experiment_is_run_shown_and_reported_on_any_code_page(page, commands, tmp_path):
    options = ["--quick", "--seeds", "2"]
    name = "metalearn-learning-rate"
    done, shown, reported = commands(
        ["reproduce", name, *options, "--out", tmp_path],
        ["show-result", tmp_path / name],
        ["report", tmp_path],
        options=ENCODINGS,
        environment=QUICKLY | page,
    )
    assert b"Metalearning" in checked(done)
    assert b"Configuration" in checked(shown)
    checked(reported)
    assert "±" in (tmp_path / name / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_are_new_processes_whatever_the_program_starts(method, command, tmp_path):
    prelude = f"import multiprocessing; multiprocessing.set_start_method({method!r})"
    options = ["--num-samples", "40", "--shard-size", "10", "--format", "npz", "--workers", "2"]
    done = command("generate", *options, "--out", tmp_path, prelude=prelude)
    assert b"40 samples in 4 shards" in checked(done)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_loaders_of_pytorch_start_new_processes(method):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from torch.utils.data import DataLoader

    from mnist1d.torch import MNIST1D, MNIST1DStream

    for data in (MNIST1D(num_samples=100), MNIST1DStream(100, seed=7)):
        loader = DataLoader(data, batch_size=40, num_workers=1, multiprocessing_context=method)
        assert sum(len(labels) for _, labels in loader) == len(data)


# Files on Windows


def test_a_file_that_is_read_is_replaced_once_it_is_closed(monkeypatch, tmp_path):
    path, attempts, replace = tmp_path / "file", [], Path.replace
    path.write_bytes(b"old")

    def busy(part, target):
        attempts.append(part)
        if len(attempts) < 3:
            raise PermissionError(13, "Access is denied", str(part))
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", busy)
    with pytest.raises(PermissionError), atomic.atomic_write(path) as file:
        file.write(b"new")
    assert (path.read_bytes(), len(attempts)) == (b"old", 1)
    monkeypatch.setattr(atomic, "_CAN_LOCK", False)
    with atomic.atomic_write(path) as file:
        file.write(b"new")
    assert (path.read_bytes(), len(attempts)) == (b"new", 3)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_stays_open_is_left_alone_and_named(monkeypatch, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def busy(part, _):
        raise PermissionError(13, "Access is denied", str(part))

    monkeypatch.setattr(atomic, "_CAN_LOCK", False)
    monkeypatch.setattr(atomic, "_WAITS", (0.0, 0.0))
    monkeypatch.setattr(Path, "replace", busy)
    with pytest.raises(PermissionError) as caught, atomic.atomic_write(path) as file:
        file.write(b"new")
    assert error_line(caught.value) == f"cannot write {path}: Access is denied"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_without_locks_what_a_killed_process_left_is_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(atomic, "_CAN_LOCK", False)
    (tmp_path / ".0123456789abcdef.part").write_bytes(b"half")
    os.utime(tmp_path / ".0123456789abcdef.part", (0, 0))
    (tmp_path / "other.part").write_bytes(b"another's")
    atomic.remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.part"]


# No home folder, or one that cannot be written

QUICK = ["run", "metalearn-learning-rate", "--quick", "--seeds", "1"]
HOMELESS = """
import os, pwd

def nobody(*_):
    raise KeyError("uid not found")

pwd.getpwuid = nobody
for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
    os.environ.pop(name, None)
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
"""


def in_folder(folder):
    return f"import os; os.chdir({str(folder)!r})\n"


NOT_KEPT = b"mnist1d: there is no home folder, so that compiled programs are not kept; "
NOT_KEPT += b"JAX_COMPILATION_CACHE_DIR names a folder\n"
of_posix = pytest.mark.skipif(
    os.name != "posix", reason="the home folder has other names elsewhere"
)


def remarks(found):
    """Return the lines on standard error that say something else than how far the work is."""
    lines = found[2].splitlines(keepends=True)
    return [line for line in lines if not re.match(rb".*: \d+ of \d+, ", line)]


@pytest.mark.slow
@of_posix
def test_without_a_home_everything_works_and_a_line_says_what_is_not_kept(command, tmp_path):
    done = command(*QUICK, prelude=in_folder(tmp_path) + HOMELESS)
    checked(done)
    assert remarks(done) == [NOT_KEPT]
    assert [path.name for path in tmp_path.iterdir()] == ["mnist1d-runs"]


@pytest.mark.slow
@of_posix
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, NOT_KEPT),
        ({"JAX_ENABLE_COMPILATION_CACHE": "false"}, b""),
        ({"XDG_CACHE_HOME": "/dev/null/folder"}, b""),
    ],
)
def test_what_is_not_kept_is_said_where_the_home_is_missing(variables, said, tmp_path):
    program = in_folder(tmp_path) + HOMELESS + f"os.environ |= {variables}\n"
    program += "from mnist1d.cli.options.command import prepare_devices; prepare_devices()\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr == said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@of_posix
def test_a_home_that_cannot_be_written_is_no_matter(command, tmp_path):
    home = tmp_path / "home"
    home.touch()  # no folder can be made in a file, whoever asks
    prelude = in_folder(tmp_path) + HOMELESS + f"os.environ['HOME'] = {str(home)!r}"
    done = command(*QUICK, prelude=prelude)
    checked(done)
    assert remarks(done) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "mnist1d-runs"]


@of_posix
def test_without_a_home_a_download_of_mnist_asks_for_a_folder():
    program = "import mnist1d.mnist as m\ntry:\n    m.load_mnist(download=True)\n"
    program += "except FileNotFoundError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-c", HOMELESS + "os.environ.pop('MNIST1D_MNIST', None)\n" + program],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = "no folder for MNIST: there is no home folder; name one in MNIST1D_MNIST\n"
    assert done.stdout == expected
