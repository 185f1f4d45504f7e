"""A record as documents: what they say is what the record says."""

import dataclasses
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import xarray as xr
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from scipy import stats

from mnist1d.cli import main
from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments import PAPER, classification, double_descent
from mnist1d.experiments.double_descent.method import measure_curves
from mnist1d.harness import record
from mnist1d.harness.claims import Claim, judge
from mnist1d.harness.findings import Findings, findings_of
from mnist1d.harness.settings import as_json
from mnist1d.harness.verdicts.rules import AtLeast, Equals, NoData, Positive
from mnist1d.measures.text import interval_of, mean_of
from mnist1d.measures.uncertainty import Estimate
from mnist1d.report import contents, overview, read_report, reading
from mnist1d.report.compared import caption, compared, drawing
from mnist1d.report.dataset_table import table_2
from mnist1d.report.pictures import draw_pictures
from mnist1d.report.render import (
    _as_code,
    _as_markdown,
    _as_plain,
    dataset_markdown,
    differences_markdown,
    experiment_markdown,
    html_page,
    overview_markdown,
)
from mnist1d.report.strips import strip

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
RESULTS = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
PAGES = {
    path.parent.name: path.read_text(encoding="utf-8") for path in ROOT.glob("results/*/README.md")
}
CLAIMS = json.loads((ROOT / "results" / "claims.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report():
    return read_report(ROOT / "results")


@pytest.fixture(scope="module")
def pictures(report):
    return {section.name: draw_pictures(section) for section in report.sections}


@pytest.fixture(scope="module")
def page(report, pictures):
    return html_page(report, pictures)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["mnist1d", "report", *map(str, arguments)])
    main()


def small_record(folder, **attributes):
    """Store the record of double descent with other attributes."""
    result = record.load(double_descent, ROOT / "results" / "double-descent")
    record.save(double_descent, result.assign_attrs(**attributes), folder / "double-descent")
    return folder


def described_as(result):
    return reading.describe(findings_of(double_descent, result))


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
    parts.append(overview.what_is_new(report))
    shown = [judged.claim.name for each in parts for part in each for judged in part.claims]
    n_held = sum(part.n for part in overview.what_holds(report))
    said = [claim for claim in CLAIMS if claim["kind"] in ("sentence", "table")]
    assert n_held == sum(claim["verdict"] in ("reproduced", "verified") for claim in said)
    for claim in CLAIMS:
        is_open = claim["verdict"] not in ("reproduced", "verified", "not checkable")
        if claim["kind"] == "beyond" or (is_open and claim in said):
            assert claim["claim"] in shown
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
        assert row[-1] == claim["verdict"] + reason
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
    assert len(report.differing) == sum(claim["verdict"].startswith("differs") for claim in CLAIMS)
    for section, judged in report.differing:
        assert judged.why != reading.NOT_EXPLAINED
        assert judged.why in RESULTS
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
    mnist = [name for name in result.variables if name.startswith("mnist_")]
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


def test_compilation_and_finished_tasks_are_shown_if_recorded(report):
    section = next(each for each in report.sections if each.name == "double-descent")
    attributes = {"seconds": 100.0, "compile_seconds": 70.0, "units_found": 3}
    described = described_as(section.result.assign_attrs(attributes))
    odd = contents.Report((described,), ())
    pictures = {"double-descent": ()}
    for text in (html_page(odd, pictures), experiment_markdown(described, ())):
        assert "1 min 40 s; 1 min 10 s of compilation, all threads together; 3 units" in text
    unknown = contents.Report((section,), ())
    for text in (html_page(unknown, pictures), experiment_markdown(section, ())):
        assert ("compile_seconds" in section.result.attrs) == ("compilation" in text)


def test_a_diverged_seed_is_shown_as_one(report):
    section = next(each for each in report.sections if each.name == "double-descent")
    result, n = section.result.copy(deep=True), section.result.sizes["seed"]
    result.diverged[0, 0, 0] = True
    result["test_error"][0, 0, 0] = np.nan
    described = described_as(measure_curves(result))
    judged = next(judged for judged in described.claims if judged.claim.name == "last-error-mlp")
    assert judged.verdict == "not checkable"
    assert mean_of(judged.estimate).startswith(f"diverged (1 of {n}")
    written = html_page(contents.Report((described,), ()), {"double-descent": ()})
    assert f"diverged (1 of {n} runs)" in written


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
            assert about["src"].startswith(("data:image/svg+xml;base64,", "data:image/png;base64,"))
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


def test_what_a_claim_says_cannot_become_markup(report):
    section = report.sections[0]
    bad = 'a <b>"bold"</b> & | claim of `x < 1`'
    judgement = section.claims[0].judgement
    claim = Claim(bad, bad, bad, judgement.claim.rule, judgement.claim.measure)
    judged = contents.Judged(dataclasses.replace(judgement, claim=claim, verdict="differs"), bad)
    odd = contents.Report((section.__class__(**{**vars(section), "claims": (judged,)}),), ())
    pictures = {section.name: ()}
    assert '<b>"' not in html_page(odd, pictures)
    assert "&lt;b&gt;" in html_page(odd, pictures)
    text = experiment_markdown(odd.sections[0], ())
    for each in (text, overview_markdown(odd, folder="results", command="a <b>")):
        assert "<b>" not in rendered(each)
        assert "`x < 1`" in each
    ledger = next(line for line in text.splitlines() if line.startswith("| a &lt;b>"))
    assert len(re.findall(r"(?<!\\)\|", ledger)) == 9


QUICK = {
    "protocol": "reduced",
    "config": as_json(double_descent.Config.quick()),
}


def test_a_quick_run_is_called_one_everywhere(monkeypatch, capsys, tmp_path):
    small_record(tmp_path, **QUICK)
    run(monkeypatch, tmp_path)
    assert "Quick run, not the full protocol" in capsys.readouterr().out
    for name, least in (("RESULTS.md", 2), ("double-descent/README.md", 2), ("report.html", 4)):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.count("uick run, not the full protocol") >= least
        assert ">reproduced</td>" not in text
        assert "| reproduced |\n" not in text
        assert "--quick" in text or name == "RESULTS.md"


def test_one_quick_run_among_full_ones_is_named(report):
    full = next(each for each in report.sections if each.experiment is double_descent)
    quick = described_as(full.result.assign_attrs(QUICK))
    mixed = contents.Report((report.sections[0], quick), ())
    assert mixed.note == f"{quick.short_title}: quick run, not the full protocol"
    assert report.note == ""


def test_a_result_on_other_data_says_which(report):
    full = next(each for each in report.sections if each.experiment is double_descent).result
    data = double_descent.Config().data.replace(label_noise=0.1, seed=7)
    config = json.loads(as_json(double_descent.Config())) | {"data": data.to_dict()}
    about = {"protocol": "reduced", "data": "seed=7, label_noise=0.1", "config": as_json(config)}
    section = described_as(full.assign_attrs(about))
    assert section.note == "other data than the paper's (seed=7, label_noise=0.1)"
    (setting,) = (each for each in section.settings if each.name == "data")
    assert setting.default.startswith("published (num_samples=16000, train_split=0.25,")
    assert setting.value == f"{setting.default}, but seed=7, label_noise=0.1"
    page = experiment_markdown(section, [])
    assert page.count(section.note[1:]) == 2  # below the title and under "How it was run"
    for text in (page, html_page(contents.Report((section,), ()), {section.name: []})):
        assert "No claim is judged" in text
        assert "positions_seed" not in text
    table = page.partition("unless stated.\n\n")[2].partition("\n\n")[0]
    assert "verdict" not in table
    assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, "not the paper's settings"),
        ({"data": "seed=7"}, "not the paper's settings, on other data than the paper's (seed=7)"),
    ],
)
def test_a_result_with_other_settings_says_so(report, changes, note):
    full = next(each for each in report.sections if each.experiment is double_descent).result
    config = json.loads(full.attrs["config"]) | {"batch_size": 200}
    about = {"protocol": "reduced", "config": as_json(config)} | changes
    assert record.note(double_descent, full.assign_attrs(about)) == note


