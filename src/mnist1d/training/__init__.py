"""Training: one loop for every experiment."""

from mnist1d.execution.devices import keep_compiled_programs, use_all_cores
from mnist1d.execution.threads import longest_first
from mnist1d.training.batching import Data, as_data, sequential_batch, shuffled_order
from mnist1d.training.loop import History, Training, train
from mnist1d.training.losses import accuracy, cross_entropy, info_nce, nt_xent
from mnist1d.training.runs import (
    Report,
    RunProgram,
    Trained,
    compile_runs,
    initialise,
    train_runs,
)

__all__ = [
    "Data",
    "History",
    "Report",
    "RunProgram",
    "Trained",
    "Training",
    "accuracy",
    "as_data",
    "compile_runs",
    "cross_entropy",
    "info_nce",
    "initialise",
    "keep_compiled_programs",
    "longest_first",
    "nt_xent",
    "sequential_batch",
    "shuffled_order",
    "train",
    "train_runs",
    "use_all_cores",
]
