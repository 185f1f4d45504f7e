"""Results say which commit of the code made them."""

import json
import runpy
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist1d.execution import commit
from mnist1d.execution.commit import commit_of

ROOT = Path(__file__).resolve().parents[2]
git = shutil.which("git")
with_git = pytest.mark.skipif(git is None, reason="git is not installed")
HASH = "0123456789abcdef0123456789abcdef01234567"


def in_repository(folder, *arguments):
    person = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    command = [git, "-C", str(folder), *person, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    package = tmp_path / "clone" / "src" / "mnist1d"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    project = '[project]\nname = "any-name"\n[project.scripts]\nmnist1d = "mnist1d.cli:main"\n'
    (tmp_path / "clone" / "pyproject.toml").write_text(project)
    (tmp_path / "clone" / "README.md").write_text("")
    in_repository(tmp_path / "clone", "init", "-q")
    in_repository(tmp_path / "clone", "add", ".")
    in_repository(tmp_path / "clone", "commit", "-q", "-m", "first")
    return package.resolve()


@with_git
def test_a_checkout_is_of_its_commit_until_the_package_is_changed(checkout, monkeypatch):
    root = checkout.parents[1]
    head = in_repository(root, "rev-parse", "HEAD")
    assert commit_of(checkout) == head
    monkeypatch.setenv("GIT_DIR", str(root / "another"))  # as in a hook
    assert commit_of(checkout) == head
    monkeypatch.delenv("GIT_DIR")
    (root / "README.md").write_text("changed")
    assert commit_of(checkout) == head
    (checkout / "new.py").write_text("")
    assert commit_of(checkout) == f"{head}-dirty"
    (checkout / "new.py").unlink()
    (checkout / "__init__.py").write_text("x = 1")
    assert commit_of(checkout) == f"{head}-dirty"


@with_git
def test_the_repository_of_another_project_says_nothing(checkout):
    root = checkout.parents[1]
    installed = root / ".venv" / "site-packages" / "mnist1d"
    shutil.copytree(checkout, installed)
    assert commit_of(installed) == "unknown"
    (root / "pyproject.toml").write_text('[project]\nname = "thesis"\n')
    assert commit_of(checkout) == "unknown"


@with_git
def test_without_git_and_in_a_broken_repository_nothing_is_known(checkout, monkeypatch):
    (checkout.parents[1] / ".git" / "HEAD").write_text("nonsense")
    assert commit_of(checkout) == "unknown"
    monkeypatch.setenv("PATH", "")
    assert commit_of(checkout) == "unknown"


@pytest.mark.parametrize(
    ("text", "found"),
    [(HASH, HASH), (f"{HASH}-dirty\n", f"{HASH}-dirty"), ("", "unknown"), ("v1.0", "unknown")],
)
def test_an_installation_has_the_commit_of_its_build(tmp_path, text, found):
    (tmp_path / "commit.txt").write_text(text)
    assert commit_of(tmp_path) == found


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ({"url": "https://a.b", "vcs_info": {"vcs": "git", "commit_id": HASH}}, HASH),
        ({"url": "file:///a", "dir_info": {}}, "unknown"),
        ([], "unknown"),
        ({"vcs_info": 3}, "unknown"),
    ],
)
def test_an_installation_from_an_address_has_its_commit(monkeypatch, tmp_path, about, found):
    package = tmp_path.resolve() / "mnist1d"

    def entry_points(**_):
        def read_text(name):
            return json.dumps(about) if name == "direct_url.json" else None

        found = SimpleNamespace(locate_file=tmp_path.joinpath, read_text=read_text)
        return [SimpleNamespace(dist=None), SimpleNamespace(dist=found)]

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    assert commit_of(package) == found
    assert commit_of(tmp_path / "another" / "mnist1d") == "unknown"