def test_a_quick_run_on_other_data_says_both(report):
    full = next(each for each in report.sections if each.experiment is double_descent).result
    result = full.assign_attrs(QUICK, data="seed=7")
    note = "quick run, not the full protocol, on other data than the paper's (seed=7)"
    assert record.note(double_descent, result) == note


def test_a_mistake_of_ours_is_not_called_one_of_the_record(monkeypatch):
    def mistaken(_):
        return double_descent.no_such_function()

    monkeypatch.setattr(double_descent, "summarise", mistaken)
    with pytest.raises(AttributeError, match="no_such_function"):
        read_report(ROOT / "results")


def test_a_full_run_is_not_called_quick(page):
    for text in (RESULTS, page, *PAGES.values()):
        assert "uick run" not in text


def links_in(path):
    """Return where the links of a document lead, as paths."""
    found = re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
    return [path.parent / unquote(link) for link in found if link != "./claims.json"]


def test_documents_go_into_the_record(monkeypatch, tmp_path):
    folder = small_record(tmp_path / "record")
    run(monkeypatch, folder)
    inside = (folder / "RESULTS.md").read_text(encoding="utf-8")
    assert "](./compared.svg)" in inside
    assert (folder / "compared.svg").is_file()
    assert "](./double-descent/README.md)" in inside
    assert "`mnist1d report .`" in inside
    page = (folder / "double-descent" / "README.md").read_text(encoding="utf-8")
    assert "](../RESULTS.md)" in page
    assert "](figure.png)" in page
    assert "](result.nc)" in page
    assert (folder / "dataset" / "README.md").is_file()


