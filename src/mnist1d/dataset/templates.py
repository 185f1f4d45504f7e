"""The ten hand-drawn digit templates and their time axis."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Templates", "digit_templates", "normalise_templates", "own_templates"]

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
    """One clean signal per class, from which samples are made.

    Attributes:
        x: heights, float64, shape (n_classes, template_length).
        t: time axis, float64, shape (template_length,).
        y: labels, int64, shape (n_classes,).
    """

    x: np.ndarray
    t: np.ndarray
    y: np.ndarray


def digit_templates() -> Templates:
    """Return the ten digit templates of MNIST-1D, normalised, in new arrays.

    Every template starts and ends at 0, so that it joins the padding without a step, and all have
    the same spread, so that no digit can be recognised by its size. The pairs 0 and 6, 1 and 7, 3
    and 8 are mirror images of each other.

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
    return own_templates(normalise_templates(_DRAWN))


def normalise_templates(drawn: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Bring hand-drawn signals to the scale of the digits: start at 0, standard deviation 1/6.

    Strengths of noise and shear then have the same meaning as for the digits. A signal that also
    ends where it starts joins the padding without a step.

    Args:
        drawn: heights in any unit, shape (n_classes, template_length).

    Returns:
        New array, float64, same shape.

    Raises:
        ValueError: if it is no table of finite numbers, or a signal is constant.

    Source:
        reference `get_templates`.

    >>> normalise_templates([[5, 6, 5], [0, -3, 0]]).round(3).tolist()
    [[0.0, 0.354, 0.0], [0.0, -0.354, 0.0]]
    """
    # The order of these operations decides the last bit of the published arrays.
    x = np.array(drawn, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(
            f"templates must be finite numbers of shape (n_classes, length), not {x.shape}"
        )
    x -= x.mean(axis=1, keepdims=True)
    spread = x.std(axis=1, keepdims=True)
    if not spread.all():
        constant = int(spread.argmin())
        raise ValueError(f"templates must vary, but that of class {constant} is constant")
    x /= spread
    x -= x[:, :1].copy()
    x /= 6
    return x


def own_templates(heights: Sequence[Sequence[float]] | np.ndarray) -> Templates:
    """Return any signals as templates: labels 0, 1, ... and the time axis from -5/6 to 5/6.

    Args:
        heights: shape (n_classes, template_length), taken as they are.

    >>> own_templates([[0, 1, 0], [0, -1, 0]]).t.round(3).tolist()
    [-0.833, 0.0, 0.833]
    """
    x = np.array(heights, dtype=np.float64)
    t = np.linspace(-5, 5, x.shape[1]) / 6
    return Templates(x=x, t=t, y=np.arange(len(x), dtype=np.int64))
