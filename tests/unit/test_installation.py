"""Without extras: help, lists, and the command that installs what is missing, which is never PyPI's
package of the same name; that package is noticed where it is installed, too."""

import functools
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mnist1d
from mnist1d.cli.main import COMMANDS
from mnist1d.dataset.imports import beside, installation, required
from mnist1d.dataset.imports.installation import install_command
from mnist1d.experiments import EXPERIMENTS

ROOT = Path(mnist1d.__file__).parents[2]
LABORATORY = {"equinox", "h5netcdf", "h5py", "jax", "jaxlib", "jaxtyping", "jinja2", "matplotlib"}
LABORATORY |= {"openTSNE", "optax", "pandas", "platformdirs", "scipy", "sklearn", "threadpoolctl"}
LABORATORY |= {"torch", "xarray"}
WITHOUT = """
import importlib.util, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if HIDDEN(name.partition(".")[0]):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if HIDDEN(name) else find(name, *rest)
sys.meta_path.insert(0, Hidden())
"""
CORE_ALONE = (
    "import sys, sysconfig\nKNOWN = {'mnist1d', 'numpy'}\n"
    "STANDARD = sys.stdlib_module_names | {sysconfig._get_sysconfigdata_name()}\n"
    "HIDDEN = lambda name: name not in KNOWN and name not in STANDARD\n" + WITHOUT
)
SHARDS_ALONE = f"HIDDEN = lambda name: name in {LABORATORY}\n{WITHOUT}"
COMMAND = "sys.argv = ['mnist1d', *sys.argv[1:]]\nfrom mnist1d.cli import main; main()"


