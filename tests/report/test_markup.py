"""No text of a result can become markup of the documents or the page."""

import dataclasses
import json
import re

import pytest
from markdown_it import MarkdownIt

from mnist1d.experiments import double_descent
from mnist1d.harness.claims import Claim
from mnist1d.harness.settings import as_json
from mnist1d.report import contents
from mnist1d.report.render import (
    _as_code,
    _as_markdown,
    _as_plain,
    experiment_markdown,
    html_page,
    overview_markdown,
)

pytestmark = pytest.mark.slow


def test_what_a_claim_says_cannot_become_markup(section):
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


HOSTILE = (
    "<img src=x>`<b>`` | **a** [x](javascript:alert) ![y][z] \\`<i>` &lt;u&gt; ` \x1b[31m\n\n# H"
)


def rendered(text):
    """Make HTML of Markdown, with raw HTML and links to anything."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda _: True
    return parser.render(text)


def test_what_a_file_says_of_itself_cannot_become_markup(capsys, tmp_path, small_record, run):
    name = HOSTILE.partition(" \x1b")[0]
    about = {
        "processor": HOSTILE,
        "device": "`",
        "versions": json.dumps({"mnist1d": "<s>", "<img src=x>": "`<b>``"}),
        "finished": "<img src=x>",
        "config": json.dumps(json.loads(as_json(double_descent.Config())) | {name: name}),
        "protocol": "reduced",
    }
    run(small_record(tmp_path, **about))
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
