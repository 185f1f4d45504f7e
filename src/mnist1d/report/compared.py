"""One figure of every published number that runs can be compared with, for light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

from mnist1d.harness.verdicts.rules import ALPHA, VERDICTS, Equals, Verdict
from mnist1d.measures.replication import error_of_difference, prediction_interval, spread_of
from mnist1d.measures.text import mean_of
from mnist1d.report.contents import Judged, Report, Section

_STEP, _GAP, _LEFT, _TOP, _HEIGHT, _BELOW = 10, 16, 44, 34, 230, 86
_LETTER = 6.4
"""Width of a letter, at most on the average."""
_MOST = 6.0
"""A number further away is drawn at this distance; pointing at it tells the true one."""

STYLE = """
.compared { --ink: #4d5660; --faint: #e3e6e4; --holds: #0072b2; --open: #a86a00; --off: #c8500a; }
@media screen and (prefers-color-scheme: dark) {
.compared { --ink: #aab2b8; --faint: #343b42; --holds: #62b6ec; --open: #e8b04a; --off: #f5874f; } }
.compared text { fill: var(--ink); font: 11px system-ui, sans-serif; }
.compared .axis { stroke: var(--ink); }
.compared .range { fill: var(--faint); }
.compared .mark { stroke-width: 1.6; fill: none; }
.compared .reproduced, .compared .consistent { stroke: var(--holds); }
.compared .imprecise { stroke: var(--open); }
.compared .slightly, .compared .differs { stroke: var(--off); }
.compared .mark.reproduced { fill: var(--holds); }
.compared .mark.differs { fill: var(--off); }
.compared .mark.slightly { fill: none; }
"""


class Compared(NamedTuple):
    """A published number and ours.

    Attributes:
        section: its experiment.
        judged: the claim.
        distance: ours minus the published number, in standard deviations of such a difference.
        limit: 95 % of such distances lie between minus and plus this.
    """

    section: Section
    judged: Judged
    distance: float
    limit: float

    @property
    def is_within(self) -> bool:
        """Whether the distance is one of those 95 %, without correction for their number."""
        return abs(self.distance) <= self.limit


def compared(report: Report) -> tuple[Compared, ...]:
    """Return every published number that a report can compare with runs, in its order."""
    return tuple(
        found
        for section in report.sections
        for judged in section.claims
        if judged.verdict != "not checkable" and (found := _compared(section, judged))
    )


def _compared(section: Section, judged: Judged) -> Compared | None:
    rule, found = judged.claim.rule, spread_of(judged.estimate)
    if not isinstance(rule, Equals):
        return None
    error, _ = error_of_difference(found, rule.n, rule.sd)
    if not math.isfinite(error) or error == 0:
        return None
    _, high = prediction_interval(found, rule.n, rule.sd, 1 - ALPHA)
    limit = (high - found.mean + rule.rounding) / error
    return Compared(section, judged, (found.mean - rule.published) / error, limit)


def caption(found: Sequence[Compared]) -> str:
    """Say what the figure shows, with its numbers."""
    n, n_within = len(found), sum(each.is_within for each in found)
    n_different = sum(each.judged.verdict.startswith("differs") for each in found)
    which = f"All {n} published numbers" if n > 1 else "The one published number"
    return (
        f"{which} that runs can be compared with: ours minus the published one, in standard "
        "deviations of the difference between such runs. Bars: where 95 % of such differences lie; "
        f"{n_within} of {n} do. By chance about {ALPHA * n:.0f} would not; corrected for their "
        f"number, {n_different or 'none'} differ{'s' * (n_different == 1)}."
    )


def drawing(found: Sequence[Compared]) -> Markup:
    """Draw the figure as an `svg` element, with its own style; empty if there is no number."""
    if not found:
        return Markup()
    limit = min(_MOST, max(4.0, *(math.ceil(abs(each.distance)) for each in found)))
    drawn, x = [], float(_LEFT + _GAP)
    verdicts = dict.fromkeys(each.judged.verdict for each in found)
    ends = [x + sum(map(_width_in_legend, verdicts))]
    for name, group in groupby(found, lambda each: each.section.name):
        start = x
        for each in group:
            drawn.append(_one(each, x, limit))
            if not each.is_within:
                ends.append(x + 7 + _LETTER * len(each.judged.claim.name))
            x += _STEP
        middle = (start + x - _STEP) / 2
        y = _TOP + _HEIGHT + 14
        place = f'x="{middle + 3:.0f}" y="{y}" transform="rotate(-32 {middle + 3:.0f} {y})"'
        drawn.append(f'<text {place} text-anchor="end">{escape(name)}</text>')
        x += _GAP
    width, height = round(max(x, *ends)), _TOP + _HEIGHT + _BELOW
    parts = [f"<style>{STYLE}</style>", *_axis(limit, width), *drawn, *_legend(found)]
    return Markup(  # noqa: S704 (numbers, and words that are escaped)
        f'<svg xmlns="http://www.w3.org/2000/svg" class="compared" role="img" '
        f'aria-label="{escape(caption(found))}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}">{"".join(parts)}</svg>'
    )


def _height(distance: float, limit: float) -> float:
    return _TOP + _HEIGHT * (0.5 - max(-limit, min(limit, distance)) / (2 * limit))


def _axis(limit: float, width: int) -> Iterable[str]:
    zero = _height(0, limit)
    yield f'<line class="axis" x1="{_LEFT}" x2="{width - 8}" y1="{zero}" y2="{zero}"/>'
    yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{_TOP + _HEIGHT}"/>'
    for tick in range(-int(limit), int(limit) + 1, 2):
        y = _height(tick, limit)
        yield f'<line class="axis" x1="{_LEFT - 4}" x2="{_LEFT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        text = f"{tick:+d}".replace("+0", "0").replace("-", "\N{MINUS SIGN}")
        yield f'<text x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    place = f'x="12" y="{zero}" transform="rotate(-90 12 {zero})"'
    yield f'<text {place} text-anchor="middle">(ours - published) / sd</text>'


def _one(each: Compared, x: float, limit: float) -> str:
    top, bottom = _height(each.limit, limit), _height(-each.limit, limit)
    claim, y = each.judged.claim, _height(each.distance, limit)
    named = (
        ""
        if each.is_within
        else f'<text x="{x + 7:.0f}" y="{y + 4:.1f}">{escape(claim.name)}</text>'
    )
    words = (
        f"{claim.statement}: ours {mean_of(each.judged.estimate)}, published {claim.rule}; "
        f"{each.distance:+.1f}, {each.judged.verdict}"
    )
    return (
        f"<g><title>{escape(words)}</title>"
        f'<rect class="range" x="{x - 3:.0f}" y="{top:.1f}" width="6" height="{bottom - top:.1f}"/>'
        f"{_mark(each.judged.verdict, x, y)}{named}</g>"
    )


_SHAPES: Mapping[str, str] = {
    "reproduced": '<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>',
    "consistent": '<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>',
    "imprecise": '<path class="{kind}" d="M{x:.1f} {y:.1f}m-3.6 3l3.6-6.4l3.6 6.4z"/>',
}
_SQUARE = '<path class="{kind}" d="M{x:.1f} {y:.1f}m-3.2-3.2h6.4v6.4h-6.4z"/>'


def _mark(verdict: Verdict, x: float, y: float) -> str:
    return _SHAPES.get(verdict, _SQUARE).format(kind=f"mark {verdict}", x=x, y=y)


def _legend(found: Sequence[Compared]) -> Iterable[str]:
    there, x = {each.judged.verdict for each in found}, float(_LEFT + _GAP)
    for verdict in VERDICTS:
        if verdict in there:
            n = sum(each.judged.verdict == verdict for each in found)
            yield _mark(verdict, x, 14)
            yield f'<text x="{x + 8}" y="18">{verdict} ({n})</text>'
            x += _width_in_legend(verdict)


def _width_in_legend(verdict: Verdict) -> float:
    return 44 + _LETTER * len(verdict)
