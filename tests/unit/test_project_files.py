"""What the project says of itself outside of the package: the same everywhere."""

import json
import re
import runpy
import shutil
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / ".github").exists():
    pytest.skip("the project's own files are not beside the tests", allow_module_level=True)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RELEASE = runpy.run_path(str(ROOT / ".ci" / "release.py"))
OWN_FILES = (".zenodo.json", "CHANGELOG.md", "CITATION.cff", "pyproject.toml")
OWN_FILES += ("src/mnist1d/__init__.py",)


def loaded(path):
    return pytest.importorskip("yaml", reason="PyYAML is not installed").safe_load(
        path.read_text("utf-8")
    )


def test_citation_and_archive_say_the_same():
    citation = loaded(ROOT / "CITATION.cff")
    archive = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
    assert archive["title"] == citation["title"]
    assert archive["version"] == citation["version"] == PROJECT["version"]
    assert archive["license"] == citation["license"] == PROJECT["license"]
    assert archive["keywords"] == PROJECT["keywords"]
    assert PROJECT["description"] in archive["description"]
    names = [each.get("name") for each in citation["authors"]]
    assert [each["name"] for each in archive["creators"]] == names
    paper = citation["preferred-citation"]["url"]
    assert paper == PROJECT["urls"]["Paper"]
    number = paper.rpartition("/")[2]
    assert [each["identifier"] for each in archive["related_identifiers"]] == [f"arXiv:{number}"]


def test_the_address_of_the_source_stands_in_one_place():
    source = PROJECT["urls"].get("Source")
    assert loaded(ROOT / "CITATION.cff").get("repository-code") == source
    assert "[project.urls]" in (ROOT / "docs" / "releasing.md").read_text("utf-8")


def test_classifiers_name_every_version_of_python_that_is_tested():
    versions = set(re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"])))
    workflow = loaded(ROOT / ".github" / "workflows" / "ci.yml")
    steps = workflow["jobs"]["everything"]["steps"]
    tested = [step["with"]["python-version"] for step in steps if "python-version" in str(step)]
    assert set(tested[0].split()) == versions
    assert PROJECT["requires-python"] == f">={min(versions)}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_have_a_version_and_jobs_no_more_rights_than_they_need(path):
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 180
        rights = {right for right, level in job.get("permissions", {}).items() if level == "write"}
        expected = {"build": {"id-token", "attestations"}, "publish": {"id-token"}}
        assert rights == expected.get(name, set())
        for step in job["steps"]:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step.get("uses", "a/b@v1.2.3"))
            for file in re.findall(r"(?:\.ci|tests)/[\w/.]+", step.get("run", "")):
                assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_forms_for_issues_are_complete(path):
    form = loaded(path)
    if path.name == "config.yml":
        assert form == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "labels", "body"} == set(form)
    identifiers = [each["id"] for each in form["body"]]
    assert len(set(identifiers)) == len(identifiers) >= 2
    assert all(each["attributes"]["label"] for each in form["body"])
    assert any(each.get("validations", {}).get("required") for each in form["body"])


# Before a release


@pytest.fixture
def clone(tmp_path):
    """Return a copy of the files that say what the project is, made ready for a release."""
    for name in OWN_FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    change(tmp_path, "CHANGELOG.md", r" \(unreleased\)", " (2027-01-31)")
    change(tmp_path, "pyproject.toml", r'(?m)^name = "mnist1d"', 'name = "another-name"')
    change(tmp_path, "pyproject.toml", r"(?m)^Paper = ", 'Source = "https://example.org"\nPaper = ')
    return tmp_path


def change(root, name, pattern, text):
    before = (root / name).read_text("utf-8")
    after = re.sub(pattern, text, before, count=1)
    assert after != before
    (root / name).write_text(after, "utf-8")


def test_a_clone_that_is_ready_has_nothing_to_complain_of(clone):
    assert RELEASE["not_ready"](clone, f"v{PROJECT['version']}") == []


@pytest.mark.parametrize(
    ("name", "pattern", "text", "complaint"),
    [
        ("pyproject.toml", r"another-name", "mnist1d", "another project's name"),
        ("pyproject.toml", r"(?m)^Source.*$", "", "no address of the source"),
        ("CITATION.cff", r"(?m)^version: .*$", "version: 9", "CITATION.cff is not of version"),
        ("CHANGELOG.md", r" \(2027-01-31\)", " (unreleased)", "CHANGELOG.md has no line"),
        (".zenodo.json", r'"version": ".*"', '"version": "9"', ".zenodo.json is not of version"),
        ("src/mnist1d/__init__.py", r"__version__ = .*", "__version__ = 1", "__version__ is not"),
    ],
)
def test_what_is_not_ready_is_named(clone, name, pattern, text, complaint):
    change(clone, name, pattern, text)
    (line,) = RELEASE["not_ready"](clone, f"v{PROJECT['version']}")
    assert complaint in line


def test_another_tag_is_refused(clone):
    (line,) = RELEASE["not_ready"](clone, "v9.9.9")
    assert line == f"the tag is v9.9.9, the version {PROJECT['version']}"


def archives(clone, *, commit=b"0" * 40, lacking=(), tests=True):
    folder = clone / "dist"
    folder.mkdir()
    stem = f"another_name-{PROJECT['version']}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as file:
        for name, content in {"commit.txt": commit, "__init__.py": b""}.items():
            if name not in lacking:
                file.writestr(f"mnist1d/{name}", content)
    with tarfile.open(folder / f"{stem}.tar.gz", "w:gz") as file:
        if tests:
            file.add(__file__, f"{stem}/tests/conftest.py")
    return folder


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, None),
        ({"commit": b"unknown"}, "the wheel does not name a clean commit"),
        ({"commit": b"0" * 40 + b"-dirty"}, "the wheel does not name a clean commit"),
        ({"lacking": ("__init__.py",)}, "the wheel lacks mnist1d/__init__.py"),
        ({"tests": False}, "the archive of the sources has no tests"),
    ],
)
def test_archives_are_complete(clone, options, complaint):
    found = RELEASE["not_complete"](clone, archives(clone, **options))
    assert found == ([] if complaint is None else [complaint])


def test_other_archives_are_refused(clone):
    folder = archives(clone)
    (folder / "mnist1d-0.0.1.tar.gz").touch()
    (line,) = RELEASE["not_complete"](clone, folder)
    assert "mnist1d-0.0.1.tar.gz" in line
