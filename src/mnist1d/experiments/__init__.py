"""The experiments of the paper, in its order.

An experiment is a module with `NAME`, `TITLE`, `VERSION` (raised whenever a change of its code
makes other numbers, so that stored units of its work are not mixed), `PAPER_SEEDS` (the paper's
number of runs, which `mnist1d reproduce` makes unless told otherwise), `Config` (a frozen dataclass
with a `seeds` field and a `quick()` constructor), `run(config, progress=..., units=...)`, which
returns an `xarray.Dataset`, `CLAIMS`, `summarise(result) -> rows` and `plot(result) -> figures by
file name`. Three names help `mnist1d reproduce` to show a table soon and to keep all cores busy:
`TAKES_SECONDS = True`, `FILLS_CORES = False` where the paper's number of runs does not, and
`USES_JAX = False`. To add one, write that file and name it here; command line and record pick it
up.
"""

from types import ModuleType

from mnist1d.experiments import (
    classification,
    double_descent,
    lottery_tickets,
    metalearn_activation,
    metalearn_learning_rate,
    pooling,
    self_supervised,
    tsne,
)

EXPERIMENTS: tuple[ModuleType, ...] = (
    classification,
    tsne,
    lottery_tickets,
    double_descent,
    metalearn_learning_rate,
    metalearn_activation,
    self_supervised,
    pooling,
)

__all__ = ["EXPERIMENTS"]
