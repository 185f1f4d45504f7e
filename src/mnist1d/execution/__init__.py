"""Execution of tasks: on this machine's devices or on any executor, with stored results."""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.execution.compute import Compute as Compute
    from mnist1d.execution.store import Store as Store
    from mnist1d.execution.task import (
        Arrays as Arrays,
        OneByOne as OneByOne,
        OnProgress as OnProgress,
        OnStep as OnStep,
        Runner as Runner,
        Task as Task,
        one_by_one as one_by_one,
    )

__getattr__, __dir__ = imports.attach(__name__, __file__)
