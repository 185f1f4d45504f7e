"""The dataset in a report: Table 2 of the paper with our defaults, and Figure 1."""

from functools import cache
from typing import NamedTuple

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.synthesis import SMOOTHING_WIDTH
from mnist1d.figures import style
from mnist1d.figures.signals import overview_picture
from mnist1d.report.pictures import Picture, picture_of, saved

FOLDER = "dataset"
"""The picture's folder in a record, next to those of the experiments."""

FIGURE = "figure-1"
TITLE = "The dataset (Table 2, Figure 1)"
INTRODUCTION = (
    "Every number of the published arrays comes out again; the tests in `tests/golden` compare "
    "them. The paper's Table 2 lacks the range of heights, which its text mentions."
)
_CAPTION = (
    "Figure 1, its lower two rows: digits as signals of 12 points; a sample made from each, the "
    "place of its digit marked."
)


class Parameter(NamedTuple):
    """A row of Table 2.

    Attributes:
        words: its name in the paper.
        name: of the field of `DatasetConfig`; empty if there is none.
        ours: our default.
        published: the paper's value; empty if it is missing there.
    """

    words: str
    name: str
    ours: str
    published: str


def table_2() -> tuple[Parameter, ...]:
    """Return Table 2 with the defaults of `DatasetConfig`.

    Source: Greydanus & Kobak (2024), Table 2.

    >>> {row.name: row.ours for row in table_2()}["padding"]
    '36-60'
    """
    config = DatasetConfig()
    n_train, n_test = config.n_train, config.num_samples - config.n_train
    low, high = config.padding
    fields = (
        ("train/test split", "train_split", f"{n_train}/{n_test}", "4000/1000"),
        ("template length", "template_len", str(config.template_len), "12"),
        ("padding points", "padding", f"{low}-{high}", "36-60"),
        ("range of heights", "scale_coeff", str(config.scale_coeff), ""),
        ("maximal translation", "max_translation", str(config.max_translation), "48"),
        ("Gaussian filter width", "", f"{SMOOTHING_WIDTH:g}", "2"),
        ("Gaussian noise scale", "corr_noise_scale", str(config.corr_noise_scale), "0.25"),
        ("white noise scale", "iid_noise_scale", str(config.iid_noise_scale), "0.02"),
        ("shear scale", "shear_scale", str(config.shear_scale), "0.75"),
        ("final sequence length", "final_seq_length", str(config.final_seq_length), "40"),
        ("random seed", "seed", str(config.seed), "42"),
    )
    return tuple(Parameter(*field) for field in fields)


@cache
def figure_1() -> Picture:
    """Draw Figure 1 without its row of MNIST's images, which would need MNIST's files."""
    with style.house_style():
        return picture_of(FIGURE, overview_picture(), _CAPTION)


def figure_1_png() -> bytes:
    """Draw it as PNG."""
    with style.house_style():
        return saved(overview_picture(), "png")