def test_the_build_adds_the_file(monkeypatch):
    hatchling = "hatchling.builders.hooks.plugin.interface"
    stand_in = SimpleNamespace(BuildHookInterface=dict)
    monkeypatch.setitem(sys.modules, hatchling, stand_in)
    hook = runpy.run_path(str(ROOT / "hatch_build.py"))["CommitHook"]()
    for target, place in (("wheel", "mnist1d"), ("sdist", "src/mnist1d")):
        hook.root, hook.target_name = str(ROOT), target
        data = {"force_include": {}}
        hook.initialize("standard", data)
        ((path, where),) = data["force_include"].items()
        assert where == f"{place}/commit.txt"
        assert Path(path).read_text().strip() == commit_of(ROOT / "src" / "mnist1d")
        hook.finalize("standard", data, "mnist1d.whl")
        assert not Path(path).exists()
        hook.initialize("editable", data := {"force_include": {}})
        assert data["force_include"] == {}


def test_a_task_keeps_its_commit_and_its_name(tmp_path):
    from mnist1d.execution import Store

    arrays = {"loss": np.array([0.5])}
    for folder, made_by in (("new", {"commit": HASH}), ("old", {})):
        Store(tmp_path / folder, **made_by).save(arrays, seed=0)
        store = Store(tmp_path / folder, commit="another")
        assert store.load(seed=0).keys() == {"loss"}
        assert store.commits == {made_by.get("commit", "unknown"): 1}
    names = [[path.name for path in (tmp_path / each).iterdir()] for each in ("new", "old")]
    assert names[0] == names[1]


def test_a_resumed_result_names_the_commits_of_its_tasks(monkeypatch, tmp_path):
    import xarray as xr

    from mnist1d.execution.task import Task
    from mnist1d.harness import record
    from mnist1d.harness.settings import as_json
    from mnist1d.harness.stored import commits
    from mnist1d.report.wording import commits_in_words

    def run(config, *, progress, compute):  # noqa: ARG001
        def square(tasks, _device, _on_step):
            for task in tasks:
                yield task, {"square": np.array(task.key["n"] ** 2)}

        tasks = [Task({"n": n}, {"n": n}) for n in range(config.seeds)]
        found = {
            task.key["n"]: arrays["square"]
            for task, arrays in compute(tasks, lambda _: square, None, devices="none")
        }
        return xr.Dataset({"square": ("seed", [found[n] for n in range(config.seeds)])})

    from mnist1d.experiments.pooling import Config

    experiment = SimpleNamespace(NAME="squares", VERSION=1, run=run)
    for name, seeds in (("a" * 40, 2), ("b" * 40, 3), ("c" * 40 + "-dirty", 4)):
        for module in (record, commits):
            monkeypatch.setattr(module, "commit_of_code", lambda name=name: name)
        result = record.execute(experiment, Config(seeds=seeds), folder=tmp_path)
        assert result.attrs["commit"] == name
        assert as_json(Config(seeds=seeds)) == result.attrs["config"]
    assert json.loads(result.attrs["unit_commits"]) == {"a" * 40: 2, "b" * 40: 1}
    assert commits.commits_of(result) == {name: 0, "a" * 40: 2, "b" * 40: 1}
    words = commits_in_words(commits.commits_of(result))
    assert (
        words == f"{'c' * 12}-dirty; of tasks that were finished before: 2 {'a' * 12}, 1 {'b' * 12}"
    )
    record.write(result, tmp_path / "result.nc")
    assert commits.commits_of(record.read(tmp_path / "result.nc")) == commits.commits_of(result)


def test_reading_the_commit_costs_nothing_at_import():
    program = (
        "import sys, mnist1d.cli, mnist1d.experiments\n"
        "assert 'mnist1d.execution.commit' not in sys.modules or "
        "not sys.modules['mnist1d.execution.commit'].commit_of_code.cache_info().misses"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_commit_is_read_once(monkeypatch):
    commit.commit_of_code()
    monkeypatch.setattr(commit, "commit_of", lambda _: pytest.fail("read again"))
    commit.commit_of_code()
