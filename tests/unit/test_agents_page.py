"""AGENTS.md: its files are written, its commands and its Python run, in order."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="the laboratory is not installed")

from mnist1d.cli import main
from mnist1d.cli.main import COMMANDS
from mnist1d.cli.output.ending import EXIT_CODES

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "AGENTS.md").exists():
    pytest.skip("AGENTS.md is not in the package's folder", allow_module_level=True)

sybil = pytest.importorskip("sybil", reason="sybil is not installed")
markdown = pytest.importorskip("sybil.parsers.markdown")

TEXT = (ROOT / "AGENTS.md").read_text("utf-8")
EXAMPLES = list(sybil.Sybil([markdown.PythonCodeBlockParser()]).parse(ROOT / "AGENTS.md"))
(COMMANDS_BLOCK,) = sybil.Sybil([markdown.CodeBlockParser("bash")]).parse(ROOT / "AGENTS.md")
FILES = {
    title.removeprefix("# "): example.parsed
    for example in EXAMPLES
    if (title := example.parsed.partition("\n")[0]).endswith(".py")
}
COMMAND_LINES = [
    shlex.split(line, comments=True)[1:] for line in COMMANDS_BLOCK.parsed.splitlines()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("agent")
    for name, text in FILES.items():
        (place / name).write_text(text, "utf-8")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_a_command_runs(words, folder, monkeypatch, capsys, request):
    if words[0] != "compare":  # which runs longer than it compiles
        request.getfixturevalue("quick_compilation")
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["mnist1d", *words])
    main()
    out = capsys.readouterr().out
    if "--json" in words:
        assert json.loads(out)["command"] == words[0]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_python_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (example,) = [each for each in EXAMPLES if each.parsed not in FILES.values()]
    example.evaluate()
    names = example.namespace
    assert names["data"].x.shape == (4000, 40)
    assert names["result"].step_size.dims == ("rate", "seed")
    assert not names["found"].failures


def test_all_commands_but_those_for_eyes_and_for_people_are_shown():
    assert {words[0] for words in COMMAND_LINES} == set(COMMANDS) - {"human", "show", "verify"}
    assert set(FILES) == {"my_candidates.py", "my_experiment.py"}


def test_exit_codes_are_all_named():
    sentence = re.search(r"Exit codes: (.*?)\. Documents", TEXT, re.DOTALL)[1]
    assert set(map(int, re.findall(r"\b\d+\b", sentence))) == set(EXIT_CODES)


def test_links_and_folders_exist():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    folders = re.findall(r"`((?:src|tests|results)/[\w/.]*)`", TEXT)
    assert len(links) >= 4
    assert len(folders) >= 3
    assert all((ROOT / each).exists() for each in [*links, *folders])
