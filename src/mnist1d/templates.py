"""The ten hand-drawn digit templates and their time axis."""

from typing import NamedTuple

import numpy as np

__all__ = ["Templates", "digit_templates"]

# Heights as drawn by the authors, one row per digit.
_DRAWN = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)


class Templates(NamedTuple):
    """One clean signal per class: what a sample looks like before anything happens to it.

    Attributes:
        x: heights, float64, shape (n_classes, template_length).
        t: time axis, float64, shape (template_length,).
        y: labels, int64, shape (n_classes,).
    """

    x: np.ndarray
    t: np.ndarray
    y: np.ndarray


def digit_templates() -> Templates:
    """Return the ten digit templates of MNIST-1D, normalised, in arrays of the caller's own.

    Every template starts and ends at 0, so that it joins the padding without a step, and all have
    the same spread, so that no digit is told by its size. The pairs 0 and 6, 1 and 7, 3 and 8 are
    mirror images of each other.

    Returns:
        Templates with x of shape (10, 12), t of shape (12,) from -5/6 to 5/6, y = 0 ... 9.

    Source:
        Greydanus & Kobak (2024), Figure 1; reference `get_templates`.

    >>> templates = digit_templates()
    >>> templates.x.shape, templates.t.shape, templates.y.shape
    ((10, 12), (12,), (10,))
    >>> templates.x[4].round(3).tolist()
    [0.0, -0.106, -0.212, -0.318, -0.424, -0.424, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    # The order of these operations decides the last bit of the published arrays.
    x = np.array(_DRAWN, dtype=np.float64)
    x -= x.mean(axis=1, keepdims=True)
    x /= x.std(axis=1, keepdims=True)
    x -= x[:, :1].copy()
    x /= 6
    t = np.linspace(-5, 5, x.shape[1]) / 6
    return Templates(x=x, t=t, y=np.arange(len(x), dtype=np.int64))