def test_documents_around_the_record_have_its_pages_inside(monkeypatch, tmp_path):
    folder = small_record(tmp_path / "record")
    run(monkeypatch, folder, "--out", tmp_path)
    page = (folder / "double-descent" / "README.md").read_text(encoding="utf-8")
    assert "](../../RESULTS.md)" in page
    assert not (tmp_path / "double-descent").exists()
    monkeypatch.chdir(tmp_path)
    run(monkeypatch, "record", "--out", ".")
    assert (folder / "double-descent" / "README.md").read_text(encoding="utf-8") == page


def test_nothing_is_written_to_a_record_outside_the_output(monkeypatch, tmp_path):
    folder = small_record(tmp_path / "record")
    (folder / "claims.json").write_text("[]", encoding="utf-8")
    (folder / "double-descent" / "figure-loss.png").unlink()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    out = folder / "my documents"
    run(monkeypatch, folder, "--out", out)
    after = [path for path in folder.rglob("*") if path.is_file() and out not in path.parents]
    assert {path: path.stat().st_mtime_ns for path in after} == before
    pages = [out / "RESULTS.md", out / "double-descent" / "README.md", out / "dataset/README.md"]
    for page in pages:
        links = links_in(page)
        assert len(links) > 1
        assert all(link.is_file() for link in links), links
        assert all(out in link.parents for link in links if link.suffix == ".png")
    assert folder / "double-descent" / "result.nc" in [
        each.resolve() for each in links_in(pages[1])
    ]
    kept = (folder / "double-descent" / "figure.png").read_bytes()
    assert (out / "double-descent" / "figure.png").read_bytes() == kept


def test_the_pages_of_another_record_are_not_replaced(monkeypatch, capsys, tmp_path):
    folder, other = (small_record(tmp_path / name) for name in ("one", "other"))
    message = fails(monkeypatch, capsys, folder, "--out", other)
    assert "another record has its result.nc there; choose another folder" in message
    assert not (other / "RESULTS.md").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_record_may_be_named_by_way_of_a_link(monkeypatch, tmp_path):
    folder = small_record(tmp_path / "place" / "record")
    (tmp_path / "link").symlink_to(tmp_path / "place", target_is_directory=True)
    run(monkeypatch, folder, "--out", tmp_path / "link")
    page = folder / "double-descent" / "README.md"
    assert all(
        link.is_file() for link in [*links_in(page), *links_in(page.parents[2] / "RESULTS.md")[1:]]
    )


