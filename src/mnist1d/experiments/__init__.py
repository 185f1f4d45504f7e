"""The experiments of the paper, in its order.

An experiment is a module with `NAME`, `TITLE`, `Config` (a frozen dataclass with a `seeds` field
and a `quick()` constructor), `run(config, progress=...) -> xarray.Dataset`, `CLAIMS`,
`summarise(result) -> rows` and `plot(result) -> figures by file name`. To add one, write that file
and name it here; command line and record pick it up.
"""

from types import ModuleType

from mnist1d.experiments import classification

EXPERIMENTS: tuple[ModuleType, ...] = (classification,)

__all__ = ["EXPERIMENTS"]
