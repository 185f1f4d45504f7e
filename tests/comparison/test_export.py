"""Results to go: pandas, LaTeX and JSON have the numbers of the tables."""

import json

import pytest

from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.presentation.export import escaped


@pytest.fixture(scope="module")
def found(oracle, quick):
    candidates = {
        "base": oracle(lambda *_: 0.5, {}, text="base"),
        "50 % & more": oracle(lambda _, seed: 0.6 + 0.01 * seed**2, {}, text="more"),
        "lost": oracle(lambda *_: 0.5, {}, text="lost", fail_at=0),
    }
    return compare(candidates, quick, seeds=3, baseline="base", shuffled=True, shifts=("noise",))


def test_a_frame_has_a_row_per_candidate(found):
    frame = found.to_frame().set_index("name")
    assert list(frame.index) == ["base", "50 % & more", "lost"]
    more = frame.loc["50 % & more"]
    assert more.test_accuracy == pytest.approx(0.6 + 0.05 / 3, abs=0.003)
    assert more.test_accuracy_low < more.test_accuracy < more.test_accuracy_high
    assert more["shift_accuracy noise"] == pytest.approx(more.test_accuracy)
    assert frame.n.tolist() == [3, 3, 0]
    assert "out of luck" in frame.failure["lost"]


def test_a_frame_has_a_row_per_difference(found):
    (row,) = found.to_frame("differences").to_dict("records")
    (each,) = found.differences()
    assert (row["first"], row["second"], row["planned"]) == ("50 % & more", "base", True)
    assert row["points"] == each.estimate.mean
    assert (row["p_value"], row["seeds_needed"]) == (each.p_value, each.seeds_needed)


def test_latex_has_every_number_and_no_command_in_a_name(found):
    lines = found.to_latex().splitlines()
    assert [line for line in lines if line[:1] == "\\"][1:] == [
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert r"50 \% \& more & 7 & $61.7 \pm" in found.to_latex()
    assert "lost & 7 & none & none & none" in found.to_latex()
    (row,) = (line for line in found.to_latex("differences").splitlines() if "base" in line)
    assert row.startswith(r"50 \% \& more $-$ base & $11.7$ & $6.5$ to $16.8$ & $0.010$")
    assert escaped("a^b~\\") == r"a\textasciicircum{}b\textasciitilde{}\textbackslash{}"


def test_latex_takes_no_name_for_an_option_of_the_row_before():
    assert escaped("[relu]*<a|b>") == r"{[}relu]{*}\textless{}a\textbar{}b\textgreater{}"


def test_json_is_the_document_of_the_command(found):
    document = json.loads(found.to_json())
    assert [each["name"] for each in document["candidates"]] == ["base", "50 % & more", "lost"]
    assert document["differences"][0]["p_value"] == found.differences()[0].p_value
    assert document["config"]["baseline"] == "base"
    assert document["yardsticks"] == []


@pytest.mark.parametrize("write", ["to_frame", "to_latex"])
def test_another_table_is_refused(found, write):
    with pytest.raises(ValueError, match="what must be one of 'candidates', 'differences', not"):
        getattr(found, write)("pairs")