def run(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done


HELPS = [f"{name} --help" for name in COMMANDS]
NEEDING = [name for name in COMMANDS if COMMANDS[name].packages]
GENERAL = ["--help", "list", "list --json", "--version"]


@pytest.fixture(scope="module")
def of_the_core_alone(commands):
    """Return what commands say without any package but NumPy: code, output and errors, by line."""
    return said(commands, [*GENERAL, *HELPS, *NEEDING], CORE_ALONE)


@pytest.fixture(scope="module")
def with_shards(commands):
    """Return the same of helps with the packages of the extra `shards`."""
    return said(commands, HELPS, SHARDS_ALONE)


def said(commands, lines, prelude):
    found = commands(*(line.split() for line in lines), prelude=prelude)
    texts = [(code, output.decode(), error.decode()) for code, output, error in found]
    assert "Traceback" not in "".join(error for _, _, error in texts)
    return dict(zip(lines, texts, strict=True))


@pytest.mark.parametrize("line", GENERAL)
def test_the_core_alone_shows_commands_and_experiments(line, of_the_core_alone):
    code, output, error = of_the_core_alone[line]
    expected = {
        "--help": COMMANDS,
        "list": [each.NAME for each in EXPERIMENTS],
        "--version": [f"mnist1d {mnist1d.__version__} from "],
    }
    assert (code, error) == (0, "")
    for word in expected[line.split()[0]]:
        assert word in output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_core_alone_has_help_for_every_command(name, of_the_core_alone):
    code, output, error = of_the_core_alone[f"{name} --help"]
    assert (code, error) == (0, "")
    about = COMMANDS[name]
    assert output.startswith(f"usage: mnist1d {name} ")
    assert about.summary in output
    assert (f"[{about.extra}]" in output) == bool(about.packages)


@pytest.mark.parametrize("name", COMMANDS)
def test_with_the_packages_of_shards_every_command_shows_its_options(name, with_shards):
    code, output, error = with_shards[f"{name} --help"]
    assert (code, error) == (0, "")
    options = {"export": "--preset", "human": "FILE", "list": "--help", "show": "--dark"}
    options |= {"show-result": "--table", "verify": "--trust"}
    assert options.get(name, "--out") in output


@pytest.mark.parametrize("name", NEEDING)
def test_a_command_names_what_it_needs_and_what_installs_it(name, of_the_core_alone):
    code, _, error = of_the_core_alone[name]
    assert code == 1
    assert error.count("\n") == 1
    assert error.startswith(f"mnist1d: `mnist1d {name}` needs ")
    assert error.endswith(f"{install_command(COMMANDS[name].extra)}\n")


LACKING = [
    ("from mnist1d.lab import compare", "jax", "lab"),
    ("import mnist1d.lab; mnist1d.lab.CNN", "equinox", "lab"),
    ("from mnist1d import pictures", "matplotlib", "lab"),
    ("import mnist1d; mnist1d.pictures", "matplotlib", "lab"),
    ("from mnist1d.training import Training", "equinox", "lab"),
    ("from mnist1d.models import CNN", "equinox", "lab"),
    ("from mnist1d.experiments.pooling import run", "jax", "lab"),
    ("import mnist1d.jax", "jax", "jax"),
    ("import mnist1d.torch", "torch", "torch"),
    ("from mnist1d.lab import TorchCandidate", "torch", "torch"),
]
IMPORTS = """
import sys

sys.modules[sys.argv[1]] = None
for statement in sys.argv[2:]:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mnist1d"]:
        del sys.modules[name]
    try:
        exec(statement)
    except ModuleNotFoundError as error:
        print(error)
    else:
        print("nothing")
"""


@pytest.fixture(scope="module")
def said_by_imports():
    """Return a function from a missing package to what each statement says that needs it.

    All of them run in one process: what needs the package is loaded by none of them.
    """

    @functools.cache
    def of(package):
        statements = [statement for statement, lacks, _ in LACKING if lacks == package]
        lines = run(IMPORTS, package, *statements).stdout.splitlines()
        return dict(zip(statements, lines, strict=True))

    return of


@pytest.mark.parametrize(
    ("statement", "package", "extra"),
    [
        pytest.param(*each, marks=pytest.mark.slow) if each[1] == "torch" else each
        for each in LACKING
    ],
)
def test_an_import_names_what_it_needs_and_what_installs_it(
    statement, package, extra, said_by_imports
):
    expected = f"this needs {package}; install it with: {install_command(extra)}"
    assert said_by_imports(package)[statement] == expected


@pytest.mark.parametrize(
    "arguments", [[], pytest.param(["classification", "tsne"], marks=pytest.mark.slow)]
)
def test_reproducing_names_what_one_experiment_needs_before_any_begins(arguments, tmp_path):
    hidden = f"HIDDEN = lambda name: name == 'openTSNE'\n{WITHOUT}"
    done = run(hidden + COMMAND, "reproduce", *arguments, "--out", str(tmp_path / "out"))
    line = f"the experiment tsne needs openTSNE; install it with: {install_command('tsne')}"
    assert (done.returncode, done.stderr) == (1, f"mnist1d: {line}\n")
    assert not (tmp_path / "out").exists()


def test_a_package_that_lacks_one_of_its_own_is_another_error(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import no_such_dependency\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_dependency'$"):
        required("half_installed", extra="lab")


# Where this package came from

METADATA = """Metadata-Version: 2.4
Name: {name}
Version: {version}
Provides-Extra: {extra}
Requires-Dist: numpy>=2.0
Requires-Dist: no-such-package[all]>=3; extra == '{extra}'
Requires-Dist: another_one>=1,<2 ; python_version > '3' and extra == "{extra}"
Requires-Dist: pytest>=9; extra == '{extra}'
Requires-Dist: of-another-extra; extra == 'other'
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Be installed in a folder of its own; returns a function that adds a distribution there."""
    monkeypatch.setattr(installation, "_CODE", tmp_path / "mnist1d")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def add(origin=None, version=mnist1d.__version__, extra="lab", folder=tmp_path, name="mnist1d"):
        about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir(parents=True)
        text = METADATA.format(name=name, version=version, extra=extra)
        (about / "METADATA").write_text(text, "utf-8")
        if extra == "lab":
            command = "[console_scripts]\nmnist1d = mnist1d.cli:main\n"
            (about / "entry_points.txt").write_text(command, "utf-8")
        if origin is not None:
            (about / "direct_url.json").write_text(json.dumps(origin), "utf-8")
        if str(folder) not in sys.path:
            sys.path.append(str(folder))

    return add


def test_in_a_clone_the_command_names_the_clone(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(installation, "_CODE", tmp_path / "src" / "mnist1d")
    assert install_command("lab") == f"pip install -e '{tmp_path}[lab]'"


def test_from_a_folder_the_command_names_the_folder(site, tmp_path):
    clone = tmp_path / "my clone"
    clone.mkdir()
    site({"url": clone.as_uri(), "dir_info": {}})
    assert install_command("lab") == f"pip install '{clone}[lab]'"


def test_from_an_address_the_command_names_the_address(site):
    site({"url": "https://example.org/mnist1d.zip", "archive_info": {}})
    address = "https://example.org/mnist1d.zip"
    assert install_command("lab") == f"pip install 'mnist1d[lab] @ {address}'"


def test_from_a_repository_the_command_names_the_commit(site):
    commit = {"vcs": "git", "commit_id": "a1b2"}
    site({"url": "https://example.org/mnist1d", "vcs_info": commit})
    expected = "pip install 'mnist1d[lab] @ git+https://example.org/mnist1d@a1b2'"
    assert install_command("lab") == expected


@pytest.mark.parametrize("origin", [None, {"url": "file:///no/such/folder"}, {}])
def test_without_a_place_the_command_has_the_requirements_that_are_missing(site, origin):
    site(origin)
    expected = "pip install 'no-such-package[all]>=3' 'another_one>=1,<2' 'pytest>=9'"
    assert install_command("lab", ["no_such"]) == expected


def test_what_is_installed_is_not_required_again(site, monkeypatch):
    site()
    monkeypatch.setattr(installation, "_is_installed", lambda text: text.startswith("pytest"))
    assert "pytest" not in install_command("lab")


def test_the_distribution_may_have_another_name(site):
    site(name="another-name")
    expected = "pip install 'no-such-package[all]>=3' 'another_one>=1,<2' 'pytest>=9'"
    assert install_command("lab") == expected


def test_an_address_goes_with_the_name_of_the_distribution(site):
    site({"url": "https://example.org/it.zip", "archive_info": {}}, name="another-name")
    assert install_command("lab") == "pip install 'another-name[lab] @ https://example.org/it.zip'"


def test_without_any_metadata_the_missing_package_is_named(site):
    del site
    assert install_command("lab", ["no_such"]) == "pip install no_such"


# The published package

PUBLISHED = {"version": "0.0.2.post1", "extra": "all"}


def test_the_published_package_in_another_folder_is_noticed(site, tmp_path):
    site()
    site(**PUBLISHED, folder=tmp_path / "elsewhere")
    (line,) = installation.other_packages()
    assert line.startswith("mnist1d 0.0.2.post1, another package of this name, is installed in ")
    assert str(tmp_path / "elsewhere") in line
    assert "what comes first" in line


@pytest.mark.parametrize("published_first", [True, False])
def test_the_published_package_in_the_same_folder_is_noticed(site, tmp_path, published_first):
    for options in ({}, PUBLISHED) if published_first else (PUBLISHED, {}):
        site(**options)
    (line,) = installation.other_packages()
    assert f"the same folder, {tmp_path}, so that their files are mixed" in line
    assert "pip uninstall mnist1d" in line


def test_alone_there_is_nothing_to_notice(site):
    site()
    assert installation.other_packages() == []


def test_the_published_package_is_never_the_place_to_install_from(site, tmp_path):
    published = tmp_path / "elsewhere"
    published.mkdir()
    site({"url": published.as_uri()}, **PUBLISHED, folder=published)
    assert str(published) not in install_command("lab", ["jax"])


def test_version_names_the_other_package(tmp_path):
    about = tmp_path / "mnist1d-0.0.2.post1.dist-info"
    about.mkdir()
    text = METADATA.format(name="mnist1d", **PUBLISHED)
    (about / "METADATA").write_text(text, "utf-8")
    done = run(f"import sys; sys.path.append({str(tmp_path)!r})\n{COMMAND}", "--version")
    assert done.stdout.startswith(f"mnist1d {mnist1d.__version__} from ")
    assert "mnist1d 0.0.2.post1, another package of this name" in done.stderr


@pytest.fixture
def published_files(tmp_path):
    """Return a folder with a package as the published one, without what pip writes beside it."""
    for name in ("__init__.py", "data.py", "transform.py", "utils.py"):
        path = tmp_path / "files" / "mnist1d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "files"


def test_an_import_warns_of_a_package_that_it_hides(published_files):
    program = f"import sys; sys.path.append({str(published_files)!r})\nimport mnist1d"
    done = run(program)
    assert done.returncode == 0
    line = f"another package of this name is in {published_files}, too; programs import what comes"
    assert f"UserWarning: {line}" in done.stderr
    assert done.stderr.count("UserWarning") == 1


def test_an_import_warns_of_files_that_are_mixed(site, tmp_path, monkeypatch):
    monkeypatch.setattr(beside, "_PLACE", str(tmp_path))
    site(name="another-name")
    beside.warn(mnist1d.__version__)  # pytest makes an error of a warning
    site(**PUBLISHED)
    with pytest.warns(
        UserWarning, match=r"mnist1d 0\.0\.2\.post1, .* so that their files are mixed"
    ):
        beside.warn(mnist1d.__version__)


def test_another_copy_of_this_package_is_no_other_package(published_files, monkeypatch):
    (published_files / "mnist1d" / "dataset").mkdir()
    monkeypatch.syspath_prepend(published_files)
    assert beside.other_folders() == []


def test_an_import_alone_reads_no_metadata():
    done = run("import sys, mnist1d; print('importlib.metadata' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_overwritten_files_are_noticed_by_the_command():
    program = (
        "import sys, mnist1d; del mnist1d.__version__\n"
        "from mnist1d.dataset.imports import installation\n"
        "installation.other_packages = lambda: ['mnist1d 0.0.2 is installed in the same folder']\n"
    )
    done = run(program + COMMAND, "list")
    assert done.returncode == 1
    assert done.stderr == "mnist1d: mnist1d 0.0.2 is installed in the same folder\n"


def test_overwritten_files_are_noticed_by_an_import():
    program = (
        "import sys, mnist1d; del mnist1d.__version__\n"
        "try:\n    import mnist1d.lab\nexcept ImportError as error:\n    print(error)"
    )
    done = run(program)
    assert done.stdout.startswith("files of another package are in ")


# What the documents say

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("src/**/*.py")]


def test_no_document_installs_the_published_package_in_place_of_this_one():
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        found = re.search(r"pip install ['\"]?mnist1d\[[a-z,]+\](?! @ )", text)
        assert found is None or path.name == "installation.py", path


def test_the_name_of_the_distribution_stands_in_one_place():
    extras = PROJECT["optional-dependencies"].values()
    own = {text.partition("[")[0] for each in extras for text in each if "[" in text}
    assert own == {PROJECT["name"]}


def test_what_the_readme_installs_has_all_that_commands_need():
    extras = PROJECT["optional-dependencies"]
    assert f"{PROJECT['name']}[shards]" in extras["lab"]  # `generate`, with Parquet
    assert all(about.extra in {"lab", "shards"} for about in COMMANDS.values())


def test_the_extras_that_documents_name_exist():
    named = {
        extra
        for path in DOCUMENTS
        for extras in re.findall(r"\.\[([a-z,]+)\]'", path.read_text("utf-8"))
        for extra in extras.split(",")
    }
    assert {"lab", "dev", "shards"} <= named
    assert named <= set(PROJECT["optional-dependencies"])
