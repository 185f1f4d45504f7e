"""Small drawings of claims: the accepted range, the interval, and the value of each seed."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from mnist1d.measures.text import interval_of, mean_of, number
from mnist1d.report.contents import Judged

_WIDTH, _HEIGHT, _MARGIN = 150, 22, 6


def strip(judged: Judged, per_seed: Sequence[float]) -> Markup:
    """Draw a claim as SVG, to be styled by the page.

    Args:
        judged: the claim.
        per_seed: the value of every seed, if there are any.

    Returns: an `svg` element, or an empty text if there is no measurement.
    """
    rule, estimate = judged.claim.rule, judged.estimate
    low, high = (
        end if math.isfinite(end) else estimate.mean for end in (estimate.low, estimate.high)
    )
    accepted = rule.accepted
    published = rule.published
    known = [estimate.mean, low, high, *accepted, *per_seed]
    known += [] if published is None else [published]
    known = [value for value in known if math.isfinite(value)]
    if not math.isfinite(estimate.mean):
        return Markup()
    least, most = min(known), max(known)
    room = 0.15 * (most - least) or 1.0
    if accepted[0] == -math.inf:
        least -= room
    if accepted[1] == math.inf:
        most += room
    scale = (_WIDTH - 2 * _MARGIN) / ((most - least) or 1.0)

    def place(value: float) -> float:
        if value == -math.inf:
            return 0.0
        if value == math.inf:
            return float(_WIDTH)
        return _MARGIN + (value - least) * scale

    middle = _HEIGHT / 2
    drawn = []
    if not math.isnan(accepted[0]):
        start, end = (place(value) for value in accepted)
        size = f'width="{max(end - start, 1.5):.1f}" height="{_HEIGHT - 2}"'
        drawn.append(f'<rect class="accepted" x="{start:.1f}" y="1" {size}/>')
    if published is not None:
        drawn.append(_line("published", place(published), 1, place(published), _HEIGHT - 1))
    if math.isfinite(estimate.low):
        drawn.append(_line("interval", place(low), middle, place(high), middle))
    drawn += [
        f'<circle class="seed" cx="{place(value):.1f}" cy="{middle}" r="2.5"><title>seed {seed}: '
        f"{number(value)}</title></circle>"
        for seed, value in enumerate(per_seed)
        if math.isfinite(value)
    ]
    drawn.append(_line("mean", place(estimate.mean), middle - 6, place(estimate.mean), middle + 6))
    words = f"published {rule}; ours {mean_of(estimate)}, {interval_of(estimate)}"
    return Markup(  # noqa: S704 (numbers, and words that are escaped)
        f'<svg class="strip {judged.verdict}" role="img" '
        f'aria-label="{escape(words)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}">{"".join(drawn)}</svg>'
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1}" x2="{x2:.1f}" y2="{y2}"/>'
