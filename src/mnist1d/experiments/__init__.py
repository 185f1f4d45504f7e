"""The experiments: those of the paper, in its order, and those beyond it.

Each is a folder with the same files as `pooling` and the names of `harness.interface.Experiment`;
those beyond the paper are in `beyond`. To add one, make its folder and name it in a line below:
command line, record, report and exam then use it.
"""

from importlib import import_module
from typing import cast

from mnist1d.dataset.checks import StrPath
from mnist1d.harness.interface import BeyondExperiment, Experiment, PaperExperiment

FOLDERS = (
    "classification",
    "tsne",
    "lottery_tickets",
    "double_descent",
    "metalearn_learning_rate",
    "metalearn_activation",
    "self_supervised",
    "pooling",
)
"""The folders of the paper's experiments."""

BEYOND_FOLDERS = (
    "architectures",
    "ticket_locality",
    "activation_transfer",
    "edge_of_stability",
    "scaling_laws",
    "double_descent_complete",
    "mode_connectivity",
    "learning_rate_transfer",
    "plasticity",
    "grokking",
    "generation",
)
"""The folders in `beyond`."""

PAPER = tuple(cast("PaperExperiment", import_module(f"{__name__}.{folder}")) for folder in FOLDERS)
"""The experiments of the paper, as modules."""

BEYOND = tuple(
    cast("BeyondExperiment", import_module(f"{__name__}.beyond.{folder}"))
    for folder in BEYOND_FOLDERS
)
"""The experiments beyond the paper, as modules."""

EXPERIMENTS: tuple[PaperExperiment | BeyondExperiment, ...] = (*PAPER, *BEYOND)
"""All experiments of this package."""


def find_experiment(what: StrPath) -> Experiment:
    """Return the experiment of a name, or load the one in a Python file.

    A file needs three parts: `NAME`, `Config` (a dataclass, all of whose fields have defaults) and
    `run(config)`, which returns an `xarray.Dataset` and may take `progress` and `compute` like
    those of our experiments. `TITLE`, `VERSION`, `CLAIMS`, `summarise` and `plot` have defaults.
    The default of `VERSION` is a digest of the file, so that stored results of another text are not
    used.

    Args:
        what: a name, or the path of a file that ends in `.py`.

    Raises: InputError: if there is no such experiment or file, or a part is missing, naming it.

    >>> find_experiment("classification").TITLE
    'Classification (Table 1, Figure 2, Figure S1)'
    >>> find_experiment("clasification")
    Traceback (most recent call last):
        ...
    mnist1d.harness.interface.InputError: there is no experiment 'clasification'; did you ...
    """
    # Loaded when it is needed: a list does without.
    loading = import_module("mnist1d.harness.loading")
    return cast("Experiment", loading.find_experiment(what, EXPERIMENTS))


__all__ = ["BEYOND", "BEYOND_FOLDERS", "EXPERIMENTS", "FOLDERS", "PAPER", "find_experiment"]
