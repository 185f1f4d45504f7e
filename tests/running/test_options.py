"""Fields of a configuration as options of `mnist1d run`, also as the document has them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import tyro

import mnist1d
from mnist1d.cli.options import config as config_options
from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments import find_experiment
from mnist1d.harness import results
from mnist1d.harness.grid import plan_grid
from mnist1d.harness.interface import InputError
from mnist1d.harness.settings import values_by_name

DOCUMENT = Path(mnist1d.__file__).parents[2] / "docs" / "running.md"


PUBLISHED = DatasetConfig()


@dataclass(frozen=True)
class Everything:
    """All kinds.

    Attributes:
        whole: a number.
    """

    whole: int = 1
    maybe: int | None = None
    kind: Literal["a", "b"] = "a"
    truth: bool = False
    path: str | Path | None = None
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, int] = (3, 4)
    classes: tuple[int, ...] | None = None
    order: str | tuple[int, ...] = "original"
    function: object = None
    data: DatasetConfig = PUBLISHED


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ("", {}),
        ("--whole -3", {"whole": [-3]}),
        ("--maybe None 5", {"maybe": [None, 5]}),
        ("--kind a b", {"kind": ["a", "b"]}),
        ("--truth", {"truth": [True]}),
        ("--truth True False", {"truth": [True, False]}),
        ("--path None here", {"path": [None, "here"]}),
        ("--sizes 1 2 --sizes 3", {"sizes": [(1, 2), (3,)]}),
        ("--sizes", {"sizes": [()]}),
        ("--pair 5 6 --pair 7 8", {"pair": [(5, 6), (7, 8)]}),
        ("--classes 3 8 --classes None", {"classes": [(3, 8), None]}),
        ("--order 1 0 --order flipped", {"order": [(1, 0), "flipped"]}),
        ("--data.padding 10 20", {"data.padding": [(10, 20)]}),
        ("--data.seed 1 2", {"data.seed": [1, 2]}),
    ],
)
def test_every_kind_of_field_is_an_option(arguments, values):
    make = config_options.options_of(Everything())
    found = config_options.given(tyro.cli(make, args=arguments.split()))
    assert found.keys() == values.keys()
    for name, each in values.items():
        assert [str(value) for value in found[name]] == [str(value) for value in each]


def test_only_fields_that_no_text_can_stand_for_are_set_from_python_alone(capsys):
    make = config_options.options_of(Everything())
    assert values_by_name(make()).keys() == values_by_name(Everything()).keys()
    with pytest.raises(SystemExit):
        tyro.cli(make, args=["--help"])
    options = re.split(r"^[^-\w]*--", capsys.readouterr().out, flags=re.MULTILINE)[1:]
    # The help of an option goes on over lines, within a frame.
    words = [re.sub(r"[\W_]+", " ", option) for option in options]
    marked = {
        option.split()[0]
        for option, text in zip(options, words, strict=True)
        if "set from Python alone" in text
    }
    assert marked == {"function", "data.templates", "data.shifted-tests"}


@pytest.mark.parametrize("text", ["--sizes 1 x", "--pair 1", "--kind c", "--truth perhaps"])
def test_a_value_of_the_wrong_kind_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        tyro.cli(config_options.options_of(Everything()), args=text.split())
    assert text.split()[0] in capsys.readouterr().err


def test_an_option_without_a_value_is_named():
    make = config_options.options_of(Everything())
    with pytest.raises(InputError, match="--whole needs a value"):
        config_options.given(tyro.cli(make, args=["--whole"]))


def commands_of_the_document():
    text = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    return [line.split()[1:] for line in re.findall(r"^mnist1d .+", text, re.MULTILINE)]


@pytest.mark.slow
def test_the_options_in_the_document_exist(command, code_blocks):
    if not DOCUMENT.exists():
        pytest.skip("the documents are not in the package's folder")
    python, more = (code_blocks(DOCUMENT, language) for language in ("python", "py"))
    (block,) = (each for each in python if each.startswith("# neighbours.py\n"))
    Path("neighbours.py").write_text(block, "utf-8")
    runs = [line for line in commands_of_the_document() if line[0] == "run"]
    whole = "".join([block, *(each for each in more if each.startswith("# at the end of nei"))])
    Path("claimed.py").write_text(whole.replace('"neighbours"', '"claimed"'), "utf-8")
    command("run", "claimed.py", "--seeds", "2", "--out", "claimed")
    command("report", "claimed")
    page = Path("claimed/claimed/README.md").read_text("utf-8")
    assert "They get half" in page
    assert "| MNIST-1D | nearest neighbours |" in page
    assert "![Test accuracy (%) of every seed.](by-seed.png)" in page
    assert "![claimed: histogram.](histogram.png)" in page
    assert len(runs) >= 5
    for _, name, *arguments in runs:
        if "--help" in arguments:
            continue
        if name == "neighbours.py":
            if arguments:
                command("run", name, *arguments, "--data.num-samples", "200")
                result = results.load_result("mnist1d-runs/neighbours")
                assert result.test_accuracy.shape == (3, 2, 3)
            continue
        config = find_experiment(name).Config()
        fields = [each for each in arguments if each != "--quick"]
        values = config_options.given(tyro.cli(config_options.options_of(config), args=fields))
        plan_grid(
            find_experiment(name),
            {field: each for field, each in values.items() if len(each) > 1},
            **{field: each[0] for field, each in values.items() if len(each) == 1},
        )