def test_a_folder_with_spaces_has_links_that_work(monkeypatch, tmp_path):
    folder = small_record(tmp_path / "my record")
    run(monkeypatch, folder, "--out", tmp_path)
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert "my%20record/double-descent/README.md" in links
    assert all((tmp_path / link.replace("%20", " ")).is_file() for link in links[1:])


def test_a_page_of_someone_else_is_not_replaced(monkeypatch, capsys, tmp_path):
    folder = small_record(tmp_path)
    notes = folder / "double-descent" / "README.md"
    notes.write_text("My notes.")
    message = fails(monkeypatch, capsys, folder)
    assert f"cannot write {notes}: there is one that `mnist1d report` did not make" in message
    assert notes.read_text() == "My notes."
    assert not (folder / "RESULTS.md").exists()
    notes.unlink()
    run(monkeypatch, folder)
    run(monkeypatch, folder)


def test_the_same_record_makes_the_same_documents(monkeypatch, tmp_path):
    folder = small_record(tmp_path)
    made = []
    for _ in range(2):
        run(monkeypatch, folder)
        names = ("RESULTS.md", "report.html", "double-descent/README.md", "dataset/README.md")
        made.append([(folder / name).read_bytes() for name in names])
    assert made[0] == made[1]


def test_a_figure_that_the_record_lacks_is_drawn(monkeypatch, tmp_path):
    folder = small_record(tmp_path / "record")
    (folder / "double-descent" / "figure.png").unlink()
    before = (folder / "double-descent" / "figure-loss.png").stat().st_mtime_ns
    run(monkeypatch, folder)
    assert (folder / "double-descent" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "double-descent" / "figure-loss.png").stat().st_mtime_ns == before


def fails(monkeypatch, capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, *arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(monkeypatch, capsys, tmp_path):
    message = fails(monkeypatch, capsys, tmp_path / "none")
    assert f"{tmp_path / 'none'} is no folder" in message


def test_a_folder_without_results_names_the_command_that_makes_them(monkeypatch, capsys, tmp_path):
    (tmp_path / "classification").mkdir()
    message = fails(monkeypatch, capsys, tmp_path)
    assert f"no results in {tmp_path}; `mnist1d reproduce --out {tmp_path}` makes them" in message
    assert not (tmp_path / "RESULTS.md").exists()


@pytest.mark.parametrize("n_bytes", [0, 100, 50_000])
def test_a_damaged_result_is_named(monkeypatch, capsys, tmp_path, n_bytes):
    whole = (ROOT / "results" / "double-descent" / "result.nc").read_bytes()
    path = tmp_path / "double-descent" / "result.nc"
    path.parent.mkdir()
    path.write_bytes(whole[:n_bytes])
    assert f"{path} is damaged" in fails(monkeypatch, capsys, tmp_path)


def test_a_damaged_result_does_not_hide_the_others(monkeypatch, capsys, tmp_path):
    small_record(tmp_path)
    damaged = tmp_path / "pooling" / "result.nc"
    damaged.parent.mkdir()
    damaged.write_bytes(b"not a <b>result</b>")
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, tmp_path)
    said = capsys.readouterr()
    assert stop.value.code == 3
    assert said.err.startswith(f"mnist1d: {damaged} is damaged")
    assert len(said.err.splitlines()) == 1
    assert "1 of 8 experiments" in said.out
    for name in ("RESULTS.md", "report.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "Not in this report: pooling" in text
        assert str(damaged) in text
        assert "mnist1d reproduce pooling" not in text
    assert (tmp_path / "double-descent" / "README.md").is_file()


def test_a_result_that_lacks_what_a_figure_needs_does_not_hide_the_others(
    monkeypatch, capsys, tmp_path
):
    small_record(tmp_path)
    name = "metalearn-learning-rate"
    shutil.copytree(ROOT / "results" / name, tmp_path / name)
    path = tmp_path / name / "result.nc"
    result = record.read(path)
    record.write(result.drop_vars("published_objective"), path)
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path)
    assert f"{path} does not hold what metalearn-learning-rate" in capsys.readouterr().err
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "**Not in this report: metalearn-learning-rate.**" in text
    assert "(./double-descent/README.md)" in text


