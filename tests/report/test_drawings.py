"""The small drawing of a claim, and pictures of many dots."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from mnist1d.harness.claims import Claim, judge
from mnist1d.harness.findings import Findings
from mnist1d.harness.verdicts.rules import AtLeast, Equals, NoData, Positive
from mnist1d.measures.text import interval_of, mean_of
from mnist1d.measures.uncertainty import Estimate
from mnist1d.report import contents
from mnist1d.report.pictures import draw_pictures
from mnist1d.report.strips import strip

pytestmark = pytest.mark.slow


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


def test_a_cloud_of_dots_is_drawn_in_pixels_and_not_to_be_pointed_at(section):
    result = SimpleNamespace(size=1, attrs={"protocol": "full"})
    about = {"findings": Findings(Cloud, result, (), ()), "captions": {}}
    cloud = contents.Section(**{**vars(section), **about})
    large, small = draw_pictures(cloud)
    assert large.media_type == "image/webp"
    assert large.image[:4] + large.image[8:12] == b"RIFFWEBP"
    assert len(large.image) < 60_000
    assert large.panels == ()
    assert small.media_type == "image/svg+xml"
    assert (large.caption, small.caption) == ("Figure 3.", "Cloud: small.")
