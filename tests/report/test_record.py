"""The documents of the project's own record: what they say is what the record says."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from scipy import stats

from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments import classification, double_descent
from mnist1d.harness import record
from mnist1d.harness.verdicts.rules import Equals
from mnist1d.report import contents, overview, read_report, reading
from mnist1d.report.compared import caption, compared, drawing
from mnist1d.report.dataset_table import table_2
from mnist1d.report.render import (
    dataset_markdown,
    differences_markdown,
    experiment_markdown,
    html_page,
    overview_markdown,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
RESULTS = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
PAGES = {
    path.parent.name: path.read_text(encoding="utf-8") for path in ROOT.glob("results/*/README.md")
}
CLAIMS = json.loads((ROOT / "results" / "claims.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(report, pictures):
    return html_page(report, pictures)


def test_results_are_those_of_the_record(report):
    command = "mnist1d report results --out ."
    assert overview_markdown(report, folder="results", command=command) == RESULTS
    # A few pages, for somebody who has ten minutes.
    assert len(RESULTS.encode()) < 15_000
    drawn = drawing(compared(report))
    assert (ROOT / "results" / "compared.svg").read_text(encoding="utf-8") == drawn
    assert "](results/compared.svg)" in RESULTS


def test_differences_are_those_of_the_record(report):
    text = differences_markdown(report, folder="results")
    assert all(f"**{judged.claim.statement}**" in text for _, judged in report.differing)
    assert all(judged.why in text for _, judged in report.differing)
    listed = re.findall(r"^\d+\. ", text, re.MULTILINE)
    assert len(listed) == sum(len(section.differences) for section in report.paper)
    assert all(f"](results/{section.name}/README.md)" in text for section in report.paper)


def test_the_overview_says_of_every_sentence_and_cell_whether_it_holds(report):
    parts = [overview.what_differs(report), overview.what_is_open(report)]
    parts += [overview.what_is_new(report), overview.what_is_beyond(report)]
    shown = [judged.claim.name for each in parts for part in each for judged in part.claims]
    n_held = sum(part.n for part in overview.what_holds(report))
    said = [claim for claim in CLAIMS if claim["kind"] in ("sentence", "table")]
    assert n_held == sum(claim["verdict"] in ("reproduced", "verified") for claim in said)
    headlines = {each.name: each.experiment.HEADLINES for each in report.sections if each.is_beyond}
    for claim in CLAIMS:
        name = claim["claim"]
        is_open = claim["verdict"] not in ("reproduced", "verified", "not checkable")
        is_new = claim["kind"] == "beyond" and name in headlines.get(claim["experiment"], [name])
        if is_new or (is_open and claim in said):
            assert name in shown
    assert "every claim" not in RESULTS


def test_headline_claims_that_hold_are_named_and_others_are_not_said_to_hold(report):
    holding = RESULTS.partition("## What holds")[2].partition("\n## ")[0]
    for section in report.paper:
        for judged in section.claims:
            if judged.claim.name in section.experiment.HEADLINES:
                holds = judged.verdict in ("reproduced", "verified")
                assert (overview.in_words(judged, section) in holding) == holds


def test_whatever_is_not_reproduced_has_a_reason(report):
    for section in report.sections:
        for judged in section.claims:
            assert (judged.why is None) == (judged.verdict in ("reproduced", "verified"))
            if judged in section.open:
                assert judged.why.replace("*", "\\*") in PAGES[section.name]


def test_the_figure_of_a_few_numbers_is_as_wide_as_what_is_written_in_it(report):
    few = [each for each in compared(report) if each.judged.verdict == "imprecise"][:1]
    few[0] = few[0]._replace(distance=9.0)  # which is named
    drawn = drawing(few)
    width = float(re.search(r'viewBox="0 0 (\d+)', drawn)[1])
    name = few[0].judged.claim.name
    for text in ("imprecise (1)", name):
        (start,) = re.findall(rf'<text x="([\d.]+)" y="[\d.]+">{re.escape(text)}<', drawn)
        assert float(start) + 6 * len(text) < width


def test_the_figure_has_every_published_number_with_a_spread(report):
    found = compared(report)
    published = {
        (section.name, judged.claim.name)
        for section in report.sections
        for judged in section.claims
        if isinstance(judged.claim.rule, Equals) and judged.estimate.n > 1
    }
    assert {(each.section.name, each.judged.claim.name) for each in found} == published
    svg = drawing(found)
    assert svg.count("<title>") == len(found)
    assert "prefers-color-scheme: dark" in svg
    ET.fromstring(svg)  # noqa: S314 (our own)
    for each in found:
        p = each.judged.judgement.assessment.p
        assert each.is_within == (p >= 0.05)
    assert f"All {len(found)} published numbers" in caption(found)
    assert drawing(()) == ""


def test_pages_are_those_of_the_record(report, pictures):
    overview = "../../RESULTS.md"
    made = {
        section.name: experiment_markdown(section, pictures[section.name], overview=overview)
        for section in report.sections
    }
    assert made | {"dataset": dataset_markdown(overview=overview)} == PAGES


def test_a_page_says_all_about_an_experiment(report):
    for section in report.sections:
        page = PAGES[section.name].replace("\\*", "*")
        texts = [section.question, *section.introduction, *section.remarks, *section.differences]
        texts += [row.condition for row in section.rows]
        texts += [text for each in section.settings for text in (each.name, each.meaning)]
        texts += [section.run, section.machine, *section.versions.values()]
        for text in texts:
            assert text.replace("<", "&lt;") in page or text in page


def test_every_claim_of_the_record_is_in_a_ledger_with_its_verdict(report):
    ledgers = [
        PAGES[section.name].partition("## All claims")[2].partition("\n## ")[0]
        for section in report.sections
    ]
    rows = [
        [cell.strip().strip("*") for cell in line.strip("|").split(" | ")]
        for line in "\n".join(ledgers).splitlines()
        if line.startswith("| ") and not line.startswith(("| claim", "| ---"))
    ]
    assert len(rows) == len(CLAIMS)
    for row, claim in zip(rows, CLAIMS, strict=True):
        assert row[0] == claim["statement"].replace("<", "&lt;")
        reason = f" ({claim['reason']})" if claim["reason"] else ""
        # Where there is nothing to reproduce, the words are others.
        words = (
            {"reproduced": "confirmed", "differs": "refuted"} if claim["kind"] == "beyond" else {}
        )
        assert row[-1] == words.get(claim["verdict"], claim["verdict"]) + reason
        assert int(row[-2]) == claim["n"]
        if claim["ours"] is not None:
            decimals = len(row[4].partition(".")[2])
            assert float(row[4]) == pytest.approx(claim["ours"], abs=0.5001 * 10**-decimals)
        if claim["ci_low"] is not None:
            low, high = map(float, row[5].split(" to "))
            assert low == pytest.approx(claim["ci_low"], abs=0.5001 * 10**-decimals)
            assert high == pytest.approx(claim["ci_high"], abs=0.5001 * 10**-decimals)


def test_figures_of_the_record_are_on_its_pages():
    shown = [
        f"{name}/{figure}"
        for name, page in PAGES.items()
        for figure in re.findall(r"!\[.+\]\((.+)\)", page)
    ]
    kept = sorted(path.relative_to(ROOT / "results").as_posix() for path in pictures_kept())
    assert sorted(shown) == kept


def pictures_kept():
    return ROOT.glob("results/*/*.png")


def test_links_lead_somewhere():
    texts = {ROOT: RESULTS} | {ROOT / "results" / name: page for name, page in PAGES.items()}
    for folder, text in texts.items():
        links = re.findall(r"\]\(([^)]+)\)", text)
        assert links
        for link in links:
            assert (folder / link).is_file()


def test_the_papers_parameters_are_the_defaults():
    rows = table_2()
    assert {row.name for row in rows if row.published} | {"scale_coeff"} == {
        row.name for row in rows
    }
    for row in rows:
        assert row.published in (row.ours, "")
        assert f"| {row.words} |" in PAGES["dataset"]
        assert not row.name or hasattr(DatasetConfig(), row.name)


def test_what_differs_is_explained(report):
    paper = {section.name for section in report.paper}
    assert len(report.differing) == sum(
        claim["verdict"].startswith("differs") for claim in CLAIMS if claim["experiment"] in paper
    )
    for section, judged in report.differing:
        assert judged.why != reading.NOT_EXPLAINED
        assert overview.why_in_brief(judged) in RESULTS
        assert judged.why in PAGES[section.name]


def test_explanations_are_of_claims_that_exist(report):
    for section in report.sections:
        explain = getattr(section.experiment, "explain", None)
        names = {claim.name for claim in section.experiment.CLAIMS}
        assert explain is None or explain(section.result).keys() <= names


def test_explanations_take_their_numbers_from_the_result():
    result = record.load(classification, ROOT / "results" / "classification")
    before = classification.explain(result)
    worse = classification.explain(result.assign(test_accuracy=result.test_accuracy / 2))
    assert before["test-accuracy-plain-mlp"] != worse["test-accuracy-plain-mlp"]
    prefixes = ("mnist_", "usual_", "logistic_")
    mnist = [name for name in result.variables if name.startswith(prefixes)]
    assert not any("mnist" in name for name in classification.explain(result.drop_vars(mnist)))


def test_values_of_the_seeds_are_those_of_the_result(report):
    section = next(each for each in report.sections if each.name == "classification")
    row = next(row for row in section.rows if (row.group, row.condition) == ("MNIST-1D", "CNN"))
    accuracy = section.result.early_stopped_accuracy.sel(data="plain", model="CNN")
    values = section.per_seed(row.cells["test: early stop"])
    np.testing.assert_allclose(values, 100 * accuracy, atol=1e-4)
    for condition in ("Human", "5 quizzes"):
        human = next(row for row in section.rows if row.condition == condition)
        assert section.per_seed(human.cells["test: early stop"]) == ()


def test_values_of_the_seeds_average_to_the_mean(report):
    checked = 0
    for section in report.sections:
        for judged in section.claims:
            # Sizes are averaged as logarithms.
            values = np.array(section.per_seed(judged.estimate))
            if judged.estimate.n == values.size > 0:
                mean = judged.estimate.mean
                arithmetic = np.mean(values)
                geometric = stats.gmean(values) if (values > 0).all() else arithmetic
                assert mean in (pytest.approx(arithmetic), pytest.approx(geometric))
                checked += 1
    assert checked > 40


def test_settings_have_a_meaning_and_no_path_of_the_machine(report):
    for section in report.sections:
        names = [setting.name for setting in section.settings]
        assert "seeds" in names
        assert "mnist" not in names
        assert all(setting.meaning for setting in section.settings)


def test_one_quick_run_among_full_ones_is_named(report, described, quick):
    full = next(each for each in report.sections if each.experiment is double_descent)
    shown = described(full.result.assign_attrs(quick))
    mixed = contents.Report((report.sections[0], shown), ())
    assert mixed.note == f"{shown.short_title}: quick run, not the full protocol"
    assert report.note == ""


def test_a_mistake_of_ours_is_not_called_one_of_the_record(monkeypatch):
    def mistaken(_):
        return double_descent.no_such_function()

    monkeypatch.setattr(double_descent, "summarise", mistaken)
    with pytest.raises(AttributeError, match="no_such_function"):
        read_report(ROOT / "results")


class Elements(HTMLParser):
    """All elements of a page, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_refers_to_nothing_outside(page):
    elements = Elements(page)
    assert elements.open == []
    identities = [about["id"] for _, about in elements.found if "id" in about]
    assert len(set(identities)) == len(identities)
    for tag, about in elements.found:
        assert not {"srcset", "action", "poster"} & about.keys()
        if "src" in about:
            assert re.match(r"data:image/(svg\+xml|webp);base64,", about["src"])
        if tag == "a" and about["href"].startswith("#"):
            assert about["href"][1:] in identities
        elif tag == "link":
            assert about["href"] == "data:,"
    policy = next(
        about
        for tag, about in elements.found
        if tag == "meta"
        and "content" in about
        and about.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy["content"]
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_can_be_read_aloud(page):
    elements = Elements(page).found
    assert all(len(about["alt"]) > 30 for tag, about in elements if tag == "img")
    assert all("scope" in about for tag, about in elements if tag == "th")
    headings = [int(tag[1]) for tag, _ in elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(headings))


def test_the_page_is_light(page):
    assert len(page.encode()) < 5_000_000


def test_a_full_run_is_not_called_quick(page):
    for text in (RESULTS, page, *PAGES.values()):
        assert "uick run" not in text


def test_curves_have_names_though_the_legend_is_in_another_panel(pictures):
    figure = next(each for each in pictures["classification"] if each.name == "figure")
    for panel in figure.panels:
        labels = {series["label"] for series in panel["series"]}
        expected = {"Logistic", "MLP", "CNN", "GRU"}
        assert labels == expected | {f"{model}, After shuffling" for model in expected}


def test_groups_with_columns_of_their_own_have_tables_of_their_own(report):
    sections = {section.name: section for section in report.sections}
    tables = sections["generation"].tables
    assert [len(table.columns) for table in tables] == [4, 6, 3]
    for table in tables:
        (group, rows), *others = table.groups
        assert not others
        assert f"**{group}**" in PAGES["generation"]
        assert {column for row in rows for column in row.cells} == set(table.columns)
    # Where groups share columns they share a table, and every row stands in one.
    assert len(sections["classification"].tables) == 1
    for section in report.sections:
        assert [row for table in section.tables for row in table.rows] == list(section.rows)