HOSTILE = (
    "<img src=x>`<b>`` | **a** [x](javascript:alert) ![y][z] \\`<i>` &lt;u&gt; ` \x1b[31m\n\n# H"
)


def rendered(text):
    """Make HTML of Markdown, with raw HTML and links to anything."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda _: True
    return parser.render(text)


def test_what_a_file_says_of_itself_cannot_become_markup(monkeypatch, capsys, tmp_path):
    name = HOSTILE.partition(" \x1b")[0]
    about = {
        "processor": HOSTILE,
        "device": "`",
        "versions": json.dumps({"mnist1d": "<s>", "<img src=x>": "`<b>``"}),
        "finished": "<img src=x>",
        "config": json.dumps(json.loads(as_json(double_descent.Config())) | {name: name}),
        "protocol": "reduced",
    }
    run(monkeypatch, small_record(tmp_path, **about))
    assert "\x1b" not in capsys.readouterr().out
    for path in (tmp_path / "RESULTS.md", tmp_path / "double-descent" / "README.md"):
        text = path.read_text(encoding="utf-8")
        html = rendered(text)
        assert "\x1b" not in text
        for markup in ("<img src=x", "<b>", "<i>", "<u>", "<s>", 'javascript:alert"', "<h1>H"):
            assert markup not in html
        # A cell more would be one with what is left of a name.
        assert len({row.count("</td>") for row in re.findall("<tr>\n<td><code>.*?</tr>", html)}) < 2
    assert "&lt;img src=x&gt;`&lt;b&gt;`` | **a** [x](javascript:alert)" in html
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for tag in ("<img src=x", "<b>`", "<i>", "<u>", "<s>"):
        assert tag not in page


@pytest.mark.parametrize(
    "text",
    [
        "` a `` b ` <img> `",
        "\\`<img>`",
        "`<img>``",
        "`a``<img>`b",
        "`` `<img>` `",
        "x](javascript:a)",
        "[x][y]",
        "&lt;img&gt;",
        "a\n\n<img>",
        "`a\n\n<img>`",
    ],
)
@pytest.mark.parametrize("write", [_as_markdown, _as_plain, _as_code])
def test_no_backticks_open_a_way_for_tags(text, write):
    html = rendered(str(write(text)))
    assert "<img>" not in html
    assert "<a " not in html


def test_a_result_of_another_experiment_is_named(monkeypatch, capsys, tmp_path):
    shutil.copytree(ROOT / "results" / "double-descent", tmp_path / "classification")
    message = fails(monkeypatch, capsys, tmp_path)
    assert f"{tmp_path / 'classification' / 'result.nc'} holds no result" in message


@pytest.mark.parametrize("lacking", ["error_last", "test_loss", "attribute"])
def test_a_result_that_lacks_something_is_named(monkeypatch, capsys, tmp_path, lacking):
    path = tmp_path / "double-descent" / "result.nc"
    path.parent.mkdir()
    with xr.open_dataset(ROOT / "results" / "double-descent" / "result.nc") as whole:
        part = whole.load()
    if lacking == "attribute":
        del part.attrs["versions"]
    else:
        part = part.drop_vars([lacking])  # the second is needed by a figure alone
    part.to_netcdf(path, engine="h5netcdf")
    message = fails(monkeypatch, capsys, tmp_path)
    assert f"{path} does not hold what double-descent of this version needs" in message


def test_an_output_folder_that_cannot_be_written_is_named(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").touch()
    folder = small_record(tmp_path / "record")
    message = fails(monkeypatch, capsys, folder, "--out", tmp_path / "file")
    assert f"cannot write {tmp_path / 'file'}" in message


def test_experiments_that_are_missing_are_named_with_their_command(monkeypatch, tmp_path):
    run(monkeypatch, small_record(tmp_path))
    for name in ("RESULTS.md", "report.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        for experiment in PAPER:
            command = f"mnist1d reproduce {experiment.NAME}"
            assert command in text or (name, experiment) == ("RESULTS.md", double_descent)
        assert f"1 of {len(PAPER)} experiments" in text


def drawn(rule, low, high, per_seed=()):
    text = strip(contents.Judged(judged_as(rule, low, high), None), per_seed)
    band = re.search(r'class="accepted" x="([\d.]+)" y="1" width="([\d.]+)"', text)
    bar = re.search(r'class="interval" x1="([\d.-]+)" y1="[\d.]+" x2="([\d.-]+)"', text)
    start, width = map(float, band.groups())
    left, right = map(float, bar.groups())
    return (start, start + width), (left, right)


def judged_as(rule, low, high):
    found = Estimate((low + high) / 2, low, high, 5)
    claim = Claim("name", "statement", "Table 1", rule, lambda _: found)
    return judge([claim], xr.Dataset(), full=True)[0]


@pytest.mark.parametrize(
    ("rule", "low", "high"),
    [
        (AtLeast(99), 99.1, 99.4),
        (AtLeast(99), 98.9, 99.4),
        (AtLeast(99), 97.0, 97.5),
        (Positive(3), 1.0, 5.0),
        (Positive(), -5.0, -1.0),
        (Positive(), -1.0, 1.0),
    ],
)
def test_the_small_drawing_shows_the_verdict(rule, low, high):
    (start, end), (left, right) = drawn(rule, low, high, (low, high))
    if start - 0.1 <= left and right <= end + 0.1:
        shown = "reproduced"
    elif right < start or left > end:
        shown = "differs"
    else:
        shown = "imprecise"
    assert shown == judged_as(rule, low, high).verdict


def test_the_small_drawing_shows_the_margin():
    (start, end), (left, right) = drawn(Equals(94, 2), 92.5, 95.0)
    assert start < left < right < end
    assert (end - start) / (right - left) == pytest.approx(4 / 2.5, rel=0.02)
    nothing_to_compare = judged_as(NoData(30), 20, 40)
    assert "accepted" not in strip(contents.Judged(nothing_to_compare, None), ())


def test_nothing_is_drawn_of_what_was_not_measured():
    nothing = Estimate(np.nan, np.nan, np.nan, 0)
    claim = Claim("name", "statement", "Table 1", Equals(1, 1), lambda _: nothing)
    (judgement,) = judge([claim], xr.Dataset(), full=True)
    assert strip(contents.Judged(judgement, None), ()) == ""
    assert mean_of(nothing) == "no data"
    assert interval_of(nothing) == "—"


class Cloud:
    """An experiment that draws many dots, and names no figure."""

    NAME, TITLE = "cloud", "Cloud (Table 1, Figure 3)"

    @staticmethod
    def plot(result):
        figures = {}
        for name, n in (("figure", 20_000), ("figure-small", 20)):
            figures[name] = Figure(figsize=(3, 2))
            x = np.random.default_rng(0).normal(size=(2, n))
            figures[name].subplots().plot(*x, ".", markersize=result.size)
        return figures


def test_a_cloud_of_dots_is_drawn_in_pixels_and_not_to_be_pointed_at(report):
    result = SimpleNamespace(size=1, attrs={"protocol": "full"})
    about = {"findings": Findings(Cloud, result, (), ()), "captions": {}}
    section = contents.Section(**{**vars(report.sections[0]), **about})
    large, small = draw_pictures(section)
    assert large.media_type == "image/png"
    assert large.image.startswith(b"\x89PNG")
    assert len(large.image) < 300_000
    assert large.panels == ()
    assert small.media_type == "image/svg+xml"
    assert (large.caption, small.caption) == ("Figure 3.", "Cloud: small.")


def test_curves_have_names_though_the_legend_is_in_another_panel(pictures):
    figure = next(each for each in pictures["classification"] if each.name == "figure")
    for panel in figure.panels:
        labels = {series["label"] for series in panel["series"]}
        expected = {"Logistic", "MLP", "CNN", "GRU"}
        assert labels == expected | {f"{model}, After shuffling" for model in expected}
